//! An endpoint: its path, and a cursor that its transport can have.

use feedlab_feed::Transport;

use super::super::super::error::FieldError;
use super::super::super::target::{CursorRecipe, CursorSource, Endpoint};
use super::super::super::written::{self, At, Cursor, CursorWord, QueryCursor, TextOrTable, WrittenEndpoint};
use super::{field_name, path};
use crate::stamp::is_pointer;

pub(super) fn endpoint(transport: Transport, written: &At<written::Endpoint>) -> Result<Endpoint, FieldError> {
    match &**written {
        TextOrTable::Text(text) => {
            let path = path(transport.id(), text, written.span())?;
            Ok(Endpoint { path, cursor: CursorRecipe::Standard })
        }
        TextOrTable::Table(WrittenEndpoint { path: at, cursor }) => Ok(Endpoint {
            path: path("path", at, at.span())?,
            cursor: cursor.as_ref().map(|cursor| recipe(transport, cursor)).transpose()?.unwrap_or_default(),
        }),
    }
}

fn recipe(transport: Transport, written: &At<Cursor>) -> Result<CursorRecipe, FieldError> {
    match &**written {
        TextOrTable::Text(CursorWord::None) => Ok(CursorRecipe::None),
        TextOrTable::Text(CursorWord::Etag) => {
            of_polling(transport, written, "a stream has no `ETag` that its client could send back")?;
            Ok(CursorRecipe::Etag)
        }
        TextOrTable::Table(query) => {
            Ok(CursorRecipe::Query { name: parameter(&query.query)?, from: source(transport, query)? })
        }
    }
}

/// Returns where the value of a query parameter is.
fn source(transport: Transport, written: &QueryCursor) -> Result<CursorSource, FieldError> {
    match (&written.header, &written.pointer, &written.from) {
        (Some(header), None, None) => {
            of_polling(transport, header, "a stream has one response, whose head has no cursor")?;
            field_name(header).map(CursorSource::Header)
        }
        (None, Some(pointer), None) if is_pointer(pointer) => Ok(CursorSource::Pointer(pointer.to_string())),
        (None, Some(pointer), None) => {
            let problem = "this is not a JSON pointer (RFC 6901); start it with a slash, as in \"/next\"";
            Err(FieldError::at(pointer, problem))
        }
        (None, None, Some(_)) => Ok(CursorSource::Seq),
        _ => Err(FieldError::at(
            &written.query,
            "a cursor has its value from one place; give one of `header`, `pointer` and `from = \"seq\"`",
        )),
    }
}

/// Each poll has a response of its own.
fn of_polling<T>(transport: Transport, at: &At<T>, why: &str) -> Result<(), FieldError> {
    match transport.is_push() {
        true => Err(FieldError::at(at, format!("{why}; use `cursor = {{ query = …, pointer = … }}`, or remove it"))),
        false => Ok(()),
    }
}

/// Returns the name of a query parameter, which needs no escapes (RFC 3986, section 2.3).
fn parameter(written: &At<String>) -> Result<String, FieldError> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    if (1..=64).contains(&written.len()) && written.bytes().all(good) {
        return Ok(written.to_string());
    }
    let problem = "this is not the name of a query parameter; use 1 to 64 letters, digits, `-`, `.`, `_` and `~`";
    Err(FieldError::at(written, problem))
}

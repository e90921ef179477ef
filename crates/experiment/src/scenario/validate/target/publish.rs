//! The request that publishes an update.

use super::super::super::error::FieldError;
use super::super::super::target::{Publish, UPDATE};
use super::super::super::written::{self, At};
use super::{MOST_LINE_BYTES, at_most, field_name, path};

/// The largest body, before the update is inserted, bytes.
const MOST_BODY_BYTES: usize = 16 << 10;
/// The most header fields.
const MOST_HEADERS: usize = 16;
/// Header fields that belong to the connection.
const OWN: [&str; 4] = ["host", "content-length", "connection", "transfer-encoding"];

pub(super) fn publish(written: &written::Publish) -> Result<Publish, FieldError> {
    let body = written.body.as_ref();
    Ok(Publish {
        method: written.method.as_ref().map_or("POST", |method| method.id()).to_owned(),
        path: publish_path(&written.path)?,
        headers: headers(written)?,
        body: match body {
            Some(body) => {
                at_most("body", body, MOST_BODY_BYTES, "make it shorter; `payload_bytes` makes updates larger")?
            }
            None => UPDATE.to_owned(),
        },
    })
}

fn publish_path(written: &At<String>) -> Result<String, FieldError> {
    if written.contains(UPDATE) {
        let problem = format!("{UPDATE} is inserted only into the body of a publication; move it to `body`");
        return Err(FieldError::at(written, problem));
    }
    path("path", written, written.span())
}

fn headers(written: &written::Publish) -> Result<Vec<(String, String)>, FieldError> {
    let mut fields: Vec<_> = written.headers.iter().collect();
    fields.sort_by_key(|(name, _)| name.span().start);
    if let Some((name, _)) = fields.get(MOST_HEADERS) {
        let problem = format!("a publication has at most {MOST_HEADERS} header fields; remove this one");
        return Err(FieldError::at(name, problem));
    }
    fields.into_iter().map(|(name, value)| Ok((header(name)?, field_value(value)?))).collect()
}

fn header(written: &At<String>) -> Result<String, FieldError> {
    let name = field_name(written)?;
    match OWN.iter().any(|own| name.eq_ignore_ascii_case(own)) {
        true => Err(FieldError::at(written, format!("feedlab itself sends `{name}`; remove it"))),
        false => Ok(name),
    }
}

fn field_value(written: &At<String>) -> Result<String, FieldError> {
    if written.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return at_most("headers", written, MOST_LINE_BYTES, "make the value shorter");
    }
    Err(FieldError::at(written, "a header field has ASCII characters on one line; encode or remove the others"))
}

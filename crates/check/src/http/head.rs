//! Reads the head of a response, line by line: RFC 9112, sections 4 and 5.

use bytes::Bytes;

use super::Head;
use super::line::{Line, TooLong};
use crate::limits;

/// How a response begins.
const START: &[u8] = b"HTTP/";
/// What is wrong with a response that begins otherwise.
const NOT_HTTP: &str = "the response does not begin with a status line, as in `HTTP/1.1 200 OK`";
/// How much of a wrong line is shown, bytes.
const SHOWN: usize = 60;

/// Reads the bytes of a head as they arrive.
#[derive(Debug, Default)]
pub(super) struct Reader {
    line: Line,
    /// The bytes of the lines that are read.
    size: usize,
    /// What is read; `None` before the status line is.
    head: Option<Head>,
}

impl Reader {
    /// Reads some of these bytes, and returns the head if it is complete.
    pub(super) fn read(&mut self, bytes: &mut Bytes) -> Result<Option<Head>, String> {
        let line = self.line.read(bytes, limits::HEAD - self.size);
        let line = line.map_err(|TooLong| format!("the head of the response is over {} KiB", limits::HEAD >> 10))?;
        let Some(line) = line else { return self.expect_start().map(|()| None) };
        self.size = limits::HEAD.min(self.size + line.len() + 1);
        // A recipient may accept a bare LF (RFC 9112, section 2.2), and browsers do.
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        match &mut self.head {
            None => self.head = Some(status_line(line)?),
            Some(_) if line.is_empty() => return Ok(self.head.take()),
            Some(head) => head.fields.push(field(line)?),
        }
        Ok(None)
    }

    /// Whether any of it has arrived.
    pub(super) fn has_begun(&self) -> bool {
        self.head.is_some() || !self.line.partial.is_empty()
    }

    /// Rejects another protocol at its first bytes: it may never send an LF.
    fn expect_start(&self) -> Result<(), String> {
        let partial = &self.line.partial;
        let is_http = self.head.is_some() || START.iter().zip(partial).all(|(expected, byte)| expected == byte);
        if is_http { Ok(()) } else { Err(NOT_HTTP.into()) }
    }
}

/// The start of a wrong line, in printable characters.
pub(super) fn shown(line: &[u8]) -> impl std::fmt::Display + '_ {
    line[..line.len().min(SHOWN)].escape_ascii()
}

fn status_line(line: &[u8]) -> Result<Head, String> {
    if !line.starts_with(START) {
        return Err(NOT_HTTP.into());
    }
    let head = std::str::from_utf8(line).ok().and_then(head_of);
    head.ok_or_else(|| format!("the status line is not as in `HTTP/1.1 200 OK`: `{}`", shown(line)))
}

fn head_of(status_line: &str) -> Option<Head> {
    let (version, rest) = status_line.split_once(' ')?;
    let (digits, reason) = rest.split_once(' ').unwrap_or((rest, ""));
    let is_status = digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let status = digits.parse().ok().filter(|status| is_status && *status >= 100)?;
    let is_known = matches!(version, "HTTP/1.0" | "HTTP/1.1");
    is_known.then(|| Head { version: version.to_owned(), status, reason: reason.to_owned(), fields: Vec::new() })
}

fn field(line: &[u8]) -> Result<(String, String), String> {
    if line.starts_with(b" ") || line.starts_with(b"\t") {
        return Err(format!("a header field is folded, which is obsolete (RFC 9112, section 5.2): `{}`", shown(line)));
    }
    let colon = line.iter().position(|byte| *byte == b':');
    let colon = colon.ok_or_else(|| format!("a header field has no colon: `{}`", shown(line)))?;
    let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
    if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
        return Err(format!("the name of a header field is invalid (RFC 9110, section 5.1): `{}`", shown(line)));
    }
    if value.iter().any(|byte| matches!(byte, b'\0' | b'\r')) {
        return Err(format!("a header field has a NUL or CR (RFC 9110, section 5.5): `{}`", shown(line)));
    }
    Ok((String::from_utf8_lossy(name).into_owned(), String::from_utf8_lossy(value).into_owned()))
}

/// Whether a name may have this character (RFC 9110, section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

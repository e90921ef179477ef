//! Where the body of a response ends: RFC 9112, sections 6 and 7.

use bytes::Bytes;

use super::Head;
use super::head::shown;
use super::line::{Line, TooLong};
use crate::limits;

/// The largest size line of a chunk, with its extensions, bytes.
const SIZE_LINE: usize = 4 << 10;

/// What is left of a body.
#[derive(Debug)]
pub(super) enum Framing {
    /// This number of bytes.
    Length(u64),
    /// Chunks.
    Chunked(Chunks),
    /// Everything until the server ends the connection.
    UntilClose,
}

impl Framing {
    /// Returns the framing of the response to a request with this method, and what is ambiguous about it.
    pub(super) fn of(head: &Head, method: &str) -> Result<(Self, Option<String>), String> {
        if method.eq_ignore_ascii_case("HEAD") || matches!(head.status, 204 | 304) {
            return Ok((Self::Length(0), None));
        }
        let codings: Vec<&str> = list(head, "transfer-encoding").collect();
        match *codings {
            [] => Ok((length(head)?.map_or(Self::UntilClose, Self::Length), None)),
            [coding] if coding.eq_ignore_ascii_case("chunked") => {
                Ok((Self::Chunked(Chunks::default()), ambiguity(head)))
            }
            _ => Err(format!("the transfer coding `{}` was not requested", codings.join(", "))),
        }
    }

    /// Returns the next bytes of the body.
    pub(super) fn take(&mut self, bytes: &mut Bytes) -> Result<Bytes, String> {
        match self {
            Self::Length(left) => Ok(split(left, bytes)),
            Self::Chunked(chunks) => chunks.take(bytes),
            Self::UntilClose => Ok(std::mem::take(bytes)),
        }
    }

    /// Whether nothing is left.
    pub(super) const fn is_over(&self) -> bool {
        matches!(self, Self::Length(0) | Self::Chunked(Chunks { next: Next::Nothing, .. }))
    }
}

/// The members of a list in a header field (RFC 9110, section 5.6.1).
pub(super) fn list<'a>(head: &'a Head, name: &'static str) -> impl Iterator<Item = &'a str> {
    head.all(name).flat_map(|value| value.split(',')).map(str::trim).filter(|member| !member.is_empty())
}

fn length(head: &Head) -> Result<Option<u64>, String> {
    let mut lengths = list(head, "content-length");
    let Some(first) = lengths.next() else {
        let is_empty = head.first("content-length").is_some();
        return if is_empty { Err("the Content-Length is empty".into()) } else { Ok(None) };
    };
    let is_number = first.bytes().all(|byte| byte.is_ascii_digit()) && lengths.all(|other| other == first);
    let length = first.parse().ok().filter(|_| is_number);
    length.map(Some).ok_or_else(|| format!("the Content-Length is not a single number: `{}`", first.escape_debug()))
}

/// What a client on the way may read differently (RFC 9112, section 6.1).
fn ambiguity(head: &Head) -> Option<String> {
    if head.version == "HTTP/1.0" {
        return Some("an HTTP/1.0 response is chunked, and HTTP/1.0 has no chunks".into());
    }
    let has_length = head.first("content-length").is_some();
    has_length.then(|| "the response has a Content-Length and a Transfer-Encoding".into())
}

/// Takes up to `left` bytes.
fn split(left: &mut u64, bytes: &mut Bytes) -> Bytes {
    let taken = bytes.split_to(usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len()));
    *left -= taken.len() as u64;
    taken
}

/// Chunks as they arrive.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    next: Next,
    line: Line,
}

/// What comes next.
#[derive(Debug, Default)]
enum Next {
    /// The size of a chunk.
    #[default]
    Size,
    /// This number of bytes of it.
    Data(u64),
    /// Its CRLF.
    DataEnd,
    /// The trailer fields: holds how many bytes they may still have.
    Trailers(usize),
    Nothing,
}

impl Chunks {
    /// Reads some of these bytes, and returns what they have of the body.
    fn take(&mut self, bytes: &mut Bytes) -> Result<Bytes, String> {
        if let Next::Data(left) = &mut self.next {
            let taken = split(left, bytes);
            if *left == 0 {
                self.next = Next::DataEnd;
            }
            return Ok(taken);
        }
        if let Some(line) = self.line(bytes)? {
            self.next = self.after(&line)?;
        }
        Ok(Bytes::new())
    }

    /// Returns the next line without its CRLF.
    fn line(&mut self, bytes: &mut Bytes) -> Result<Option<Vec<u8>>, String> {
        let most = match self.next {
            Next::Trailers(most) => most,
            Next::DataEnd => 1,
            _ => SIZE_LINE,
        };
        let line = self.line.read(bytes, most).map_err(|TooLong| match self.next {
            Next::DataEnd => "a chunk is longer than its size says".into(),
            _ => broken(&self.line.partial),
        })?;
        let Some(mut line) = line else { return Ok(None) };
        if line.pop() == Some(b'\r') { Ok(Some(line)) } else { Err(broken(&line)) }
    }

    /// Returns what comes after a line.
    fn after(&self, line: &[u8]) -> Result<Next, String> {
        match self.next {
            Next::Trailers(_) if line.is_empty() => Ok(Next::Nothing),
            Next::Trailers(most) => Ok(Next::Trailers(most.saturating_sub(line.len() + 2))),
            Next::DataEnd if line.is_empty() => Ok(Next::Size),
            Next::DataEnd => Err("a chunk is longer than its size says".into()),
            _ => match size(line).ok_or_else(|| broken(line))? {
                0 => Ok(Next::Trailers(limits::HEAD)),
                size => Ok(Next::Data(size)),
            },
        }
    }
}

/// The size of a chunk; what follows it are extensions (RFC 9112, section 7.1.1).
fn size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|byte| *byte == b';').next()?.trim_ascii_end();
    let is_hex = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok().filter(|_| is_hex)
}

fn broken(line: &[u8]) -> String {
    format!("the chunks of the response are broken (RFC 9112, section 7.1): `{}`", shown(line))
}

//! How the length of an HTTP/1.1 body is known (RFC 9112, section 6.3), and how its content is taken out of it.
//!
//! Only for a body that hyper does not read. hyper has read its head, and has refused headers that contradict each other.

use std::io;

use hyper::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};

/// What is to come of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// The chunked coding (section 7.1).
    Chunked(Part),
    /// This many bytes.
    Length(u64),
    /// Everything until the server closes the connection.
    UntilClose,
}

/// The part of the chunked coding that the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The size of a chunk, after this many digits.
    Size { size: u64, digits: u8 },
    /// The rest of the line with the size.
    Extension { size: u64 },
    /// The content of a chunk, of which this much is left.
    Content { left: u64 },
    /// The end of the line after the content.
    AfterContent,
    /// The lines after the last chunk.
    Trailers { is_line_empty: bool },
    /// Nothing.
    End,
}

/// The most digits of a chunk's size.
const MAX_DIGITS: u8 = 15;

impl Framing {
    /// The framing of the response with these headers.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        // A response with a transfer coding is chunked, or ends with the connection.
        if let Some(codings) = headers.get_all(TRANSFER_ENCODING).iter().next_back() {
            let last = codings.as_bytes().rsplit(|byte| *byte == b',').next().unwrap_or_default();
            let is_chunked = last.trim_ascii().eq_ignore_ascii_case(b"chunked");
            return if is_chunked { Self::Chunked(Part::Size { size: 0, digits: 0 }) } else { Self::UntilClose };
        }
        let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        length.map_or(Self::UntilClose, Self::Length)
    }

    /// Whether the whole body has been read.
    pub(super) const fn has_ended(&self) -> bool {
        matches!(self, Self::Chunked(Part::End) | Self::Length(0))
    }

    /// Ends a body whose connection was closed.
    pub(super) fn close(&mut self) -> io::Result<()> {
        match self {
            Self::UntilClose => Ok(()),
            _ => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection ended within a response")),
        }
    }

    /// Moves the content that is among these bytes to their start, and returns its length.
    pub(super) fn strip(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Chunked(part) => part.strip(bytes),
            Self::Length(left) => {
                let len = within(*left, bytes.len());
                *left -= len as u64;
                Ok(len)
            }
            Self::UntilClose => Ok(bytes.len()),
        }
    }
}

impl Part {
    fn strip(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let (mut at, mut content) = (0, 0);
        while at < bytes.len() && *self != Self::End {
            let Self::Content { left } = *self else {
                let next = self.after(bytes[at]);
                *self = next.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the chunks are malformed"))?;
                at += 1;
                continue;
            };
            let len = within(left, bytes.len() - at);
            bytes.copy_within(at..at + len, content);
            (at, content) = (at + len, content + len);
            let left = left - len as u64;
            *self = if left == 0 { Self::AfterContent } else { Self::Content { left } };
        }
        Ok(content)
    }

    /// The part after a byte that is not content; `None` if the byte must not be there.
    fn after(self, byte: u8) -> Option<Self> {
        let hex = |byte: u8| (byte as char).to_digit(16).map(u64::from);
        Some(match (self, byte) {
            (Self::Size { digits: 1.., size } | Self::Extension { size }, b'\n') => Self::of_size(size),
            (Self::Size { digits: 1.., size }, b'\r' | b';' | b' ' | b'\t') => Self::Extension { size },
            (Self::Size { digits: ..MAX_DIGITS, size }, _) if hex(byte).is_some() => {
                let Self::Size { digits, .. } = self else { return None };
                Self::Size { size: size << 4 | hex(byte)?, digits: digits + 1 }
            }
            (Self::Extension { size }, _) => Self::Extension { size },
            (Self::AfterContent, b'\r') => Self::AfterContent,
            (Self::AfterContent, b'\n') => Self::Size { size: 0, digits: 0 },
            (Self::Trailers { is_line_empty: true }, b'\n') => Self::End,
            (Self::Trailers { .. }, b'\n') => Self::Trailers { is_line_empty: true },
            (Self::Trailers { is_line_empty }, b'\r') => Self::Trailers { is_line_empty },
            (Self::Trailers { .. }, _) => Self::Trailers { is_line_empty: false },
            _ => return None,
        })
    }

    const fn of_size(size: u64) -> Self {
        if size == 0 { Self::Trailers { is_line_empty: true } } else { Self::Content { left: size } }
    }
}

/// The smaller of both lengths.
fn within(left: u64, available: usize) -> usize {
    usize::try_from(left).unwrap_or(usize::MAX).min(available)
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn framing(headers: &[(&'static str, &'static str)]) -> Framing {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
        Framing::of(&headers.collect())
    }

    /// Reads bytes in pieces of a size, and returns the content and whether the body has ended.
    fn read(mut framing: Framing, bytes: &[u8], size: usize) -> io::Result<(String, bool)> {
        let mut content = Vec::new();
        for piece in bytes.chunks(size) {
            let mut piece = piece.to_vec();
            let len = framing.strip(&mut piece)?;
            content.extend_from_slice(&piece[..len]);
        }
        Ok((String::from_utf8(content).unwrap(), framing.has_ended()))
    }

    #[track_caller]
    fn check(headers: &[(&'static str, &'static str)], bytes: &str, expected: Option<(&str, bool)>) {
        for size in [1, 2, 3, bytes.len()] {
            let read = read(framing(headers), bytes.as_bytes(), size).ok();
            assert_eq!(read, expected.map(|(content, ended)| (content.to_owned(), ended)), "in pieces of {size}");
        }
    }

    const CHUNKED: [(&str, &str); 1] = [("transfer-encoding", "gzip, Chunked")];

    #[test]
    fn chunks_of_any_size_are_joined() {
        check(&CHUNKED, "2\r\nab\r\n00a;x=\"y\"\r\n0123456789\r\n", Some(("ab0123456789", false)));
        check(&CHUNKED, "1\r\na\r\n0\r\n\r\nrest", Some(("a", true)));
        check(&CHUNKED, "1 \r\na\r\n0\r\nTrailer: x\r\n\r\n", Some(("a", true)));
        check(&CHUNKED, "5\r\n\r\n\r\n", Some(("\r\n\r\n", false)));
    }

    #[test]
    fn malformed_chunks_are_refused() {
        for bytes in ["\r\n", "g\r\n", "1g\r\na", "1\r\nab\r\n", "-1\r\n", "1000000000000000\r\n"] {
            check(&CHUNKED, bytes, None);
        }
    }

    #[test]
    fn other_bodies_end_with_their_length_or_with_the_connection() {
        check(&[("content-length", "3")], "abcd", Some(("abc", true)));
        check(&[("content-length", "4")], "abc", Some(("abc", false)));
        check(&[], "abc", Some(("abc", false)));
        check(&[("transfer-encoding", "identity"), ("content-length", "1")], "abc", Some(("abc", false)));
        assert!(framing(&[]).close().is_ok());
        assert!(framing(&CHUNKED).close().is_err() && framing(&[("content-length", "1")]).close().is_err());
    }
}

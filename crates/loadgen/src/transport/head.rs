//! Finds the end of the first response head on a connection: everything up to there is the handshake of a join probe.
//!
//! Reads what comes out of TLS, as HTTP/1.1 (RFC 9112, section 2.1) or as HTTP/2 frames (RFC 9113, section 4.1). Only
//! join probes are examined this closely.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use feedlab_experiment::scenario::Http;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::leg::Layer;

/// The end of an HTTP/1.1 head.
const BLANK_LINE: &[u8; 4] = b"\r\n\r\n";
/// The length of a frame header, bytes.
const FRAME_HEAD: usize = 9;
/// The types of frames that carry header fields, and the flag of the last of them (RFC 9113, sections 6.2 and 6.10).
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

/// How much of a head has been read.
#[derive(Debug)]
enum Scan {
    /// The last `matched` bytes were the start of a blank line.
    V1 { matched: usize },
    /// `have` bytes of a frame header have been read, and `left` bytes of its payload are outstanding. `is_last` is set
    /// if the payload's last byte ends the response head.
    V2 { head: [u8; FRAME_HEAD], have: usize, left: usize, is_last: bool },
}

impl Scan {
    const fn new(http: Http) -> Self {
        match http {
            Http::V1 => Self::V1 { matched: 0 },
            Http::V2 => Self::V2 { head: [0; FRAME_HEAD], have: 0, left: 0, is_last: false },
        }
    }

    /// Returns how many of the bytes belong to the head, if it ends among them.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        bytes.iter().position(|byte| self.ends_with(*byte)).map(|last| last + 1)
    }

    fn ends_with(&mut self, byte: u8) -> bool {
        match self {
            Self::V1 { matched } => {
                *matched = if byte == BLANK_LINE[*matched] { *matched + 1 } else { usize::from(byte == b'\r') };
                *matched == BLANK_LINE.len()
            }
            Self::V2 { head, have, left, is_last } => {
                if *left > 0 {
                    *left -= 1;
                    return *left == 0 && *is_last;
                }
                head[*have] = byte;
                *have += 1;
                if *have == FRAME_HEAD {
                    *have = 0;
                    *left = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
                    *is_last = matches!(head[3], HEADERS | CONTINUATION) && head[4] & END_HEADERS != 0;
                }
                *have == 0 && *left == 0 && *is_last
            }
        }
    }
}

/// A stream whose first response head is searched for its end.
#[derive(Debug)]
pub(super) struct Headed<S> {
    inner: S,
    /// `None` once the head has ended.
    scan: Option<Scan>,
}

impl<S: Layer> Headed<S> {
    pub(super) const fn new(inner: S, http: Http) -> Self {
        Self { inner, scan: Some(Scan::new(http)) }
    }

    pub(super) const fn inner(&self) -> &S {
        &self.inner
    }

    /// Looks for the end of the head in the bytes that were just read. With TLS, the bytes after the head were
    /// encrypted: the 22 bytes of overhead of each of their records are counted too.
    fn find_end(&mut self, came: &[u8]) {
        let Some(end) = self.scan.as_mut().and_then(|scan| scan.end(came)) else { return };
        self.scan = None;
        let connection = self.inner.connection();
        connection.leg().answered(connection.bytes().saturating_sub((came.len() - end) as u64));
    }
}

impl<S: Layer + AsyncRead + Unpin> AsyncRead for Headed<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buffer))?;
        self.find_end(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Headed<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns where the head ends if everything arrives at once, after checking that every split in two gives the
    /// same.
    fn end(http: Http, bytes: &[u8]) -> Option<usize> {
        let whole = Scan::new(http).end(bytes);
        for cut in 0..bytes.len() {
            let mut scan = Scan::new(http);
            let first = scan.end(&bytes[..cut]);
            let both = first.or_else(|| scan.end(&bytes[cut..]).map(|end| cut + end));
            assert_eq!(both, whole, "cut at {cut}");
        }
        whole
    }

    #[test]
    fn a_head_of_http_1_ends_with_a_blank_line() {
        assert_eq!(end(Http::V1, b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nid: 1\n\n"), Some(25));
        assert_eq!(end(Http::V1, b"HTTP/1.1 200 OK\r\nA: \r\r\n\r\n"), Some(25));
        assert_eq!(end(Http::V1, b"HTTP/1.1 200 OK\r\nA: b\r\n"), None);
    }

    #[test]
    fn a_head_of_http_2_ends_with_the_frame_that_says_so() {
        let frame = |kind: u8, flags: u8, payload: &[u8]| {
            let mut frame = vec![0, 0, payload.len() as u8, kind, flags, 0, 0, 0, 1];
            frame.extend_from_slice(payload);
            frame
        };
        let settings = frame(4, 0, &[0; 12]);
        let headers = frame(HEADERS, 0, &[7; 5]);
        let rest = frame(CONTINUATION, END_HEADERS, &[7; 3]);
        let data = frame(0, 0, b"id: 1");
        let heads = settings.len() + headers.len() + rest.len();
        assert_eq!(end(Http::V2, &[settings.clone(), headers, rest, data].concat()), Some(heads));
        assert_eq!(end(Http::V2, &frame(HEADERS, END_HEADERS, &[])), Some(FRAME_HEAD), "an empty head");
        assert_eq!(end(Http::V2, &settings), None);
    }
}

//! A stream that a library reads only up to a point: hyper and tungstenite up to the end of a response head, and then
//! tungstenite one frame at a time. What follows stays here, for the client to read with the buffer of its thread.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::buffer::{self, Lent};

/// A stream, and what was read from it too early.
#[derive(Debug)]
pub(super) struct Gate<S> {
    stream: S,
    /// What has arrived and nobody has processed yet.
    unread: BytesMut,
    opening: Opening,
    /// Whether the last write has to wait until the socket accepts it.
    is_blocked: bool,
}

/// How much the library may read.
#[derive(Debug)]
enum Opening {
    /// Everything.
    Wide,
    /// Up to the end of the response head.
    Head(HeadEnd),
    /// This many of the unread bytes.
    Bytes(usize),
}

impl<S> Gate<S> {
    /// A gate that lets everything pass.
    pub(super) fn wide(stream: S) -> Self {
        Self { stream, unread: BytesMut::new(), opening: Opening::Wide, is_blocked: false }
    }

    /// A gate that closes after the response head.
    pub(super) fn for_head(stream: S) -> Self {
        Self { opening: Opening::Head(HeadEnd::default()), ..Self::wide(stream) }
    }

    /// A gate that is closed.
    pub(super) fn closed(stream: S) -> Self {
        Self { opening: Opening::Bytes(0), ..Self::wide(stream) }
    }

    /// Lets this many of the unread bytes pass.
    pub(super) const fn pass(&mut self, count: usize) {
        self.opening = Opening::Bytes(count);
    }

    /// Lets everything pass from now on.
    pub(super) fn open(&mut self) {
        self.opening = Opening::Wide;
    }

    /// Whether the library may read everything.
    pub(super) const fn is_open(&self) -> bool {
        matches!(self.opening, Opening::Wide)
    }

    /// Whether the library has something to write as soon as the socket accepts it.
    pub(super) const fn is_blocked(&self) -> bool {
        self.is_blocked
    }

    pub(super) const fn unread(&mut self) -> &mut BytesMut {
        &mut self.unread
    }

    /// Gives unread bytes to the library, and releases their memory with the last of them.
    fn give(&mut self, most: usize, buffer: &mut ReadBuf<'_>) -> usize {
        let count = self.unread.len().min(buffer.remaining()).min(most);
        buffer.put_slice(&self.unread[..count]);
        self.unread.advance(count);
        if self.unread.is_empty() {
            self.unread = BytesMut::new();
        }
        count
    }
}

impl<S: AsyncRead + Unpin> Gate<S> {
    /// Reads, past the library, with the buffer of the thread; nothing at the end of the stream. Unread bytes stay.
    pub(super) fn poll_lent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Lent>> {
        buffer::poll_read(&mut self.stream, cx)
    }

    fn poll_head(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let Opening::Head(head) = &mut self.opening else { return Poll::Ready(Ok(())) };
        let Some(end) = head.find(&buffer.filled()[before..]) else { return Poll::Ready(Ok(())) };
        self.unread = buffer.filled()[before + end..].into();
        buffer.set_filled(before + end);
        self.opening = Opening::Bytes(0);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gate<S> {
    /// A closed gate does not wake the library: the one that closed it reads on.
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match this.opening {
            Opening::Head(_) => this.poll_head(cx, buffer),
            Opening::Wide if this.unread.is_empty() => Pin::new(&mut this.stream).poll_read(cx, buffer),
            Opening::Wide => {
                this.give(usize::MAX, buffer);
                Poll::Ready(Ok(()))
            }
            Opening::Bytes(0) => Poll::Pending,
            Opening::Bytes(left) => {
                this.opening = Opening::Bytes(left - this.give(left, buffer));
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gate<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.is_blocked = result.is_pending();
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.is_blocked = result.is_pending();
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(cx);
        self.is_blocked = result.is_pending();
        result
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Finds the end of a response head: its first empty line (RFC 9112, section 2.1). Interim responses (1xx) come before
/// it, except that an upgrade ends with a 101 (RFC 9110, section 15.2).
#[derive(Debug, Default)]
struct HeadEnd {
    /// The bytes of the head so far.
    have: usize,
    /// The status code, as far as it is known.
    status: u16,
    is_line_empty: bool,
}

/// Where the digits of the status code are: `HTTP/1.1 200 `.
const STATUS: std::ops::Range<usize> = 9..12;

impl HeadEnd {
    /// Returns how many of the bytes belong to the head, if it ends among them.
    fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        bytes.iter().position(|byte| self.ends_with(*byte)).map(|last| last + 1)
    }

    fn ends_with(&mut self, byte: u8) -> bool {
        if self.have == 0 && matches!(byte, b'\r' | b'\n') {
            return false;
        }
        if STATUS.contains(&self.have) {
            self.status = self.status * 10 + u16::from(byte.wrapping_sub(b'0') % 10);
        }
        self.have += 1;
        let is_end = byte == b'\n' && self.is_line_empty;
        match byte {
            b'\n' => self.is_line_empty = true,
            b'\r' => {}
            _ => self.is_line_empty = false,
        }
        let is_interim = (100..200).contains(&self.status) && self.status != 101;
        if is_end && is_interim {
            *self = Self::default();
        }
        is_end && !is_interim
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    /// Checks that the library gets the head and that the rest stays, wherever the bytes are split in two.
    async fn check(head: &str, rest: &str) {
        let bytes = [head, rest].concat();
        for cut in 0..=bytes.len() {
            let (first, second) = bytes.as_bytes().split_at(cut);
            let mut gate = Gate::for_head(tokio::io::AsyncReadExt::chain(first, second));
            let mut passed = vec![0; head.len()];
            gate.read_exact(&mut passed).await.unwrap();
            assert_eq!(passed, head.as_bytes(), "cut at {cut}");
            let mut left = gate.unread().to_vec();
            gate.stream.read_to_end(&mut left).await.unwrap();
            assert_eq!(left, rest.as_bytes(), "cut at {cut}");
            let mut buffer = [0];
            let mut more = ReadBuf::new(&mut buffer);
            let closed = std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut gate).poll_read(cx, &mut more))).await;
            assert!(closed.is_pending(), "cut at {cut}");
        }
    }

    #[tokio::test]
    async fn it_closes_after_the_head() {
        check("HTTP/1.1 200 OK\r\nA: b\r\n\r\n", "id: 1\n\n").await;
        check("HTTP/1.1 101 Switching Protocols\r\n\r\n", "\r\n\r\n").await;
        check("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "x").await;
        check("\r\nHTTP/1.1 200 OK\nA: b\n\n", "\n\n").await;
    }

    #[tokio::test]
    async fn it_lets_as_much_pass_as_it_should_and_then_everything() {
        let mut gate = Gate::closed(&b"world"[..]);
        gate.unread().extend_from_slice(b"hello ");
        gate.pass(3);
        let mut three = [0; 3];
        gate.read_exact(&mut three).await.unwrap();
        assert_eq!(&three, b"hel");
        gate.open();
        let mut rest = String::new();
        gate.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, "lo world");
    }
}

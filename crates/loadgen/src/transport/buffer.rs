//! One reading buffer per thread. Whatever a client reads is processed before the next client of its thread is polled, so
//! an idle client needs no buffer, and a read is large enough for all that has arrived.
//!
//! The bodies of event streams and the WebSockets read with it.

use std::cell::Cell;
use std::io;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::body::Bytes;
use tokio::io::{AsyncRead, ReadBuf};

/// The size of the buffer, bytes. A read that does not fill it has emptied the socket, which saves asking again.
const SIZE: usize = 64 << 10;

thread_local! {
    /// The buffer of this thread while nobody reads with it.
    static SPARE: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// What was read, in the buffer of the thread, which gets it back when this is dropped. Holding it over an `await` is
/// safe, but then the next client that reads allocates another buffer.
#[derive(Debug)]
pub(super) struct Lent {
    buffer: Box<[u8]>,
    len: usize,
}

impl Lent {
    pub(super) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }
}

impl Deref for Lent {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.buffer[..self.len]
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.buffer[..self.len]
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.buffer);
        // Fails only while the thread ends.
        let _ = SPARE.try_with(|spare| spare.set(Some(buffer)));
    }
}

/// Reads what has arrived; nothing at the end of the stream.
pub(super) fn poll_read(stream: &mut (impl AsyncRead + Unpin), cx: &mut Context<'_>) -> Poll<io::Result<Lent>> {
    let spare = SPARE.try_with(Cell::take).ok().flatten();
    let mut lent = Lent { buffer: spare.unwrap_or_else(|| vec![0; SIZE].into()), len: 0 };
    let mut buffer = ReadBuf::new(&mut lent.buffer);
    ready!(Pin::new(stream).poll_read(cx, &mut buffer))?;
    lent.len = buffer.filled().len();
    Poll::Ready(Ok(lent))
}

/// A piece of a response body.
#[derive(Debug)]
pub(super) enum Chunk {
    /// In the buffer of the thread.
    Lent(Lent),
    /// As the HTTP library returned it.
    Owned(Bytes),
}

impl Deref for Chunk {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Lent(lent) => lent,
            Self::Owned(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_buffer_is_used_again_unless_it_is_still_lent() {
        let read = async |mut bytes: &[u8]| std::future::poll_fn(|cx| poll_read(&mut bytes, cx)).await.unwrap();
        let (first, second) = (read(b"one").await, read(b"two").await);
        assert_eq!((&first[..], &second[..]), (&b"one"[..], &b"two"[..]));
        let place = first.as_ptr();
        drop(second);
        drop(first);
        let third = read(b"").await;
        assert!(third.is_empty() && third.as_ptr() == place);
    }
}

//! Deliberately slow reading: a stream that delivers at a fixed number of bytes per second and leaves the rest unread.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use feedlab_feed::clock;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// The size of a slow reader's receive buffer, bytes: small, so that the kernel takes little off the server compared
/// with what the client leaves unread. Linux doubles it.
pub(super) const RECEIVE_BUFFER: u32 = 4 << 10;
/// Reads per second, if each delivers at least a byte.
const READS_PER_S: u64 = 20;
/// The largest read, bytes.
const MAX_READ: u64 = 4 << 10;

/// A stream that is read slowly, and written at full speed.
#[derive(Debug)]
pub(super) struct Slow<S> {
    inner: S,
    bytes_per_s: u64,
    /// The pause before the next read.
    pause: Pin<Box<Sleep>>,
    portion: Box<[u8]>,
}

impl<S> Slow<S> {
    pub(super) const fn inner(&self) -> &S {
        &self.inner
    }

    pub(super) fn new(inner: S, bytes_per_s: u64) -> Self {
        let bytes_per_s = bytes_per_s.max(1);
        let portion = (bytes_per_s / READS_PER_S).clamp(1, MAX_READ) as usize;
        Self { inner, bytes_per_s, pause: Box::pin(sleep(Duration::ZERO)), portion: vec![0; portion].into() }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Slow<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.pause.as_mut().poll(cx));
        let most = this.portion.len().min(buffer.remaining());
        let mut portion = ReadBuf::new(&mut this.portion[..most]);
        ready!(Pin::new(&mut this.inner).poll_read(cx, &mut portion))?;
        buffer.put_slice(portion.filled());
        let time = Duration::from_secs_f64(portion.filled().len() as f64 / this.bytes_per_s as f64);
        this.pause.as_mut().reset((clock::now() + time).into());
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Slow<S> {
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
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    /// Returns how long it takes to read everything.
    async fn check(bytes: usize, bytes_per_s: u64) -> Duration {
        let sent: Vec<u8> = (0..bytes).map(|index| index as u8).collect();
        let (mut near, far) = duplex(1 << 20);
        near.write_all(&sent).await.unwrap();
        drop(near);
        let (began, mut read) = (clock::now(), Vec::new());
        Slow::new(far, bytes_per_s).read_to_end(&mut read).await.unwrap();
        assert_eq!(read, sent);
        began.elapsed()
    }

    #[tokio::test]
    async fn everything_arrives_in_order_and_no_faster_than_the_rate() {
        assert!(check(1_000, 5_000).await >= Duration::from_millis(190));
        assert!(check(3, 10).await >= Duration::from_millis(190), "a byte at a time");
        check(0, 0).await;
        check(10_000, u64::MAX).await;
    }
}

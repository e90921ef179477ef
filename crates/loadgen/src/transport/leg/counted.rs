//! A client's TCP connection, whose bytes its [`Leg`] counts.

use std::io;
use std::os::fd::AsFd as _;
use std::pin::Pin;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, ready};

use feedlab_feed::tcp_info::{Handle, Opener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::Leg;

/// A protocol layer on such a connection, at any depth.
pub(in super::super) trait Layer {
    /// The TCP connection below all layers.
    fn connection(&self) -> &Counted;
}

/// A TCP connection of a client whose bytes are counted.
#[derive(Debug)]
pub(in super::super) struct Counted {
    stream: TcpStream,
    leg: Leg,
    /// Its key among the open connections.
    key: usize,
    /// The bytes of this connection in both directions, and those of them that were read.
    bytes: u64,
    read: u64,
}

impl Counted {
    pub(in super::super) fn new(stream: TcpStream, leg: Leg) -> Self {
        let handle = Handle::new(stream.as_fd(), stream.local_addr().ok(), Opener::This);
        let key = leg.kernel().open.insert(handle);
        Self { stream, leg, key, bytes: 0, read: 0 }
    }

    /// Returns the bytes of this connection so far, both directions.
    pub(in super::super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(in super::super) const fn leg(&self) -> &Leg {
        &self.leg
    }

    #[cfg(test)]
    pub(in super::super) const fn socket(&self) -> &TcpStream {
        &self.stream
    }

    fn wrote(&mut self, result: io::Result<usize>) -> io::Result<usize> {
        let count = result? as u64;
        if self.bytes == 0 {
            self.leg.counters.connections.fetch_add(1, Relaxed);
        }
        self.bytes += count;
        self.leg.counters.up.fetch_add(count, Relaxed);
        Ok(count as usize)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut kernel = self.leg.kernel();
        let Some(handle) = kernel.open.try_remove(self.key).filter(|_| self.bytes > 0) else { return };
        // The last segments are also estimated if no descriptor is left.
        match self.leg.shared.keeps.then(|| self.stream.as_fd().try_clone_to_owned()) {
            Some(Ok(socket)) => kernel.leave(handle, socket, self.read),
            _ => kernel.close(handle, self.read),
        }
    }
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let count = (buffer.filled().len() - before) as u64;
        self.bytes += count;
        self.read += count;
        self.leg.counters.down.fetch_add(count, Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes));
        Poll::Ready(self.wrote(result))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, pieces));
        Poll::Ready(self.wrote(result))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

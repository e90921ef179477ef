//! A TCP connection whose bytes are counted. Every byte of a connection that was let in passes here.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::handover::Handover;
use crate::meter::ConnectionMeter;

/// What a connection's parts know of each other: the socket, and the handlers of the requests that it brings.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) meter: ConnectionMeter,
    pub(crate) handover: Handover,
}

/// The counted connection.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    link: Arc<Link>,
}

impl Socket {
    pub(crate) const fn new(stream: TcpStream, link: Arc<Link>) -> Self {
        Self { stream, link }
    }

    /// Whatever the kernel still holds for the client is thrown away when the socket is dropped.
    pub(crate) fn reset_on_close(&self) {
        let _ = self.stream.set_zero_linger();
    }

    fn wrote(&self, result: io::Result<usize>) -> io::Result<usize> {
        result.inspect(|n| self.link.meter.wrote(*n))
    }
}

impl Drop for Socket {
    /// The last look at the kernel's account, while there is one.
    fn drop(&mut self) {
        self.link.meter.leave();
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        self.link.meter.read(buf.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes));
        Poll::Ready(self.wrote(result))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, slices));
        Poll::Ready(self.wrote(result))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.link.handover.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

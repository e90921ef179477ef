//! What a stream is sent over: the socket itself, TLS on top of it, or one stream of an HTTP/2 connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use feedlab_feed::tcp::LINGER;
use mio::{Registry, Token};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};

use crate::socket::Socket;
use crate::tls::TlsStream;

mod stream;
pub(crate) use stream::{Outgoing, Piece, Stream};

/// The connection that a stream writes to. The state of the variants other than plain TCP is boxed, so that plain
/// streams do not pay for it.
pub(crate) enum Wire {
    Plain(Socket),
    Tls(Box<TlsStream<Socket>>),
    Stream(Box<Stream>),
}

trait Io: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Io for T {}

impl Wire {
    /// Whether other streams share the underlying connection.
    pub(crate) const fn is_shared(&self) -> bool {
        matches!(self, Self::Stream(_))
    }

    /// Lets a shard watch the socket instead of the runtime, except one that other streams share.
    pub(crate) fn leave_runtime(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.socket().map_or(Ok(()), |socket| socket.leave_runtime(registry, token))
    }

    /// Lets the runtime watch the socket again.
    pub(crate) fn enter_runtime(&mut self, registry: &Registry) -> io::Result<()> {
        self.socket().map_or(Ok(()), |socket| socket.enter_runtime(registry))
    }

    fn socket(&mut self) -> Option<&mut Socket> {
        match self {
            Self::Plain(socket) => Some(socket),
            Self::Tls(stream) => Some(stream.socket()),
            Self::Stream(_) => None,
        }
    }

    /// Makes the drop of the wire discard whatever still waits for the client.
    pub(crate) fn reset_on_close(&mut self) {
        match self {
            Self::Plain(socket) => socket.reset_on_close(),
            Self::Tls(stream) => stream.get_ref().0.reset_on_close(),
            Self::Stream(stream) => stream.reset(),
        }
    }

    /// Closes the wire so that the last response arrives: a socket that is dropped with unread input resets the
    /// connection, and the client may lose what was sent (RFC 9112, section 9.6).
    pub(crate) async fn close(mut self) {
        let until_end = async {
            self.shutdown().await?;
            let mut rest = vec![0; 1024];
            while !self.is_shared() && self.read(&mut rest).await? > 0 {}
            io::Result::Ok(())
        };
        let _ = tokio::time::timeout(LINGER, until_end).await;
    }

    fn io(self: Pin<&mut Self>) -> Pin<&mut dyn Io> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket),
            Self::Tls(stream) => Pin::new(stream.as_mut()),
            Self::Stream(stream) => Pin::new(stream.as_mut()),
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.io().poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.io().poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.io().poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io().poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;

//! A byte stream: a TCP connection, plain or encrypted, and possibly read slowly.
//!
//! It is an enum, so that a plain client pays neither an allocation nor a dynamic call for what it does not use.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::client::TlsStream;

use super::head::Headed;
use super::leg::{Counted, Layer};
use super::pace::Slow;

/// A byte stream to a server.
#[derive(Debug)]
pub(super) enum Stream {
    /// TCP.
    Plain(Counted),
    /// TLS over TCP. Its buffers are allocated as needed: at most 64 KiB wait to be sent (rustls's own limit).
    Tls(Box<TlsStream<Counted>>),
    /// Either of them, read slowly.
    Slow(Box<Slow<Stream>>),
    /// Either of them, searched for the end of the first response head.
    Headed(Box<Headed<Stream>>),
}

impl Layer for Stream {
    fn connection(&self) -> &Counted {
        match self {
            Self::Plain(connection) => connection,
            Self::Tls(stream) => stream.get_ref().0,
            Self::Slow(stream) => stream.inner().connection(),
            Self::Headed(stream) => stream.inner().connection(),
        }
    }
}

/// Forwards a call to the variant's stream.
macro_rules! of_each {
    ($stream:expr, $inner:ident => $call:expr) => {
        match $stream.get_mut() {
            Stream::Plain(inner) => {
                let $inner = Pin::new(inner);
                $call
            }
            Stream::Tls(inner) => {
                let $inner = Pin::new(&mut **inner);
                $call
            }
            Stream::Slow(inner) => {
                let $inner = Pin::new(&mut **inner);
                $call
            }
            Stream::Headed(inner) => {
                let $inner = Pin::new(&mut **inner);
                $call
            }
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        of_each!(self, inner => inner.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        of_each!(self, inner => inner.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        of_each!(self, inner => inner.poll_write_vectored(cx, pieces))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(inner) => inner.is_write_vectored(),
            Self::Tls(inner) => inner.is_write_vectored(),
            Self::Slow(inner) => inner.is_write_vectored(),
            Self::Headed(inner) => inner.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        of_each!(self, inner => inner.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        of_each!(self, inner => inner.poll_shutdown(cx))
    }
}

//! Opens the connections of an inspection, never more than a few, and counts what is read from each.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use feedlab_loadgen::transport::Tls;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use url::Url;

use super::InspectError;
use crate::connection::{self, DialTimes, Encryption, Socket};
use crate::limits::MAX_CONNECTIONS;

/// Where requests go.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    /// The URL, without a user.
    pub(super) url: Url,
    /// The address to connect to in place of the URL's.
    pub(super) address: Option<SocketAddr>,
}

/// The protocols that a client offers in a TLS handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// HTTP/2 and HTTP/1.1, like a browser.
    Both,
    /// HTTP/1.1 alone, as a WebSocket's handshake does.
    Http1,
    /// HTTP/2 alone; without TLS, with prior knowledge.
    Http2,
}

impl Offer {
    const fn protocols(self) -> &'static [&'static [u8]] {
        match self {
            Self::Both => &[b"h2", b"http/1.1"],
            Self::Http1 => &[b"http/1.1"],
            Self::Http2 => &[b"h2"],
        }
    }
}

/// An open connection.
pub(super) struct Dialed {
    pub(super) stream: Metered,
    pub(super) times: DialTimes,
    pub(super) encryption: Option<Encryption>,
    /// Whether HTTP/2 is spoken on it.
    pub(super) is_http2: bool,
}

/// Dials, and counts how often.
#[derive(Debug)]
pub(super) struct Dialer {
    tls: Option<Tls>,
    opened: Cell<usize>,
}

impl Dialer {
    pub(super) const fn new(tls: Option<Tls>) -> Self {
        Self { tls, opened: Cell::new(0) }
    }

    /// Returns how many connections were opened.
    pub(super) const fn opened(&self) -> usize {
        self.opened.get()
    }

    /// Opens a connection.
    pub(super) async fn dial(&self, to: &Endpoint, offer: Offer) -> Result<Dialed, InspectError> {
        if self.opened.get() >= MAX_CONNECTIONS {
            return Err(InspectError::Spent);
        }
        self.opened.set(self.opened.get() + 1);
        let mut dialer = connection::Dialer::to(&to.url, self.tls.clone())?;
        dialer.address = to.address;
        dialer.protocols = offer.protocols();
        let connection::Dialed { socket, times, encryption } = dialer.dial().await?;
        let is_http2 = match &encryption {
            Some(encryption) => encryption.alpn.as_deref() == Some("h2"),
            None => offer == Offer::Http2,
        };
        Ok(Dialed { stream: Metered { stream: socket, read: Arc::default() }, times, encryption, is_http2 })
    }
}

/// A stream that counts what is read from it, above TLS: an answer that never becomes a complete head still shows how
/// much of it came.
pub(super) struct Metered {
    stream: Socket,
    read: Arc<AtomicU64>,
}

impl Metered {
    /// Returns the count of the bytes read, which goes on.
    pub(super) fn bytes_read(&self) -> Arc<AtomicU64> {
        self.read.clone()
    }
}

impl AsyncRead for Metered {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        self.read.fetch_add((buf.filled().len() - before) as u64, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Metered {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

//! How a stream takes over its connection from the HTTP library.
//!
//! hyper parses the request and writes the head of the response, following all of HTTP's rules. For a response that
//! never ends, it would keep a read buffer, a write buffer and a state machine for as long as the stream is open, and
//! frame every update again for every client. So a streaming endpoint answers with a [`head`](Exchange::hand_over) and
//! the [`Start`] of a stream; once the head has been sent, hyper's half is dropped and the socket moves to a shard of the
//! fan-out (`fanout.rs`). An idle stream then costs a position and a place in the shard's list, and an update one
//! `write` of bytes that all clients share.
//!
//! A WebSocket upgrade ends hyper's part by itself; the start is taken from here in the same way. On HTTP/2 each
//! request has its own handover, and what moves is the request's stream (`http2.rs`).

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use futures_util::task::AtomicWaker;
use hyper::body::Frame;

use crate::meter::ConnectionMeter;
use crate::push::Start;
use crate::socket::Link;

/// Where a handler leaves the stream that takes over: one per connection on HTTP/1.1, one per request on HTTP/2.
#[derive(Clone, Default)]
pub(crate) struct Handover(Arc<Mutex<Option<Start>>>);

impl Handover {
    /// Takes the start of the stream, if a handler left one.
    pub(crate) fn take(&self) -> Option<Start> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// What the handler of a request knows about its connection.
#[derive(Clone)]
pub(crate) struct Exchange {
    link: Arc<Link>,
    peer: SocketAddr,
    handover: Handover,
    /// On HTTP/1.1, notifies when the client has closed its side; on HTTP/2 the request ends with its stream.
    end: Option<Arc<End>>,
}

/// Whether a client has closed its side, for the task that makes its response.
#[derive(Debug, Default)]
pub(crate) struct End {
    has_come: AtomicBool,
    waiting: AtomicWaker,
}

impl End {
    /// Records that the client has closed its side; [`notify`](Self::notify) wakes the task that waits for it.
    pub(crate) fn has_come(&self) {
        self.has_come.store(true, Ordering::Release);
    }

    pub(crate) fn notify(&self) {
        self.waiting.wake();
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        self.waiting.register(cx.waker());
        if self.has_come.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Exchange {
    pub(crate) const fn new(link: Arc<Link>, peer: SocketAddr, handover: Handover, end: Option<Arc<End>>) -> Self {
        Self { link, peer, handover, end }
    }

    /// Waits until the client has closed its side: it wants at most this response, or is gone.
    pub(crate) async fn ended(&self) {
        match &self.end {
            Some(end) => std::future::poll_fn(|cx| end.poll(cx)).await,
            None => std::future::pending().await,
        }
    }

    /// The client's address.
    pub(crate) const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The counters of the connection.
    pub(crate) fn meter(&self) -> &ConnectionMeter {
        &self.link.meter
    }

    /// Stores the stream that takes over, and returns an empty body for the response. On HTTP/1.1 the body records
    /// when the head before it has been queued; on HTTP/2 it is not polled.
    pub(crate) fn hand_over(&self, start: Start) -> Body {
        *self.handover.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(start);
        Body::new(HeadOnly(self.link.clone()))
    }
}

/// A body of unknown length that never yields data: hyper writes the head for it, and polls it once the head is in the
/// buffer.
struct HeadOnly(Arc<Link>);

impl hyper::body::Body for HeadOnly {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.head.queued();
        Poll::Pending
    }
}

//! How a stream takes its connection over from the HTTP library.
//!
//! hyper parses the request and writes the head of the answer, with all of HTTP's rules. For an answer that never
//! ends it would go on to hold a read buffer, a write buffer and a state machine for as long as the stream lives, and
//! frame every update again for every client. So an endpoint that streams answers with a [`head`](Exchange::hand_over) and a
//! [`Session`]; once the head has left, hyper's half is dropped and the session owns the socket. An idle stream then
//! costs a cursor and a place in the list of those who wait, and an update one `write` of bytes that all clients share.
//!
//! A WebSocket's upgrade ends hyper's part by itself; the session is taken from here in the same way. On HTTP/2 each
//! request has a handover of its own, and its session is given the request's stream (`http2.rs`).

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
use crate::socket::Link;
use crate::wire::Wire;

/// What goes on after the head of the answer: given the way for its bytes, and what the client sent early.
pub(crate) type Session = Box<dyn FnOnce(Wire, Bytes) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// Where a handler leaves the session that is to take over: one for a connection of HTTP/1.1, one for a request of HTTP/2.
#[derive(Clone, Default)]
pub(crate) struct Handover(Arc<Mutex<Option<Session>>>);

impl Handover {
    /// The session, if one was left.
    pub(crate) fn take(&self) -> Option<Session> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// What the handler of a request may know of the connection that brought it.
#[derive(Clone)]
pub(crate) struct Exchange {
    link: Arc<Link>,
    peer: SocketAddr,
    handover: Handover,
    /// On HTTP/1.1, where the client's end is told; on HTTP/2 the request ends with its stream.
    end: Option<Arc<End>>,
}

/// Whether a client has sent its last, for who makes an answer to it.
#[derive(Debug, Default)]
pub(crate) struct End {
    has_come: AtomicBool,
    waiting: AtomicWaker,
}

impl End {
    /// It has, which [`tell`](Self::tell) lets those know who wait for it.
    pub(crate) fn has_come(&self) {
        self.has_come.store(true, Ordering::Release);
    }

    pub(crate) fn tell(&self) {
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

    /// Waits until the client has sent its last: it wants this answer at most, or is gone.
    pub(crate) async fn ended(&self) {
        match &self.end {
            Some(end) => std::future::poll_fn(|cx| end.poll(cx)).await,
            None => std::future::pending().await,
        }
    }

    /// Who asks.
    pub(crate) const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The connection's part of the meters.
    pub(crate) fn meter(&self) -> &ConnectionMeter {
        &self.link.meter
    }

    /// Keeps the session that is to follow, and returns the body of the answer: one that says nothing. On HTTP/1.1 it tells
    /// when the head in front of it has been queued; on HTTP/2 nobody asks it.
    pub(crate) fn hand_over(&self, session: Session) -> Body {
        *self.handover.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(session);
        Body::new(HeadOnly(self.link.clone()))
    }
}

/// A body of unknown length of which nothing ever comes: hyper writes the head for it, and asks it for data once the
/// head is in the buffer.
struct HeadOnly(Arc<Link>);

impl hyper::body::Body for HeadOnly {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.head.queued();
        Poll::Pending
    }
}

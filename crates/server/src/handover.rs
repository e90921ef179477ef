//! How a stream takes its connection over from the HTTP library.
//!
//! hyper parses the request and writes the head of the answer, with all of HTTP's rules. For an answer that never
//! ends it would go on to hold a read buffer, a write buffer and a state machine for as long as the stream lives, and
//! frame every update anew for every client. So a door that streams answers with a [`head`](Exchange::hand_over) and a
//! [`Session`]; once the head has left, hyper's half is dropped and the session owns the socket. An idle stream then
//! costs a cursor and a place in the list of those who wait, and an update one `write` of bytes that all clients share.
//!
//! A WebSocket's upgrade ends hyper's part by itself; the session is taken from here in the same way. On HTTP/2 each
//! request has a handover of its own, which gives its session the request's stream (`http2.rs`).

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::Frame;

use crate::meter::ConnectionMeter;
use crate::socket::Link;
use crate::wire::Wire;

/// What goes on after the head of the answer: given the way for its bytes, and what the client sent early.
pub(crate) type Session = Box<dyn FnOnce(Wire, Bytes) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// What the handler of a request may know of the connection that brought it.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    link: Arc<Link>,
    peer: SocketAddr,
    /// On HTTP/2 the request's own stream can be taken over, and not the connection.
    stream: Option<Arc<Handover>>,
}

impl Exchange {
    /// That of a request which has its connection to itself.
    pub(crate) const fn new(link: Arc<Link>, peer: SocketAddr) -> Self {
        Self { link, peer, stream: None }
    }

    /// That of a request which is a stream of its connection, and where it leaves the session that takes it over.
    pub(crate) fn of_stream(link: Arc<Link>, peer: SocketAddr) -> (Self, Arc<Handover>) {
        let handover = Arc::new(Handover::default());
        (Self { link, peer, stream: Some(handover.clone()) }, handover)
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
        let handover = self.stream.as_deref().unwrap_or(&self.link.handover);
        *handover.session.lock().unwrap_or_else(PoisonError::into_inner) = Some(session);
        Body::new(HeadOnly(self.link.clone()))
    }
}

/// Nobody has asked for the connection.
const HTTP: u8 = 0;
/// The head of the answer stands in hyper's write buffer.
const QUEUED: u8 = 1;
/// The head has been written to the socket.
const FLUSHED: u8 = 2;

/// One connection's state of the handover.
#[derive(Default)]
pub(crate) struct Handover {
    stage: AtomicU8,
    session: Mutex<Option<Session>>,
}

impl Handover {
    /// The socket was flushed. hyper does so only with an empty write buffer: a queued head has left.
    pub(crate) fn flushed(&self) {
        self.advance(QUEUED, FLUSHED);
    }

    fn advance(&self, from: u8, to: u8) {
        // A look first: streams flush again and again, long after the stage is over.
        if self.stage.load(Ordering::Relaxed) == from {
            let _ = self.stage.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Whether the head of a stream has left, so that the connection can be taken from hyper.
    pub(crate) fn head_left(&self) -> bool {
        self.stage.load(Ordering::Relaxed) == FLUSHED
    }

    /// The session, if one was accepted.
    pub(crate) fn take(&self) -> Option<Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for Handover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handover").field("stage", &self.stage).finish_non_exhaustive()
    }
}

/// A body of unknown length of which nothing ever comes: hyper writes the head for it, and asks it for data once the
/// head is in the buffer.
struct HeadOnly(Arc<Link>);

impl hyper::body::Body for HeadOnly {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        // hyper asks again after the flush: only the first time counts.
        self.0.handover.advance(HTTP, QUEUED);
        Poll::Pending
    }
}

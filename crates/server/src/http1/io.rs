//! The connection as hyper sees it: it ends after the response, not when the client closes its side, and it does not
//! wait forever for a client that reads nothing of a response.
//!
//! A client may close its side after a request (RFC 9112, section 9.6, allows it; `nc -N` does it). hyper can be
//! configured to allow that, but then notices that a client is gone only when it writes. So this type hides the end
//! from hyper while a response is being made, and notifies the task that waits for an update.
//!
//! It also sees when hyper has sent everything and waits for the next request: then the connection can do without it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::task::AtomicWaker;
use hyper::body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use crate::handover::End;
use crate::wire::Wire;

/// Polls that the last bytes of a body may take from hyper to the handler.
const MAX_HELD: u8 = 8;

/// The state that the reading side of a connection and its responses share. One request is processed at a time.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// Whether a response is being made or sent.
    is_answering: AtomicBool,
    /// Whether the request has an incomplete body.
    awaits_body: AtomicBool,
    /// Notifies the handler when the client has closed its side.
    end: Arc<End>,
    /// The reading task, from which the end was hidden.
    reader: AtomicWaker,
    /// Bytes of a response's body that hyper has and the socket has not.
    unsent: AtomicUsize,
    /// The task that makes more of the body, and waits for the socket.
    sender: AtomicWaker,
    /// How far the connection is on its way to the next request.
    between: AtomicU8,
}

/// A request is being read or answered.
const BUSY: u8 = 0;
/// The answer is made.
const ANSWERED: u8 = 1;
/// hyper has flushed, which it does only with an empty write buffer.
const FLUSHED: u8 = 2;
/// hyper waits for the next request, and nothing of it has arrived.
const IDLE: u8 = 3;
/// The request has a body, and a shard has not answered it. Its client is likely to publish again in the same way, and
/// stays with hyper.
const PUBLISHING: u8 = 4;

impl Turn {
    /// Begins a request, whose response is finished when the returned guard is dropped.
    pub(super) fn begin(self: &Arc<Self>, awaits_body: bool) -> Answering {
        self.awaits_body.store(awaits_body, Ordering::Relaxed);
        self.is_answering.store(true, Ordering::Relaxed);
        self.between.store(if awaits_body { PUBLISHING } else { BUSY }, Ordering::Relaxed);
        Answering(self.clone())
    }

    /// Whether the last answer is sent, and nothing of the next request has arrived.
    pub(super) fn is_idle(&self) -> bool {
        self.between.load(Ordering::Relaxed) == IDLE
    }

    /// Goes on to the next state, if it is in the one before.
    fn advance(&self, from: u8, to: u8) {
        let _ = self.between.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn sent(&self, bytes: usize) {
        let before = self.unsent.load(Ordering::Relaxed);
        let left = before.saturating_sub(bytes); // the head is not counted
        self.unsent.store(left, Ordering::Release);
        if before > 0 && left == 0 {
            self.sender.wake();
        }
    }

    /// Ready once the socket has everything that was made of the body: hyper itself would buffer twice as much of a
    /// long one.
    fn poll_sent(&self, cx: &Context<'_>) -> Poll<()> {
        self.sender.register(cx.waker());
        if self.unsent.load(Ordering::Acquire) > 0 { Poll::Pending } else { Poll::Ready(()) }
    }

    /// The notification that the client has closed its side.
    pub(super) fn end(&self) -> Arc<End> {
        self.end.clone()
    }
}

/// A guard for a response that is being made or sent.
pub(super) struct Answering(Arc<Turn>);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.is_answering.store(false, Ordering::Relaxed);
        self.0.advance(BUSY, ANSWERED);
        self.0.reader.wake();
    }
}

/// A body that tracks a state until it ends: for a response, that it is being sent; for a request, that it is
/// incomplete.
pub(super) enum Watched {
    Answer(Body, Answering),
    Request(Body, Arc<Turn>),
}

impl hyper::body::Body for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match &mut *self {
            Self::Answer(body, Answering(turn)) => {
                ready!(turn.poll_sent(cx));
                let frame = ready!(Pin::new(body).poll_frame(cx));
                let made = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref());
                turn.unsent.store(made.map_or(0, Bytes::len), Ordering::Release);
                Poll::Ready(frame)
            }
            Self::Request(body, turn) => {
                let frame = ready!(Pin::new(&mut *body).poll_frame(cx));
                if frame.is_none() || body.is_end_stream() {
                    turn.awaits_body.store(false, Ordering::Relaxed);
                }
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let (Self::Answer(body, _) | Self::Request(body, _)) = self;
        body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (Self::Answer(body, _) | Self::Request(body, _)) = self;
        body.size_hint()
    }
}

/// The connection.
pub(super) struct Io {
    wire: Wire,
    turn: Arc<Turn>,
    /// For how long the client may read nothing.
    patience: Duration,
    /// The timer that ends that patience, while the client reads nothing.
    blocked: Option<Pin<Box<Sleep>>>,
    /// How often the end was hidden from a request with an incomplete body.
    held: u8,
}

impl Io {
    pub(super) const fn new(wire: Wire, turn: Arc<Turn>, patience: Duration) -> Self {
        Self { wire, turn, patience, blocked: None, held: 0 }
    }

    pub(super) fn into_wire(self) -> Wire {
        self.wire
    }

    /// Whether hyper may learn that the client has closed its side. If it waits for a body, that ends the request in
    /// the middle, unless the last bytes are on their way from hyper to the handler, which the next polls show.
    fn may_end(&mut self, cx: &Context<'_>) -> bool {
        if self.blocked.is_some() || !self.turn.is_answering.load(Ordering::Relaxed) {
            return self.blocked.is_none();
        }
        let is_incomplete = self.turn.awaits_body.load(Ordering::Relaxed);
        if is_incomplete && self.held < MAX_HELD {
            self.held += 1;
            cx.waker().wake_by_ref();
            return false;
        }
        is_incomplete
    }

    /// Handles the result of a write. If one waits for too long, the connection is reset: otherwise the kernel would
    /// keep what it holds for such a client.
    fn wrote<T>(&mut self, written: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            if self.blocked.take().is_some() {
                self.turn.reader.wake();
            }
            return written;
        }
        let patience = self.patience;
        let blocked = self.blocked.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        ready!(blocked.as_mut().poll(cx));
        self.wire.reset_on_close();
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

const fn bytes_of(written: &Poll<io::Result<usize>>) -> usize {
    if let Poll::Ready(Ok(bytes)) = written { *bytes } else { 0 }
}

impl AsyncRead for Io {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let Poll::Ready(read) = Pin::new(&mut self.wire).poll_read(cx, buf) else {
            self.turn.advance(FLUSHED, IDLE);
            return Poll::Pending;
        };
        read?;
        if buf.filled().len() > before {
            [ANSWERED, FLUSHED, IDLE].into_iter().for_each(|state| self.turn.advance(state, BUSY));
            return Poll::Ready(Ok(()));
        }
        self.turn.end.has_come();
        self.turn.reader.register(cx.waker());
        if self.may_end(cx) {
            return Poll::Ready(Ok(()));
        }
        self.turn.end.notify();
        Poll::Pending
    }
}

impl AsyncWrite for Io {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.wire).poll_write(cx, bytes);
        self.turn.sent(bytes_of(&written));
        self.wrote(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.wire).poll_write_vectored(cx, slices);
        self.turn.sent(bytes_of(&written));
        self.wrote(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.wire).poll_flush(cx);
        if flushed.is_ready() {
            self.turn.advance(ANSWERED, FLUSHED);
        }
        self.wrote(flushed, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(cx)
    }
}

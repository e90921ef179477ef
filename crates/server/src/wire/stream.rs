//! One stream of an HTTP/2 connection, as the wire of a session.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use futures_util::task::AtomicWaker;
use h2::{Reason, RecvStream, SendStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;

use crate::limits::MAX_FRAMES;
use crate::meter::Endpoint;

/// The contents of a frame, until the library has written it.
pub(crate) struct Piece {
    bytes: Bytes,
    waiting: Option<Arc<Waiting>>,
    /// The turn of a long response on the connection, released when this is dropped.
    turn: Option<OwnedSemaphorePermit>,
}

/// The number of a stream's frames that the library has not written yet.
#[derive(Debug, Default)]
struct Waiting {
    frames: AtomicUsize,
    /// The session, if it waits for room.
    session: AtomicWaker,
}

impl Waiting {
    /// Counts a frame that is about to be handed to the library.
    fn piece(self: &Arc<Self>, bytes: Bytes) -> Piece {
        self.frames.fetch_add(1, Ordering::Relaxed);
        Piece { bytes, waiting: Some(self.clone()), turn: None }
    }

    fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        let has_room = || self.frames.load(Ordering::Acquire) < MAX_FRAMES;
        if has_room() {
            return Poll::Ready(());
        }
        // Register, then check again: a frame may have been written in between.
        self.session.register(cx.waker());
        if has_room() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl From<Bytes> for Piece {
    /// The end of a stream, which is not counted.
    fn from(bytes: Bytes) -> Self {
        Self { bytes, waiting: None, turn: None }
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if let Some(waiting) = &self.waiting {
            waiting.frames.fetch_sub(1, Ordering::AcqRel);
            waiting.session.wake();
        }
    }
}

/// An HTTP/2 stream that a session has taken over.
pub(crate) struct Stream {
    send: SendStream<Piece>,
    waiting: Arc<Waiting>,
    /// The client's half; `None` if the client sends nothing after its request.
    incoming: Option<RecvStream>,
    /// Received bytes that have not been read yet.
    rest: Bytes,
    endpoint: Arc<Endpoint>,
}

impl Stream {
    pub(crate) fn new(send: SendStream<Piece>, incoming: Option<RecvStream>, endpoint: Arc<Endpoint>) -> Self {
        Self { send, waiting: Arc::default(), incoming, rest: Bytes::new(), endpoint }
    }

    /// Ends the stream, and discards what has not been sent to the client.
    pub(crate) fn reset(&mut self) {
        self.send.send_reset(Reason::CANCEL);
    }

    /// Ready with an error once the client has reset the stream.
    fn poll_reset(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        self.send.poll_reset(cx).map(|_| io::ErrorKind::ConnectionReset.into())
    }
}

/// An HTTP/2 stream on which a response is sent.
pub(crate) struct Outgoing {
    send: SendStream<Piece>,
    waiting: Arc<Waiting>,
}

impl Outgoing {
    pub(crate) fn new(send: SendStream<Piece>) -> Self {
        Self { send, waiting: Arc::default() }
    }

    /// Discards what has not been sent to the client.
    pub(crate) fn reset(mut self) {
        self.send.send_reset(Reason::CANCEL);
    }

    /// Waits until the client's windows allow some of `wanted` bytes, at least one, and returns how many.
    pub(crate) async fn room(&mut self, wanted: usize) -> io::Result<usize> {
        std::future::poll_fn(|cx| poll_room(&mut self.send, wanted, cx)).await
    }

    /// Sends as many bytes as there is room for, at least one; the response ends with the last byte of the last piece.
    /// The frame keeps its connection's `turn`, if given, until it is written.
    pub(crate) async fn send(
        &mut self,
        bytes: &mut Bytes,
        is_last: bool,
        turn: Option<OwnedSemaphorePermit>,
    ) -> io::Result<()> {
        let room = self.room(bytes.len()).await?;
        let mut piece = self.waiting.piece(bytes.split_to(room));
        piece.turn = turn;
        self.send.send_data(piece, is_last && bytes.is_empty()).map_err(io::Error::other)
    }

    /// Whether the library has unwritten frames.
    pub(crate) fn has_waiting(&self) -> bool {
        self.waiting.frames.load(Ordering::Acquire) > 0
    }

    /// Waits until the library has written one of them.
    pub(crate) async fn written(&self) {
        let frames = || self.waiting.frames.load(Ordering::Acquire);
        let before = frames();
        std::future::poll_fn(|cx| {
            // Register, then check: a frame may be written in between.
            self.waiting.session.register(cx.waker());
            if frames() < before { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// Waits until some of `wanted` bytes, at least one, may be sent, and returns how many, never more than `wanted`.
fn poll_room(stream: &mut SendStream<Piece>, wanted: usize, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
    stream.reserve_capacity(wanted);
    // The library reports only changes of the capacity: existing capacity must be queried.
    while stream.capacity() == 0 {
        if !matches!(ready!(stream.poll_capacity(cx)), Some(Ok(_))) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
    }
    Poll::Ready(Ok(stream.capacity().min(wanted)))
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let Some(incoming) = &mut this.incoming else { return this.poll_reset(cx).map(Err) };
        if this.rest.is_empty() {
            match ready!(incoming.poll_data(cx)) {
                Some(Ok(data)) => this.rest = data,
                Some(Err(_)) => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
                None => return Poll::Ready(Ok(())),
            }
        }
        let len = this.rest.len().min(buf.remaining());
        buf.put_slice(&this.rest[..len]);
        this.rest.advance(len);
        this.endpoint.body_bytes.add(len as u64);
        // Reading makes room for more.
        let _ = incoming.flow_control().release_capacity(len);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[io::IoSlice::new(bytes)])
    }

    /// The library needs owned bytes, so they are copied here, all into one frame.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.waiting.poll_room(cx));
        let wanted = slices.iter().map(|slice| slice.len()).sum();
        let room = ready!(poll_room(&mut self.send, wanted, cx))?;
        let mut data = BytesMut::with_capacity(room);
        for slice in slices {
            let len = slice.len().min(room - data.len());
            data.extend_from_slice(&slice[..len]);
        }
        let piece = self.waiting.piece(data.freeze());
        self.send.send_data(piece, false).map_err(io::Error::other)?;
        self.endpoint.body_bytes.add(room as u64);
        Poll::Ready(Ok(room))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.send.send_data(Bytes::new().into(), true).map_err(io::Error::other))
    }
}

//! Streams the feed to one client: SSE and WebSocket alike, each in its own [`Dialect`].
//!
//! The state of a stream is a cursor into the ring and the bytes that the socket has not taken yet. A client that
//! falls behind leaves its updates in the ring; when its socket takes bytes again it gets what is still there in one
//! vectored write, and is told of what is not.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use feedlab_feed::{Cursor, Gap};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};

use crate::connection::linger;
use crate::hub::Hub;
use crate::meter::{Active, Door};
use crate::ring::Entry;
use crate::socket::Socket;
use crate::subscribers::{BEATS, Signals, Subscription};

/// Pieces in one vectored write. A stream holds at most this many shared updates outside the ring.
const MAX_PIECES: usize = 64;
/// Bytes after which a batch is full.
const MAX_BATCH_BYTES: usize = 64 << 10;
/// Answers to control frames that may wait for a socket; beyond it, the client's frames are not read.
const MAX_WAITING: usize = 2 * MAX_PIECES;
/// Keepalive intervals for which a socket may take no byte before its client counts as gone.
const MAX_STALLED: u8 = 4;

/// Beats for which a stream has been quiet; [`BEATS`] of them are a keepalive interval.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Quiet {
    /// Beats since the server last wrote.
    pub(crate) written: u8,
    /// Beats since the client last sent something.
    pub(crate) read: u8,
}

/// Bytes on their way to the socket.
pub(crate) type Outbox = VecDeque<Bytes>;

/// How a transport writes the feed, and what it makes of what the client sends.
pub(crate) trait Dialect: Send + Unpin + 'static {
    /// The bytes of an update: the same for every client, so a reference to shared ones.
    fn update(&self, entry: &Entry) -> Bytes;

    /// Tells the client what it lost.
    fn gap(&self, gap: Gap, resume: Cursor) -> Bytes;

    /// What to send after `written` and `read` beats in which nothing went out or came in; an error when so long a
    /// silence means that the client is gone.
    fn beat(&mut self, quiet: Quiet) -> io::Result<Option<Bytes>>;

    /// Bytes came in; answers go to the outbox. `Break` when the stream is to end after them.
    fn received(&mut self, bytes: &[u8], outbox: &mut Outbox) -> ControlFlow<()>;

    /// The last words of a server that goes down.
    fn goodbye(&self) -> Bytes;
}

/// Where a stream begins and what it is counted as.
pub(crate) struct Start {
    pub(crate) hub: Arc<Hub>,
    pub(crate) cursor: Cursor,
    pub(crate) door: Arc<Door>,
    /// What is sent before the first update.
    pub(crate) greeting: Bytes,
}

/// One client's stream.
pub(crate) struct Push<D> {
    socket: Socket,
    dialect: D,
    hub: Arc<Hub>,
    subscription: Subscription,
    cursor: Cursor,
    outbox: Outbox,
    /// There may be updates after the cursor.
    behind: bool,
    /// The last words are in the outbox.
    closing: bool,
    quiet: Quiet,
    door: Arc<Door>,
    _active: Active,
}

impl<D: Dialect> Push<D> {
    pub(crate) fn new(socket: Socket, dialect: D, start: Start) -> Self {
        let mut outbox = Outbox::new();
        if !start.greeting.is_empty() {
            outbox.push_back(start.greeting);
        }
        Self {
            socket,
            dialect,
            subscription: start.hub.subscribe(),
            hub: start.hub,
            cursor: start.cursor,
            outbox,
            behind: true,
            closing: false,
            quiet: Quiet::default(),
            _active: start.door.enter(),
            door: start.door,
        }
    }

    /// Streams until the client or the server ends it. `early` is what the client sent right behind its request.
    pub(crate) async fn run(mut self, early: Bytes) {
        if !early.is_empty() {
            self.receive(&early);
        }
        drop(early); // even when empty, it holds hyper's read buffer
        if std::future::poll_fn(|cx| self.poll(cx)).await.is_ok() {
            let socket = self.socket;
            Box::pin(linger(socket)).await;
        }
    }

    /// `Ok` when the stream ended in good order, an error when the connection is gone.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Poll::Ready(signals) = self.subscription.poll_signals(cx) {
            self.signalled(signals)?;
        }
        self.poll_input(cx)?;
        self.poll_output(cx)
    }

    fn signalled(&mut self, signals: Signals) -> io::Result<()> {
        self.behind |= signals.has(Signals::NEWS);
        if signals.has(Signals::BEAT) && !self.closing {
            self.beat()?;
        }
        if signals.has(Signals::CLOSING) && !self.closing {
            self.outbox.push_back(self.dialect.goodbye());
            self.closing = true;
        }
        Ok(())
    }

    fn beat(&mut self) -> io::Result<()> {
        self.quiet.written = self.quiet.written.saturating_add(1);
        self.quiet.read = self.quiet.read.saturating_add(1);
        let keepalive = self.dialect.beat(self.quiet)?;
        if self.outbox.is_empty() {
            self.door.keepalive_bytes.add(keepalive.as_ref().map_or(0, |bytes| bytes.len() as u64));
            self.outbox.extend(keepalive);
        } else if self.quiet.written > MAX_STALLED * BEATS {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }

    /// Reads what is there, into a buffer that exists only while there is something.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while !self.closing && self.outbox.len() < MAX_WAITING {
            let mut space = [MaybeUninit::uninit(); 2048];
            let mut buffer = ReadBuf::uninit(&mut space);
            match Pin::new(&mut self.socket).poll_read(cx, &mut buffer) {
                Poll::Pending => break,
                Poll::Ready(result) => result?,
            }
            if buffer.filled().is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.quiet.read = 0;
            self.receive(buffer.filled());
        }
        Ok(())
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.closing |= self.dialect.received(bytes, &mut self.outbox).is_break();
    }

    fn poll_output(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.outbox.is_empty() && self.behind && !self.closing {
                self.refill();
            }
            if self.outbox.is_empty() {
                return if self.closing { Poll::Ready(Ok(())) } else { Poll::Pending };
            }
            let written = ready!(self.poll_write(cx))?;
            self.quiet.written = 0;
            consume(&mut self.outbox, written);
        }
    }

    /// Moves the next updates from the ring to the outbox.
    fn refill(&mut self) {
        let batch = self.hub.after(self.cursor, MAX_PIECES);
        if let Some(gap) = batch.gap {
            self.door.gaps.add(1);
            self.outbox.push_back(self.dialect.gap(gap, batch.resume));
        }
        self.cursor = batch.resume;
        let mut bytes = 0;
        for entry in &batch.entries {
            if bytes > MAX_BATCH_BYTES {
                break;
            }
            let piece = self.dialect.update(entry);
            bytes += piece.len();
            self.cursor.0 += 1;
            self.door.updates.add(1);
            self.door.payload_bytes.add(entry.update.data.len() as u64);
            self.outbox.push_back(piece);
        }
        self.behind = self.cursor < batch.next() || batch.entries.len() == MAX_PIECES;
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let socket = Pin::new(&mut self.socket);
        if let [piece] = self.outbox.as_slices().0
            && self.outbox.len() == 1
        {
            return socket.poll_write(cx, piece);
        }
        let mut slices = [IoSlice::new(&[]); MAX_PIECES];
        let count = self.outbox.iter().zip(&mut slices).map(|(piece, slice)| *slice = IoSlice::new(piece)).count();
        socket.poll_write_vectored(cx, &slices[..count])
    }
}

/// Drops the first `written` bytes.
fn consume(outbox: &mut Outbox, mut written: usize) {
    while let Some(piece) = outbox.front_mut() {
        if written < piece.len() {
            piece.advance(written);
            return;
        }
        written -= piece.len();
        outbox.pop_front();
    }
    // What a backlog needed is not kept for an idle stream.
    if outbox.capacity() > 8 {
        *outbox = Outbox::new();
    }
}

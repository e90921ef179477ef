//! Streams the feed to one client, over SSE or WebSocket, each with its own [`Framing`].
//!
//! The state of a stream is a position in the ring and the bytes that the socket has not accepted yet. The updates of a
//! client that falls behind stay in the ring; when its socket accepts bytes again, it gets what is still there in one
//! vectored write, and a gap for what is not.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::num::NonZeroU64;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use feedlab_feed::settings::SlowPolicy;
use feedlab_feed::stream::{BEATS, MAX_PIECES};
use feedlab_feed::{Cursor, Gap, Reset};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};

use crate::app::App;
use crate::entry::Entry;
use crate::hub::{Hub, Position};
use crate::limits::{MAX_BATCH_BYTES, MAX_STALLED, MAX_WAITING};
use crate::meter::{Active, Endpoint};
use crate::ring::Batch;
use crate::subscribers::{Signals, Subscribers, Subscription};
use crate::wire::Wire;

/// How long a stream has been idle, in beats; [`BEATS`] of them are a keepalive interval.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Quiet {
    /// Beats since the server last wrote.
    pub(crate) written: u8,
    /// Beats since the client last sent something.
    pub(crate) read: u8,
}

/// Bytes on their way to the socket.
pub(crate) type Outbox = VecDeque<Bytes>;

/// How a transport encodes the feed, and how it handles what the client sends.
pub(crate) trait Framing: Send + Unpin + 'static {
    /// Returns the bytes of an update: the same for every client, so a reference to shared bytes.
    fn update(&self, entry: &Entry) -> Bytes;

    /// Returns the message with the client's cursor, sent before anything else.
    fn hello(&self, cursor: Cursor) -> Bytes;

    /// Returns the message that is sent instead if the client's cursor is of another epoch.
    fn reset(&self, reset: Reset) -> Bytes;

    /// Returns the message that reports lost updates.
    fn gap(&self, gap: Gap, resume: Cursor) -> Bytes;

    /// Returns what to send after `written` beats without output and `read` beats without input; an error if the
    /// silence means that the client is gone.
    fn beat(&mut self, quiet: Quiet) -> io::Result<Option<Bytes>>;

    /// Handles bytes from the client: consumes them up to the end of the first message, and puts its answer, at most
    /// one, into the outbox. Returns `Break` if the stream ends after it.
    fn received(&mut self, bytes: &mut &[u8], outbox: &mut Outbox) -> ControlFlow<()>;

    /// Polls an answer that takes time: until it is in the outbox, nothing more is read. Returns `Break` if the stream
    /// ends with it.
    fn poll_answer(&mut self, _: &mut Context<'_>, _: &mut Outbox) -> Poll<ControlFlow<()>> {
        Poll::Ready(ControlFlow::Continue(()))
    }

    /// Returns the server's last message; empty if the end of the stream needs none.
    fn close_message(&self, why: CloseReason) -> Bytes;
}

/// Why a server ends a stream gracefully.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CloseReason {
    /// The server shuts down.
    ShuttingDown,
    /// The stream reached its maximum age.
    MaxAge,
}

/// The start of a stream, and the endpoint that it counts for.
pub(crate) struct Start {
    hub: Arc<Hub>,
    subscribers: Arc<Subscribers>,
    /// The position of its client.
    position: Position,
    /// The requested updates that are older than the history.
    gap: Option<Gap>,
    /// The `seq` after which the stream continues.
    resume: u64,
    /// Beats until the stream reaches its maximum age; `u16::MAX` without one.
    beats_left: u16,
    endpoint: Arc<Endpoint>,
}

impl Start {
    /// The start of a stream at a position. From here on, the history no longer limits how far it may be behind.
    pub(crate) fn new(app: &App, position: Position, endpoint: Arc<Endpoint>) -> Self {
        let (gap, resume) = app.hub.begin(position.seq);
        let beats_left = app.config.settings.max_connection_age.map_or(u16::MAX, |age| lifetime(age, app));
        Self { hub: app.hub.clone(), subscribers: app.subscribers.clone(), position, gap, resume, beats_left, endpoint }
    }

    /// Returns the first messages of the stream: the client's cursor, and the gap if there is one.
    fn greeting(&self, framing: &impl Framing) -> Outbox {
        let first = match self.position.reset {
            Some(reset) => framing.reset(reset),
            None => framing.hello(self.hub.cursor(self.position.seq)),
        };
        let gap = self.gap.map(|gap| framing.gap(gap, self.hub.cursor(self.resume)));
        self.endpoint.resets.add(u64::from(self.position.reset.is_some()));
        self.endpoint.gaps.add(u64::from(gap.is_some()));
        // Exactly as large as needed: an idle stream keeps it until its first update.
        let mut greeting = Outbox::with_capacity(1 + usize::from(gap.is_some()));
        greeting.push_back(first);
        greeting.extend(gap);
        greeting
    }
}

/// Returns the beats until the end of a stream: between half of the maximum age and all of it, so that streams that
/// started together do not end together. An age beyond the range of the counter (some days, with a keepalive of
/// seconds) is clamped.
fn lifetime(age: Duration, app: &App) -> u16 {
    let beat = app.config.settings.keepalive / u32::from(BEATS);
    let most = age.as_nanos() / beat.as_nanos().max(1);
    let most = u16::try_from(most).unwrap_or(u16::MAX - 1).clamp(1, u16::MAX - 1);
    rand::random_range(most.div_ceil(2)..=most)
}

/// One client's stream.
pub(crate) struct Push<D> {
    wire: Wire,
    framing: D,
    hub: Arc<Hub>,
    subscription: Subscription,
    /// The `seq` of the last update that was put into the outbox.
    seq: u64,
    outbox: Outbox,
    /// Whether there may be updates after that.
    behind: bool,
    /// From when the socket first blocked until the stream has caught up: the `seq` that would have been published
    /// next.
    blocked_at: Option<NonZeroU64>,
    /// Whether the close message is in the outbox.
    closing: bool,
    quiet: Quiet,
    /// Beats until the stream reaches its maximum age; `u16::MAX` without one.
    beats_left: u16,
    endpoint: Arc<Endpoint>,
    _active: Active,
}

impl<D: Framing> Push<D> {
    pub(crate) fn new(wire: Wire, framing: D, start: Start) -> Self {
        let outbox = start.greeting(&framing);
        Self {
            wire,
            framing,
            subscription: start.subscribers.join(),
            hub: start.hub,
            seq: start.resume,
            outbox,
            behind: true,
            blocked_at: None,
            closing: false,
            quiet: Quiet::default(),
            beats_left: start.beats_left,
            _active: start.endpoint.enter(),
            endpoint: start.endpoint,
        }
    }

    /// Streams until the client or the server ends it. `rest` is input that has not been decoded yet: at first, what
    /// the client sent after its request.
    #[expect(clippy::manual_async_fn, reason = "its future holds its arguments once, that of an `async fn` twice")]
    pub(crate) fn run(mut self, mut rest: Bytes) -> impl Future<Output = ()> + Send {
        async move {
            if std::future::poll_fn(|cx| self.poll(cx, &mut rest)).await.is_ok() {
                Box::pin(self.wire.close()).await;
            }
        }
    }

    /// Ready with `Ok` if the stream ended gracefully, with an error if the connection is gone.
    fn poll(&mut self, cx: &mut Context<'_>, rest: &mut Bytes) -> Poll<io::Result<()>> {
        while let Poll::Ready(signals) = self.subscription.poll_signals(cx) {
            self.signaled(signals)?;
        }
        loop {
            let input = self.poll_input(cx, rest)?;
            let output = self.poll_output(cx)?;
            // Repeat if there was more to read and the writes have made room for its answers.
            if input.is_pending() || output.is_ready() || !self.has_room() {
                return output.map(Ok);
            }
        }
    }

    fn signaled(&mut self, signals: Signals) -> io::Result<()> {
        self.behind |= signals.has(Signals::NEWS);
        if signals.has(Signals::NEWS) {
            self.check_pace()?;
        }
        if signals.has(Signals::BEAT) && !self.closing {
            self.beat()?;
        }
        if signals.has(Signals::CLOSING) {
            self.begin_close(CloseReason::ShuttingDown);
        }
        Ok(())
    }

    /// Starts to end the stream with its close message.
    fn begin_close(&mut self, why: CloseReason) {
        if !self.closing {
            let message = self.framing.close_message(why);
            self.outbox.extend((!message.is_empty()).then_some(message));
            self.closing = true;
        }
    }

    /// Ends the stream of a client that reads too slowly, if that is the policy. With a reset, because otherwise the
    /// kernel would keep what waits for such a client; without a close message, because its socket does not accept one.
    fn check_pace(&mut self) -> io::Result<()> {
        let (Some(limit), Some(blocked_at)) = (self.hub.disconnect_after(), self.blocked_at) else { return Ok(()) };
        if self.hub.head() + 1 - blocked_at.get() <= limit {
            return Ok(());
        }
        self.endpoint.slow_disconnected.add(1);
        self.wire.reset_on_close();
        Err(io::ErrorKind::TimedOut.into())
    }

    fn beat(&mut self) -> io::Result<()> {
        self.quiet.written = self.quiet.written.saturating_add(1);
        self.quiet.read = self.quiet.read.saturating_add(1);
        if self.beats_left != u16::MAX {
            self.beats_left = self.beats_left.saturating_sub(1);
            if self.beats_left == 0 {
                self.begin_close(CloseReason::MaxAge);
                return Ok(());
            }
        }
        let keepalive = self.framing.beat(self.quiet)?;
        if self.outbox.is_empty() {
            self.endpoint.keepalive_bytes.add(keepalive.as_ref().map_or(0, |bytes| bytes.len() as u64));
            self.outbox.extend(keepalive);
        } else if self.quiet.written > MAX_STALLED * BEATS {
            self.wire.reset_on_close();
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }

    /// Reads while there is room for answers, into a buffer that exists only during the call. Pending if the client has
    /// sent nothing more.
    fn poll_input(&mut self, cx: &mut Context<'_>, rest: &mut Bytes) -> Poll<io::Result<()>> {
        ready!(self.poll_answer(cx));
        while self.has_room() {
            let mut space = [MaybeUninit::uninit(); 2048];
            let mut buffer = ReadBuf::uninit(&mut space);
            if rest.is_empty() {
                ready!(Pin::new(&mut self.wire).poll_read(cx, &mut buffer))?;
                if buffer.filled().is_empty() {
                    return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
                }
                self.quiet.read = 0;
            }
            let mut bytes = if rest.is_empty() { buffer.filled() } else { &rest[..] };
            let mut answered = Poll::Ready(());
            while !bytes.is_empty() && answered.is_ready() && self.has_room() {
                self.closing |= self.framing.received(&mut bytes, &mut self.outbox).is_break();
                answered = self.poll_answer(cx);
            }
            *rest = Bytes::copy_from_slice(bytes);
            ready!(answered);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let answer = ready!(self.framing.poll_answer(cx, &mut self.outbox));
        self.closing |= answer.is_break();
        Poll::Ready(())
    }

    /// Whether there is room for an answer to the client.
    fn has_room(&self) -> bool {
        !self.closing && self.outbox.len() < MAX_WAITING
    }

    fn poll_output(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            // TLS may have bytes that the socket did not accept, although the outbox is empty.
            if self.outbox.is_empty() && Pin::new(&mut self.wire).poll_flush(cx)?.is_pending() {
                return self.blocked();
            }
            if self.outbox.is_empty() && self.behind && !self.closing {
                ready!(self.poll_refill(cx));
            }
            if self.outbox.is_empty() {
                self.blocked_at = None;
                return if self.closing { Poll::Ready(Ok(())) } else { Poll::Pending };
            }
            let Poll::Ready(written) = self.poll_write(cx)? else { return self.blocked() };
            self.quiet.written = 0;
            consume(&mut self.outbox, written);
        }
    }

    /// Records that the socket accepts no more for now.
    fn blocked<T>(&mut self) -> Poll<T> {
        self.blocked_at = self.blocked_at.or_else(|| NonZeroU64::new(self.hub.head() + 1));
        Poll::Pending
    }

    /// Returns the updates to send next, unless a broker still has to deliver them.
    fn poll_next(&mut self, cx: &Context<'_>) -> Poll<Batch> {
        if self.hub.slow_policy() == SlowPolicy::Latest && self.blocked_at.take().is_some() {
            let batch = self.hub.newest(self.seq);
            self.endpoint.conflated.add(batch.gap.map_or(0, |gap| gap.to + 1 - gap.from));
            return Poll::Ready(batch);
        }
        self.hub.poll_after(cx, self.seq, MAX_PIECES)
    }

    /// Moves the next updates from the ring to the outbox.
    fn poll_refill(&mut self, cx: &Context<'_>) -> Poll<()> {
        let batch = ready!(self.poll_next(cx));
        if let Some(gap) = batch.gap {
            self.endpoint.gaps.add(1);
            self.outbox.push_back(self.framing.gap(gap, self.hub.cursor(batch.resume)));
        }
        self.seq = batch.resume;
        let mut bytes = 0;
        for entry in &batch.entries {
            if bytes > MAX_BATCH_BYTES {
                break;
            }
            let piece = self.framing.update(entry);
            bytes += piece.len();
            self.seq += 1;
            self.endpoint.updates.add(1);
            self.endpoint.payload_bytes.add(entry.update.data.len() as u64);
            self.outbox.push_back(piece);
        }
        self.behind = self.seq < batch.next() || batch.entries.len() == MAX_PIECES || self.hub.is_behind(self.seq);
        Poll::Ready(())
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let wire = Pin::new(&mut self.wire);
        if let [piece] = self.outbox.as_slices().0
            && self.outbox.len() == 1
        {
            return wire.poll_write(cx, piece);
        }
        let mut slices = [IoSlice::new(&[]); MAX_PIECES];
        let count = self.outbox.iter().zip(&mut slices).map(|(piece, slice)| *slice = IoSlice::new(piece)).count();
        wire.poll_write_vectored(cx, &slices[..count])
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
    // Release the capacity of a backlog, so that an idle stream does not keep it.
    if outbox.capacity() > 8 {
        *outbox = Outbox::new();
    }
}

#[cfg(test)]
mod tests;

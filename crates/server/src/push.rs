//! One client's stream, over SSE or WebSocket, each with its own [`Framing`].
//!
//! The state of a stream is a position in the ring and the bytes that the socket has not accepted yet. A stream that
//! has caught up is sent what the [`Pass`] after a publication has encoded for all of them, in one write. The updates
//! of a client that falls behind stay in the ring; when its socket accepts bytes again, it gets what is still there in
//! one vectored write, and a gap for what is not.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::num::NonZeroU64;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use feedlab_feed::settings::SlowPolicy;
use feedlab_feed::stream::{BEATS, MAX_PIECES};
use feedlab_feed::{Cursor, Gap, Reset};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};

use crate::entry::Encoding;
use crate::fanout::Pass;
use crate::hub::Hub;
use crate::limits::{MAX_BATCH_BYTES, MAX_STALLED, MAX_WAITING};
use crate::meter::{Active, Endpoint};
use crate::ring::Batch;
use crate::wire::Wire;

mod start;
pub(crate) use start::Start;

/// How often a stream is read from in a row.
const MAX_READS: usize = 16;

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
pub(crate) trait Framing: Send {
    /// How updates are encoded: the same for every client of this encoding, so that they share the bytes.
    fn encoding(&self) -> Encoding;

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

/// One client's stream. Each method that moves it is ready with `Ok` once the stream has ended gracefully, and with an
/// error once the connection is gone.
pub(crate) struct Push {
    wire: Wire,
    framing: Box<dyn Framing>,
    encoding: Encoding,
    hub: Arc<Hub>,
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
    /// Whether there may be input that has not been read.
    has_input: bool,
    /// Input that has not been decoded yet: at first, what the client sent after its request.
    rest: Bytes,
    endpoint: Arc<Endpoint>,
    _active: Active,
}

impl Push {
    pub(crate) fn new(wire: Wire, start: Start, early: Bytes) -> Self {
        let outbox = start.greeting();
        Self {
            wire,
            encoding: start.framing.encoding(),
            framing: start.framing,
            hub: start.hub,
            seq: start.resume,
            outbox,
            behind: true,
            blocked_at: None,
            closing: false,
            quiet: Quiet::default(),
            beats_left: start.beats_left,
            has_input: false,
            rest: early,
            _active: start.endpoint.enter(),
            endpoint: start.endpoint,
        }
    }

    pub(crate) const fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }

    pub(crate) fn into_wire(self) -> Wire {
        self.wire
    }

    /// Whether something other than the socket can make the stream continue: then it needs a waker.
    pub(crate) fn needs_waker(&self) -> bool {
        self.wire.is_shared() || self.hub.broker().is_some()
    }

    /// Sends what a pass has for a stream that has caught up. One that has not continues at its own position, once its
    /// socket accepts more.
    pub(crate) fn publish(&mut self, pass: &mut Pass, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.seq != pass.from() || self.behind || self.closing || !self.outbox.is_empty() {
            self.behind |= self.seq < pass.to();
            self.check_pace()?;
            return if self.blocked_at.is_some() { Poll::Pending } else { self.poll_output(cx) };
        }
        let bytes = pass.bytes(self.encoding);
        // Straight to the socket, which thousands of streams do in a row; other wires have a state to go through.
        let sent = if let Wire::Plain(socket) = &self.wire { socket.send(bytes)? } else { 0 };
        let rest = (sent < bytes.len()).then(|| bytes.slice(sent..));
        self.seq = pass.to();
        pass.sent(self.encoding, sent);
        if sent > 0 {
            self.quiet.written = 0;
        }
        let Some(rest) = rest else { return Poll::Pending };
        self.outbox.push_back(rest);
        // A socket that took less is full.
        if matches!(self.wire, Wire::Plain(_)) { self.blocked() } else { self.poll_output(cx) }
    }

    /// Reads what has arrived and sends what waits, as far as the wire allows. `buffer` is memory to read into.
    ///
    /// A client that sends without end does not keep the others waiting: after [`MAX_READS`], it must be polled again,
    /// which [`has_input`](Self::has_input) says.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<()>> {
        self.has_input = false;
        for _ in 0..MAX_READS {
            let input = self.poll_input(cx, buffer)?;
            let output = self.poll_output(cx)?;
            // Repeat if there may be more to read and there is room for its answers.
            if input.is_pending() || output.is_ready() || !self.has_room() {
                return output.map(Ok);
            }
        }
        self.has_input = true;
        Poll::Pending
    }

    /// Whether the last [`poll`](Self::poll) has left something to read.
    pub(crate) const fn has_input(&self) -> bool {
        self.has_input
    }

    /// Ends the stream with its close message.
    pub(crate) fn close(&mut self, why: CloseReason, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.closing {
            let message = self.framing.close_message(why);
            self.outbox.extend((!message.is_empty()).then_some(message));
            self.closing = true;
        }
        self.poll_output(cx)
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

    /// A quarter of a keepalive interval has passed.
    pub(crate) fn beat(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.quiet.written = self.quiet.written.saturating_add(1);
        self.quiet.read = self.quiet.read.saturating_add(1);
        if self.closing {
            return self.poll_output(cx);
        }
        if self.beats_left != u16::MAX {
            self.beats_left = self.beats_left.saturating_sub(1);
            if self.beats_left == 0 {
                return self.close(CloseReason::MaxAge, cx);
            }
        }
        let keepalive = self.framing.beat(self.quiet)?;
        if self.outbox.is_empty() {
            self.endpoint.keepalive_bytes.add(keepalive.as_ref().map_or(0, |bytes| bytes.len() as u64));
            self.outbox.extend(keepalive);
        } else if self.quiet.written > MAX_STALLED * BEATS {
            self.wire.reset_on_close();
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if self.outbox.is_empty() { Poll::Pending } else { self.poll_output(cx) }
    }

    /// Reads once, if there is room for answers. Pending if the client has sent nothing more.
    fn poll_input(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<()>> {
        ready!(self.poll_answer(cx));
        if !self.has_room() {
            return Poll::Ready(Ok(()));
        }
        let mut buffer = ReadBuf::new(buffer);
        if self.rest.is_empty() {
            ready!(Pin::new(&mut self.wire).poll_read(cx, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            self.quiet.read = 0;
        }
        let rest = std::mem::take(&mut self.rest);
        let mut bytes = if rest.is_empty() { buffer.filled() } else { &rest[..] };
        let mut answered = Poll::Ready(());
        while !bytes.is_empty() && answered.is_ready() && self.has_room() {
            self.closing |= self.framing.received(&mut bytes, &mut self.outbox).is_break();
            answered = self.poll_answer(cx);
        }
        self.rest = Bytes::copy_from_slice(bytes);
        answered.map(Ok)
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
            let piece = entry.encoded(self.encoding);
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
    // An idle stream keeps no memory for a backlog.
    *outbox = Outbox::new();
}

#[cfg(test)]
mod tests;

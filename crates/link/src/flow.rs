//! One direction of a connection: bytes from the socket that is read, over the path, to the socket that is written.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::TcpStream;

use crate::channel::Orders;
use crate::path::{Load, Path, time_of};

/// The size of the read buffer, bytes. The buffer is on the stack, so an idle connection holds none.
const CHUNK: usize = 16 << 10;

/// How many reads in a row are allowed before other tasks get their turn.
const READS: usize = 4;

/// How many pieces one write takes at most.
const PIECES: usize = 16;

/// The direction of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// One direction of a connection.
#[derive(Debug)]
pub(crate) struct Flow {
    direction: Direction,
    pub(crate) path: Path,
    /// Whether the last read found nothing more; the task is woken when there is more to read.
    drained: bool,
    /// Whether the socket takes no more for now; the task is woken when it does.
    blocked: bool,
    /// Whether the sender has ended: nothing more is read.
    sender_done: bool,
    /// Whether the receiver has received the end, or has disconnected.
    receiver_done: bool,
    /// When a slow reader may read next.
    next_read: Option<Instant>,
}

impl Flow {
    pub(crate) const fn new(direction: Direction, path: Path) -> Self {
        Self {
            direction,
            path,
            drained: false,
            blocked: false,
            sender_done: false,
            receiver_done: false,
            next_read: None,
        }
    }

    /// Whether the flow may read now.
    fn may_read(&self, orders: &Orders, now: Instant) -> bool {
        !self.sender_done && self.path.has_room(&orders.network(now)) && self.next_read.is_none_or(|at| at <= now)
    }

    /// Returns when the flow next has something to do that no socket event triggers.
    pub(crate) fn next(&self, now: Instant) -> Option<Instant> {
        let arrives = self.path.next_due().filter(|_| !self.blocked);
        let reads = self.next_read.filter(|at| !self.sender_done && *at > now);
        [arrives, reads].into_iter().flatten().min()
    }

    /// Whether both ends are done.
    pub(crate) fn is_over(&self) -> bool {
        self.receiver_done && self.path.is_empty()
    }

    /// Whether the flow may read now and the last read did not find the socket empty.
    pub(crate) fn can_read_more(&self, orders: &Orders, now: Instant) -> bool {
        !self.drained && self.may_read(orders, now)
    }

    /// Reads what is available and sends it on the path. Returns whether anything was read. If there is no more to
    /// read, the task is woken when there is.
    pub(crate) fn read_available(
        &mut self,
        from: &mut TcpStream,
        orders: &Orders,
        now: Instant,
        context: &mut Context<'_>,
    ) -> bool {
        if self.direction == Direction::Down {
            self.path.release(now, &orders.network(now));
        }
        self.drained = false;
        let mut reads = 0;
        while reads < READS && self.may_read(orders, now) {
            self.drained = self.read(from, orders, now, context).is_pending();
            if self.drained {
                break;
            }
            reads += 1;
        }
        reads > 0
    }

    fn read(&mut self, from: &mut TcpStream, orders: &Orders, now: Instant, context: &mut Context<'_>) -> Poll<()> {
        let mut space = [MaybeUninit::uninit(); CHUNK];
        let mut buffer = ReadBuf::uninit(&mut space[..self.read_size(orders)]);
        match Pin::new(from).poll_read(context, &mut buffer) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(())) if buffer.filled().is_empty() => self.end(Load::Fin, orders, now),
            Poll::Ready(Ok(())) => self.send(buffer.filled(), orders, now),
            Poll::Ready(Err(_)) => self.end(Load::Reset, orders, now),
        }
        Poll::Ready(())
    }

    /// Returns the size of one read, bytes. A slow reader reads 20 times per second, or 1 byte at a time if it reads
    /// fewer than 20 bytes per second.
    fn read_size(&self, orders: &Orders) -> usize {
        let per_s = self.reads_per_s(orders);
        per_s.and_then(|per_s| usize::try_from(per_s / 20).ok()).map_or(CHUNK, |piece| piece.clamp(1, CHUNK))
    }

    fn reads_per_s(&self, orders: &Orders) -> Option<u64> {
        orders.reads_per_s().filter(|_| self.direction == Direction::Down)
    }

    fn send(&mut self, bytes: &[u8], orders: &Orders, now: Instant) {
        let next = |per_s| now.max(self.next_read.unwrap_or(now)) + time_of(bytes.len(), per_s);
        self.next_read = self.reads_per_s(orders).map(next);
        match (self.direction, orders.settings.network.buffer_bytes) {
            (Direction::Down, Some(_)) => self.path.hold_back(bytes, now, &orders.network(now)),
            _ => self.path.send(bytes, now, &orders.network(now)),
        }
    }

    /// Ends the flow: the sender has closed or reset the connection.
    pub(crate) fn end(&mut self, end: Load, orders: &Orders, now: Instant) {
        self.sender_done = true;
        self.path.end(end, now, &orders.network(now));
    }

    /// Ends the flow at the proxy, after the bytes that are in flight.
    pub(crate) fn cut(&mut self, orders: &Orders, now: Instant) {
        if !std::mem::replace(&mut self.sender_done, true) {
            self.path.cut(now, &orders.network(now));
        }
    }

    /// Writes what has arrived, and returns how many bytes that was. If the socket does not take all of it, the task is
    /// woken when it takes more.
    ///
    /// # Errors
    /// When the receiver has disconnected.
    pub(crate) fn write_arrived(
        &mut self,
        to: &mut TcpStream,
        now: Instant,
        context: &mut Context<'_>,
    ) -> io::Result<usize> {
        let mut written = 0;
        loop {
            let mut pieces = [IoSlice::new(&[]); PIECES];
            let count = self.path.arrived(now, &mut pieces);
            self.blocked = false;
            if count == 0 {
                return Ok(written);
            }
            match Pin::new(&mut *to).poll_write_vectored(context, &pieces[..count]) {
                Poll::Ready(count) => {
                    let count = count?;
                    self.path.delivered(count);
                    written += count;
                }
                Poll::Pending => {
                    self.blocked = true;
                    return Ok(written);
                }
            }
        }
    }

    /// Delivers an end that has arrived to the receiver, and returns its kind.
    pub(crate) fn deliver_end(&mut self, to: &mut TcpStream, now: Instant, context: &mut Context<'_>) -> Option<Load> {
        let end = self.path.take_end(now)?;
        self.receiver_done = true;
        if end == Load::Fin {
            // The shutdown of a TCP socket completes immediately.
            let _ = Pin::new(to).poll_shutdown(context);
        }
        Some(end)
    }

    /// Discards what is in flight: the receiver has disconnected.
    pub(crate) fn discard(&mut self) {
        self.path.discard();
        (self.sender_done, self.receiver_done, self.blocked) = (true, true, false);
    }
}

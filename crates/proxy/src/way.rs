//! One direction of a connection: from the socket that is read, over the path, to the socket that is written.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::TcpStream;

use crate::line::Orders;
use crate::path::{Load, Path, time_of};

/// The most that is read at once. It is on the stack, so that an idle connection holds no buffer.
const CHUNK: usize = 16 << 10;

/// Reads in a row before others have their turn.
const READS: usize = 4;

/// Pieces that are written at once.
const PIECES: usize = 16;

/// Which direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// One direction.
#[derive(Debug)]
pub(crate) struct Way {
    direction: Direction,
    pub(crate) path: Path,
    /// There was nothing more to read; the task is woken when there is.
    drained: bool,
    /// The socket takes no more for now; the task is woken when it does.
    blocked: bool,
    /// The sender has ended: nothing is read any more.
    sender_done: bool,
    /// The receiver has been told of the end, or is gone.
    receiver_done: bool,
    /// A slow reader reads again then.
    read_again: Option<Instant>,
}

impl Way {
    pub(crate) const fn new(direction: Direction, path: Path) -> Self {
        Self {
            direction,
            path,
            drained: false,
            blocked: false,
            sender_done: false,
            receiver_done: false,
            read_again: None,
        }
    }

    /// Whether it would read now.
    fn wants(&self, orders: &Orders, now: Instant) -> bool {
        !self.sender_done && self.path.has_room(&orders.settings.network) && self.read_again.is_none_or(|at| at <= now)
    }

    /// When it has something to do by itself.
    pub(crate) fn next(&self, now: Instant) -> Option<Instant> {
        let arrives = self.path.next_due().filter(|_| !self.blocked);
        let reads = self.read_again.filter(|at| !self.sender_done && *at > now);
        [arrives, reads].into_iter().flatten().min()
    }

    /// Both ends are done with it.
    pub(crate) fn is_over(&self) -> bool {
        self.receiver_done && self.path.is_empty()
    }

    /// Whether it would read at once, and has not seen that there is nothing.
    pub(crate) fn is_hungry(&self, orders: &Orders, now: Instant) -> bool {
        !self.drained && self.wants(orders, now)
    }

    /// Reads what has come, and sends it on its way; tells whether that was anything. If there is no more, the task is
    /// woken when more comes.
    pub(crate) fn take_in(
        &mut self,
        from: &mut TcpStream,
        orders: &Orders,
        now: Instant,
        context: &mut Context<'_>,
    ) -> bool {
        if self.direction == Direction::Down {
            self.path.release(now, &orders.settings.network);
        }
        self.drained = false;
        let mut reads = 0;
        while reads < READS && self.wants(orders, now) {
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
        let mut buffer = ReadBuf::uninit(&mut space[..self.piece(orders)]);
        match Pin::new(from).poll_read(context, &mut buffer) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(())) if buffer.filled().is_empty() => self.end(Load::Fin, orders, now),
            Poll::Ready(Ok(())) => self.send(buffer.filled(), orders, now),
            Poll::Ready(Err(_)) => self.end(Load::Reset, orders, now),
        }
        Poll::Ready(())
    }

    /// A slow reader reads twenty times a second, if it reads more than that many bytes.
    fn piece(&self, orders: &Orders) -> usize {
        let per_s = self.reads_per_s(orders);
        per_s.and_then(|per_s| usize::try_from(per_s / 20).ok()).map_or(CHUNK, |piece| piece.clamp(1, CHUNK))
    }

    fn reads_per_s(&self, orders: &Orders) -> Option<u64> {
        orders.reads_per_s().filter(|_| self.direction == Direction::Down)
    }

    fn send(&mut self, bytes: &[u8], orders: &Orders, now: Instant) {
        let read = |per_s| now.max(self.read_again.unwrap_or(now)) + time_of(bytes.len(), per_s);
        self.read_again = self.reads_per_s(orders).map(read);
        match (self.direction, orders.settings.network.buffer_bytes) {
            (Direction::Down, Some(_)) => self.path.hold_back(bytes, now, &orders.settings.network),
            _ => self.path.send(bytes, now, &orders.settings.network),
        }
    }

    /// The sender has ended.
    pub(crate) fn end(&mut self, end: Load, orders: &Orders, now: Instant) {
        self.sender_done = true;
        self.path.end(end, now, &orders.settings.network);
    }

    /// It ends where the proxy is, after what is on its way.
    pub(crate) fn cut(&mut self, orders: &Orders, now: Instant) {
        if !std::mem::replace(&mut self.sender_done, true) {
            self.path.cut(now, &orders.settings.network);
        }
    }

    /// Writes what has arrived, and tells how much that was. If the socket does not take all of it, the task is woken when
    /// it takes more.
    ///
    /// # Errors
    /// When the receiver is gone.
    pub(crate) fn give_out(
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

    /// Tells the receiver of an end that has arrived, and what kind it was.
    pub(crate) fn give_end(&mut self, to: &mut TcpStream, now: Instant, context: &mut Context<'_>) -> Option<Load> {
        let end = self.path.take_end(now)?;
        self.receiver_done = true;
        if end == Load::Fin {
            // A socket's shutdown is done at once.
            let _ = Pin::new(to).poll_shutdown(context);
        }
        Some(end)
    }

    /// The receiver is gone, and with it what was on its way.
    pub(crate) fn lose(&mut self) {
        self.path.lose();
        (self.sender_done, self.receiver_done, self.blocked) = (true, true, false);
    }
}

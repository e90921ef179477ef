//! The relay between a connection's two sockets, in both directions.

use std::future::poll_fn;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::Instant;

use feedlab_feed::clock;
use tokio::net::TcpStream;

use crate::channel::{Ending, OrderChannel, Orders};
use crate::flow::{Direction, Flow};
use crate::lab::Lab;
use crate::path::{Load, Path};
use crate::rng::Rng;
use crate::stats::Gauge;
use crate::timers::Timer;

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Both ends have closed.
    Closed,
    /// The proxy has sent a FIN to both ends, which may still be sending.
    Cut,
    /// Both ends are to get an RST.
    Reset,
}

/// A connection that is forwarded.
#[derive(Debug)]
pub(crate) struct Relay<'a> {
    client: &'a mut TcpStream,
    server: &'a mut TcpStream,
    up: Flow,
    down: Flow,
    channel: &'a OrderChannel,
    timer: &'a mut Timer,
    counts: Counts<'a>,
    /// When bytes last passed, in either direction.
    last_active: Instant,
    cut: bool,
}

#[derive(Debug)]
struct Counts<'a> {
    up: &'a AtomicU64,
    down: &'a AtomicU64,
    held: Gauge<'a>,
}

impl<'a> Relay<'a> {
    /// Creates the relay of a connection that the client opened at `opened`.
    pub(crate) fn new(
        (client, server): (&'a mut TcpStream, &'a mut TcpStream),
        lab: &'a Lab,
        channel: &'a OrderChannel,
        timer: &'a mut Timer,
        mut rng: Rng,
        opened: Instant,
    ) -> Self {
        let rtt = channel.orders().network(opened).rtt;
        // The SYN and the SYN-ACK take one round trip, and the client's ACK arrives half a round trip later.
        let up = Path::new(opened + rtt, Rng::new(rng.next()));
        let down = Path::new(opened + rtt + rtt / 2, rng);
        let counters = &lab.counters;
        let held = Gauge::new(&counters.held, 0);
        Self {
            client,
            server,
            up: Flow::new(Direction::Up, up),
            down: Flow::new(Direction::Down, down),
            channel,
            timer,
            counts: Counts { up: &counters.bytes_up, down: &counters.bytes_down, held },
            last_active: opened,
            cut: false,
        }
    }

    /// Forwards bytes until the connection ends.
    pub(crate) async fn run(&mut self) -> Outcome {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Outcome> {
        let orders = self.channel.listen(context.waker());
        if orders.ending == Some(Ending::Reset) {
            return Poll::Ready(Outcome::Reset);
        }
        if let Some(until) = orders.black_hole() {
            return self.sleep(Some(until), context);
        }
        self.pass(&orders, context);
        if let Some(outcome) = self.deliver_ends(context) {
            return Poll::Ready(outcome);
        }
        let now = clock::now();
        // Reading stopped because there was no room, which there may be now, or to yield to other tasks.
        let more = (self.up.can_read_more(&orders, now) || self.down.can_read_more(&orders, now)).then_some(now);
        let next = [more, self.up.next(now), self.down.next(now), self.idle_at(&orders)];
        self.sleep(next.into_iter().flatten().min(), context)
    }

    /// Makes sure that the task is woken at `until` at the latest. If that has passed, the task is rescheduled, so that
    /// other tasks get their turn.
    fn sleep(&mut self, until: Option<Instant>, context: &Context<'_>) -> Poll<Outcome> {
        if until.is_some_and(|at| self.timer.poll(at, context).is_ready()) {
            context.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Reads and writes what is available in both directions.
    fn pass(&mut self, orders: &Orders, context: &mut Context<'_>) {
        let now = clock::now();
        if orders.ending == Some(Ending::Cut) {
            self.cut(orders, now);
        }
        let up = self.up.read_available(self.client, orders, now, context);
        let down = self.down.read_available(self.server, orders, now, context);
        let wrote = self.write_arrived(orders, context);
        if up || down || wrote {
            self.last_active = now;
        }
        if self.idle_at(orders).is_some_and(|at| at <= now) {
            self.cut(orders, now);
        }
        self.counts.held.set((self.up.path.held() + self.down.path.held()) as u64);
    }

    fn cut(&mut self, orders: &Orders, now: Instant) {
        self.cut = true;
        self.up.cut(orders, now);
        self.down.cut(orders, now);
    }

    /// Writes what has arrived to both sides. Returns whether any bytes were written.
    fn write_arrived(&mut self, orders: &Orders, context: &mut Context<'_>) -> bool {
        let now = clock::now();
        let up = self.up.write_arrived(self.server, now, context);
        let down = self.down.write_arrived(self.client, now, context);
        // A peer that has disconnected answers data with an RST, which takes the path's delay too.
        if up.is_err() {
            self.up.discard();
            self.down.end(Load::Reset, orders, now);
        }
        if down.is_err() {
            self.down.discard();
            self.up.end(Load::Reset, orders, now);
        }
        let (up, down) = (up.unwrap_or(0), down.unwrap_or(0));
        self.counts.up.fetch_add(up as u64, Relaxed);
        self.counts.down.fetch_add(down as u64, Relaxed);
        up + down > 0
    }

    /// Delivers the ends that have arrived. Returns the outcome once the connection is over.
    fn deliver_ends(&mut self, context: &mut Context<'_>) -> Option<Outcome> {
        let now = clock::now();
        let up = self.up.deliver_end(self.server, now, context);
        let down = self.down.deliver_end(self.client, now, context);
        if [up, down].contains(&Some(Load::Reset)) {
            return Some(Outcome::Reset);
        }
        let outcome = if self.cut { Outcome::Cut } else { Outcome::Closed };
        (self.up.is_over() && self.down.is_over()).then_some(outcome)
    }

    /// Returns when the idle timeout expires. A connection with bytes in flight is not idle.
    fn idle_at(&self, orders: &Orders) -> Option<Instant> {
        let is_idle = !self.cut && self.up.path.is_empty() && self.down.path.is_empty();
        orders.settings.network.idle_timeout.filter(|_| is_idle).map(|time| self.last_active + time)
    }
}

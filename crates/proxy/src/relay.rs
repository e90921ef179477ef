//! Two sockets and the two ways between them.

use std::future::poll_fn;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::Instant;

use feedlab_feed::clock;
use tokio::net::TcpStream;

use crate::alarm::Alarm;
use crate::lab::Lab;
use crate::line::{Ending, Line, Orders};
use crate::path::{Load, Path};
use crate::rng::Rng;
use crate::stats::Gauge;
use crate::way::{Direction, Way};

/// How a connection came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// Both ends have closed.
    Closed,
    /// Both have been sent a FIN from here; they may still be sending.
    Cut,
    /// It is torn.
    Reset,
}

/// A connection that is led on.
#[derive(Debug)]
pub(crate) struct Relay<'a> {
    client: &'a mut TcpStream,
    server: &'a mut TcpStream,
    up: Way,
    down: Way,
    line: &'a Line,
    alarm: &'a mut Alarm,
    counts: Counts<'a>,
    /// When something passed last.
    last: Instant,
    cut: bool,
}

#[derive(Debug)]
struct Counts<'a> {
    up: &'a AtomicU64,
    down: &'a AtomicU64,
    held: Gauge<'a>,
}

impl<'a> Relay<'a> {
    /// A connection that the client opened then.
    pub(crate) fn new(
        (client, server): (&'a mut TcpStream, &'a mut TcpStream),
        lab: &'a Lab,
        line: &'a Line,
        alarm: &'a mut Alarm,
        mut rng: Rng,
        opened: Instant,
    ) -> Self {
        let rtt = line.orders().settings.network.rtt;
        // The client's SYN and the server's answer take a round trip, and the client's ACK arrives half of one later.
        let up = Path::new(opened + rtt, Rng::new(rng.next()));
        let down = Path::new(opened + rtt + rtt / 2, rng);
        let counters = &lab.counters;
        let held = Gauge::new(&counters.held, 0);
        Self {
            client,
            server,
            up: Way::new(Direction::Up, up),
            down: Way::new(Direction::Down, down),
            line,
            alarm,
            counts: Counts { up: &counters.bytes_up, down: &counters.bytes_down, held },
            last: opened,
            cut: false,
        }
    }

    /// Leads on until the end.
    pub(crate) async fn run(&mut self) -> Over {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Over> {
        let orders = self.line.listen(context.waker());
        if orders.ending == Some(Ending::Reset) {
            return Poll::Ready(Over::Reset);
        }
        if let Some(until) = orders.hole() {
            return self.sleep(Some(until), context);
        }
        self.pass(&orders, context);
        if let Some(over) = self.ends(context) {
            return Poll::Ready(over);
        }
        let now = clock::now();
        // Reading stopped for want of room, and now there may be some; or to let others have their turn.
        let more = (self.up.is_hungry(&orders, now) || self.down.is_hungry(&orders, now)).then_some(now);
        let next = [more, self.up.next(now), self.down.next(now), self.idle_at(&orders)];
        self.sleep(next.into_iter().flatten().min(), context)
    }

    /// Has the task woken then, at the latest. What is to be done at once waits for others to have their turn.
    fn sleep(&mut self, until: Option<Instant>, context: &Context<'_>) -> Poll<Over> {
        if until.is_some_and(|at| self.alarm.poll(at, context).is_ready()) {
            context.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Passes on what there is.
    fn pass(&mut self, orders: &Orders, context: &mut Context<'_>) {
        let now = clock::now();
        if orders.ending == Some(Ending::Cut) {
            self.cut(orders, now);
        }
        let up = self.up.take_in(self.client, orders, now, context);
        let down = self.down.take_in(self.server, orders, now, context);
        let went = self.give_out(orders, context);
        if up || down || went {
            self.last = now;
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

    /// Writes what has arrived on both sides; tells whether that was anything.
    fn give_out(&mut self, orders: &Orders, context: &mut Context<'_>) -> bool {
        let now = clock::now();
        let up = self.up.give_out(self.server, now, context);
        let down = self.down.give_out(self.client, now, context);
        // Whoever is gone answers what is sent to it with an RST, which has its way to go too.
        if up.is_err() {
            self.up.lose();
            self.down.end(Load::Reset, orders, now);
        }
        if down.is_err() {
            self.down.lose();
            self.up.end(Load::Reset, orders, now);
        }
        let (up, down) = (up.unwrap_or(0), down.unwrap_or(0));
        self.counts.up.fetch_add(up as u64, Relaxed);
        self.counts.down.fetch_add(down as u64, Relaxed);
        up + down > 0
    }

    /// Passes on the ends that have arrived.
    fn ends(&mut self, context: &mut Context<'_>) -> Option<Over> {
        let now = clock::now();
        let up = self.up.give_end(self.server, now, context);
        let down = self.down.give_end(self.client, now, context);
        if [up, down].contains(&Some(Load::Reset)) {
            return Some(Over::Reset);
        }
        let over = if self.cut { Over::Cut } else { Over::Closed };
        (self.up.is_over() && self.down.is_over()).then_some(over)
    }

    /// When it has been idle for too long. Nothing is idle while something is on its way.
    fn idle_at(&self, orders: &Orders) -> Option<Instant> {
        let is_still = !self.cut && self.up.path.is_empty() && self.down.path.is_empty();
        orders.settings.network.idle_timeout.filter(|_| is_still).map(|time| self.last + time)
    }
}

//! Two sockets and the two ways between them.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::alarm::Alarm;
use crate::clock;
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
    pub(crate) client: &'a mut TcpStream,
    pub(crate) server: &'a mut TcpStream,
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
        let rtt = line.orders().settings.rtt;
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
        loop {
            let orders = self.line.orders();
            if orders.ending == Some(Ending::Reset) {
                return Over::Reset;
            }
            if orders.hole().is_none()
                && let Some(over) = self.pass(&orders).await
            {
                return over;
            }
            self.wait(&orders).await;
            // A connection that always has something to do lets others have their turn.
            tokio::task::consume_budget().await;
        }
    }

    /// Passes on what there is.
    async fn pass(&mut self, orders: &Orders) -> Option<Over> {
        let now = clock::now();
        if orders.ending == Some(Ending::Cut) {
            self.cut(orders, now);
        }
        let came = [self.up.take_in(self.client, orders, now), self.down.take_in(self.server, orders, now)];
        let went = self.give_out(orders);
        if came.contains(&true) || went {
            self.last = now;
        }
        if self.idle_at(orders).is_some_and(|at| at <= now) {
            self.cut(orders, now);
        }
        let over = self.ends().await;
        self.counts.held.set((self.up.path.held() + self.down.path.held()) as u64);
        over
    }

    fn cut(&mut self, orders: &Orders, now: Instant) {
        self.cut = true;
        self.up.cut(orders, now);
        self.down.cut(orders, now);
    }

    /// Writes what has arrived on both sides; tells whether that was anything.
    fn give_out(&mut self, orders: &Orders) -> bool {
        let now = clock::now();
        let up = self.up.give_out(self.server, now);
        let down = self.down.give_out(self.client, now);
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
    async fn ends(&mut self) -> Option<Over> {
        let now = clock::now();
        for (way, to) in [(&mut self.up, &mut *self.server), (&mut self.down, &mut *self.client)] {
            match way.path.arrived_end(now) {
                Some(Load::Reset) => return Some(Over::Reset),
                Some(_) => {
                    way.path.end_delivered();
                    way.receiver_done = true;
                    let _ = to.shutdown().await;
                }
                None => {}
            }
        }
        let over = if self.cut { Over::Cut } else { Over::Closed };
        (self.up.is_over() && self.down.is_over()).then_some(over)
    }

    /// When it has been idle for too long. Nothing is idle while something is on its way.
    fn idle_at(&self, orders: &Orders) -> Option<Instant> {
        let is_still = !self.cut && self.up.path.is_empty() && self.down.path.is_empty();
        orders.settings.idle_timeout.filter(|_| is_still).map(|time| self.last + time)
    }

    /// Waits until there is something to do.
    async fn wait(&mut self, orders: &Orders) {
        let now = clock::now();
        let hole = orders.hole();
        let passes = hole.is_none();
        let idle = self.idle_at(orders);
        let next = hole.or_else(|| [self.up.next(now), self.down.next(now), idle].into_iter().flatten().min());
        tokio::select! {
            biased;
            _ = self.client.readable(), if passes && self.up.wants(orders, now) => self.up.readable = true,
            _ = self.server.readable(), if passes && self.down.wants(orders, now) => self.down.readable = true,
            _ = self.server.writable(), if passes && self.up.blocked => {}
            _ = self.client.writable(), if passes && self.down.blocked => {}
            () = self.alarm.until(next.unwrap_or(now)), if next.is_some() => {}
            () = self.line.changed() => {}
        }
    }
}

//! The transports on a simulated network: a server that pushes, clients that poll, and clients that hold a poll.

use super::super::model::Span;
use super::super::transport::Carriage;
use super::endpoint::Congestion;
use super::link::Link;
use super::network::{Happened, Network, Tag};
use super::segment::{HEADERS, Host};

/// What is simulated. Times are in s, sizes in bytes.
#[derive(Clone, Copy, Debug)]
pub(in crate::predict) struct Setup<'a> {
    pub(in crate::predict) carriage: Carriage,
    pub(in crate::predict) clients: usize,
    /// How many streams share a connection.
    pub(in crate::predict) shared_by: usize,
    /// Whether polls keep their connection.
    pub(in crate::predict) keep_alive: bool,
    /// When updates fall due, ascending, and of which the ages are asked.
    pub(in crate::predict) due: &'a [f64],
    pub(in crate::predict) measured: Span,
    /// When the simulation ends.
    pub(in crate::predict) until: f64,
    pub(in crate::predict) round_trip: f64,
    pub(in crate::predict) mtu: f64,
    pub(in crate::predict) congestion: Congestion,
}

/// The tokens that are not numbers of updates: a client's next poll, and the end of its hold.
const POLL: u64 = 1 << 40;
const EXPIRES: u64 = 1 << 41;

/// Returns the ages at all clients of the updates that fall due in the measured time, in any order.
pub(in crate::predict) fn ages(setup: &Setup<'_>, links: [Link; 2]) -> Vec<f64> {
    let most = (setup.mtu - HEADERS).max(1.0) as u64;
    let network = Network::new(links, setup.congestion, most, setup.round_trip);
    let mut app = App { setup, network, clients: Vec::new(), ages: Vec::new() };
    app.start();
    while let Some(happened) = app.network.next(setup.until) {
        app.on(happened);
    }
    app.ages
}

/// A client as the server and itself know it.
#[derive(Clone, Copy, Debug)]
struct Client {
    connection: usize,
    /// The first update that it has not been sent.
    next: usize,
    /// Whether it waits for an answer.
    is_pending: bool,
    /// Whether the server holds its request, and which of its requests it is.
    is_held: bool,
    request: u64,
}

struct App<'a> {
    setup: &'a Setup<'a>,
    network: Network,
    clients: Vec<Client>,
    ages: Vec<f64>,
}

impl App<'_> {
    fn start(&mut self) {
        let setup = self.setup;
        for client in 0..setup.clients {
            let is_first = client.is_multiple_of(setup.shared_by.max(1));
            let connection = match self.clients.last() {
                Some(before) if !is_first => before.connection,
                _ => self.network.add_open(),
            };
            self.clients.push(Client { connection, next: 0, is_pending: false, is_held: false, request: 0 });
            match setup.carriage {
                Carriage::Pushed { .. } => {}
                Carriage::Polled { interval, .. } => {
                    let phase = interval * (client as f64 + 0.5) / setup.clients as f64;
                    self.network.at(phase, POLL + client as u64);
                }
                Carriage::Held { .. } => self.request(client),
            }
        }
        for (update, due) in setup.due.iter().enumerate() {
            self.network.at(*due, update as u64);
        }
    }

    fn on(&mut self, happened: Happened) {
        match happened {
            Happened::Due(token) if token >= EXPIRES => self.expire(token - EXPIRES),
            Happened::Due(token) if token >= POLL => self.poll((token - POLL) as usize),
            Happened::Due(update) => self.publish(update as usize),
            Happened::Open(connection) => {
                if let Some(client) = self.clients.iter().position(|client| client.connection == connection) {
                    self.request(client);
                }
            }
            Happened::Message { at: Host::Server, tag, .. } => self.asked(tag.client),
            Happened::Message { at: Host::Client, tag, .. } => self.received(tag),
        }
    }

    fn publish(&mut self, update: usize) {
        match self.setup.carriage {
            Carriage::Pushed { update: bytes } => {
                for client in 0..self.clients.len() {
                    let tag = Tag { client, from: update, to: update + 1 };
                    self.network.write(self.clients[client].connection, Host::Server, bytes, tag);
                }
            }
            Carriage::Polled { .. } => {}
            Carriage::Held { .. } => {
                for client in (0..self.clients.len()).filter(|client| self.clients[*client].is_held).collect::<Vec<_>>()
                {
                    self.answer(client);
                }
            }
        }
    }

    /// A client's slot: the next one is due whether or not this one is used.
    fn poll(&mut self, client: usize) {
        let Carriage::Polled { interval, .. } = self.setup.carriage else { return };
        self.network.at(self.network.now() + interval, POLL + client as u64);
        if self.clients[client].is_pending {
            return;
        }
        self.clients[client].is_pending = true;
        if self.setup.keep_alive {
            self.request(client);
        } else {
            self.clients[client].connection = self.network.connect();
        }
    }

    fn request(&mut self, client: usize) {
        let (Carriage::Polled { request: bytes, .. } | Carriage::Held { request: bytes, .. }) = self.setup.carriage
        else {
            return;
        };
        let one = self.clients[client];
        self.network.write(one.connection, Host::Client, bytes, Tag { client, from: 0, to: 0 });
    }

    /// The server has a request.
    fn asked(&mut self, client: usize) {
        let published = self.published();
        let one = &mut self.clients[client];
        match self.setup.carriage {
            Carriage::Held { hold, .. } if one.next >= published => {
                one.is_held = true;
                one.request += 1;
                // The client's number, and below it which of its requests.
                let token = EXPIRES + ((client as u64) << 20) + (one.request & 0xf_ffff);
                self.network.at(self.network.now() + hold, token);
            }
            _ => self.answer(client),
        }
    }

    fn expire(&mut self, token: u64) {
        let (client, request) = ((token >> 20) as usize, token & 0xf_ffff);
        if self.clients[client].is_held && self.clients[client].request & 0xf_ffff == request {
            self.answer(client);
        }
    }

    fn published(&self) -> usize {
        let now = self.network.now();
        self.setup.due.partition_point(|due| *due <= now)
    }

    fn answer(&mut self, client: usize) {
        let (Carriage::Polled { answer: (empty, each), .. } | Carriage::Held { answer: (empty, each), .. }) =
            self.setup.carriage
        else {
            return;
        };
        let to = self.published();
        let one = &mut self.clients[client];
        let (from, connection) = (one.next, one.connection);
        (one.next, one.is_held) = (to, false);
        let bytes = empty + each * (to - from) as f64;
        self.network.write(connection, Host::Server, bytes, Tag { client, from, to });
    }

    fn received(&mut self, tag: Tag) {
        let now = self.network.now();
        let due = &self.setup.due[tag.from..tag.to];
        self.ages.extend(due.iter().filter(|due| self.setup.measured.contains(**due)).map(|due| now - due));
        self.clients[tag.client].is_pending = false;
        if matches!(self.setup.carriage, Carriage::Held { .. }) {
            if self.setup.keep_alive {
                self.request(tag.client);
            } else {
                self.clients[tag.client].connection = self.network.connect();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use feedlab_feed::link::{Emulation, Queue, Rate};
    use std::time::Duration;

    use super::*;

    const RENO: Congestion = Congestion { remains: 0.5, restarts: true };
    const UPDATE: Carriage = Carriage::Pushed { update: 200.0 };

    fn link(rtt_ms: u64, loss: f64) -> Emulation {
        Emulation { rtt: Duration::from_millis(rtt_ms), loss, ..Emulation::default() }
    }

    /// Returns the ages, ascending, of updates that fall due every `period` s for `count` times.
    fn run(carriage: Carriage, emulation: &Emulation, (period, count): (f64, u32), clients: usize) -> Vec<f64> {
        let due: Vec<f64> = (0..count).map(|update| 1.0 + period * f64::from(update)).collect();
        let end = 1.0 + period * f64::from(count);
        let setup = Setup {
            carriage,
            clients,
            shared_by: 1,
            keep_alive: true,
            due: &due,
            measured: Span { from: 0.0, to: end },
            until: end + 30.0,
            round_trip: emulation.rtt.as_secs_f64(),
            mtu: f64::from(emulation.mtu),
            congestion: RENO,
        };
        let mut ages = ages(&setup, Link::both(emulation, 1).unwrap());
        assert_eq!(ages.len(), count as usize * clients, "every update arrives once");
        ages.sort_by(f64::total_cmp);
        ages
    }

    fn at(ages: &[f64], share: f64) -> f64 {
        ages[((ages.len() as f64 * share) as usize).min(ages.len() - 1)]
    }

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-6, "{found}, expected {expected}");
    }

    #[test]
    fn without_losses_only_the_distance_matters() {
        let ages = run(UPDATE, &link(100, 0.0), (0.1, 50), 3);
        near(ages[0], 0.05);
        near(*ages.last().unwrap(), 0.05);
    }

    #[test]
    fn a_lost_update_on_a_busy_stream_costs_about_a_round_trip_and_on_a_rare_one_a_timeout() {
        // Some losses of 2,000; a lost one waits until a later one was acknowledged: 10 ms + a round trip, but at least for
        // the time in which it could have been overtaken.
        let busy = run(UPDATE, &link(100, 0.01), (0.05, 2_000), 1);
        let late: Vec<f64> = busy.iter().copied().filter(|age| *age > 0.0501).collect();
        // A loss delays itself and those behind it in the 1.5 round trips until it arrives: 0.05 + 0.1 + 0.05 later.
        near(at(&busy, 0.5), 0.05);
        assert!((0.015..0.06).contains(&(late.len() as f64 / 2_000.0)), "{}", late.len());
        // The next update follows 50 ms later; its acknowledgement shows the loss a round trip after that.
        assert!((0.19..0.21).contains(late.last().unwrap()), "{late:?}");
        // Nothing follows for 2 s: a tail-loss probe, which is no later than the timeout of a round trip and 200 ms.
        let rare = run(UPDATE, &link(100, 0.05), (2.0, 400), 1);
        let late: Vec<f64> = rare.iter().copied().filter(|age| *age > 0.0501).collect();
        assert!((8..40).contains(&late.len()), "{}", late.len());
        assert!((0.33..0.45).contains(&late[late.len() / 2]), "{late:?}");
    }

    #[test]
    fn a_large_update_after_a_pause_takes_the_round_trips_of_slow_start() {
        // 41 segments: 10, 20, and the rest: two round trips more.
        let ages = run(Carriage::Pushed { update: 58_000.0 }, &link(100, 0.0), (2.0, 3), 1);
        ages.iter().for_each(|age| near(*age, 0.25));
    }

    #[test]
    fn a_thin_link_makes_updates_wait_for_each_other() {
        let rate = Some(Rate::Constant(80_000));
        let thin = Emulation { rate, queue: Queue::Packets(100), ..link(20, 0.0) };
        // 252 bytes take 25.2 ms, and five clients receive them one after another.
        let ages = run(UPDATE, &thin, (1.0, 10), 5);
        near(ages[0], 0.01 + 0.0252);
        near(*ages.last().unwrap(), 0.01 + 5.0 * 0.0252);
    }

    #[test]
    fn polls_and_held_polls_take_their_transits() {
        let answer = (150.0, 250.0);
        let polled = Carriage::Polled { interval: 1.0, request: 200.0, answer };
        let ages = run(polled, &link(100, 0.0), (0.37, 400), 8);
        assert!((at(&ages, 0.5) - 0.55).abs() < 0.03, "{}", at(&ages, 0.5));
        let held = Carriage::Held { hold: 25.0, request: 200.0, answer };
        let ages = run(held, &link(100, 0.0), (0.5, 50), 3);
        near(ages[0], 0.05);
        near(*ages.last().unwrap(), 0.05);
        // Twice as many segments can be lost as of a stream.
        let lossy = |carriage| {
            let ages = run(carriage, &link(100, 0.05), (1.0, 1_000), 2);
            ages.iter().filter(|age| **age > 0.06).count() as f64 / ages.len() as f64
        };
        let (stream, long_poll) = (lossy(UPDATE), lossy(held));
        assert!((0.03..0.07).contains(&stream) && (0.035..0.11).contains(&long_poll), "{stream} {long_poll}");
    }
}

//! The event loop: connections between the two hosts, and what arrives on them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::endpoint::{Congestion, Endpoint};
use super::link::Link;
use super::segment::{Host, Kind, Segment};

/// The first retransmission timeout of a SYN, s (RFC 6298, section 2.1).
const SYN_TIMEOUT: f64 = 1.0;

/// What a message is about: updates of one client, by their numbers; a request has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) client: usize,
    pub(super) from: usize,
    pub(super) to: usize,
}

/// What the application learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Happened {
    /// A connection is open at the client.
    Open(usize),
    /// A message has arrived completely.
    Message { connection: usize, at: Host, tag: Tag },
    /// The time has come for which the application has asked.
    Due(u64),
}

#[derive(Debug)]
enum What {
    Arrives { connection: usize, at: Host, segment: Segment },
    Timer { connection: usize, at: Host },
    Syn { connection: usize, attempt: i32 },
    Due(u64),
}

#[derive(Debug)]
struct Event {
    at: f64,
    order: u64,
    what: What,
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl Eq for Event {}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Event {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.total_cmp(&other.at).then(self.order.cmp(&other.order))
    }
}

/// A connection; each host's end exists once it knows the other's.
#[derive(Debug, Default)]
struct Connection {
    ends: [Option<Endpoint>; 2],
    /// Messages that were written and have not arrived, by the host that wrote them: where they end, and what they are.
    messages: [VecDeque<(u64, Tag)>; 2],
    /// The timers that are in the queue of events.
    timers: [Option<f64>; 2],
}

/// Two hosts with a link between them.
#[derive(Debug)]
pub(super) struct Network {
    links: [Link; 2],
    congestion: Congestion,
    round_trip: f64,
    most: u64,
    connections: Vec<Connection>,
    events: BinaryHeap<Reverse<Event>>,
    order: u64,
    now: f64,
    happened: VecDeque<Happened>,
}

impl Network {
    /// `most` is the most data in a segment, and `round_trip` that of the link.
    pub(super) fn new(links: [Link; 2], congestion: Congestion, most: u64, round_trip: f64) -> Self {
        Self {
            links,
            congestion,
            round_trip,
            most,
            connections: Vec::new(),
            events: BinaryHeap::new(),
            order: 0,
            now: 0.0,
            happened: VecDeque::new(),
        }
    }

    pub(super) const fn now(&self) -> f64 {
        self.now
    }

    /// Adds a connection that has been open for some time.
    pub(super) fn add_open(&mut self) -> usize {
        let end = || Some(Endpoint::new(self.congestion, self.most, self.now, self.round_trip));
        self.connections.push(Connection { ends: [end(), end()], ..Connection::default() });
        self.connections.len() - 1
    }

    /// Opens a connection from the client; it is open when [`Happened::Open`] says so.
    pub(super) fn connect(&mut self) -> usize {
        self.connections.push(Connection::default());
        let connection = self.connections.len() - 1;
        self.schedule(self.now, What::Syn { connection, attempt: 0 });
        connection
    }

    /// Asks for [`Happened::Due`] at a time.
    pub(super) fn at(&mut self, time: f64, token: u64) {
        self.schedule(time.max(self.now), What::Due(token));
    }

    /// Writes a message of some bytes.
    pub(super) fn write(&mut self, connection: usize, by: Host, bytes: f64, tag: Tag) {
        let one = &mut self.connections[connection];
        let Some(end) = &mut one.ends[by.index()] else { return };
        let last = end.write(bytes.ceil().max(1.0) as u64);
        one.messages[by.index()].push_back((last, tag));
        let mut out = Vec::new();
        end.poll(self.now, &mut out);
        self.send(connection, by, out);
    }

    /// Returns what happens next, until a time.
    pub(super) fn next(&mut self, until: f64) -> Option<Happened> {
        loop {
            if let Some(happened) = self.happened.pop_front() {
                return Some(happened);
            }
            let Reverse(event) = self.events.pop()?;
            if event.at > until {
                return None;
            }
            self.now = event.at;
            self.handle(event.what);
        }
    }

    fn schedule(&mut self, at: f64, what: What) {
        self.order += 1;
        self.events.push(Reverse(Event { at, order: self.order, what }));
    }

    fn handle(&mut self, what: What) {
        match what {
            What::Due(token) => self.happened.push_back(Happened::Due(token)),
            What::Syn { connection, attempt } => self.send_syn(connection, attempt),
            What::Timer { connection, at } => self.on_timer(connection, at),
            What::Arrives { connection, at, segment } => self.arrive(connection, at, &segment),
        }
    }

    fn send_syn(&mut self, connection: usize, attempt: i32) {
        if self.connections[connection].ends[Host::Client.index()].is_some() {
            return;
        }
        let again = self.now + SYN_TIMEOUT * 2f64.powi(attempt);
        self.schedule(again, What::Syn { connection, attempt: attempt + 1 });
        self.send(connection, Host::Client, vec![empty(Kind::Syn)]);
    }

    fn on_timer(&mut self, connection: usize, at: Host) {
        let one = &mut self.connections[connection];
        one.timers[at.index()] = None;
        let mut out = Vec::new();
        if let Some(end) =
            one.ends[at.index()].as_mut().filter(|end| end.next_timer().is_some_and(|due| due <= self.now))
        {
            end.on_timer(self.now, &mut out);
        }
        // Sets the timer again if it was too early.
        self.send(connection, at, out);
    }

    fn arrive(&mut self, connection: usize, at: Host, segment: &Segment) {
        let is_new = self.connections[connection].ends[at.index()].is_none();
        if is_new {
            self.connections[connection].ends[at.index()] =
                Some(Endpoint::new(self.congestion, self.most, self.now, self.round_trip));
        }
        match segment.kind {
            Kind::Syn => return self.send(connection, at, vec![empty(Kind::SynAck)]),
            Kind::SynAck if is_new => return self.happened.push_back(Happened::Open(connection)),
            Kind::SynAck => return,
            Kind::Data => {}
        }
        let one = &mut self.connections[connection];
        let Some(end) = &mut one.ends[at.index()] else { return };
        let mut out = Vec::new();
        end.receive(self.now, segment, &mut out);
        let received = end.received();
        let messages = &mut one.messages[at.other().index()];
        while let Some((_, tag)) = messages.front().copied().filter(|(last, _)| *last <= received) {
            messages.pop_front();
            self.happened.push_back(Happened::Message { connection, at, tag });
        }
        self.send(connection, at, out);
    }

    /// Sends segments, and sets the timer of the end that sends them.
    fn send(&mut self, connection: usize, by: Host, segments: Vec<Segment>) {
        for segment in segments {
            if let Some(at) = self.links[by.index()].pass(self.now, segment.bytes()) {
                self.schedule(at, What::Arrives { connection, at: by.other(), segment });
            }
        }
        let one = &mut self.connections[connection];
        let due = one.ends[by.index()].as_ref().and_then(Endpoint::next_timer);
        let timer = &mut one.timers[by.index()];
        if let Some(due) = due.filter(|due| timer.is_none_or(|set| *due < set)) {
            *timer = Some(due);
            self.schedule(due.max(self.now), What::Timer { connection, at: by });
        }
    }
}

const fn empty(kind: Kind) -> Segment {
    Segment { kind, from: 0, to: 0, ack: 0, sacks: Vec::new() }
}

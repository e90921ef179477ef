//! One end of a connection: what it sends and sends again, and what it has received.

use std::collections::{BTreeMap, VecDeque};

use super::segment::{Kind, Segment};

/// The initial window, segments (RFC 6928).
pub(super) const INITIAL_WINDOW: f64 = 10.0;
/// The least retransmission timeout beyond the round trip, s (Linux's `TCP_RTO_MIN`).
const RTO_MIN: f64 = 0.2;
/// The longest, s (`TCP_RTO_MAX`).
const RTO_MAX: f64 = 120.0;
/// How long an acknowledgement waits for data that it can travel with, s (`TCP_DELACK_MIN`).
const DELAYED_ACK: f64 = 0.04;
/// The segments that a new connection acknowledges at once (`TCP_MAX_QUICKACKS`).
const QUICK: u32 = 16;

/// How a sender reacts to a loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::predict) struct Congestion {
    /// The share of the window that remains after a loss.
    pub(in crate::predict) remains: f64,
    /// Whether a connection starts slowly again after a pause.
    pub(in crate::predict) restarts: bool,
}

/// Data that was sent and not yet acknowledged.
#[derive(Clone, Copy, Debug)]
struct Flight {
    from: u64,
    to: u64,
    sent_at: f64,
    is_again: bool,
    is_sacked: bool,
    is_lost: bool,
}

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waits {
    Probe,
    Timeout,
}

/// One end of a connection.
#[derive(Debug)]
pub(super) struct Endpoint {
    congestion: Congestion,
    /// The most data in a segment.
    most: u64,
    // Sending.
    written: u64,
    next: u64,
    acked: u64,
    flights: VecDeque<Flight>,
    window: f64,
    threshold: f64,
    /// The smoothed round trip and its deviation; `None` before the first.
    round_trip: Option<(f64, f64)>,
    backoff: f64,
    last_sent: f64,
    /// When the latest segment that has arrived was sent, and where it ends: of those sent together, the last.
    latest: (f64, u64),
    /// The round trips of what arrived last, and the shortest.
    sample: f64,
    shortest: f64,
    is_recovering_until: Option<u64>,
    timer: Option<(f64, Waits)>,
    reordering: Option<f64>,
    // Receiving.
    expected: u64,
    beyond: BTreeMap<u64, u64>,
    received_segments: u32,
    unacknowledged: u32,
    ack_at: Option<f64>,
}

impl Endpoint {
    /// `round_trip` is that of the handshake.
    pub(super) fn new(congestion: Congestion, most: u64, now: f64, round_trip: f64) -> Self {
        Self {
            congestion,
            most,
            written: 0,
            next: 0,
            acked: 0,
            flights: VecDeque::new(),
            window: INITIAL_WINDOW,
            threshold: f64::INFINITY,
            round_trip: Some((round_trip, round_trip / 2.0)),
            backoff: 1.0,
            last_sent: now,
            latest: (f64::NEG_INFINITY, 0),
            sample: round_trip,
            shortest: round_trip,
            is_recovering_until: None,
            timer: None,
            reordering: None,
            expected: 0,
            beyond: BTreeMap::new(),
            received_segments: 0,
            unacknowledged: 0,
            ack_at: None,
        }
    }

    /// Writes bytes to be sent; returns where they end in the stream.
    pub(super) fn write(&mut self, bytes: u64) -> u64 {
        self.written += bytes;
        self.written
    }

    /// Returns how much has arrived in order.
    pub(super) const fn received(&self) -> u64 {
        self.expected
    }

    /// Returns when the endpoint has something to do by itself.
    pub(super) fn next_timer(&self) -> Option<f64> {
        let timers = [self.timer.map(|(at, _)| at), self.reordering, self.ack_at];
        timers.into_iter().flatten().min_by(f64::total_cmp)
    }

    /// Returns the segments to be sent now.
    pub(super) fn poll(&mut self, now: f64, out: &mut Vec<Segment>) {
        self.restart_after_pause(now);
        while let Some(flight) = self.flights.iter_mut().find(|flight| flight.is_lost && !flight.is_sacked) {
            (flight.is_lost, flight.is_again, flight.sent_at) = (false, true, now);
            let (from, to) = (flight.from, flight.to);
            self.emit(now, from, to, out);
            if self.in_flight() >= self.window.max(1.0) {
                break;
            }
        }
        while self.next < self.written && self.in_flight() < self.window.floor().max(1.0) {
            let (from, to) = (self.next, self.written.min(self.next + self.most));
            self.next = to;
            self.flights.push_back(Flight {
                from,
                to,
                sent_at: now,
                is_again: false,
                is_sacked: false,
                is_lost: false,
            });
            self.emit(now, from, to, out);
            self.arm_probe(now);
        }
        if self.ack_at.is_some_and(|at| at <= now) {
            self.emit(now, self.next, self.next, out);
        }
    }

    fn emit(&mut self, now: f64, from: u64, to: u64, out: &mut Vec<Segment>) {
        let sacks = self.beyond.iter().map(|(from, to)| (*from, *to)).collect();
        out.push(Segment { kind: Kind::Data, from, to, ack: self.expected, sacks });
        (self.ack_at, self.unacknowledged) = (None, 0);
        if to > from {
            self.last_sent = now;
            if self.timer.is_none() {
                self.arm_timeout(now);
            }
        }
    }

    /// After a pause the window says nothing about the path any more: it halves for each timeout, down to the initial one
    /// (RFC 5681, section 4.1; Linux's `tcp_cwnd_restart`).
    fn restart_after_pause(&mut self, now: f64) {
        if !self.congestion.restarts || !self.flights.is_empty() || self.next == self.written {
            return;
        }
        let (timeout, mut pause) = (self.timeout(), now - self.last_sent);
        let least = INITIAL_WINDOW.min(self.window);
        while pause > timeout && self.window > least {
            self.window = (self.window / 2.0).max(least);
            pause -= timeout;
        }
    }

    fn in_flight(&self) -> f64 {
        self.flights.iter().filter(|flight| !flight.is_sacked && !flight.is_lost).count() as f64
    }

    fn timeout(&self) -> f64 {
        let (smoothed, deviation) = self.round_trip.unwrap_or((1.0, 0.0));
        (smoothed + (4.0 * deviation).max(RTO_MIN)).min(RTO_MAX)
    }

    fn smoothed(&self) -> f64 {
        self.round_trip.map_or(1.0, |(smoothed, _)| smoothed)
    }

    /// The probe timeout of RFC 8985, section 7.2, as Linux computes it: with a single segment in flight, its
    /// acknowledgement may be delayed.
    fn arm_probe(&mut self, now: f64) {
        if self.is_recovering_until.is_some() || self.backoff > 1.0 {
            return self.arm_timeout(now);
        }
        let alone = self.flights.iter().filter(|flight| !flight.is_sacked).count() == 1;
        let wait = 2.0 * self.smoothed() + if alone { RTO_MIN } else { 0.002 };
        self.timer = Some((now + wait.min(self.timeout()), Waits::Probe));
    }

    fn arm_timeout(&mut self, now: f64) {
        self.timer = Some((now + (self.timeout() * self.backoff).min(RTO_MAX), Waits::Timeout));
    }

    /// Handles what is due.
    pub(super) fn on_timer(&mut self, now: f64, out: &mut Vec<Segment>) {
        if self.reordering.is_some_and(|at| at <= now) {
            self.reordering = None;
            self.detect(now);
        }
        if let Some((_, waits)) = self.timer.filter(|(at, _)| *at <= now) {
            self.timer = None;
            match waits {
                Waits::Probe => self.probe(now, out),
                Waits::Timeout => self.time_out(now),
            }
        }
        self.poll(now, out);
    }

    /// Sends the last segment again (RFC 8985, section 7.3).
    fn probe(&mut self, now: f64, out: &mut Vec<Segment>) {
        let last = self.flights.iter_mut().rev().find(|flight| !flight.is_sacked);
        let Some(flight) = last else { return };
        (flight.is_again, flight.sent_at) = (true, now);
        let (from, to) = (flight.from, flight.to);
        self.arm_timeout(now);
        self.emit(now, from, to, out);
    }

    /// All that is in flight counts as lost (RFC 6298, section 5).
    fn time_out(&mut self, now: f64) {
        if self.flights.is_empty() {
            return;
        }
        self.threshold = (self.in_flight() / 2.0).max(2.0);
        self.window = 1.0;
        self.backoff *= 2.0;
        self.is_recovering_until = Some(self.next);
        for flight in self.flights.iter_mut().filter(|flight| !flight.is_sacked) {
            flight.is_lost = true;
        }
        self.arm_timeout(now);
    }

    /// Handles a segment of the other end.
    pub(super) fn receive(&mut self, now: f64, segment: &Segment, out: &mut Vec<Segment>) {
        self.take_ack(now, segment);
        if segment.to > segment.from {
            self.take_data(now, segment);
        }
        self.poll(now, out);
    }

    fn take_data(&mut self, now: f64, segment: &Segment) {
        self.received_segments += 1;
        let is_in_order = segment.from <= self.expected;
        let is_new = segment.to > self.expected;
        if is_in_order && is_new {
            self.expected = segment.to;
            while let Some((&from, &to)) = self.beyond.first_key_value().filter(|(from, _)| **from <= self.expected) {
                self.expected = self.expected.max(to);
                self.beyond.remove(&from);
            }
        } else if is_new {
            self.beyond.insert(segment.from, segment.to);
        }
        self.unacknowledged += 1;
        let at_once = !is_in_order || !is_new || !self.beyond.is_empty();
        let is_quick = self.received_segments <= QUICK || self.unacknowledged >= 2;
        let at = if at_once || is_quick { now } else { now + DELAYED_ACK };
        self.ack_at = Some(self.ack_at.map_or(at, |before| before.min(at)));
    }

    fn take_ack(&mut self, now: f64, segment: &Segment) {
        let mut newly: Option<Flight> = None;
        let mut count = 0.0;
        let is_covered =
            |flight: &Flight| segment.sacks.iter().any(|(from, to)| *from <= flight.from && flight.to <= *to);
        for flight in self.flights.iter_mut().filter(|flight| !flight.is_sacked) {
            if flight.to <= segment.ack || is_covered(flight) {
                flight.is_sacked = true;
                count += 1.0;
                if newly.is_none_or(|before| before.sent_at <= flight.sent_at) {
                    newly = Some(*flight);
                }
            }
        }
        let advanced = segment.ack > self.acked;
        self.acked = self.acked.max(segment.ack);
        while self.flights.front().is_some_and(|flight| flight.to <= self.acked) {
            self.flights.pop_front();
        }
        let Some(newest) = newly else { return };
        if !newest.is_again {
            self.measure(now - newest.sent_at);
        }
        if (newest.sent_at, newest.to) > self.latest {
            self.latest = (newest.sent_at, newest.to);
        }
        self.backoff = 1.0;
        self.grow(count);
        if self.is_recovering_until.is_some_and(|until| self.acked >= until) {
            self.is_recovering_until = None;
        }
        self.detect(now);
        if self.flights.is_empty() {
            (self.timer, self.reordering) = (None, None);
        } else if advanced || self.timer.is_none() {
            self.arm_probe(now);
        }
    }

    fn measure(&mut self, sample: f64) {
        (self.sample, self.shortest) = (sample, self.shortest.min(sample));
        self.round_trip = Some(match self.round_trip {
            None => (sample, sample / 2.0),
            Some((smoothed, deviation)) => {
                (0.875 * smoothed + 0.125 * sample, 0.75 * deviation + 0.25 * (sample - smoothed).abs())
            }
        });
    }

    /// A window that is not used does not grow.
    fn grow(&mut self, acknowledged: f64) {
        if self.next < self.written || self.in_flight() + acknowledged >= self.window - 1.0 {
            self.window += if self.window < self.threshold { acknowledged } else { acknowledged / self.window };
        }
    }

    /// RACK: a segment is lost if one that was sent later has arrived, and the time has passed in which it could have been
    /// overtaken (RFC 8985, section 6.2): a quarter of the shortest round trip, in Linux at most an eighth of the smoothed one
    /// (`tcp_rack_reo_wnd`); after three that have arrived, at once.
    fn detect(&mut self, now: f64) {
        let sacked = self.flights.iter().filter(|flight| flight.is_sacked).count();
        let patience = if sacked >= 3 { 0.0 } else { (self.shortest / 4.0).min(self.smoothed() / 8.0) };
        let (round_trip, latest) = (self.sample, self.latest);
        let (mut has_lost, mut again): (bool, Option<f64>) = (false, None);
        for flight in self.flights.iter_mut().filter(|flight| !flight.is_sacked && !flight.is_lost) {
            if (flight.sent_at, flight.to) >= latest {
                continue;
            }
            let at = flight.sent_at + round_trip + patience;
            if at <= now + 1e-9 {
                flight.is_lost = true;
                has_lost = true;
            } else {
                again = Some(again.map_or(at, |before: f64| before.min(at)));
            }
        }
        self.reordering = again;
        if has_lost && self.is_recovering_until.is_none() {
            self.is_recovering_until = Some(self.next);
            self.threshold = (self.window * self.congestion.remains).max(2.0);
            self.window = self.threshold;
        }
    }
}

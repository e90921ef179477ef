//! What short and long polling share: the gap between an answer and the next request, a simulation of the requests over
//! due times, losses, and the bytes and packets of an exchange.
//!
//! The simulation is used for feeds without a closed form, and confirms the formulas for the others. The network has a
//! constant delay and the server answers immediately. Times are those at the server, in seconds from the start of the
//! feed.

use std::ops::Range;

use feedlab_feed::Transport;
use feedlab_feed::wire::poll;

use super::heads::Pairs;
use super::{Ages, Bytes, Case, FeedModel, NetworkPath, NotPredicted, Sizes, Span, Traffic, Wire, heads};
use crate::headers::{ANY, LAST};
use crate::predict::model::{Arrivals, CLOSE, DELAYED_ACK, OPEN, acks, digits, segments, wire};
use crate::scenario::Headers;

/// Returns the time from sending an answer to the arrival of the next request: a round trip, plus the handshakes if
/// each request has its own connection (E10).
pub(super) fn gap(path: &NetworkPath, keep_alive: bool) -> f64 {
    path.mean_round_trip() + if keep_alive { 0.0 } else { path.handshake_time() }
}

/// The timing of a client's requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Poller {
    /// How long the server waits for an update before it answers, s.
    pub(super) hold: f64,
    /// The time from sending an answer to the arrival of the next request, s.
    pub(super) gap: f64,
}

/// A request and its answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Exchange {
    /// When the request arrives at the server.
    pub(super) requested: f64,
    /// When the answer is sent.
    pub(super) answered: f64,
    /// The updates in the answer, as indices into the due times.
    pub(super) updates: Range<usize>,
}

impl Exchange {
    fn is_empty(&self) -> bool {
        self.updates.is_empty()
    }

    fn is_soon(&self) -> bool {
        self.answered - self.requested < DELAYED_ACK
    }
}

/// Returns one client's endless sequence of requests, the first at `start`.
pub(super) fn exchanges(due: &[f64], poller: Poller, start: f64) -> impl Iterator<Item = Exchange> + '_ {
    let (mut requested, mut next) = (start, 0);
    std::iter::from_fn(move || {
        let answered = due.get(next).copied().unwrap_or(f64::INFINITY).clamp(requested, requested + poller.hold);
        let count = due[next..].iter().take_while(|time| **time <= answered).count();
        let exchange = Exchange { requested, answered, updates: next..next + count };
        (next, requested) = (next + count, answered + poller.gap);
        Some(exchange)
    })
}

/// Returns one client's mean traffic in a span, over representative clients with the given start times.
pub(super) fn simulated_traffic(feed: &FeedModel, span: Span, poller: Poller, starts: &[f64]) -> Traffic {
    let due = feed.due_until(span.to);
    let all = starts.iter().map(|start| tally(exchanges(&due, poller, *start), span));
    all.sum::<Traffic>().times(1.0 / starts.len() as f64)
}

/// Counts the exchanges that are answered in a span.
pub(super) fn tally(exchanges: impl Iterator<Item = Exchange>, span: Span) -> Traffic {
    let mut traffic = Traffic::default();
    let (mut was_empty, mut was_soon) = (false, false);
    for exchange in exchanges.take_while(|exchange| exchange.answered < span.to) {
        if span.contains(exchange.answered) {
            traffic.requests += 1.0;
            traffic.empty += f64::from(u8::from(exchange.is_empty()));
            traffic.empty_again += f64::from(u8::from(exchange.is_empty() && was_empty));
            traffic.unacknowledged += f64::from(u8::from(exchange.is_soon() && was_soon));
            traffic.updates += exchange.updates.len() as f64;
        }
        (was_empty, was_soon) = (exchange.is_empty(), exchange.is_soon());
    }
    traffic
}

/// Returns the ages for a feed without a closed form, over representative clients with the given start times.
pub(super) fn simulated_ages(
    feed: &FeedModel,
    poller: Poller,
    starts: &[f64],
    delay: f64,
) -> Result<Ages, NotPredicted> {
    let due = feed.due_until(feed.whole.to);
    let waits = starts.iter().flat_map(|start| waits(&due, poller, *start, feed.measured));
    Ages::from_samples(waits.map(|wait| wait + delay).collect())
}

/// Returns how long each update of a span waits at the server until it is sent to one client, s.
fn waits<'a>(due: &'a [f64], poller: Poller, start: f64, span: Span) -> impl Iterator<Item = f64> + 'a {
    let last = due.partition_point(|time| *time < span.to);
    let answers = exchanges(due, poller, start).take_while(move |exchange| exchange.updates.start < last);
    answers.flat_map(move |exchange| {
        due[exchange.updates].iter().filter(move |time| span.contains(**time)).map(move |time| exchange.answered - time)
    })
}

/// Adds jitter to ages. An answer never waits for an earlier one; the jitter of requests is included in the gap, with
/// its mean.
pub(super) fn jittered(ages: Ages, path: &NetworkPath) -> Ages {
    ages.jittered(path.jitter, &Arrivals::DueTimes(Vec::new()))
}

/// Returns why a client that polls every `every` s may not receive all updates that fell due in between: it sends no
/// cursor, or the history is too short.
pub(super) fn may_lose(case: &Case<'_>, feed: &FeedModel, every: f64) -> Option<NotPredicted> {
    match case.history() {
        _ if !case.contender.reconnect.with_cursor => Some(NotPredicted::NoCursor),
        0 => Some(NotPredicted::NoHistory),
        history if feed.fits(history, every) => None,
        _ => Some(NotPredicted::ShortHistory),
    }
}

/// The bytes of requests and response headers, with the mean number of digits of the numbers in them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heads {
    /// A request.
    pub(super) request: f64,
    /// A request with an entity tag.
    pub(super) conditional: f64,
    /// The headers of a response with a body, without the digits of its length.
    pub(super) body: f64,
    /// A response without a body.
    pub(super) bodiless: f64,
}

/// Returns the head of a request; with a connection for each request, it says that the connection will be closed.
pub(super) fn request(
    transport: Transport,
    target: &str,
    keep_alive: bool,
    tag: Option<&str>,
    headers: Headers,
) -> String {
    let mut own: Pairs<'_> = vec![ANY];
    own.extend((!keep_alive).then_some(LAST));
    own.extend(tag.map(|tag| ("if-none-match", tag)));
    heads::request(transport, target, own, headers)
}

/// Returns the head of a response.
pub(super) fn answer(status: &str, mut own: Pairs<'_>, keep_alive: bool) -> String {
    own.extend((!keep_alive).then_some(("connection", "close")));
    heads::answer(status, own)
}

/// Returns the bytes of polling. Several updates share the headers of one answer (E03): `h/(λT) + P` bytes per update.
/// `bodies` is the number of empty answers that have a body, `conditional` the number of requests with an entity tag.
pub(super) fn bytes(heads: &Heads, bodies: f64, conditional: f64, sizes: &Sizes, traffic: &Traffic) -> Bytes {
    let up = heads.request * traffic.requests + (heads.conditional - heads.request) * conditional;
    let (full, empty) = (full_body(sizes, traffic), empty_body(sizes));
    let head = |body: f64| heads.body + length_digits(body);
    let down_heads =
        head(full) * traffic.with_updates() + head(empty) * bodies + heads.bodiless * (traffic.empty - bodies);
    let down_bodies = full * traffic.with_updates() + empty * bodies;
    let payload = sizes.payload * traffic.updates;
    Bytes {
        up,
        down: down_heads + down_bodies,
        payload,
        headers: up + down_heads,
        framing: down_bodies - payload,
        keepalive: 0.0,
        answer: head(full) + full,
    }
}

/// Returns the size of an answer without updates, and what each update adds to it.
pub(super) fn answer_size(heads: &Heads, sizes: &Sizes) -> (f64, f64) {
    /// The digits of the length of a body of some kilobytes.
    const DIGITS: f64 = 4.0;
    (heads.body + DIGITS + empty_body(sizes), sizes.json + 1.0)
}

/// Returns the bytes of a join probe's request, and of the headers of a response with one update.
pub(super) fn handshake(heads: &Heads, sizes: &Sizes) -> f64 {
    let one = Traffic { requests: 1.0, updates: 1.0, ..Traffic::default() };
    heads.request + heads.body + length_digits(full_body(sizes, &one))
}

/// Returns the size of a body without updates.
fn empty_body(sizes: &Sizes) -> f64 {
    poll::write_body(std::iter::empty(), heads::cursor(), None, None).len() as f64 + sizes.digits - 1.0
}

/// Returns the mean size of a body with updates: the updates of an answer, the commas between them, and the object
/// around them.
fn full_body(sizes: &Sizes, traffic: &Traffic) -> f64 {
    if traffic.with_updates() <= 0.0 {
        return 0.0;
    }
    let updates = traffic.updates / traffic.with_updates();
    empty_body(sizes) + updates * sizes.json + (updates - 1.0).max(0.0)
}

/// Returns the number of digits of a `content-length`.
fn length_digits(length: f64) -> f64 {
    f64::from(digits(length as u64))
}

/// Returns the wire traffic with one connection per request: handshake, request and acknowledgement, answer and
/// acknowledgement, close.
pub(super) fn one_connection_per_request(traffic: &Traffic, bytes: &Bytes) -> Wire {
    let rest = OPEN + 2.0 + CLOSE;
    let full = segments(bytes.answer);
    let packets = traffic.requests * rest + traffic.with_updates() * (full + acks(full)) + traffic.empty * 2.0;
    wire(packets, traffic.requests, bytes)
}

/// Returns the churn, which is 0 if every poll has its own connection: then there is none to replace.
pub(super) fn churn(case: &Case<'_>, keep_alive: bool) -> f64 {
    case.scenario.clients.churn.filter(|_| keep_alive).unwrap_or(0.0)
}

/// Returns the traffic with `changes` connections replaced, each of which adds an empty poll.
pub(super) fn changed(traffic: Traffic, changes: f64) -> Traffic {
    let more = |polls: f64| polls + changes;
    let Traffic { requests, empty, empty_again, .. } = traffic;
    Traffic { requests: more(requests), empty: more(empty), empty_again: more(empty_again), changes, ..traffic }
}

/// Returns the traffic of empty polls.
pub(super) fn idle(polls: f64) -> Traffic {
    Traffic { requests: polls, empty: polls, empty_again: polls, ..Traffic::default() }
}

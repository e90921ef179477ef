//! What the two kinds of polling share: the gap between an answer and the next request, a simulation of their requests over
//! due times, what they are not given, and the bytes and packets of an exchange.
//!
//! The simulation stands in for feeds without a closed form, and confirms the formulas for those that have one. The network
//! is a constant delay and the server answers in no time. Times are the server's, in seconds from the start of the feed.

use std::ops::Range;

use feedlab_feed::Transport;
use feedlab_feed::wire::poll;

use super::heads::Pairs;
use super::{Ages, Bytes, Case, FeedModel, NetworkPath, NotPredicted, Sizes, Span, Traffic, Wire, heads};
use crate::headers::{ANY, LAST};
use crate::predict::model::{Arrivals, CLOSE, DELAYED_ACK, OPEN, acks, digits, segments, wire};
use crate::scenario::Headers;

/// From an answer's departure to the arrival of the next request: a round trip, and with a connection for each request
/// its handshakes (E10).
pub(super) fn gap(path: &NetworkPath, keep_alive: bool) -> f64 {
    path.mean_round_trip() + if keep_alive { 0.0 } else { path.handshake_time() }
}

/// How a client asks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Poller {
    /// How long the server waits for something to answer with.
    pub(super) hold: f64,
    /// From an answer's departure to the next request's arrival.
    pub(super) gap: f64,
}

/// A request and its answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Exchange {
    /// When the request arrives.
    pub(super) asked: f64,
    /// When the answer leaves.
    pub(super) answered: f64,
    /// The updates in it, as indices of the due times.
    pub(super) updates: Range<usize>,
}

impl Exchange {
    fn is_empty(&self) -> bool {
        self.updates.is_empty()
    }

    fn is_soon(&self) -> bool {
        self.answered - self.asked < DELAYED_ACK
    }
}

/// One client's requests, without end, the first at `start`.
pub(super) fn exchanges(due: &[f64], poller: Poller, start: f64) -> impl Iterator<Item = Exchange> + '_ {
    let (mut asked, mut next) = (start, 0);
    std::iter::from_fn(move || {
        let answered = due.get(next).copied().unwrap_or(f64::INFINITY).clamp(asked, asked + poller.hold);
        let count = due[next..].iter().take_while(|time| **time <= answered).count();
        let exchange = Exchange { asked, answered, updates: next..next + count };
        (next, asked) = (next + count, answered + poller.gap);
        Some(exchange)
    })
}

/// One client's traffic in a span, the mean over clients that begin at some times and stand for all.
pub(super) fn simulated_traffic(feed: &FeedModel, span: Span, poller: Poller, starts: &[f64]) -> Traffic {
    let due = feed.due_until(span.to);
    let all = starts.iter().map(|start| tally(exchanges(&due, poller, *start), span));
    all.sum::<Traffic>().times(1.0 / starts.len() as f64)
}

/// Counts what is answered in a span.
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

/// The ages over a course without a closed form, over clients that begin at some times and stand for all.
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

/// How long each update of a span waits at the server until it leaves, s, for one client.
fn waits<'a>(due: &'a [f64], poller: Poller, start: f64, span: Span) -> impl Iterator<Item = f64> + 'a {
    let last = due.partition_point(|time| *time < span.to);
    let answers = exchanges(due, poller, start).take_while(move |exchange| exchange.updates.start < last);
    answers.flat_map(move |exchange| {
        due[exchange.updates].iter().filter(move |time| span.contains(**time)).map(move |time| exchange.answered - time)
    })
}

/// An answer has no other before it that it would wait for; what the request took longer by jitter is in the gap, with its
/// mean.
pub(super) fn jittered(ages: Ages, path: &NetworkPath) -> Ages {
    ages.jittered(path.jitter, &Arrivals::DueTimes(Vec::new()))
}

/// Why a poller that asks every so many seconds may not be given all that fell due in between: it does not say where it
/// is, or the server keeps too little for it.
pub(super) fn may_lose(case: &Case<'_>, feed: &FeedModel, every: f64) -> Option<NotPredicted> {
    match case.history() {
        _ if !case.contender.reconnect.with_cursor => Some(NotPredicted::NoCursor),
        0 => Some(NotPredicted::NoHistory),
        history if feed.fits(history, every) => None,
        _ => Some(NotPredicted::ShortHistory),
    }
}

/// What is sent for a request and its answer, with the digits that their numbers have on average, bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heads {
    /// A request.
    pub(super) request: f64,
    /// A request that names an entity tag, too.
    pub(super) conditional: f64,
    /// The head of an answer with a body, whose length has no digits.
    pub(super) body: f64,
    /// An answer without a body.
    pub(super) bodiless: f64,
}

/// The head of a request; whoever has a connection for each says that it closes it.
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

/// The head of an answer.
pub(super) fn answer(status: &str, mut own: Pairs<'_>, keep_alive: bool) -> String {
    own.extend((!keep_alive).then_some(("connection", "close")));
    heads::answer(status, own)
}

/// Several updates share the head of one answer (E03): `h/(λT) + P` bytes an update. So many answers without news have a
/// body all the same, and so many requests name an entity tag.
pub(super) fn bytes(heads: &Heads, bodies: f64, conditional: f64, sizes: &Sizes, traffic: &Traffic) -> Bytes {
    let up = heads.request * traffic.requests + (heads.conditional - heads.request) * conditional;
    let (news, empty) = (news_body(sizes, traffic), empty_body(sizes));
    let head = |body: f64| heads.body + length_digits(body);
    let down_heads =
        head(news) * traffic.with_news() + head(empty) * bodies + heads.bodiless * (traffic.empty - bodies);
    let down_bodies = news * traffic.with_news() + empty * bodies;
    let payload = sizes.payload * traffic.updates;
    Bytes {
        up,
        down: down_heads + down_bodies,
        payload,
        headers: up + down_heads,
        framing: down_bodies - payload,
        keepalive: 0.0,
        answer: head(news) + news,
    }
}

/// A newcomer's request, and the head of an answer that brings it one update.
pub(super) fn handshake(heads: &Heads, sizes: &Sizes) -> f64 {
    let one = Traffic { requests: 1.0, updates: 1.0, ..Traffic::default() };
    heads.request + heads.body + length_digits(news_body(sizes, &one))
}

/// A body without updates.
fn empty_body(sizes: &Sizes) -> f64 {
    poll::write_body(std::iter::empty(), heads::cursor(), None, None).len() as f64 + sizes.digits - 1.0
}

/// The mean body with news: the updates of an answer with commas between them, and what is around them.
fn news_body(sizes: &Sizes, traffic: &Traffic) -> f64 {
    if traffic.with_news() <= 0.0 {
        return 0.0;
    }
    let updates = traffic.updates / traffic.with_news();
    empty_body(sizes) + updates * sizes.json + (updates - 1.0).max(0.0)
}

/// Digits of a `content-length`.
fn length_digits(length: f64) -> f64 {
    f64::from(digits(length as u64))
}

/// A connection for each request: handshake, request and its acknowledgement, answer and its acknowledgement, close.
pub(super) fn one_connection_per_request(traffic: &Traffic, bytes: &Bytes) -> Wire {
    let rest = OPEN + 2.0 + CLOSE;
    let news = segments(bytes.answer);
    let packets = traffic.requests * rest + traffic.with_news() * (news + acks(news)) + traffic.empty * 2.0;
    wire(packets, traffic.requests, bytes)
}

/// A poll that has a connection of its own has none that could change.
pub(super) fn churn(case: &Case<'_>, keep_alive: bool) -> f64 {
    case.scenario.clients.churn.filter(|_| keep_alive).unwrap_or(0.0)
}

/// With so many connections changed: for each a poll that brings nothing.
pub(super) fn changed(traffic: Traffic, changes: f64) -> Traffic {
    let more = |polls: f64| polls + changes;
    let Traffic { requests, empty, empty_again, .. } = traffic;
    Traffic { requests: more(requests), empty: more(empty), empty_again: more(empty_again), changes, ..traffic }
}

/// Polls that bring nothing.
pub(super) fn idle(polls: f64) -> Traffic {
    Traffic { requests: polls, empty: polls, empty_again: polls, ..Traffic::default() }
}

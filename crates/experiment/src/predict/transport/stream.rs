//! What the two streams share: each update is one write, a comment or a ping keeps a quiet one open, and a server that
//! coalesces rests after each write.

use feedlab_feed::stream::{BEATS, MAX_PIECES};

use super::{Ages, Bytes, Case, FeedModel, NotPredicted, Sizes, Span, Traffic, Wire, long_polling};
use crate::predict::model::{Arrivals, CLOSE, OPEN, acks, completed_share, segments, while_away, wire};

/// How its clients ask.
pub(super) const ASKING: &str = "Each update is one write, and the stream stays open.";

/// A stream's traffic in a span without its keepalives: what falls due at once leaves in one write. With a server that
/// rests after each write there are as many as the answers of a long poll that is held for ever and has the rest for its
/// re-request gap.
pub(super) fn traffic(case: &Case<'_>, feed: &FeedModel, span: Span) -> Traffic {
    let arrivals = &feed.arrivals_in(span);
    let at = |rate: f64| Traffic { updates: rate, writes: rate, ..Traffic::default() }.times(span.length());
    let traffic = match **arrivals {
        Arrivals::Poisson(rate) => at(rate),
        Arrivals::Constant(period) => at(1.0 / period),
        Arrivals::DueTimes(_) => written(&feed.due_until(span.to), span),
    };
    let traffic = feed.counted(traffic, span);
    let rest = case.contender.serving.coalesce;
    match rest.and_then(|rest| long_polling::per_second(f64::INFINITY, rest.as_secs_f64(), arrivals)) {
        Some(answers) => Traffic { writes: answers.requests * span.length(), ..traffic },
        None => traffic,
    }
}

/// With so large a share of the streams changed each second: a request for each, and keepalives begin again.
pub(super) fn changed(traffic: Traffic, churn: f64, time: f64, keepalive: f64) -> Traffic {
    let changes = churn * time;
    let keepalives = traffic.keepalives * keepalive_factor(churn, keepalive);
    Traffic { requests: traffic.requests + changes, keepalives, changes, ..traffic }
}

/// How much rarer keepalives are: the first comes after three to four quarters of the interval.
pub(super) fn keepalive_factor(churn: f64, keepalive: f64) -> f64 {
    completed_share(churn, (first_keepalive(keepalive) + keepalive) / 2.0, keepalive)
}

fn written(due: &[f64], span: Span) -> Traffic {
    let mut traffic = Traffic::default();
    let (mut last, mut pieces) = (span.from, 0);
    for &time in due.iter().filter(|time| span.contains(**time)) {
        let goes_along = traffic.writes > 0.0 && time == last && pieces < MAX_PIECES;
        pieces = if goes_along { pieces + 1 } else { 1 };
        traffic.writes += f64::from(u8::from(!goes_along));
        traffic.updates += 1.0;
        last = time;
    }
    traffic
}

/// A push (E07): the way and nothing else, over an event stream as over a WebSocket. A server that coalesces rests
/// after each write, and what falls due meanwhile goes out together at the end of the rest: the rest is to a stream what
/// the re-request gap is to a long poll that is held for ever. `framed` is what wraps an update and it, bytes.
pub(super) fn ages(case: &Case<'_>, feed: &FeedModel, framed: f64) -> Result<Ages, NotPredicted> {
    if let Some(buffer) = case.scenario.network.and_then(|network| network.buffer_bytes) {
        return held_back(case, feed, batch(case, framed, buffer));
    }
    let delay = case.path.min_delay();
    let ages = match case.contender.serving.coalesce {
        Some(rest) => long_polling::closed_form_ages(f64::INFINITY, rest.as_secs_f64(), delay, &feed.arrivals),
        None => Some(Ages::constant(delay)),
    };
    let ages = ages.ok_or(NotPredicted::HeldUp)?.jittered(case.path.jitter, &feed.arrivals);
    // Who comes back without its cursor is not given what it missed, late or not.
    let churn = case.scenario.clients.churn.filter(|_| case.contender.reconnect.with_cursor);
    Ok(while_away(ages, churn.unwrap_or(0.0), case.path.open_time()))
}

/// Updates of a stream that a buffering proxy (E14) holds back together: so many make its buffer full. It is emptied as a
/// whole, so that with updates of one size it is the same number each time.
pub(super) fn batch(case: &Case<'_>, framed: f64, buffer: u64) -> usize {
    /// What TLS 1.3 adds to a write: the record's header, its type, and the tag (RFC 8446, section 5.2).
    const RECORD: f64 = 22.0;
    let sealed = if case.contender.link.tls { RECORD } else { 0.0 };
    (buffer as f64 / (framed + sealed)).ceil().max(1.0) as usize
}

/// The ages over a stream whose updates wait until a buffer is full: each for the last of its heap, so that they are
/// spread over the time `B/(λ·size)` that it takes to fill, and then take the way. Where in the stream a heap begins is
/// taken as random.
fn held_back(case: &Case<'_>, feed: &FeedModel, batch: usize) -> Result<Ages, NotPredicted> {
    /// Updates, and places of each in a heap, that stand for all.
    const MOST_UPDATES: usize = 4096;
    const MOST_PLACES: usize = 64;
    let due = feed.due_until(feed.whole.to);
    let [first, end] = [feed.measured.from, feed.measured.to].map(|time| due.partition_point(|due| *due < time));
    let each = (end - first).div_ceil(MOST_UPDATES).max(1);
    let mut ages = Vec::new();
    for index in (first..end).step_by(each) {
        // It may be the last of its heap, the first, or any between.
        let places = (0..batch).step_by(batch.div_ceil(MOST_PLACES));
        let released = places.map_while(|place| due.get(index + place));
        ages.extend(released.map(|released| released - due[index] + case.path.mean_delay()));
    }
    Ages::from_samples(ages)
}

/// What is said when a client ends its stream and opens another, bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    /// The head of its request.
    pub(super) request: f64,
    /// That of the answer.
    pub(super) answer: f64,
    /// What goes up besides: a goodbye.
    pub(super) up: f64,
    /// What comes down besides: a goodbye, and where the client stands.
    pub(super) down: f64,
}

/// What a stream's traffic is on its sockets; a keepalive goes `down`, and what answers it `up`.
pub(super) fn bytes(
    sizes: &Sizes,
    framed: f64,
    (down, up): (usize, usize),
    change: Change,
    traffic: &Traffic,
) -> Bytes {
    let (down, up) = (down as f64 * traffic.keepalives, up as f64 * traffic.keepalives);
    let changes = traffic.changes;
    Bytes {
        up: up + (change.request + change.up) * changes,
        down: framed * traffic.updates + down + (change.answer + change.down) * changes,
        payload: sizes.payload * traffic.updates,
        headers: (change.request + change.answer) * changes,
        framing: (framed - sizes.payload) * traffic.updates + (change.up + change.down) * changes,
        keepalive: up + down,
        answer: if traffic.writes > 0.0 { framed * traffic.updates / traffic.writes } else { 0.0 },
    }
}

/// What it is on the wire: each write and its acknowledgement, what a keepalive takes, and what `goodbyes` do. A stream begins
/// with a request, the head of its answer, and where the client stands, each with its acknowledgement.
pub(super) fn packets(traffic: &Traffic, bytes: &Bytes, a_keepalive: f64, close_messages: f64) -> Wire {
    const BEGIN: f64 = 6.0;
    let segments = segments(bytes.answer);
    let changes = traffic.changes * (OPEN + BEGIN + close_messages + CLOSE);
    let packets = traffic.writes * (segments + acks(segments)) + a_keepalive * traffic.keepalives + changes;
    wire(packets, traffic.changes, bytes)
}

/// A stretch in which nothing is published.
pub(super) fn idle(time: f64, interval: f64) -> Traffic {
    Traffic { keepalives: keepalives_in(time, interval), ..Traffic::default() }
}

/// Keepalives of a span whose server sends one whenever it has written nothing for an interval `K`, as WHATWG HTML, section
/// 9.2.7, advises. After an update the first comes after 3/4 to 1 `K`, anywhere between with the same probability, and the
/// next ones after a `K` each. With independent updates they renew themselves: with `a` the probability that no update
/// comes before the first and `b = e^(−λK)`, their rate `c = λa + cb`.
pub(super) fn keepalives_between(feed: &FeedModel, span: Span, interval: f64) -> f64 {
    let per_second = match *feed.arrivals_in(span) {
        Arrivals::Poisson(rate) if rate > 0.0 => {
            let (first, survives) = (first_keepalive(interval), |time: f64| (-rate * time).exp());
            let before_first = (survives(first) - survives(interval)) / (rate * (interval - first));
            rate * before_first / -f64::exp_m1(-rate * interval)
        }
        Arrivals::Poisson(_) => 1.0 / interval,
        Arrivals::Constant(period) => keepalives_in(period, interval) / period,
        Arrivals::DueTimes(_) => return keepalives_among(&feed.due_until(span.to), span, interval),
    };
    per_second * span.length()
}

/// The same between updates that fall due at these times.
fn keepalives_among(due: &[f64], span: Span, interval: f64) -> f64 {
    let mut silent_since = span.from;
    let within = due.iter().copied().filter(|time| span.contains(*time));
    let gaps = within.chain([span.to]).map(|time| time - std::mem::replace(&mut silent_since, time));
    gaps.map(|silence| keepalives_in(silence, interval)).sum()
}

/// The silence after which a keepalive may come at the earliest: the server counts beats since it last wrote.
pub(super) fn first_keepalive(interval: f64) -> f64 {
    interval * (1.0 - 1.0 / f64::from(BEATS))
}

/// Keepalives in a quiet time of this length, on average over the phase of the beats: the first after three to four
/// quarters of the interval, further ones each a whole interval later.
pub(super) fn keepalives_in(silence: f64, interval: f64) -> f64 {
    let beats = f64::from(BEATS);
    let past = (silence - first_keepalive(interval)) / interval;
    let (whole, rest) = (past.floor(), past - past.floor());
    (whole + (rest * beats).min(1.0)).max(0.0)
}

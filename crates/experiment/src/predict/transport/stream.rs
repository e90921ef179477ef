//! What SSE and WebSocket share: each update is one write, a comment or ping keeps an idle stream open, and a server
//! that coalesces pauses after each write.

use feedlab_feed::stream::{BEATS, MAX_PIECES};

use super::{Ages, Bytes, Case, FeedModel, NotPredicted, Sizes, Span, Traffic, Wire, long_polling};
use crate::predict::model::{Arrivals, CLOSE, OPEN, acks, completed_share, segments, while_away, wire};

/// How clients of a stream send requests.
pub(super) const ASKING: &str = "Each update is one write, and the stream stays open.";

/// Returns a stream's traffic in a span without keepalives: updates that fall due at the same time are sent in one
/// write. If the server pauses after each write, there are as many writes as answers of a long poll with an infinite
/// hold whose re-request gap is the pause.
pub(super) fn traffic(case: &Case<'_>, feed: &FeedModel, span: Span) -> Traffic {
    let arrivals = &feed.arrivals_in(span);
    let at = |rate: f64| Traffic { updates: rate, writes: rate, ..Traffic::default() }.times(span.length());
    let traffic = match **arrivals {
        Arrivals::Poisson(rate) => at(rate),
        Arrivals::Constant(period) => at(1.0 / period),
        Arrivals::DueTimes(_) => written(&feed.due_until(span.to), span),
    };
    let traffic = feed.counted(traffic, span);
    let pause = case.contender.serving.coalesce;
    match pause.and_then(|pause| long_polling::per_second(f64::INFINITY, pause.as_secs_f64(), arrivals)) {
        Some(answers) => Traffic { writes: answers.requests * span.length(), ..traffic },
        None => traffic,
    }
}

/// Returns the traffic if a share `churn` of the streams is replaced each second: each replacement adds a request and
/// restarts the keepalives.
pub(super) fn changed(traffic: Traffic, churn: f64, time: f64, keepalive: f64) -> Traffic {
    let changes = churn * time;
    let keepalives = traffic.keepalives * keepalive_factor(churn, keepalive);
    Traffic { requests: traffic.requests + changes, keepalives, changes, ..traffic }
}

/// Returns the factor by which keepalives become rarer with churn: the first is sent after three to four quarters of
/// the interval.
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

/// Returns the ages of a push transport (E07): only the one-way delay, for SSE and WebSocket alike. A server that
/// coalesces pauses after each write, and updates that fall due meanwhile are sent together at the end of the pause:
/// the pause corresponds to the re-request gap of a long poll with an infinite hold. `framed` is the size of an update
/// with its framing, bytes.
pub(super) fn ages(case: &Case<'_>, feed: &FeedModel, framed: f64) -> Result<Ages, NotPredicted> {
    if let Some(buffer) = case.scenario.network.and_then(|network| network.buffer_bytes) {
        return held_back(case, feed, batch(case, framed, buffer));
    }
    let delay = case.path.min_delay();
    let ages = match case.contender.serving.coalesce {
        Some(pause) => long_polling::closed_form_ages(f64::INFINITY, pause.as_secs_f64(), delay, &feed.arrivals),
        None => Some(Ages::constant(delay)),
    };
    let ages = ages.ok_or(NotPredicted::HeldUp)?.jittered(case.path.jitter, &feed.arrivals);
    // A client that reconnects without a cursor does not receive what it missed.
    let churn = case.scenario.clients.churn.filter(|_| case.contender.reconnect.with_cursor);
    Ok(while_away(ages, churn.unwrap_or(0.0), case.path.open_time()))
}

/// Returns how many updates of a stream a buffering proxy (E14) holds back together until its buffer is full. The
/// buffer is emptied completely, so with updates of equal size the number is constant.
pub(super) fn batch(case: &Case<'_>, framed: f64, buffer: u64) -> usize {
    /// What TLS 1.3 adds to a write, bytes: the record's header, its type, and the tag (RFC 8446, section 5.2).
    const RECORD: f64 = 22.0;
    let encrypted = if case.contender.link.tls { RECORD } else { 0.0 };
    (buffer as f64 / (framed + encrypted)).ceil().max(1.0) as usize
}

/// Returns the ages on a stream whose updates wait until a buffer is full: each waits for the last of its batch, so the
/// waits are spread over the time `B/(λ·size)` that the buffer takes to fill, followed by the one-way delay. The start
/// of a batch within the stream is treated as random.
fn held_back(case: &Case<'_>, feed: &FeedModel, batch: usize) -> Result<Ages, NotPredicted> {
    /// The maximum number of updates, and of positions of each in its batch, that represent all.
    const MOST_UPDATES: usize = 4096;
    const MOST_PLACES: usize = 64;
    let due = feed.due_until(feed.whole.to);
    let [first, end] = [feed.measured.from, feed.measured.to].map(|time| due.partition_point(|due| *due < time));
    let each = (end - first).div_ceil(MOST_UPDATES).max(1);
    let mut ages = Vec::new();
    for index in (first..end).step_by(each) {
        // The update may be at any position of its batch.
        let places = (0..batch).step_by(batch.div_ceil(MOST_PLACES));
        let released = places.map_while(|place| due.get(index + place));
        ages.extend(released.map(|released| released - due[index] + case.path.mean_delay()));
    }
    Ages::from_samples(ages)
}

/// The bytes transferred when a client ends its stream and opens another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    /// The head of the request.
    pub(super) request: f64,
    /// The head of the response.
    pub(super) answer: f64,
    /// Other upstream bytes: a close message.
    pub(super) up: f64,
    /// Other downstream bytes: a close message, and the client's position.
    pub(super) down: f64,
}

/// Returns the socket bytes of a stream's traffic; a keepalive has `down` bytes, and the answer to it `up` bytes.
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

/// Returns the wire traffic: each write with its acknowledgement, `a_keepalive` packets per keepalive, and
/// `close_messages` packets per replaced stream. A stream starts with a request, the head of the response, and the
/// client's position, each with its acknowledgement.
pub(super) fn packets(traffic: &Traffic, bytes: &Bytes, a_keepalive: f64, close_messages: f64) -> Wire {
    const START: f64 = 6.0;
    let segments = segments(bytes.answer);
    let changes = traffic.changes * (OPEN + START + close_messages + CLOSE);
    let packets = traffic.writes * (segments + acks(segments)) + a_keepalive * traffic.keepalives + changes;
    wire(packets, traffic.changes, bytes)
}

/// Returns the traffic of a period in which nothing is published.
pub(super) fn idle(time: f64, interval: f64) -> Traffic {
    Traffic { keepalives: keepalives_in(time, interval), ..Traffic::default() }
}

/// Returns the keepalives in a span if the server sends one whenever it has written nothing for an interval `K`, as
/// WHATWG HTML, section 9.2.7, advises. After an update, the first is sent after 3/4 to 1 `K`, uniformly distributed,
/// and the following ones after a `K` each. With independent updates this is a renewal process: if `a` is the
/// probability that no update comes before the first keepalive, and `b = e^(−λK)`, the rate is `c = λa + cb`.
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

/// Returns the keepalives between updates that fall due at these times.
fn keepalives_among(due: &[f64], span: Span, interval: f64) -> f64 {
    let mut silent_since = span.from;
    let within = due.iter().copied().filter(|time| span.contains(*time));
    let gaps = within.chain([span.to]).map(|time| time - std::mem::replace(&mut silent_since, time));
    gaps.map(|silence| keepalives_in(silence, interval)).sum()
}

/// Returns the idle time after which a keepalive may be sent at the earliest: the server counts beats since its last
/// write.
pub(super) fn first_keepalive(interval: f64) -> f64 {
    interval * (1.0 - 1.0 / f64::from(BEATS))
}

/// Returns the keepalives in an idle time of this length, averaged over the phase of the beats: the first after three
/// to four quarters of the interval, the following ones each a whole interval later.
pub(super) fn keepalives_in(silence: f64, interval: f64) -> f64 {
    let beats = f64::from(BEATS);
    let past = (silence - first_keepalive(interval)) / interval;
    let (whole, fraction) = (past.floor(), past - past.floor());
    (whole + (fraction * beats).min(1.0)).max(0.0)
}

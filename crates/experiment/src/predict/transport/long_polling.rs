//! Long polling: a client sends a request, and the server holds it until there are updates or the hold expires.

use std::time::Duration;

use feedlab_feed::Transport;
use feedlab_feed::wire::poll;

use super::polling::{self, Heads, Poller};
use super::{
    Ages, Arithmetic, Bytes, Carriage, Case, FeedModel, NetworkPath, NotPredicted, Sizes, Span, Traffic, Wire, heads,
};
use crate::predict::model::{Arrivals, CLOSE, DELAYED_ACK, OPEN, acks, completed_share, segments, while_away, wire};
use crate::scenario::Headers;

const THIS: Transport = Transport::LongPolling;

/// The options of long polling.
#[derive(Clone, Copy, Debug)]
pub(super) struct LongPolling {
    /// How long the server may hold a request.
    pub(super) hold: Duration,
    /// Whether one connection is used for all requests.
    pub(super) keep_alive: bool,
}

impl Arithmetic for LongPolling {
    // Requests.
    fn request_pattern(&self) -> &'static str {
        "A client sends its next request, with its cursor, as soon as it has received an answer."
    }

    fn traffic(&self, case: &Case<'_>, feed: &FeedModel, span: Span) -> Traffic {
        let Poller { hold, gap } = self.poller(&case.path);
        let traffic = match per_second(hold, gap, &feed.arrivals_in(span)) {
            Some(per_second) => per_second.times(span.length()),
            None => polling::simulated_traffic(feed, span, self.poller(&case.path), &START),
        };
        let traffic = feed.counted(traffic, span);
        let changed = self.changed(traffic, self.churn(case), span.length());
        // A client that disconnects while an answer or the next request is in transit has no request that the server
        // holds.
        let unheld = changed.changes * (gap * traffic.requests / span.length()).min(1.0);
        Traffic { requests: changed.requests - unheld, empty: changed.empty - unheld, ..changed }
    }

    fn churn(&self, case: &Case<'_>) -> f64 {
        polling::churn(case, self.keep_alive)
    }

    /// A client that disconnects has a request in progress, which the server ends without updates; the next one is held
    /// again.
    fn changed(&self, traffic: Traffic, churn: f64, time: f64) -> Traffic {
        let hold = self.silence();
        let ended = traffic.empty * (1.0 - completed_share(churn, hold, hold));
        polling::changed(
            Traffic { requests: traffic.requests - ended, empty: traffic.empty - ended, ..traffic },
            churn * time,
        )
    }

    fn may_lose(&self, case: &Case<'_>, feed: &FeedModel) -> Option<NotPredicted> {
        polling::may_lose(case, feed, self.poller(&case.path).gap)
    }

    fn lossy_traffic(
        &self,
        case: &Case<'_>,
        feed: &FeedModel,
        why: NotPredicted,
    ) -> Result<(Option<f64>, f64), NotPredicted> {
        let Poller { hold, gap } = self.poller(&case.path);
        let (requests, updates) = lossy(why, hold, gap, &feed.arrivals).ok_or(why)?;
        let length = feed.measured.length() * feed.scale;
        Ok((Some(requests * length), updates * length))
    }

    // Ages.
    /// A client without a cursor receives only updates for which a request was already waiting.
    fn ages(&self, case: &Case<'_>, feed: &FeedModel) -> Result<Ages, NotPredicted> {
        let (Poller { hold, gap }, delay) = (self.poller(&case.path), case.path.min_delay());
        let ages = match closed_form_ages(hold, gap, delay, &feed.arrivals) {
            _ if !case.contender.reconnect.with_cursor => Ages::constant(delay),
            Some(ages) => ages,
            None => polling::simulated_ages(feed, self.poller(&case.path), &START, delay)?,
        };
        Ok(while_away(polling::jittered(ages, &case.path), self.churn(case), case.path.open_time()))
    }

    fn carriage(&self, case: &Case<'_>, feed: &FeedModel) -> Option<Carriage> {
        let heads = self.heads(case.scenario.clients.headers, &feed.sizes);
        let (request, answer) = (heads.request, polling::answer_size(&heads, &feed.sizes));
        Some(Carriage::Held { hold: self.hold.as_secs_f64(), request, answer })
    }

    // Headers and bodies.
    fn bytes(&self, headers: Headers, sizes: &Sizes, traffic: &Traffic) -> Bytes {
        polling::bytes(&self.heads(headers, sizes), 0.0, 0.0, sizes, traffic)
    }

    fn handshake(&self, headers: Headers, sizes: &Sizes) -> f64 {
        polling::handshake(&self.heads(headers, sizes), sizes)
    }

    // Packets.
    /// A request, its acknowledgement unless it is saved, and the answer, whose last segment the next request
    /// acknowledges; earlier segments have pure acknowledgements. If the path is longer than the
    /// delayed-acknowledgement time, the lab proxy, which is the server's peer, has no data to send in time and
    /// acknowledges the last segment separately, too.
    fn wire(&self, path: &NetworkPath, traffic: &Traffic, bytes: &Bytes) -> Wire {
        if !self.keep_alive {
            return polling::one_connection_per_request(traffic, bytes);
        }
        let full = segments(bytes.answer);
        let is_late = path.mean_round_trip() >= DELAYED_ACK;
        let acks = if full > 1.0 || is_late { acks(full) } else { 0.0 };
        let empty = if is_late { 2.0 } else { 1.0 };
        let requests = 2.0 * traffic.requests - traffic.unacknowledged;
        // The last answer is not followed by a request that would acknowledge it.
        let changes = traffic.changes * (OPEN + CLOSE + 1.0);
        let packets = requests + traffic.with_updates() * (full + acks) + traffic.empty * empty + changes;
        wire(packets, traffic.changes, bytes)
    }

    // Idle time.
    fn idle(&self, path: &NetworkPath, time: f64) -> Traffic {
        let Poller { hold, gap } = self.poller(path);
        polling::idle((time / (hold + gap)).floor())
    }

    fn silence(&self) -> f64 {
        self.hold.as_secs_f64()
    }

    // Connecting and reconnecting.
    /// One, or one per request, of which one is always in progress; a client starts with a request for its cursor.
    fn connections(&self, before: f64, answered: f64) -> f64 {
        if self.keep_alive { 1.0 } else { 2.0 + before + answered }
    }

    fn keeps_connections(&self) -> bool {
        self.keep_alive
    }
}

/// A client's request has been waiting since before the start of the feed.
const START: [f64; 1] = [0.0];

impl LongPolling {
    fn poller(&self, path: &NetworkPath) -> Poller {
        Poller { hold: self.hold.as_secs_f64(), gap: polling::gap(path, self.keep_alive) }
    }

    /// Returns the sizes of requests and responses, with the cursor in the URL.
    pub(super) fn heads(&self, headers: Headers, sizes: &Sizes) -> Heads {
        let target = format!("{}&{}={}", heads::resume(THIS), poll::HOLD, poll::hold(self.hold));
        let request = polling::request(THIS, &target, self.keep_alive, None, headers).len() as f64 + sizes.digits - 1.0;
        let uncached = ("cache-control", poll::LONG_CACHE_CONTROL);
        let answer = |status, own: &[(&str, &str)]| {
            polling::answer(status, [own, &[uncached]].concat(), self.keep_alive).len() as f64
        };
        Heads {
            request,
            conditional: request,
            body: answer("200 OK", &[("content-type", poll::CONTENT_TYPE), ("content-length", "")]),
            bodiless: answer("204 No Content", &[]),
        }
    }
}

/// Returns the traffic of long polling per second (E05). A renewal argument (the elementary renewal theorem: the rate
/// of cycles is one over the mean length of a cycle). A cycle starts when an answer is sent: the next request arrives
/// after the gap `R`; updates that fell due in the gap are sent immediately. If there are none, the server waits for
/// the first update, at most for the hold `H` (RFC 6202, section 2.1). With independent updates the mean cycle is
///
/// ```text
/// R + e^(−λR) · (1 − e^(−λH)) / λ
/// ```
///
/// and a share `e^(−λ(R+H))` of the cycles ends without updates. For `R = 0` this is E05's `λ/(1−e^(−λH))`, and for
/// `H → ∞` E04's `λ/(λR + e^(−λR))`: one omits the gap, the other the hold, and the table does not say so. Evenly
/// spaced updates: one answer each, and with `p > H` an empty one for every hold that fits between two; with a period
/// below the gap, one answer per gap, with `R/p` updates.
///
/// Two consecutive answers within the delayed-acknowledgement time save an acknowledgement: see the packets of
/// [`crate::predict::model`].
pub(super) fn per_second(hold: f64, gap: f64, arrivals: &Arrivals) -> Option<Traffic> {
    match *arrivals {
        Arrivals::Poisson(rate) => {
            let waits = (-rate * gap).exp();
            let requests = 1.0 / (gap + waits * mean_wait(rate, hold));
            let empty = waits * (-rate * hold).exp() * requests;
            let soon = 1.0 - (-rate * (gap + DELAYED_ACK.min(hold))).exp();
            let unacknowledged = soon * soon * requests;
            Some(Traffic { requests, empty, unacknowledged, updates: rate, ..Traffic::default() })
        }
        Arrivals::Constant(period) if gap == 0.0 || period <= gap + hold => {
            let answers = 1.0 / period.max(gap);
            let empty = ((period / hold).ceil() - 1.0).max(0.0) * answers;
            let unacknowledged = if period - gap < DELAYED_ACK { answers } else { 0.0 };
            let requests = answers + empty;
            Some(Traffic { requests, empty, unacknowledged, updates: 1.0 / period, ..Traffic::default() })
        }
        Arrivals::Constant(_) | Arrivals::DueTimes(_) => None,
    }
}

/// Returns the mean time until the first update, limited by the hold: `(1 − e^(−λH)) / λ`.
fn mean_wait(rate: f64, hold: f64) -> f64 {
    if rate > 0.0 { -f64::exp_m1(-rate * hold) / rate } else { hold }
}

/// Returns requests and updates per second of lossy long polling: only updates for which a held request waits are
/// delivered, and updates that fall into the re-request gap `R` are lost. A renewal argument as in [`per_second`], with
/// independent updates: a client without a cursor always waits, for `1/λ` or until the hold expires, and a cycle of
/// `R + (1 − e^(−λH))/λ` delivers one update: with a long hold it loses the share `λR/(1 + λR)` (E06). For a client
/// with a cursor, a server without a history reports the gap immediately if there is one, and otherwise holds the
/// request: the client loses `λR/(λR + e^(−λR))`. Evenly spaced updates are all delivered if the period is longer than
/// the gap; otherwise a client without a cursor receives every `⌈R/p⌉`th update, and the other client none.
pub(super) fn lossy(why: NotPredicted, hold: f64, gap: f64, arrivals: &Arrivals) -> Option<(f64, f64)> {
    Some(match (why, arrivals) {
        (NotPredicted::NoCursor, Arrivals::Poisson(rate)) => {
            let requests = 1.0 / (gap + mean_wait(*rate, hold));
            (requests, requests * -f64::exp_m1(-rate * hold))
        }
        (NotPredicted::NoHistory, Arrivals::Poisson(rate)) => {
            let waits = (-rate * gap).exp();
            let requests = 1.0 / (gap + waits * mean_wait(*rate, hold));
            (requests, requests * waits * -f64::exp_m1(-rate * hold))
        }
        (_, Arrivals::Constant(period)) if *period > gap + hold || is_near_whole(gap / period) => return None,
        (NotPredicted::NoCursor, Arrivals::Constant(period)) => {
            let requests = 1.0 / (period * (gap / period).ceil().max(1.0));
            (requests, requests)
        }
        (NotPredicted::NoHistory, Arrivals::Constant(period)) if *period > gap => (1.0 / period, 1.0 / period),
        (NotPredicted::NoHistory, Arrivals::Constant(_)) => (1.0 / gap, 0.0),
        _ => return None,
    })
}

/// Whether a number is so close to an integer that chance decides.
fn is_near_whole(turns: f64) -> bool {
    turns > 0.5 && (turns - turns.round()).abs() < 0.02
}

/// Returns the ages of long polling (E04): an update is sent immediately unless it falls into the re-request gap `R`
/// between an answer and the next request; then it waits for that request, whose answer contains all updates of the
/// gap.
///
/// With independent updates a cycle has `λR` of those, whose waits are uniform on `[0, R]` (the arrival times of a
/// Poisson process in an interval are uniform), and one that is sent immediately if the gap was empty and the hold did
/// not expire first, `e^(−λR) (1 − e^(−λH))`. So
///
/// ```text
/// mean wait = λR²/2 / (λR + e^(−λR) (1 − e^(−λH)))
/// ```
///
/// which E04 gives for `H → ∞`; the age is this wait plus the one-way delay `d`, at most `R + d`: "three network
/// transits at worst" (RFC 6202, section 2.2). Evenly spaced updates: with `p ≥ R` none falls into a gap; with `p < R`
/// all do, the waits are uniform on `[0, R]`, with a mean age of `R` and a maximum of `1.5 R`.
pub(super) fn closed_form_ages(hold: f64, gap: f64, delay: f64, arrivals: &Arrivals) -> Option<Ages> {
    let at_least = match *arrivals {
        _ if gap == 0.0 => 1.0,
        Arrivals::Poisson(rate) => {
            let at_once = (-rate * gap).exp() * -f64::exp_m1(-rate * hold);
            at_once / (rate * gap + at_once)
        }
        Arrivals::Constant(period) if period < gap => 0.0,
        Arrivals::Constant(period) if period <= gap + hold => 1.0,
        Arrivals::Constant(_) | Arrivals::DueTimes(_) => return None,
    };
    let width = if at_least < 1.0 { gap } else { 0.0 };
    Some(Ages::Spread { least: delay, at_least, width })
}

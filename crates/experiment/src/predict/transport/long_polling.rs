//! Long polling: a client asks, and the server keeps the question until there is news, or until the hold ends.

use std::time::Duration;

use feedlab_feed::Transport;
use feedlab_feed::wire::poll;

use super::polling::{self, Heads, Poller};
use super::{Ages, Arithmetic, Bytes, Case, FeedModel, NetworkPath, NotPredicted, Sizes, Span, Traffic, Wire, heads};
use crate::predict::model::{Arrivals, CLOSE, DELAYED_ACK, OPEN, acks, completed_share, segments, while_away, wire};
use crate::scenario::Headers;

const THIS: Transport = Transport::LongPolling;

/// How a client polls.
#[derive(Clone, Copy, Debug)]
pub(super) struct LongPolling {
    /// How long the server may keep a request.
    pub(super) hold: Duration,
    /// One connection for all requests.
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
        // Who leaves while an answer or the next question is on its way has none that the server holds.
        let unheld = changed.changes * (gap * traffic.requests / span.length()).min(1.0);
        Traffic { requests: changed.requests - unheld, empty: changed.empty - unheld, ..changed }
    }

    fn churn(&self, case: &Case<'_>) -> f64 {
        polling::churn(case, self.keep_alive)
    }

    /// Who leaves has a question under way, which the server answers with nothing; and the next one is held again.
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
    /// What is not waited for is not handed over to a client without a cursor.
    fn ages(&self, case: &Case<'_>, feed: &FeedModel) -> Result<Ages, NotPredicted> {
        let (Poller { hold, gap }, delay) = (self.poller(&case.path), case.path.min_delay());
        let ages = match closed_form_ages(hold, gap, delay, &feed.arrivals) {
            _ if !case.contender.reconnect.with_cursor => Ages::constant(delay),
            Some(ages) => ages,
            None => polling::simulated_ages(feed, self.poller(&case.path), &START, delay)?,
        };
        Ok(while_away(polling::jittered(ages, &case.path), self.churn(case), case.path.open_time()))
    }

    // Heads and bodies.
    fn bytes(&self, headers: Headers, sizes: &Sizes, traffic: &Traffic) -> Bytes {
        polling::bytes(&self.heads(headers, sizes), 0.0, 0.0, sizes, traffic)
    }

    fn handshake(&self, headers: Headers, sizes: &Sizes) -> f64 {
        polling::handshake(&self.heads(headers, sizes), sizes)
    }

    // Packets.
    /// A request, its acknowledgement unless that is saved, and the answer, whose last segment the next request
    /// acknowledges: what came before that has acknowledgements of its own. Over a way that is longer than the delay the
    /// lab proxy, which is the server's peer, has nothing to send in time: it acknowledges the last segment by itself, too.
    fn wire(&self, path: &NetworkPath, traffic: &Traffic, bytes: &Bytes) -> Wire {
        if !self.keep_alive {
            return polling::one_connection_per_request(traffic, bytes);
        }
        let news = segments(bytes.answer);
        let is_late = path.mean_round_trip() >= DELAYED_ACK;
        let acks = if news > 1.0 || is_late { acks(news) } else { 0.0 };
        let empty = if is_late { 2.0 } else { 1.0 };
        let requests = 2.0 * traffic.requests - traffic.unacknowledged;
        // Nothing follows the last answer that would acknowledge it.
        let changes = traffic.changes * (OPEN + CLOSE + 1.0);
        let packets = requests + traffic.with_news() * (news + acks) + traffic.empty * empty + changes;
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

    // Coming back.
    /// One, or one a request, of which one is always under way; a client begins with a request for its cursor.
    fn connections(&self, before: f64, answered: f64) -> f64 {
        if self.keep_alive { 1.0 } else { 2.0 + before + answered }
    }
}

/// A client's request has been waiting since before the feed.
const START: [f64; 1] = [0.0];

impl LongPolling {
    fn poller(&self, path: &NetworkPath) -> Poller {
        Poller { hold: self.hold.as_secs_f64(), gap: polling::gap(path, self.keep_alive) }
    }

    /// With the cursor in the URL.
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

/// A second of long polls (E05). A renewal argument (the elementary renewal theorem: the rate of cycles is one over the
/// mean length of a cycle). A cycle begins when an answer leaves: the re-request takes the gap `R`; what falls due in it
/// is answered at once. With nothing there the server waits for the first update, at most for the hold `H` (RFC 6202,
/// section 2.1). With independent updates the mean cycle is
///
/// ```text
/// R + e^(−λR) · (1 − e^(−λH)) / λ
/// ```
///
/// and a share `e^(−λ(R+H))` of the cycles ends with nothing. At `R = 0` that is E05's `λ/(1−e^(−λH))`, and with
/// `H → ∞` it is E04's `λ/(λR + e^(−λR))`: the one without the gap, the other without the hold, and the table does not
/// say so. Evenly spaced updates: an answer each, and with `p > H` an empty one for every hold that fits between two;
/// below the gap one answer a gap, with `R/p` updates.
///
/// Two answers in a row within the delay save an acknowledgement: see [`crate::predict::model`]'s packets.
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

/// Mean time until the first update, but no longer than the hold: `(1 − e^(−λH)) / λ`.
fn mean_wait(rate: f64, hold: f64) -> f64 {
    if rate > 0.0 { -f64::exp_m1(-rate * hold) / rate } else { hold }
}

/// Requests and updates of a second of long polling that forgets: only what a held request waits for is handed over, and
/// what falls into the re-request gap `R` is lost. A renewal argument as in [`a_second`], with independent updates: a
/// client without a cursor always waits, for `1/λ` or until the hold ends, and a cycle of `R + (1 − e^(−λH))/λ` hands one
/// over: with a long hold it loses the share `λR/(1 + λR)` (E06). A client with a cursor and a server without a history
/// is told of the gap at once, if there is one, and only waits otherwise: it loses `λR/(λR + e^(−λR))`. Evenly spaced
/// updates are all handed over while the period is longer than the gap; else a client without a cursor gets every
/// `⌈R/p⌉`th, and the other none.
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

/// Whether chance decides between two numbers.
fn is_near_whole(turns: f64) -> bool {
    turns > 0.5 && (turns - turns.round()).abs() < 0.02
}

/// Ages of long polling (E04): an update is told at once, unless it falls into the re-request gap `R` between an answer
/// and the next request; then it waits for that request, and the answer leaves with all that came in the gap.
///
/// With independent updates a cycle has `λR` of those, whose waits are uniform on `[0, R]` (where the arrivals of a
/// Poisson process fall in an interval is uniform), and one that is told at once if the gap stayed empty and the hold
/// did not end first, `e^(−λR) (1 − e^(−λH))`. So
///
/// ```text
/// mean wait = λR²/2 / (λR + e^(−λR) (1 − e^(−λH)))
/// ```
///
/// which E04 gives for `H → ∞`; the age is that and the way `d`, at most `R + d`: "three network transits at worst"
/// (RFC 6202, section 2.2). Evenly spaced updates: with `p ≥ R` none falls into a gap; with `p < R` all do, the waits
/// are uniform on `[0, R]`, mean age `R`, maximum `1.5 R`.
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

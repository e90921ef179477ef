//! How often a client asks, and how often for nothing: what every other figure of a transport follows from.
//!
//! A closed form where updates come independently or evenly; for everything else the [simulation](super::simulation).

use std::borrow::Cow;

use feedlab_feed::Transport;
use feedlab_feed::stream::BEATS;

use super::course::{Arrivals, Course, Span};
use super::packets::DELAYED_ACK;
use super::simulation::{self, Poller};
use super::way::Way;
use crate::scenario::{Contender, Options};

/// What passes between the server and one client in a stretch of time, expected.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Traffic {
    /// Requests answered.
    pub(super) requests: f64,
    /// Those whose answer brings no update.
    pub(super) empty: f64,
    /// Those of the empty ones that follow another empty one.
    pub(super) empty_again: f64,
    /// Polls that were due and not sent, because the one before was under way.
    pub(super) skipped: f64,
    /// Requests that the server need not acknowledge by themselves: see [`super::packets`].
    pub(super) unacknowledged: f64,
    /// Updates handed over.
    pub(super) updates: f64,
    /// Writes of a stream: one an update, or one for all that fall due at once.
    pub(super) writes: f64,
    /// Comments or pings.
    pub(super) keepalives: f64,
}

impl Traffic {
    /// Every amount, as often.
    pub(super) fn times(self, factor: f64) -> Self {
        Self {
            requests: self.requests * factor,
            empty: self.empty * factor,
            empty_again: self.empty_again * factor,
            skipped: self.skipped * factor,
            unacknowledged: self.unacknowledged * factor,
            updates: self.updates * factor,
            writes: self.writes * factor,
            keepalives: self.keepalives * factor,
        }
    }

    /// Requests whose answer brings updates.
    pub(super) fn with_news(&self) -> f64 {
        self.requests - self.empty
    }
}

/// One client's traffic in a stretch of a course.
pub(super) fn traffic(contender: &Contender, course: &Course, span: Span, way: &Way) -> Traffic {
    let options = &contender.options;
    let gap = way.gap(options);
    let arrivals = &course.arrivals_in(span);
    let per_s = match *options {
        Options::ShortPolling { interval, .. } => short_polling(interval.as_secs_f64(), gap, arrivals),
        Options::LongPolling { hold, .. } => long_polling(hold.as_secs_f64(), gap, arrivals),
        Options::Sse { keepalive } | Options::Auto { first: Transport::Sse, keepalive, .. } => {
            sse(keepalive.as_secs_f64(), arrivals)
        }
        Options::WebSocket { keepalive } | Options::Auto { keepalive, .. } => {
            websocket(keepalive.as_secs_f64(), arrivals)
        }
    };
    let traffic = match per_s {
        Some(per_s) => per_s.times(span.length()),
        None => simulation::traffic(options, course, span, gap),
    };
    let counted = course.counted(traffic, options, gap, span);
    Traffic { skipped: skipped(options, gap) * span.length(), ..coalesced(contender, arrivals, counted, span) }
}

/// The writes of a stream whose server rests after each: as many as the answers of a long poll that is held for ever and
/// has the rest for its re-request gap.
fn coalesced(contender: &Contender, arrivals: &Arrivals, traffic: Traffic, span: Span) -> Traffic {
    let Some(rest) = contender.serving.coalesce.filter(|_| contender.transport().is_push()) else { return traffic };
    let answers = long_polling(f64::INFINITY, rest.as_secs_f64(), arrivals);
    answers.map_or(traffic, |answers| Traffic { writes: answers.requests * span.length(), ..traffic })
}

/// Slots a second that pass while a poll is under way.
fn skipped(options: &Options, gap: f64) -> f64 {
    match options {
        Options::ShortPolling { interval, .. } => {
            let interval = interval.as_secs_f64();
            1.0 / interval - 1.0 / cycle(interval, gap)
        }
        _ => 0.0,
    }
}

impl Course {
    /// The arrivals of a span: independent ones as many as fall due in it.
    fn arrivals_in(&self, span: Span) -> Cow<'_, Arrivals> {
        match self.arrivals {
            Arrivals::Poisson(_) if span == self.whole && span != self.measured => {
                Cow::Owned(Arrivals::Poisson(self.whole_updates / span.length()))
            }
            _ => Cow::Borrowed(&self.arrivals),
        }
    }

    /// The number of updates is known better than their rate says: by the schedule.
    fn counted(&self, traffic: Traffic, options: &Options, gap: f64, span: Span) -> Traffic {
        if span != self.measured || matches!(self.arrivals, Arrivals::Known(_)) {
            return traffic;
        }
        let Options::ShortPolling { interval, .. } = *options else {
            return Traffic { updates: self.updates, ..traffic };
        };
        let cycle = cycle(interval.as_secs_f64(), gap);
        let updates = self.polled_by(span.to, cycle) - self.polled_by(span.from, cycle);
        match self.arrivals {
            // Each has a poll of its own.
            Arrivals::Constant(period) if period >= cycle => {
                Traffic { updates, empty: (traffic.requests - updates).max(0.0), ..traffic }
            }
            _ if traffic.with_news() > 0.0 => Traffic { updates, ..traffic },
            _ => Traffic { updates: 0.0, ..traffic },
        }
    }

    /// Updates that polls have brought by a time, expected. An update is handed over anywhere within the interval `T`
    /// behind its due time with the same probability; polls within an interval of the feed's begin bring less.
    fn polled_by(&self, time: f64, cycle: f64) -> f64 {
        match self.arrivals {
            _ if !self.due.is_empty() => self.due.iter().map(|due| ((time - due) / cycle).clamp(0.0, 1.0)).sum(),
            Arrivals::Poisson(rate) if time >= cycle => rate * (time - cycle / 2.0),
            Arrivals::Poisson(rate) => rate * time * time / (2.0 * cycle),
            Arrivals::Constant(period) => {
                // Those due by then, and those of them that every phase has fetched.
                let due = (time / period).floor() + 1.0;
                let fetched = (((time - cycle) / period).floor() + 1.0).max(0.0);
                let under_way = due - fetched;
                fetched + under_way * (time - period * (due + fetched - 1.0) / 2.0) / cycle
            }
            Arrivals::Known(_) => 0.0,
        }
    }
}

/// The time between two polls: as asked, unless a poll takes longer. A slot that passes while a request is under way
/// is skipped, so that the time between polls is always a multiple of the interval.
pub(super) fn cycle(interval: f64, gap: f64) -> f64 {
    interval * (gap / interval).ceil().max(1.0)
}

/// Short polling, a second (E02). A poll is empty when nothing fell due since the one before it: with independent
/// updates that has the probability `e^(−λT)` (the Poisson distribution at 0), whatever the phase of the client, which
/// is independent of the updates. With an update every `p` s each one has a poll of its own when `p ≥ T`, and every
/// poll has one when `p ≤ T`. Empty polls follow each other when `2T` pass without an update.
fn short_polling(interval: f64, gap: f64, arrivals: &Arrivals) -> Option<Traffic> {
    let cycle = cycle(interval, gap);
    let polls = 1.0 / cycle;
    let (empty, empty_again, rate) = match *arrivals {
        Arrivals::Poisson(rate) => {
            let none = (-rate * cycle).exp();
            (none * polls, none * none * polls, rate)
        }
        Arrivals::Constant(period) => {
            let empty = (polls - 1.0 / period).max(0.0);
            let first = ((period - cycle) / cycle).clamp(0.0, 1.0) / period;
            (empty, empty - first, 1.0 / period)
        }
        Arrivals::Known(_) => return None,
    };
    Some(Traffic { requests: polls, empty, empty_again, updates: rate, ..Traffic::default() })
}

/// Long polling, a second (E05). A renewal argument (the elementary renewal theorem: the rate of cycles is one over
/// the mean length of a cycle). A cycle begins when an answer leaves: the re-request takes the gap `R`; what falls due
/// in it is answered at once. With nothing there the server waits for the first update, at most for the hold `H`
/// (RFC 6202, section 2.1). With independent updates the mean cycle is
///
/// ```text
/// R + e^(−λR) · (1 − e^(−λH)) / λ
/// ```
///
/// and a share `e^(−λ(R+H))` of the cycles ends with nothing. At `R = 0` that is E05's `λ/(1−e^(−λH))`, and with
/// `H → ∞` it is E04's `λ/(λR + e^(−λR))`: the one without the gap, the other without the hold, and the table does not
/// say so. Evenly spaced updates: an answer each, and with `p > H` an empty one for every hold that fits between two;
/// below the gap one answer a gap, with `R/p` updates.
fn long_polling(hold: f64, gap: f64, arrivals: &Arrivals) -> Option<Traffic> {
    match *arrivals {
        Arrivals::Poisson(rate) => {
            let waits = (-rate * gap).exp();
            let requests = 1.0 / (gap + waits * mean_wait(rate, hold));
            let empty = waits * (-rate * hold).exp() * requests;
            // Two answers in a row within the delay: see `packets`.
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
        Arrivals::Constant(_) | Arrivals::Known(_) => None,
    }
}

/// Mean time until the first update, but no longer than the hold: `(1 − e^(−λH)) / λ`.
pub(super) fn mean_wait(rate: f64, hold: f64) -> f64 {
    if rate > 0.0 { -f64::exp_m1(-rate * hold) / rate } else { hold }
}

/// A stream of events, a second: a comment whenever the server has written nothing for a keepalive interval `K`, as
/// WHATWG HTML, section 9.2.7, advises. The server counts quarters of it, so that after an update the first comment
/// comes after 3/4 to 1 `K`, anywhere between with the same probability, and the next ones after a `K` each. With
/// independent updates the comments renew themselves: with `a` the probability that no update comes before the first
/// comment and `b = e^(−λK)`, their rate `c = λa + cb`.
fn sse(keepalive: f64, arrivals: &Arrivals) -> Option<Traffic> {
    let first = keepalive * (1.0 - 1.0 / f64::from(BEATS));
    let (rate, keepalives) = match *arrivals {
        Arrivals::Poisson(rate) if rate > 0.0 => {
            let survives = |time: f64| (-rate * time).exp();
            let before_first = (survives(first) - survives(keepalive)) / (rate * (keepalive - first));
            (rate, rate * before_first / -f64::exp_m1(-rate * keepalive))
        }
        Arrivals::Poisson(_) => (0.0, 1.0 / keepalive),
        Arrivals::Constant(period) => (1.0 / period, comments_in(period, keepalive) / period),
        Arrivals::Known(_) => return None,
    };
    Some(Traffic { updates: rate, writes: rate, keepalives, ..Traffic::default() })
}

/// Comments in a quiet time of this length, on average over the phase of the beats.
pub(super) fn comments_in(quiet: f64, keepalive: f64) -> f64 {
    let beats = f64::from(BEATS);
    // The first after 3 to 4 quarters, further ones each a whole interval later.
    let past = (quiet - (beats - 1.0) * keepalive / beats) / keepalive;
    let (whole, rest) = (past.floor(), past - past.floor());
    (whole + (rest * beats).min(1.0)).max(0.0)
}

/// A WebSocket, a second: a ping whenever the *client* has said nothing for a keepalive interval (RFC 6455,
/// section 5.5.2), and it says nothing but the pongs: whatever the updates, one ping an interval.
fn websocket(keepalive: f64, arrivals: &Arrivals) -> Option<Traffic> {
    let rate = match *arrivals {
        Arrivals::Poisson(rate) => rate,
        Arrivals::Constant(period) => 1.0 / period,
        Arrivals::Known(_) => return None,
    };
    Some(Traffic { updates: rate, writes: rate, keepalives: 1.0 / keepalive, ..Traffic::default() })
}

/// How a poller asks, for the simulation.
pub(super) fn poller(options: &Options, gap: f64) -> Option<Poller> {
    match *options {
        Options::ShortPolling { interval, .. } => Some(Poller::Short { cycle: cycle(interval.as_secs_f64(), gap) }),
        Options::LongPolling { hold, .. } => Some(Poller::Long { hold: hold.as_secs_f64(), gap }),
        Options::Sse { .. } | Options::WebSocket { .. } | Options::Auto { .. } => None,
    }
}

#[cfg(test)]
mod tests;

//! How old an update is when a client learns of it: the whole distribution, so that every percentile follows.
//!
//! Of all figures of a transport this is the one that needs the fewest assumptions: the way takes `d = R/2`, and what
//! an update waits for the next question depends on when questions come.

use std::ops::Range;

use super::course::{Arrivals, Course};
use super::jitter;
use super::memory::Memory;
use super::requests::{cycle, poller};
use super::simulation::{starts, waits};
use super::way::Way;
use crate::scenario::{Contender, Options};

/// A distribution of ages, s.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ages {
    /// A share of the updates has the smallest age, the others are spread evenly above it.
    Spread {
        /// The smallest age.
        least: f64,
        /// The share of the updates that has it.
        at_least: f64,
        /// How much older the oldest are.
        width: f64,
    },
    /// As found by the simulation, ascending.
    Sample(Vec<f64>),
}

/// Shares that a summary keeps.
const SHARES: [f64; 16] = [0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 1.0];

impl Ages {
    /// The age that a share of the updates does not exceed.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        match self {
            Self::Spread { least, at_least, width } => {
                least + width * if share > *at_least { (share - at_least) / (1.0 - at_least) } else { 0.0 }
            }
            Self::Sample(ages) => {
                let rank = (share * ages.len() as f64).ceil().max(1.0) as usize;
                ages[rank.min(ages.len()) - 1]
            }
        }
    }

    pub(super) fn mean(&self) -> f64 {
        match self {
            Self::Spread { least, at_least, width } => least + (1.0 - at_least) * width / 2.0,
            Self::Sample(ages) => ages.iter().sum::<f64>() / ages.len() as f64,
        }
    }

    /// A share of the updates is older by times that are evenly spread over a range.
    pub(super) fn held_up(&self, share: f64, by: Range<f64>) -> Self {
        /// Instants in a stall, and ages for each, that stand for all.
        const STEPS: u32 = 64;
        let middle = |step: u32| (f64::from(step) + 0.5) / f64::from(STEPS);
        let held = (share * f64::from(STEPS * STEPS)).round() as u32;
        // In an order in which the first few are already spread over all.
        let mut ages: Vec<f64> = (0..STEPS * STEPS).map(|i| self.quantile(middle(i * 27 % STEPS))).collect();
        for (index, age) in ages.iter_mut().take(held as usize).enumerate() {
            *age += by.start + (by.end - by.start) * (index as f64 + 0.5) / f64::from(held);
        }
        ages.sort_by(f64::total_cmp);
        Self::Sample(ages)
    }

    /// Every age longer by one of some times, ascending, that have nothing to do with it.
    pub(super) fn later_by(&self, times: &[f64]) -> Self {
        /// Ages, and times for each, that stand for all.
        const STEPS: usize = 128;
        let of = |step: usize| (step as f64 + 0.5) / STEPS as f64;
        let time = |step: usize| times.get((of(step) * times.len() as f64) as usize).copied().unwrap_or(0.0);
        let mut ages: Vec<f64> =
            (0..STEPS).flat_map(|step| (0..STEPS).map(move |other| self.quantile(of(step)) + time(other))).collect();
        ages.sort_by(f64::total_cmp);
        Self::Sample(ages)
    }

    /// Pairs of a share and an age in µs.
    pub(super) fn pairs(&self) -> Vec<(f64, f64)> {
        SHARES.iter().map(|&share| (share, self.quantile(share) * 1e6)).collect()
    }
}

/// The ages over a contender. `None` where no update falls due.
pub(super) fn ages(contender: &Contender, course: &Course, way: &Way, memory: Memory) -> Option<Ages> {
    if course.updates < 1.0 {
        return None;
    }
    let (least, gap) = (way.least(), way.gap(&contender.options));
    let ages = match contender.options {
        Options::ShortPolling { interval, .. } => short_polling(cycle(interval.as_secs_f64(), gap), least),
        // What is not waited for is not handed over.
        Options::LongPolling { .. } if memory != Memory::Whole => Some(at_once(least)),
        Options::LongPolling { hold, .. } => long_polling(hold.as_secs_f64(), gap, least, course),
        Options::Sse { .. } | Options::WebSocket { .. } | Options::Auto { .. } => push(contender, least, course),
    };
    let ages = ages.or_else(|| simulated(&contender.options, course, gap, least))?;
    Some(if way.jitter > 0.0 { ages.later_by(&jittered(contender, course, way)) } else { ages })
}

/// How much longer than the shortest way the updates take. An answer has no other before it that it would wait for; what
/// the request took longer is in the gap, with its mean.
pub(super) fn jittered(contender: &Contender, course: &Course, way: &Way) -> Vec<f64> {
    let far_apart = Arrivals::Known(Vec::new());
    jitter::extra(way.jitter, if contender.transport().is_push() { &course.arrivals } else { &far_apart })
}

/// Short polling (E01): an update waits for the next request to arrive, and the answer takes the way `d` back. Requests
/// come at a fixed rate with a random phase for each client, which is independent of the feed, so that the wait is
/// uniform on `[0, T]` whatever the schedule of the updates: mean and median `T/2 + d`, p95 `0.95 T + d`, standard
/// deviation `T/√12`. A client that slept *after* each answer would have the cycle `T + R` in the place of `T`.
///
/// With evenly spaced updates a client's ages repeat when `T` is a multiple of the period; it takes the random phases
/// of many clients to fill the interval.
fn short_polling(cycle: f64, way: f64) -> Option<Ages> {
    Some(Ages::Spread { least: way, at_least: 0.0, width: cycle })
}

/// How far the mean age of a short poller's clients scatters around the prediction, as a share of it, when updates come
/// every `period` s in step with the polls: then all ages of a client follow from its phase. With `k` the number of
/// updates after which the two meet again, its mean age is uniform over `T/k`, with standard deviation `T/(k√12)`.
/// `None` where they do not meet soon.
pub(super) fn scatter(cycle: f64, period: f64, clients: f64) -> Option<f64> {
    const SOON: u32 = 50;
    let meets = |k: &u32| {
        let turns = f64::from(*k) * period / cycle;
        (turns - turns.round()).abs() < 0.005
    };
    let k = (1..=SOON).find(meets)?;
    Some(2.0 / (f64::from(k) * 12f64.sqrt() * clients.sqrt()))
}

/// Long polling (E04): an update is told at once, unless it falls into the re-request gap `R` between an answer and the
/// next request; then it waits for that request, and the answer leaves with all that came in the gap.
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
fn long_polling(hold: f64, gap: f64, way: f64, course: &Course) -> Option<Ages> {
    let at_least = match course.arrivals {
        _ if gap == 0.0 => 1.0,
        Arrivals::Poisson(rate) => {
            let at_once = (-rate * gap).exp() * -f64::exp_m1(-rate * hold);
            at_once / (rate * gap + at_once)
        }
        Arrivals::Constant(period) if period < gap => 0.0,
        Arrivals::Constant(period) if period <= gap + hold => 1.0,
        Arrivals::Constant(_) | Arrivals::Known(_) => return None,
    };
    let width = if at_least < 1.0 { gap } else { 0.0 };
    Some(Ages::Spread { least: way, at_least, width })
}

/// A push (E07): the way and nothing else, over an event stream as over a WebSocket. A server that coalesces rests
/// after each write, and what falls due meanwhile goes out together at the end of the rest: the rest is to a stream what
/// the re-request gap is to a long poll that is held for ever.
fn push(contender: &Contender, way: f64, course: &Course) -> Option<Ages> {
    match contender.serving.coalesce {
        Some(rest) => long_polling(f64::INFINITY, rest.as_secs_f64(), way, course),
        None => Some(at_once(way)),
    }
}

/// The way and nothing else.
const fn at_once(way: f64) -> Ages {
    Ages::Spread { least: way, at_least: 1.0, width: 0.0 }
}

fn simulated(options: &Options, course: &Course, gap: f64, way: f64) -> Option<Ages> {
    let poller = poller(options, gap)?;
    let due = course.due_until(course.whole.to);
    let starts = starts(poller, course.measured.to);
    let waits = starts.iter().flat_map(|start| waits(&due, poller, *start, course.measured));
    let mut ages: Vec<f64> = waits.map(|wait| wait + way).collect();
    ages.sort_by(f64::total_cmp);
    (!ages.is_empty()).then_some(Ages::Sample(ages))
}

#[cfg(test)]
mod tests;

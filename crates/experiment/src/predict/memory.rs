//! Pollers that are not given what they missed between two questions: because they do not say where they are, or
//! because the server keeps nothing for them.

use super::course::{Arrivals, Course};
use super::requests::{Traffic, mean_wait};
use crate::Scenario;
use crate::scenario::{Contender, Options};

/// What a poller is given of what fell due since its last answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Memory {
    /// All of it.
    Whole,
    /// Nothing, and nobody knows, because it brings no cursor (E06).
    NoCursor,
    /// Nothing, and it is told of the gap, because the server keeps no history.
    NoHistory,
    /// Perhaps not all: no formula says how much.
    Partial,
}

impl Memory {
    /// `gap` is the time between two questions in which a poller depends on it, s.
    pub(super) fn of(scenario: &Scenario, contender: &Contender, course: &Course, gap: f64) -> Self {
        let asks_every = match contender.options {
            Options::ShortPolling { interval, .. } => interval.as_secs_f64().max(gap),
            Options::LongPolling { .. } => gap,
            Options::Sse { .. } | Options::WebSocket { .. } | Options::Auto { .. } => return Self::Whole,
        };
        let history = contender.serving.history.unwrap_or(scenario.feed.history);
        if !contender.comeback.with_cursor {
            Self::NoCursor
        } else if history == 0 {
            Self::NoHistory
        } else if is_enough(history, course, asks_every) {
            Self::Whole
        } else {
            Self::Partial
        }
    }
}

/// Whether a history holds whatever falls due in so many seconds, clusters and heaps included.
pub(super) fn is_enough(history: usize, course: &Course, seconds: f64) -> bool {
    /// Chance and heaps make more than the rate says.
    const MARGIN: f64 = 1.5;
    const HEAP: f64 = 20.0;
    let expected = course.updates / course.scale / course.measured.length() * seconds;
    history as f64 >= most_at_once(course).max(HEAP) + MARGIN * expected
}

/// The largest heap of a feed that is known update by update.
fn most_at_once(course: &Course) -> f64 {
    let Arrivals::Known(due) = &course.arrivals else { return 0.0 };
    due.chunk_by(|a, b| a == b).map(<[f64]>::len).max().unwrap_or(0) as f64
}

/// Long polling that forgets, a second: only what a held request waits for is handed over, and what falls into the
/// re-request gap `R` is lost. A renewal argument as in [`super::requests`], with independent updates: a client without
/// a cursor always waits, for `1/λ` or until the hold ends, and a cycle of `R + (1 − e^(−λH))/λ` hands one over: with a
/// long hold it loses the share `λR/(1 + λR)` (E06). A client with a cursor and a server without a history is told of
/// the gap at once, if there is one, and only waits otherwise: it loses `λR/(λR + e^(−λR))`. Evenly spaced updates are
/// all handed over while the period is longer than the gap; else a client without a cursor gets every `⌈R/p⌉`th, and the
/// other none.
pub(super) fn long_polling(memory: Memory, hold: f64, gap: f64, arrivals: &Arrivals) -> Option<Traffic> {
    let (requests, updates) = match (memory, arrivals) {
        (Memory::NoCursor, Arrivals::Poisson(rate)) => {
            let requests = 1.0 / (gap + mean_wait(*rate, hold));
            (requests, requests * -f64::exp_m1(-rate * hold))
        }
        (Memory::NoHistory, Arrivals::Poisson(rate)) => {
            let waits = (-rate * gap).exp();
            let requests = 1.0 / (gap + waits * mean_wait(*rate, hold));
            (requests, requests * waits * -f64::exp_m1(-rate * hold))
        }
        (_, Arrivals::Constant(period)) if *period > gap + hold || is_near_whole(gap / period) => return None,
        (Memory::NoCursor, Arrivals::Constant(period)) => {
            let requests = 1.0 / (period * (gap / period).ceil().max(1.0));
            (requests, requests)
        }
        (Memory::NoHistory, Arrivals::Constant(period)) if *period > gap => (1.0 / period, 1.0 / period),
        (Memory::NoHistory, Arrivals::Constant(_)) => (1.0 / gap, 0.0),
        _ => return None,
    };
    Some(Traffic { requests, empty: requests - updates, updates, ..Traffic::default() })
}

/// Whether chance decides between two numbers.
fn is_near_whole(turns: f64) -> bool {
    turns > 0.5 && (turns - turns.round()).abs() < 0.02
}

#[cfg(test)]
mod tests {
    use feedlab_feed::schedule::Schedule;

    use super::*;

    const HOLD: f64 = 25.0;

    fn lost(memory: Memory, rate: f64, gap: f64) -> f64 {
        1.0 - long_polling(memory, HOLD, gap, &Arrivals::Poisson(rate)).unwrap().updates / rate
    }

    #[test]
    fn without_a_cursor_the_share_of_e06_is_lost() {
        for (rate, gap) in [(10.0, 0.1), (10.0, 0.000_05), (2.0, 0.5)] {
            let e06 = rate * gap / (1.0 + rate * gap);
            let found = lost(Memory::NoCursor, rate, gap);
            assert!((found - e06).abs() < 1e-6, "{found} {e06}");
        }
        assert!((lost(Memory::NoCursor, 10.0, 0.1) - 0.5).abs() < 1e-6);
    }

    /// One client, update by update.
    fn simulated(memory: Memory, due: &[f64], gap: f64) -> f64 {
        let (mut asked, mut next, mut got) = (0.0, 0, 0.0);
        while next < due.len() {
            let missed = due[next..].iter().take_while(|due| **due <= asked).count();
            next += missed;
            if missed > 0 && memory == Memory::NoHistory {
                asked += gap;
                continue;
            }
            let Some(due) = due.get(next) else { break };
            if *due > asked + HOLD {
                asked += HOLD + gap;
                continue;
            }
            (got, next, asked) = (got + 1.0, next + 1, due + gap);
        }
        1.0 - got / due.len() as f64
    }

    #[test]
    fn what_is_lost_is_what_the_simulation_loses() {
        for memory in [Memory::NoCursor, Memory::NoHistory] {
            for (rate, gap) in [(10.0, 0.1), (1.0, 0.3), (30.0, 0.1)] {
                let schedule = Schedule::Poisson { seed: 9 };
                let due: Vec<f64> = schedule.due_times(rate).take(50_000).map(|due| due.as_secs_f64()).collect();
                let (a, b) = (lost(memory, rate, gap), simulated(memory, &due, gap));
                assert!((a - b).abs() < 0.01, "{memory:?} λ={rate} R={gap}: {a} {b}");
            }
            for (period, gap) in [(0.1, 0.05), (0.1, 0.25), (0.1, 0.12)] {
                let due: Vec<f64> = (1..10_000).map(|i| f64::from(i) * period).collect();
                let arrivals = Arrivals::Constant(period);
                let traffic = long_polling(memory, HOLD, gap, &arrivals).unwrap();
                let (a, b) = (1.0 - traffic.updates * period, simulated(memory, &due, gap));
                assert!((a - b).abs() < 0.01, "{memory:?} p={period} R={gap}: {a} {b}");
            }
        }
        assert_eq!(long_polling(Memory::NoCursor, HOLD, 0.2, &Arrivals::Constant(0.1)), None, "by chance");
    }
}

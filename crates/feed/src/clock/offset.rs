//! How far another machine's clock is ahead of this one's, and how accurately that is known.
//!
//! Four times are enough (RFC 5905, section 8): the asker's when it sends the request and when it receives the
//! response, and the other machine's when it receives the request and when it responds. Half of the time spent on the
//! network bounds the error, however different the two directions are, so the quickest exchange is the most accurate.
//! The best exchange of the beginning and the best of the end also show how the clocks drift. That they drift evenly in
//! between is an assumption, and every other exchange is compared with it.

use serde::{Deserialize, Serialize};

/// How fast clocks may drift apart if that was not measured, µs per second: NTP's maximum for the clock of a computer
/// (RFC 5905, section 7.1, `MAXFREQ`).
const MAX_DRIFT_PPM: f64 = 500.0;
/// Exchanges closer together than this say nothing about drift, s.
const MIN_SPAN_S: f64 = 1.0;

/// One request and its response, in µs of Unix time by two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// When the request was sent, by the asker's clock.
    pub asked: u64,
    /// When it arrived, by the other clock.
    pub received: u64,
    /// When the response was sent, by the other clock.
    pub answered: u64,
    /// When the response arrived, by the asker's clock.
    pub heard: u64,
}

impl Exchange {
    /// How far the other clock is ahead if both directions took equally long, and how far that may be wrong, µs.
    fn offset(self) -> (f64, f64) {
        let difference = |other: u64, own: u64| other as f64 - own as f64;
        let (most, least) = (difference(self.received, self.asked), difference(self.answered, self.heard));
        (f64::midpoint(most, least), (most - least).abs() / 2.0)
    }

    /// Whether both sides may have read the same clock.
    #[must_use]
    pub const fn may_be_of_one_clock(self) -> bool {
        self.asked <= self.received && self.received <= self.answered && self.answered <= self.heard
    }

    /// The middle of the exchange by the asker's clock, s.
    fn at_s(self) -> f64 {
        f64::midpoint(self.asked as f64, self.heard as f64) / 1e6
    }
}

/// The offset between two clocks, estimated from many exchanges.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Offset {
    /// When the other clock was `us` ahead, by the asker's clock, s of Unix time.
    pub at_s: f64,
    /// How far the other clock is ahead, µs.
    pub us: f64,
    /// How much faster the other clock runs, µs per second.
    pub drift_ppm: f64,
    /// How far the offset may be wrong at any time between the first exchange and the last, µs.
    pub bound_us: f64,
    /// When the last exchange took place, by the asker's clock, s of Unix time.
    pub last_s: f64,
}

impl Offset {
    /// Estimates the offset from some exchanges; `None` if there are none.
    ///
    /// If one contradicts an even drift, because a clock was set meanwhile, the bound widens to include it.
    #[must_use]
    pub fn of(exchanges: &[Exchange]) -> Option<Self> {
        let times = || exchanges.iter().map(|exchange| exchange.at_s());
        let (first, last) = (times().reduce(f64::min)?, times().reduce(f64::max)?);
        let third = (last - first) / 3.0;
        let best = |from: f64, to: f64| {
            let within = exchanges.iter().copied().filter(|exchange| (from..=to).contains(&exchange.at_s()));
            within.min_by(|a, b| a.offset().1.total_cmp(&b.offset().1))
        };
        let (early, late) = (best(first, first + third)?, best(last - third, last)?);
        let offset = if late.at_s() - early.at_s() < MIN_SPAN_S {
            Self::without_drift(best(first, last)?, (first, last))
        } else {
            Self::drifting((early, late), (first, last))
        };
        Some(exchanges.iter().fold(offset, |offset, exchange| offset.compared_with(*exchange)))
    }

    /// The estimate of the best exchange, without drift, bounded from `first` to `last`.
    fn without_drift(best: Exchange, (first, last): (f64, f64)) -> Self {
        let (us, bound_us) = best.offset();
        let bound_us = bound_us + MAX_DRIFT_PPM * (last - first);
        Self { at_s: best.at_s(), us, drift_ppm: 0.0, bound_us, last_s: last }
    }

    /// The line through two exchanges, and how far it may be wrong from `first` to `last`: between the two, the error
    /// is at most theirs; beyond them, the errors of both add up with the distance.
    fn drifting((early, late): (Exchange, Exchange), (first, last): (f64, f64)) -> Self {
        let ((us, early_bound), (late_us, late_bound)) = (early.offset(), late.offset());
        let span = late.at_s() - early.at_s();
        let beyond = |bound: f64, distance: f64| bound + (early_bound + late_bound) * distance / span;
        let bound_us = beyond(early_bound, early.at_s() - first).max(beyond(late_bound, last - late.at_s()));
        Self { at_s: early.at_s(), us, drift_ppm: (late_us - us) / span, bound_us, last_s: last }
    }

    /// The same offset for use until a later time by the asker's clock, µs of Unix time: after the last exchange, the
    /// clocks may have drifted apart faster than before.
    #[must_use]
    pub fn until(self, unix_us: u64) -> Self {
        let beyond_s = (unix_us as f64 / 1e6 - self.last_s).max(0.0);
        Self { bound_us: self.bound_us + MAX_DRIFT_PPM * beyond_s, ..self }
    }

    fn compared_with(self, exchange: Exchange) -> Self {
        let (us, bound) = exchange.offset();
        let contradiction = (us - self.at(exchange.at_s())).abs() - bound;
        Self { bound_us: self.bound_us.max(contradiction), ..self }
    }

    /// How far the other clock is ahead when the asker's clock shows `unix_s` seconds, µs.
    #[must_use]
    pub fn at(&self, unix_s: f64) -> f64 {
        self.us + self.drift_ppm * (unix_s - self.at_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BEGIN_US: f64 = 1.7e15;
    /// Every time is a whole number of µs, and an error at one end doubles at the other.
    const ROUNDING_US: f64 = 10.0;

    /// An exchange that starts at `seconds`, takes `there` and `back` µs, with another clock that is `ahead` by then,
    /// µs.
    fn exchange(seconds: f64, (there, back): (f64, f64), ahead: impl Fn(f64) -> f64) -> Exchange {
        let own = |us: f64| (BEGIN_US + seconds * 1e6 + us).round() as u64;
        let other = |us: f64| (BEGIN_US + seconds * 1e6 + us + ahead(seconds + us / 1e6)).round() as u64;
        Exchange {
            asked: own(0.0),
            received: other(there),
            answered: other(there + 20.0),
            heard: own(there + 20.0 + back),
        }
    }

    proptest! {
        #[test]
        fn the_true_offset_is_within_the_bound_even_on_asymmetric_paths(
            ways in proptest::collection::vec((50.0f64..100_000.0, 50.0f64..100_000.0), 1..40),
            pause in 0.01f64..5.0, ahead in -5e6f64..5e6, drift_ppm in -200f64..200.0,
        ) {
            let ahead = |seconds: f64| ahead + drift_ppm * seconds;
            let exchanges: Vec<_> =
                ways.iter().enumerate().map(|(index, ways)| exchange(index as f64 * pause, *ways, ahead)).collect();
            let offset = Offset::of(&exchanges).unwrap();
            for exchange in exchanges {
                let truth = ahead(exchange.at_s() - BEGIN_US / 1e6);
                let error = (offset.at(exchange.at_s()) - truth).abs();
                prop_assert!(error <= offset.bound_us + ROUNDING_US, "off by {error} µs: {offset:?}");
            }
        }
    }

    #[test]
    fn the_quickest_exchanges_decide_and_the_drift_between_them_is_seen() {
        let ahead = |seconds: f64| 3_000.0 + 40.0 * seconds;
        let ways = |index: u32| if index % 10 == 3 { (100.0, 120.0) } else { (100.0, 30_000.0) };
        let exchanges: Vec<_> = (0..60).map(|index| exchange(f64::from(index), ways(index), ahead)).collect();
        let offset = Offset::of(&exchanges).unwrap();
        assert!((offset.drift_ppm - 40.0).abs() < 1.0, "{offset:?}");
        assert!(offset.bound_us < 200.0, "{offset:?}");
    }

    #[test]
    fn a_clock_that_is_set_meanwhile_widens_the_bound() {
        let ahead = |seconds: f64| if (10.0..20.0).contains(&seconds) { 50_000.0 } else { 0.0 };
        let exchanges: Vec<_> = (0..30).map(|index| exchange(f64::from(index), (100.0, 100.0), ahead)).collect();
        assert!(Offset::of(&exchanges).unwrap().bound_us > 49_000.0);
        assert_eq!(Offset::of(&[]), None);
    }

    #[test]
    fn a_second_is_too_short_to_see_a_drift() {
        let exchanges = [0.0, 0.2, 0.4].map(|seconds| exchange(seconds, (100.0, 120.0), |_| 7.0));
        let offset = Offset::of(&exchanges).unwrap();
        assert_eq!(offset.drift_ppm, 0.0);
        assert!((offset.us - 7.0).abs() <= 12.0 && offset.bound_us < 111.0 + 500.0 * 0.41, "{offset:?}");
    }
}

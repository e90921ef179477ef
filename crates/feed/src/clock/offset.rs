//! How far another machine's clock is ahead of this one's, and how well that is known.
//!
//! Four times are enough (RFC 5905, section 8): the asker's when it sends and when it has the answer, and the other's when it
//! receives and when it answers. Half of what both ways took bounds the error, however unlike the two ways are, so the exchange
//! that took least knows best. The best of the beginning and the best of the end also say how the clocks drift. That they drift
//! evenly in between is an assumption, and every other exchange is compared with it.

use serde::{Deserialize, Serialize};

/// How fast clocks may drift apart where it was not measured, µs in a second: what NTP takes for the most that the clock of a
/// computer may be off (RFC 5905, section 7.1, `MAXFREQ`).
const MAX_DRIFT_PPM: f64 = 500.0;
/// Exchanges that are closer together say nothing of drift, s.
const MIN_SPAN_S: f64 = 1.0;

/// One question and its answer, µs of Unix time by two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// When the question was sent, by the asker's clock.
    pub asked: u64,
    /// When it arrived, by the other's.
    pub received: u64,
    /// When the answer was sent, by the other's.
    pub answered: u64,
    /// When that arrived, by the asker's.
    pub heard: u64,
}

impl Exchange {
    /// How far the other clock is ahead if both ways took as long, and how far that may be wrong, µs.
    fn offset(self) -> (f64, f64) {
        let difference = |other: u64, own: u64| other as f64 - own as f64;
        let (most, least) = (difference(self.received, self.asked), difference(self.answered, self.heard));
        (f64::midpoint(most, least), (most - least).abs() / 2.0)
    }

    /// Whether both may have read the same clock.
    #[must_use]
    pub const fn may_be_of_one_clock(self) -> bool {
        self.asked <= self.received && self.received <= self.answered && self.answered <= self.heard
    }

    /// The middle of it by the asker's clock, s.
    fn at_s(self) -> f64 {
        f64::midpoint(self.asked as f64, self.heard as f64) / 1e6
    }
}

/// What many exchanges say of two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Offset {
    /// When the other clock was `us` ahead, by the asker's clock, s of Unix time.
    pub at_s: f64,
    /// How far the other clock is ahead, µs.
    pub us: f64,
    /// How much faster it runs, µs in a second.
    pub drift_ppm: f64,
    /// How far the offset may be wrong at any time between the first exchange and the last, µs.
    pub bound_us: f64,
    /// When the last was, by the asker's clock, s of Unix time.
    pub last_s: f64,
}

impl Offset {
    /// What some exchanges say; nothing, if there are none.
    ///
    /// Where one contradicts an even drift, because a clock was set meanwhile, the bound is as wide as what it contradicts by.
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

    /// The best of exchanges that lie within so many seconds.
    fn without_drift(best: Exchange, (first, last): (f64, f64)) -> Self {
        let (us, bound_us) = best.offset();
        let bound_us = bound_us + MAX_DRIFT_PPM * (last - first);
        Self { at_s: best.at_s(), us, drift_ppm: 0.0, bound_us, last_s: last }
    }

    /// The line through two exchanges, and how far it may be wrong from `first` to `last`: between the two it is no further off
    /// than they are; beyond them what both are off by adds up with the distance.
    fn drifting((early, late): (Exchange, Exchange), (first, last): (f64, f64)) -> Self {
        let ((us, early_bound), (late_us, late_bound)) = (early.offset(), late.offset());
        let span = late.at_s() - early.at_s();
        let beyond = |bound: f64, distance: f64| bound + (early_bound + late_bound) * distance / span;
        let bound_us = beyond(early_bound, early.at_s() - first).max(beyond(late_bound, last - late.at_s()));
        Self { at_s: early.at_s(), us, drift_ppm: (late_us - us) / span, bound_us, last_s: last }
    }

    /// The same if it is used until a later time by the asker's clock, µs of Unix time: from the last exchange on the clocks may
    /// have drifted apart as they never did before.
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

    /// How far the other clock is ahead when the asker's shows a time in s, µs.
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
    /// Every time is a whole µs, and an error at one end is twice as large at the other.
    const ROUNDING_US: f64 = 10.0;

    /// An exchange at so many seconds whose ways take so long, µs, with a clock that is ahead by so much then.
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

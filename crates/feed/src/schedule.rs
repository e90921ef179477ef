//! When updates are due: an open-loop schedule, fixed before the run and independent of how the run goes.
//!
//! This avoids coordinated omission: a server that stalls is charged for every update that fell due during the stall.

use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// The name of a schedule's shape, in files and on command lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[cfg_attr(
    feature = "schemars",
    derive(schemars::JsonSchema),
    schemars(description = "Distribution of synthetic updates in time.")
)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleKind {
    /// Evenly spaced.
    #[default]
    Constant,
    /// Independent arrivals, like events in the real world.
    #[cfg_attr(feature = "clap", value(help = "Independent of each other, like events in the real world"))]
    Poisson,
    /// Bursts of `burst_size` updates, one burst every `burst_size` / `updates_per_s` seconds.
    #[cfg_attr(feature = "clap", value(help = "In bursts"))]
    Burst,
}

impl ScheduleKind {
    /// The schedule of this shape; only a Poisson schedule uses the seed, only a burst schedule the size.
    #[must_use]
    pub const fn with(self, seed: u64, burst_size: u32) -> Schedule {
        match self {
            Self::Constant => Schedule::Constant,
            Self::Poisson => Schedule::Poisson { seed },
            Self::Burst => Schedule::Burst { size: burst_size },
        }
    }
}

/// The shape of a schedule with its parameters, except the rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// One update every `1/rate` s.
    Constant,
    /// Independent arrivals: the gaps are exponentially distributed with mean `1/rate` s, and determined by the seed.
    Poisson {
        /// The random seed for the gaps.
        seed: u64,
    },
    /// `size` updates at once, every `size/rate` s: the same rate, in bursts.
    Burst {
        /// Updates in a burst, at least 1.
        size: u32,
    },
}

impl Schedule {
    /// Returns the due times, counted from the start of the feed: endless and never decreasing.
    ///
    /// `rate` is in updates per second; if it is not a positive number, there are no due times.
    #[must_use]
    pub fn due_times(self, rate: f64) -> DueTimes {
        let rng = match self {
            Self::Poisson { seed } => ChaCha8Rng::seed_from_u64(seed),
            Self::Constant | Self::Burst { .. } => ChaCha8Rng::seed_from_u64(0),
        };
        DueTimes { schedule: self, rate, index: 0, arrival: 0.0, rng }
    }
}

/// Iterator over due times; see [`Schedule::due_times`].
#[derive(Clone, Debug)]
pub struct DueTimes {
    schedule: Schedule,
    rate: f64,
    index: u64,
    /// The time of the last Poisson arrival, s.
    arrival: f64,
    rng: ChaCha8Rng,
}

impl Iterator for DueTimes {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let seconds = match self.schedule {
            Schedule::Constant => self.index as f64 / self.rate,
            Schedule::Burst { size } => {
                (self.index / u64::from(size.max(1)) * u64::from(size.max(1))) as f64 / self.rate
            }
            Schedule::Poisson { .. } => {
                // Inverse transform: 1 − U is in (0, 1], so that the logarithm is finite.
                self.arrival -= (1.0 - self.rng.random::<f64>()).ln() / self.rate;
                self.arrival
            }
        };
        self.index += 1;
        if self.rate > 0.0 { Duration::try_from_secs_f64(seconds).ok() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(schedule: Schedule, rate: f64, count: usize) -> Vec<u128> {
        schedule.due_times(rate).take(count).map(|due| due.as_millis()).collect()
    }

    #[test]
    fn constant_is_even_and_burst_has_the_same_rate_in_bursts() {
        assert_eq!(ms(Schedule::Constant, 10.0, 4), [0, 100, 200, 300]);
        assert_eq!(ms(Schedule::Burst { size: 3 }, 10.0, 7), [0, 0, 0, 300, 300, 300, 600]);
    }

    #[test]
    fn poisson_has_its_rate_its_spread_and_its_seed() {
        let due: Vec<f64> =
            Schedule::Poisson { seed: 7 }.due_times(50.0).take(20_000).map(|d| d.as_secs_f64()).collect();
        let gaps: Vec<f64> = due.windows(2).map(|w| w[1] - w[0]).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let deviation = (gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / gaps.len() as f64).sqrt();
        assert!((mean * 50.0 - 1.0).abs() < 0.03, "mean gap {mean}");
        assert!((deviation / mean - 1.0).abs() < 0.03, "an exponential's deviation is its mean, here {deviation}");
        assert_eq!(ms(Schedule::Poisson { seed: 7 }, 50.0, 9), ms(Schedule::Poisson { seed: 7 }, 50.0, 9));
        assert_ne!(ms(Schedule::Poisson { seed: 8 }, 50.0, 9), ms(Schedule::Poisson { seed: 7 }, 50.0, 9));
    }

    #[test]
    fn an_invalid_rate_never_publishes() {
        for rate in [0.0, -1.0, f64::NAN] {
            assert_eq!(Schedule::Constant.due_times(rate).next(), None);
        }
    }
}

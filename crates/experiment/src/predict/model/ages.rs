//! The age of updates when they reach a client: the whole distribution, from which every percentile follows.

use std::ops::Range;

use super::{Arrivals, NotPredicted, extra};

/// A distribution of ages, s.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ages {
    /// A share of the updates has the smallest age; the others are uniformly distributed above it.
    Spread {
        /// The smallest age.
        least: f64,
        /// The share of the updates with the smallest age.
        at_least: f64,
        /// The difference between the largest and the smallest age.
        width: f64,
    },
    /// Simulated ages, ascending.
    Sample(Vec<f64>),
}

/// The shares of the quantiles in a summary.
const SHARES: [f64; 16] = [0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 1.0];

impl Ages {
    /// Returns the distribution in which every age is `delay`.
    pub(crate) const fn constant(delay: f64) -> Self {
        Self::Spread { least: delay, at_least: 1.0, width: 0.0 }
    }

    /// Returns the distribution of simulated ages, in any order.
    pub(crate) fn from_samples(mut ages: Vec<f64>) -> Result<Self, NotPredicted> {
        ages.sort_by(f64::total_cmp);
        if ages.is_empty() { Err(NotPredicted::NothingDue) } else { Ok(Self::Sample(ages)) }
    }

    /// Returns the age that a share of the updates does not exceed.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
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

    pub(crate) fn mean(&self) -> f64 {
        match self {
            Self::Spread { least, at_least, width } => least + (1.0 - at_least) * width / 2.0,
            Self::Sample(ages) => ages.iter().sum::<f64>() / ages.len() as f64,
        }
    }

    /// Returns the ages if a share of the updates is delayed by times that are uniformly distributed over a range.
    pub(crate) fn delayed(&self, share: f64, by: Range<f64>) -> Self {
        /// The number of quantiles, and of delays, that represent all.
        const STEPS: u32 = 64;
        let middle = |step: u32| (f64::from(step) + 0.5) / f64::from(STEPS);
        let held = (share * f64::from(STEPS * STEPS)).round() as u32;
        // Ordered so that the first few already cover the whole distribution.
        let mut ages: Vec<f64> = (0..STEPS * STEPS).map(|i| self.quantile(middle(i * 27 % STEPS))).collect();
        for (index, age) in ages.iter_mut().take(held as usize).enumerate() {
            *age += by.start + (by.end - by.start) * (index as f64 + 0.5) / f64::from(held);
        }
        ages.sort_by(f64::total_cmp);
        Self::Sample(ages)
    }

    /// Returns the ages plus independent times, which are given in ascending order.
    pub(crate) fn delayed_by(&self, times: &[f64]) -> Self {
        /// The number of quantiles, and of times, that represent all.
        const STEPS: usize = 128;
        let of = |step: usize| (step as f64 + 0.5) / STEPS as f64;
        let time = |step: usize| times.get((of(step) * times.len() as f64) as usize).copied().unwrap_or(0.0);
        let mut ages: Vec<f64> =
            (0..STEPS).flat_map(|step| (0..STEPS).map(move |other| self.quantile(of(step)) + time(other))).collect();
        ages.sort_by(f64::total_cmp);
        Self::Sample(ages)
    }

    /// Returns the ages over a path that delays each update by up to `jitter` without reordering, for updates that fall
    /// due as in `arrivals`.
    pub(crate) fn jittered(self, jitter: f64, arrivals: &Arrivals) -> Self {
        if jitter > 0.0 { self.delayed_by(&extra(jitter, arrivals)) } else { self }
    }

    /// Returns pairs of a share and its quantile in µs.
    pub(crate) fn pairs(&self) -> Vec<(f64, f64)> {
        SHARES.iter().map(|&share| (share, self.quantile(share) * 1e6)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_the_quantiles_of_its_ranks() {
        let sample = Ages::Sample((1..=100).map(f64::from).collect());
        assert_eq!([0.0, 0.01, 0.5, 0.99, 1.0].map(|share| sample.quantile(share)), [1.0, 1.0, 50.0, 99.0, 100.0]);
        assert_eq!(sample.mean(), 50.5);
        assert!(sample.pairs().windows(2).all(|pair| pair[0] < pair[1] || pair[0].1 == pair[1].1));
    }
}

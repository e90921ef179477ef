//! The difference of two contenders or two runs in one metric, and whether it exceeds chance.
//!
//! Repetitions are resampled independently on both sides; the 95% interval is that of the difference itself, which is
//! more precise than checking whether two intervals overlap.

use hdrhistogram::Histogram;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use super::ages::Ages;
use super::student::{Spread, skewness, stopping_factor};
use super::{RESAMPLES, around, draw, pooled_metric};
use crate::Metric;
use crate::metric::Group;
use crate::record::CellRecord;
use crate::summary::Estimate;

/// The repetitions of one contender at one client count and payload size.
pub struct Sample<'a> {
    cells: Vec<&'a CellRecord>,
    ages: Ages,
}

impl<'a> Sample<'a> {
    /// Creates a sample from cells and their ages, in the same order.
    #[must_use]
    pub fn new(cells: Vec<&'a CellRecord>, ages: &[Histogram<u64>]) -> Self {
        Self { cells, ages: Ages::of(ages) }
    }

    /// Returns the value over all repetitions, in the metric's unit; `None` if it was not measured.
    #[must_use]
    pub fn all(&self, metric: Metric) -> Option<f64> {
        self.value(metric, &vec![1; self.cells.len()])
    }

    /// Returns the value over all repetitions with its 95% interval, as in a summary; `None` if it was not measured. `seed`
    /// is the random seed of the resampling.
    #[must_use]
    pub fn estimate(&self, metric: Metric, seed: u64) -> Option<Estimate> {
        self.estimate_by(metric, seed, |resamples, count| Spread::of(resamples, count).reach())
    }

    /// Returns the same with an interval that covers the value in 95% of the runs also if it decides when a run stops.
    pub(crate) fn stopping_estimate(&self, metric: Metric, seed: u64) -> Option<Estimate> {
        self.estimate_by(metric, seed, |resamples, count| {
            Spread::of(resamples, count).reach() * stopping_factor(skewness(resamples), count)
        })
    }

    fn estimate_by(&self, metric: Metric, seed: u64, reach: impl Fn(&[f64], usize) -> f64) -> Option<Estimate> {
        let value = self.all(metric)?;
        let count = self.cells.len();
        let resamples = (count >= 2).then(|| self.resamples(metric, &mut ChaCha8Rng::seed_from_u64(seed)));
        Some(around(value, resamples.map(|resamples| reach(&resamples, count))))
    }

    fn value(&self, metric: Metric, weights: &[u64]) -> Option<f64> {
        // Weighing the ages is most of the work, and other metrics do not use them.
        let of_ages = if metric.row().group == Group::Freshness { weights } else { &[] };
        pooled_metric(metric, &self.cells, &self.ages.weigh(of_ages), weights)
    }

    fn spread(&self, metric: Metric, rng: &mut ChaCha8Rng) -> Spread {
        Spread::of(&self.resamples(metric, rng), self.cells.len())
    }

    fn resamples(&self, metric: Metric, rng: &mut ChaCha8Rng) -> Vec<f64> {
        (0..RESAMPLES).filter_map(|_| self.value(metric, &draw(self.cells.len(), rng))).collect()
    }
}

/// The difference of two values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// The second minus the first, in the metric's unit.
    pub value: f64,
    /// The ends of its 95% bootstrap interval; `None` unless both sides have at least two repetitions.
    pub interval: Option<(f64, f64)>,
}

impl Difference {
    /// Whether the interval excludes zero; `None` without an interval.
    #[must_use]
    pub fn is_shown(&self) -> Option<bool> {
        self.interval.map(|(low, high)| low > 0.0 || high < 0.0)
    }
}

/// Returns `b` minus `a`; `None` if one of them did not measure the metric. `seed` is the random seed of the
/// resampling.
#[must_use]
pub fn difference(metric: Metric, a: &Sample<'_>, b: &Sample<'_>, seed: u64) -> Option<Difference> {
    let value = b.all(metric)? - a.all(metric)?;
    let repeated = a.cells.len() >= 2 && b.cells.len() >= 2;
    Some(Difference { value, interval: repeated.then(|| interval(metric, a, b, value, seed)) })
}

fn interval(metric: Metric, a: &Sample<'_>, b: &Sample<'_>, value: f64, seed: u64) -> (f64, f64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let reach = a.spread(metric, &mut rng).and(b.spread(metric, &mut rng)).reach();
    (value - reach, value + reach)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn repetitions_that_scatter_show_no_difference_and_tight_ones_do() {
        let sample = |ages: &[u64]| -> (Vec<CellRecord>, Vec<Histogram<u64>>) {
            let records = ages.iter().map(|_| fixture::cell(1, &[])).collect();
            (records, ages.iter().map(|age| fixture::histogram(vec![*age; 100])).collect())
        };
        for (a, b, shown) in
            [([900, 1000, 1100], [1000, 1050, 950], Some(false)), ([900, 1000, 1100], [2000, 2050, 1950], Some(true))]
        {
            let ((a, a_ages), (b, b_ages)) = (sample(&a), sample(&b));
            let (a, b) = (Sample::new(a.iter().collect(), &a_ages), Sample::new(b.iter().collect(), &b_ages));
            let found = difference(Metric::AgeP50, &a, &b, 1).unwrap();
            assert_eq!(found.is_shown(), shown, "{found:?}");
        }
    }

    #[test]
    fn one_repetition_has_no_interval_and_what_was_not_measured_no_difference() {
        let (record, ages) = (fixture::cell(1, &[]), [fixture::histogram([5])]);
        let sample = || Sample::new(vec![&record], &ages);
        let found = difference(Metric::AgeMax, &sample(), &sample(), 1).unwrap();
        assert_eq!(found, Difference { value: 0.0, interval: None });
        assert_eq!(difference(Metric::Requests, &sample(), &sample(), 1), None);
    }

    /// Compares samples from the same distribution, which is nearly normal: the sum of twelve uniforms.
    #[test]
    fn chance_alone_shows_a_difference_once_in_twenty() {
        use rand::RngExt as _;
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let metric = Metric::SocketBytesPerUpdate;
        let mut cells = |count: u32| -> Vec<CellRecord> {
            let mut normal = || (0..12).map(|_| rng.random::<f64>()).sum::<f64>();
            (1..=count).map(|repetition| fixture::cell(repetition, &[(metric, 100.0 + normal())])).collect()
        };
        for (few, many) in [(2, 2), (3, 3), (3, 6), (10, 10)] {
            let trials = 400;
            let shown = |trial| {
                let (a, b) = (cells(few), cells(many));
                let [a, b] = [&a, &b].map(|cells| Sample::new(cells.iter().collect(), &[]));
                difference(metric, &a, &b, trial).and_then(|found| found.is_shown()) == Some(true)
            };
            let share = (0..trials).map(shown).filter(|shown| *shown).count() as f64 / trials as f64;
            // Welch's test is conservative with two repetitions; three standard deviations of a share of 400 are 0.033.
            assert!((0.01..=0.083).contains(&share), "{few} and {many} repetitions: {share}");
        }
    }
}

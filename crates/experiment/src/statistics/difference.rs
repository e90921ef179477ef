//! How far two contenders, or two runs, are apart in one metric, and whether that is more than chance.
//!
//! Repetitions are resampled on both sides independently; the 95 % interval is that of the difference itself, which is
//! sharper than asking whether two intervals meet.

use hdrhistogram::Histogram;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use super::ages::Ages;
use super::{RESAMPLES, draw, interval, pooled_metric};
use crate::Metric;
use crate::record::CellRecord;

/// The repetitions of one contender at one client count and payload size.
pub struct Sample<'a> {
    cells: Vec<&'a CellRecord>,
    ages: Ages,
}

impl<'a> Sample<'a> {
    /// Takes the cells, and the ages of each in the same order.
    #[must_use]
    pub fn new(cells: Vec<&'a CellRecord>, ages: &[Histogram<u64>]) -> Self {
        Self { cells, ages: Ages::of(ages) }
    }

    fn all(&self, metric: Metric) -> Option<f64> {
        self.value(metric, &vec![1; self.cells.len()])
    }

    fn value(&self, metric: Metric, weights: &[u64]) -> Option<f64> {
        pooled_metric(metric, &self.cells, &self.ages.weigh(weights), weights)
    }
}

/// One value minus another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// The second minus the first, in the metric's unit.
    pub value: f64,
    /// The ends of its 95 % bootstrap interval; `None` unless both sides have two repetitions.
    pub interval: Option<(f64, f64)>,
}

impl Difference {
    /// Whether the interval leaves nought out; `None` without one.
    #[must_use]
    pub fn is_shown(&self) -> Option<bool> {
        self.interval.map(|(low, high)| low > 0.0 || high < 0.0)
    }
}

/// `b` minus `a`; `None` when one of them did not measure the metric. The seed fixes the resampling.
#[must_use]
pub fn difference(metric: Metric, a: &Sample<'_>, b: &Sample<'_>, seed: u64) -> Option<Difference> {
    let value = b.all(metric)? - a.all(metric)?;
    let repeated = a.cells.len() >= 2 && b.cells.len() >= 2;
    let interval = if repeated { resampled(metric, a, b, seed) } else { None };
    Some(Difference { value, interval })
}

fn resampled(metric: Metric, a: &Sample<'_>, b: &Sample<'_>, seed: u64) -> Option<(f64, f64)> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut once = || {
        let a = a.value(metric, &draw(a.cells.len(), &mut rng));
        let b = b.value(metric, &draw(b.cells.len(), &mut rng));
        Some(b? - a?)
    };
    let values: Vec<f64> = (0..RESAMPLES).filter_map(|_| once()).collect();
    (!values.is_empty()).then(|| interval(&values))
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
        for (a, b, shown) in [
            ([900, 1000, 1100], [1000, 1050, 950], Some(false)),
            ([900, 1000, 1100], [2000, 2050, 1950], Some(true)),
        ] {
            let ((a, a_ages), (b, b_ages)) = (sample(&a), sample(&b));
            let (a, b) =
                (Sample::new(a.iter().collect(), &a_ages), Sample::new(b.iter().collect(), &b_ages));
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
}

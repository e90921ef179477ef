//! The ages of several repetitions in one sparse table, so that a bootstrap can weigh them a thousand times without
//! merging histograms each time, or counting every age.

use hdrhistogram::Histogram;

use super::SAMPLES_BEYOND;

/// The ages of several repetitions.
pub(super) struct Ages {
    /// The ranges of ages that the histograms do not distinguish, ascending: the largest age of each, µs, which
    /// percentiles report, as HdrHistogram does.
    highest: Vec<u64>,
    repetitions: Vec<Repetition>,
}

/// The ages of one repetition.
struct Repetition {
    /// The number of ages up to and including each range.
    up_to: Vec<u64>,
    /// The sum of the ages, each counted as the middle of its range, as HdrHistogram does for means; µs.
    sum: f64,
    /// The largest age, µs; `None` without ages.
    max: Option<u64>,
}

impl Ages {
    /// Creates the table from one histogram per repetition.
    pub(super) fn of(repetitions: &[Histogram<u64>]) -> Self {
        let recorded =
            |ages: &Histogram<u64>| ages.iter_recorded().map(|one| one.value_iterated_to()).collect::<Vec<_>>();
        let mut highest: Vec<u64> = repetitions.iter().flat_map(recorded).collect();
        highest.sort_unstable();
        highest.dedup();
        let repetitions = repetitions.iter().map(|ages| Repetition::of(ages, &highest)).collect();
        Self { highest, repetitions }
    }

    /// Returns the samples, with each repetition counted as often as its weight says.
    pub(super) fn weigh<'a>(&'a self, weights: &'a [u64]) -> Weighed<'a> {
        Weighed { ages: self, weights }
    }
}

impl Repetition {
    fn of(ages: &Histogram<u64>, highest: &[u64]) -> Self {
        let mut counts = vec![0; highest.len()];
        let (mut sum, mut max) = (0.0, None);
        for recorded in ages.iter_recorded() {
            let value = recorded.value_iterated_to();
            let range = highest.partition_point(|highest| *highest < value);
            counts[range] += recorded.count_at_value();
            sum += ages.median_equivalent(value) as f64 * recorded.count_at_value() as f64;
            max = Some(value);
        }
        let mut seen = 0;
        let add = |count| {
            seen += count;
            seen
        };
        Self { up_to: counts.into_iter().map(add).collect(), sum, max }
    }
}

/// The samples with one set of weights.
pub(super) struct Weighed<'a> {
    ages: &'a Ages,
    weights: &'a [u64],
}

impl Weighed<'_> {
    fn counted(&self) -> impl Iterator<Item = (&Repetition, u64)> {
        self.ages.repetitions.iter().zip(self.weights.iter().copied()).filter(|(_, weight)| *weight > 0)
    }

    /// Returns the number of samples up to and including a range.
    fn up_to(&self, range: usize) -> u64 {
        self.counted().map(|(one, weight)| one.up_to[range] * weight).sum()
    }

    fn total(&self) -> u64 {
        self.ages.highest.len().checked_sub(1).map_or(0, |last| self.up_to(last))
    }

    /// Returns the age that the share `quantile` of all samples does not exceed; `None` with too few samples beyond it.
    pub(super) fn quantile(&self, quantile: f64) -> Option<f64> {
        let total = self.total();
        let rank = ((quantile * total as f64).ceil() as u64).max(1);
        if total < rank + SAMPLES_BEYOND {
            return None;
        }
        let (mut low, mut high) = (0, self.ages.highest.len() - 1);
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.up_to(middle) >= rank { high = middle } else { low = middle + 1 }
        }
        Some(self.ages.highest[low] as f64)
    }

    /// Returns the mean age; `None` without samples.
    pub(super) fn mean(&self) -> Option<f64> {
        let total = self.total();
        let sum: f64 = self.counted().map(|(one, weight)| one.sum * weight as f64).sum();
        (total > 0).then(|| sum / total as f64)
    }

    /// Returns the largest age; `None` without samples.
    pub(super) fn max(&self) -> Option<f64> {
        self.counted().filter_map(|(one, _)| one.max).max().map(|max| max as f64)
    }
}

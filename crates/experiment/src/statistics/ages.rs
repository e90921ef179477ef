//! The ages of several repetitions in one sparse table, so that a bootstrap can weigh them a thousand times without
//! merging histograms each time.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::SAMPLES_BEYOND;

/// A range of ages that the histogram does not distinguish.
struct Bucket {
    /// The largest age of the range, µs, which percentiles report, as HdrHistogram does.
    highest: u64,
    /// The middle of the range, µs, which means use, as HdrHistogram does.
    middle: f64,
    /// The count of each repetition.
    counts: Vec<u64>,
}

/// The ages of several repetitions, ascending.
pub(super) struct Ages(Vec<Bucket>);

impl Ages {
    /// Creates the table from one histogram per repetition.
    pub(super) fn of(repetitions: &[Histogram<u64>]) -> Self {
        let mut buckets = BTreeMap::new();
        for (index, ages) in repetitions.iter().enumerate() {
            for recorded in ages.iter_recorded() {
                let highest = recorded.value_iterated_to();
                let middle = ages.median_equivalent(highest) as f64;
                let bucket = buckets.entry(highest).or_insert_with(|| Bucket {
                    highest,
                    middle,
                    counts: vec![0; repetitions.len()],
                });
                bucket.counts[index] += recorded.count_at_value();
            }
        }
        Self(buckets.into_values().collect())
    }

    /// Returns the samples, with each repetition counted as often as its weight says.
    pub(super) fn weigh(&self, weights: &[u64]) -> Weighed<'_> {
        let count = |bucket: &Bucket| bucket.counts.iter().zip(weights).map(|(count, weight)| count * weight).sum();
        let buckets: Vec<_> = self.0.iter().map(|bucket| (bucket, count(bucket))).filter(|(_, n)| *n > 0).collect();
        Weighed { total: buckets.iter().map(|(_, count)| count).sum(), buckets }
    }
}

/// The samples with one set of weights.
pub(super) struct Weighed<'a> {
    buckets: Vec<(&'a Bucket, u64)>,
    total: u64,
}

impl Weighed<'_> {
    /// Returns the age that the share `quantile` of all samples does not exceed; `None` with too few samples beyond it.
    pub(super) fn quantile(&self, quantile: f64) -> Option<f64> {
        let rank = ((quantile * self.total as f64).ceil() as u64).max(1);
        if self.total < rank + SAMPLES_BEYOND {
            return None;
        }
        let mut seen = 0;
        self.buckets.iter().find_map(|(bucket, count)| {
            seen += count;
            (seen >= rank).then_some(bucket.highest as f64)
        })
    }

    /// Returns the mean age; `None` without samples.
    pub(super) fn mean(&self) -> Option<f64> {
        let sum: f64 = self.buckets.iter().map(|(bucket, count)| bucket.middle * *count as f64).sum();
        (self.total > 0).then(|| sum / self.total as f64)
    }

    /// Returns the largest age; `None` without samples.
    pub(super) fn max(&self) -> Option<f64> {
        self.buckets.last().map(|(bucket, _)| bucket.highest as f64)
    }
}

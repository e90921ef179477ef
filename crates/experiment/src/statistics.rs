//! Statistics: from the cells' records to one estimate per metric.
//!
//! Percentiles are never averaged: histograms are merged. Repetitions are the unit of resampling, because one broadcast
//! that reaches N clients is N correlated samples, not N independent ones. Intervals are the bootstrap's standard error
//! times Student's t, so that they are wide with few repetitions.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::metric::{Pooling, TABLE};
use crate::plan;
use crate::record::CellRecord;
use crate::summary::{Entry, Estimate};
use crate::{Metric, Scenario};

mod ages;
mod difference;
mod order;
mod student;

use ages::{Ages, Weighed};
pub use difference::{Difference, Sample, difference};
pub use order::{Dependence, Trend, dependence, trend};
use student::Spread;
#[cfg(test)]
pub(crate) use student::{stopping_factor, student_reach};

/// A percentile with fewer samples than this beyond it is not reported: it would depend on a few outliers.
pub const SAMPLES_BEYOND: u64 = 10;
/// The number of resamples of a bootstrap: the standard error is then within 3% of its limit for infinitely many.
const RESAMPLES: usize = 1000;

/// Pools the cells of a run, with one entry per contender, client count and payload size that was measured.
///
/// # Errors
/// If a histogram cannot be read; the error is the caller's own.
pub fn pool<E>(
    scenario: &Scenario,
    cells: &[CellRecord],
    mut histogram: impl FnMut(&CellRecord) -> Result<Histogram<u64>, E>,
) -> Result<Vec<Entry>, E> {
    let mut entries = Vec::new();
    for point in plan::points(scenario) {
        let contender = &scenario.contenders[point.contender];
        let repetitions: Vec<_> = cells.iter().filter(|cell| point.is_of(scenario, cell)).collect();
        if repetitions.is_empty() {
            continue;
        }
        let ages = Ages::of(&repetitions.iter().map(|cell| histogram(cell)).collect::<Result<Vec<_>, E>>()?);
        entries.push(Entry {
            label: contender.label.clone(),
            transport: contender.transport(),
            target: contender.target.clone(),
            clients: point.clients,
            payload_bytes: point.payload_bytes,
            metrics: estimates(&repetitions, &ages, scenario.seed),
            predicted: None,
        });
    }
    Ok(entries)
}

/// Returns the age metrics of one cell. A percentile with fewer than ten samples beyond it is absent.
#[must_use]
pub fn age_metrics(ages: &Histogram<u64>) -> BTreeMap<Metric, f64> {
    let ages = Ages::of(std::slice::from_ref(ages));
    let ages = ages.weigh(&[1]);
    TABLE.iter().filter_map(|row| Some((row.metric, age_metric(row.metric, &ages)?))).collect()
}

fn age_metric(metric: Metric, ages: &Weighed<'_>) -> Option<f64> {
    match metric.row().pooling {
        Pooling::AgeMean => ages.mean(),
        Pooling::AgeQuantile(quantile) => ages.quantile(quantile),
        Pooling::AgeMax => ages.max(),
        Pooling::Max | Pooling::Sum | Pooling::Mean => None,
    }
}

/// Estimates every metric with a bootstrap over repetitions: each resample draws as many repetitions as there are, with
/// replacement.
fn estimates(repetitions: &[&CellRecord], ages: &Ages, seed: u64) -> BTreeMap<Metric, Estimate> {
    let values = pooled(repetitions, ages, &vec![1; repetitions.len()]);
    let mut resampled: BTreeMap<Metric, Vec<f64>> = BTreeMap::new();
    if repetitions.len() >= 2 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for _ in 0..RESAMPLES {
            for (metric, value) in pooled(repetitions, ages, &draw(repetitions.len(), &mut rng)) {
                resampled.entry(metric).or_default().push(value);
            }
        }
    }
    let reach = |metric| resampled.get(&metric).map(|values| Spread::of(values, repetitions.len()).reach());
    values.into_iter().map(|(metric, value)| (metric, around(value, reach(metric)))).collect()
}

/// Returns a value with the interval that reaches so far on either side. An interval of few repetitions is wide, but what
/// was counted is not below zero. A difference (a growth of memory, the age of a hop) may be, and then its interval is too.
pub(crate) fn around(value: f64, reach: Option<f64>) -> Estimate {
    let floor = if value < 0.0 { f64::NEG_INFINITY } else { 0.0 };
    let low = reach.map(|reach| (value - reach).max(floor));
    Estimate { value, low, high: reach.map(|reach| value + reach) }
}

/// Returns how often each of `count` repetitions is drawn in one resample.
fn draw(count: usize, rng: &mut ChaCha8Rng) -> Vec<u64> {
    let mut weights = vec![0; count];
    for _ in 0..count {
        weights[rng.random_range(0..count)] += 1;
    }
    weights
}

/// Returns every metric over repetitions, each of which counts as often as its weight says.
fn pooled(repetitions: &[&CellRecord], ages: &Ages, weights: &[u64]) -> BTreeMap<Metric, f64> {
    let ages = ages.weigh(weights);
    let value = |metric| pooled_metric(metric, repetitions, &ages, weights);
    let mut values = TABLE.iter().filter_map(|row| Some((row.metric, value(row.metric)?))).collect();
    claim_no_age_below_the_clock_bound(&mut values);
    values
}

/// Removes the ages that are smaller than their possible error.
pub fn claim_no_age_below_the_clock_bound(values: &mut BTreeMap<Metric, f64>) {
    let Some(&bound) = values.get(&Metric::ClockBound) else { return };
    let is_age =
        |metric: Metric| matches!(metric.row().pooling, Pooling::AgeMean | Pooling::AgeQuantile(_) | Pooling::AgeMax);
    values.retain(|metric, value| !is_age(*metric) || *value >= bound);
}

/// Returns one metric, pooled over the repetitions that measured it.
fn pooled_metric(metric: Metric, repetitions: &[&CellRecord], ages: &Weighed<'_>, weights: &[u64]) -> Option<f64> {
    let measured = repetitions.iter().zip(weights).filter(|(_, weight)| **weight > 0);
    let measured = measured.filter_map(|(cell, &weight)| Some((*cell.metrics.get(&metric)?, weight as f64)));
    let count: f64 = measured.clone().map(|(_, weight)| weight).sum();
    let sum: f64 = measured.clone().map(|(value, weight)| value * weight).sum();
    match metric.row().pooling {
        Pooling::AgeMean | Pooling::AgeQuantile(_) | Pooling::AgeMax => age_metric(metric, ages),
        Pooling::Max => measured.map(|(value, _)| value).reduce(f64::max),
        Pooling::Sum => (count > 0.0).then_some(sum),
        Pooling::Mean => (count > 0.0).then(|| sum / count),
    }
}

#[cfg(test)]
mod tests;

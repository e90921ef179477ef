//! Differences between contenders, with the interval of the difference itself: for neighbors in the age ranking, and
//! for the contenders that a title compares.

use feedlab_experiment::Metric;
use feedlab_experiment::metric::Group;
use feedlab_experiment::statistics::{Difference, Sample, difference};

use super::SummaryRow;
use crate::series::Series;

/// The most pairs that are reported.
const MAX_PAIRS: usize = 6;

/// Two neighbors are compared only if their factor is below this; a larger difference is obvious from the table.
const CLOSE: f64 = 2.0;

/// The ages that are compared; each has its own ranking.
const AGES: [Metric; 2] = [Metric::AgeP50, Metric::AgeP99];

/// The computed differences between contenders in scope.
#[derive(Debug, Default)]
pub(crate) struct Differences {
    /// Pairs that are close to each other, in the order of their medians.
    pub(crate) pairs: Vec<Pair>,
    /// The comparisons of the smallest and the largest value, for titles.
    extremes: Vec<Compared>,
}

/// Two neighbors in an age ranking.
#[derive(Debug)]
pub(crate) struct Pair {
    /// The contender with the smaller median.
    pub(crate) first: Series,
    /// The other contender.
    pub(crate) second: Series,
    /// The second's age minus the first's, µs, for each percentile for which the difference has an interval.
    pub(crate) ages: Vec<(Metric, Difference)>,
}

/// Whether a difference is shown between two contenders.
#[derive(Debug)]
struct Compared {
    metric: Metric,
    labels: [String; 2],
    is_shown: bool,
}

impl Differences {
    /// Compares the rows; `samples` holds the repetitions of each row at the same index. `titled` are the metrics whose
    /// smallest and largest values a title compares.
    pub(super) fn new(rows: &[SummaryRow], samples: &[Sample], titled: &[Metric], seed: u64) -> Self {
        let of = |metric, [a, b]: [usize; 2]| {
            difference(metric, &samples[a], &samples[b], seed).filter(|difference| difference.interval.is_some())
        };
        let pair = |[a, b]: [usize; 2]| {
            let ages: Vec<_> = AGES.into_iter().filter_map(|metric| Some((metric, of(metric, [a, b])?))).collect();
            let (first, second) = (rows[a].series.clone(), rows[b].series.clone());
            (!ages.is_empty()).then_some(Pair { first, second, ages })
        };
        let extreme = |&metric: &Metric| {
            let order = order(rows, metric);
            let [a, b] = [*order.first()?, *order.last()?];
            let is_shown = (a != b).then(|| of(metric, [a, b])?.is_shown())??;
            Some(Compared { metric, labels: [a, b].map(|at| rows[at].series.label.clone()), is_shown })
        };
        Self {
            pairs: close_pairs(rows).into_iter().filter_map(pair).collect(),
            extremes: titled.iter().filter_map(extreme).collect(),
        }
    }

    /// Whether two contenders, given by their labels, differ in a metric; `None` if that was not computed.
    pub(crate) fn is_shown(&self, metric: Metric, a: &str, b: &str) -> Option<bool> {
        let is = |labels: [&str; 2]| labels == [a, b] || labels == [b, a];
        let in_pair = |pair: &Pair| {
            let found = pair.ages.iter().find(|age| age.0 == metric)?;
            is([&pair.first.label, &pair.second.label]).then(|| found.1.is_shown())?
        };
        let extreme = |compared: &Compared| {
            (compared.metric == metric && is([&compared.labels[0], &compared.labels[1]])).then_some(compared.is_shown)
        };
        self.pairs.iter().find_map(in_pair).or_else(|| self.extremes.iter().find_map(extreme))
    }
}

/// Returns neighbors in the ranking of a percentile that are close to each other: the closest if there are too many, in
/// the order of their medians, the smaller median first.
fn close_pairs(rows: &[SummaryRow]) -> Vec<[usize; 2]> {
    let medians = order(rows, Metric::AgeP50);
    let place = |row: usize| medians.iter().position(|&other| other == row);
    let mut found: Vec<([usize; 2], f64)> = Vec::new();
    for metric in AGES {
        for pair in order(rows, metric).windows(2) {
            let mut pair = [pair[0], pair[1]];
            let factor = factor(rows, metric, pair);
            pair.sort_by_key(|&row| place(row));
            match found.iter_mut().find(|(other, _)| *other == pair) {
                Some((_, closest)) => *closest = closest.min(factor),
                None => found.push((pair, factor)),
            }
        }
    }
    found.retain(|(_, factor)| *factor < CLOSE);
    found.sort_by(|a, b| a.1.total_cmp(&b.1));
    found.truncate(MAX_PAIRS);
    found.sort_by_key(|(pair, _)| pair.map(place));
    found.into_iter().map(|(pair, _)| pair).collect()
}

/// The rows that have a metric, in ascending order; for ages only contenders that lost nothing.
fn order(rows: &[SummaryRow], metric: Metric) -> Vec<usize> {
    let is_ranked = |row: usize| metric.row().group != Group::Freshness || rows[row].entry.loss().is_none();
    let value = |row: usize| rows[row].estimate(metric).filter(|_| is_ranked(row)).map(|estimate| estimate.value);
    let mut order: Vec<usize> = (0..rows.len()).filter(|&row| value(row).is_some()).collect();
    order.sort_by(|&a, &b| value(a).unwrap_or(0.0).total_cmp(&value(b).unwrap_or(0.0)));
    order
}

fn factor(rows: &[SummaryRow], metric: Metric, [a, b]: [usize; 2]) -> f64 {
    let value = |row: usize| rows[row].estimate(metric).map_or(0.0, |estimate| estimate.value).max(1.0);
    value(b) / value(a)
}

//! The distribution of ages: turns merged histograms into the points of an empirical distribution function.

use feedlab_experiment::Metric;
use feedlab_experiment::results::{Results, ResultsError};
use feedlab_experiment::statistics::Sample;
use feedlab_experiment::summary::{Estimate, Loss};
use feedlab_experiment::{hlog, record::CellRecord};

use super::SummaryRow;
use crate::complete::Ranked;
use crate::series::{Series, payload_bytes};

/// A point is kept if the share has grown by this much, or the age by this factor; smaller steps are invisible.
const VISIBLE_SHARE: f64 = 0.004;
const VISIBLE_FACTOR: f64 = 1.05;

/// The distribution of the ages of a contender's updates, over all repetitions.
#[derive(Debug)]
pub(crate) struct Ecdf {
    /// The contender.
    pub(crate) series: Series,
    /// The updates and clients that it lost, if any.
    pub(crate) loss: Option<Loss>,
    /// The number of updates received.
    pub(crate) count: u64,
    /// Ages in µs with the share of updates that were at most this old; both grow, and the last share is 1.
    pub(crate) points: Vec<(f64, f64)>,
    /// The predicted points in the same form; empty if nothing or a single age is predicted.
    pub(crate) predicted: Vec<(f64, f64)>,
    /// The median, if there are enough updates.
    pub(crate) p50: Option<Estimate>,
    /// The 90th percentile, if there are enough updates.
    pub(crate) p90: Option<Estimate>,
    /// The 99th percentile, if there are enough updates.
    pub(crate) p99: Option<Estimate>,
    /// The largest age.
    pub(crate) max: Option<Estimate>,
}

impl Ecdf {
    /// Reads the ages of a row's cells. Also returns the repetitions, for comparisons.
    pub(super) fn read<'a>(row: &SummaryRow<'a>, results: &'a Results) -> Result<(Self, Sample<'a>), ResultsError> {
        let cells: Vec<&CellRecord> = cells(row, results).collect();
        let ages = cells.iter().map(|cell| results.histogram(cell)).collect::<Result<Vec<_>, _>>()?;
        let mut merged = hlog::new_histogram();
        for ages in &ages {
            // Both have the same bounds, so adding one to the other cannot fail.
            let _ = merged.add(ages);
        }
        let count = merged.len();
        let mut points = Vec::new();
        let (mut below, mut kept) = (0u64, (0.0, 0.0));
        for step in merged.iter_recorded() {
            below += step.count_since_last_iteration();
            let share = below as f64 / count as f64;
            let age = step.value_iterated_to() as f64;
            if age >= kept.0 * VISIBLE_FACTOR || share - kept.1 >= VISIBLE_SHARE || below == count {
                kept = (age, share);
                points.push(kept);
            }
        }
        let [p50, p90, p99, max] =
            [Metric::AgeP50, Metric::AgeP90, Metric::AgeP99, Metric::AgeMax].map(|metric| row.estimate(metric));
        let (series, loss) = (row.series.clone(), row.entry.loss());
        let ecdf = Self { series, loss, count, points, predicted: predicted(row), p50, p90, p99, max };
        Ok((ecdf, Sample::new(cells, &ages)))
    }
}

impl Ecdf {
    /// The age in µs that a share of the updates does not exceed; 0 if no update arrived.
    pub(crate) fn age_at(&self, share: f64) -> f64 {
        let point = self.points.iter().find(|point| point.1 >= share).or(self.points.last());
        point.map_or(0.0, |point| point.0)
    }

    /// The share of the updates that are at most this old, in µs.
    pub(crate) fn share_at(&self, age: f64) -> f64 {
        let after = self.points.partition_point(|point| point.0 <= age);
        after.checked_sub(1).map_or(0.0, |last| self.points[last].1)
    }

    /// The median, if the contender may be ranked by age.
    pub(crate) fn ranked(&self) -> Option<Ranked> {
        Ranked::new(&self.series, self.loss, self.p50?)
    }
}

/// The predicted distribution as age and share, like the measured one. Empty if all ages are predicted to be the same,
/// because a vertical line says no more than its figure.
fn predicted(row: &SummaryRow) -> Vec<(f64, f64)> {
    let ages = row.entry.predicted.as_ref().map_or(&[][..], |predicted| &predicted.ages);
    let usable = |point: &&(f64, f64)| point.0.is_finite() && point.1.is_finite();
    let mut points: Vec<(f64, f64)> = Vec::new();
    for &(share, age) in ages.iter().filter(usable) {
        let last = points.last().copied().unwrap_or((f64::MIN, f64::MIN));
        if age >= last.0 && share >= last.1 {
            points.push((age, share));
        }
    }
    let has_spread = points.first().zip(points.last()).is_some_and(|(first, last)| first.0 < last.0);
    if has_spread { points } else { Vec::new() }
}

/// Returns the cells that were pooled into a row of the summary.
pub(super) fn cells<'a>(row: &SummaryRow<'a>, results: &'a Results) -> impl Iterator<Item = &'a CellRecord> {
    let entry = row.entry;
    results.cells.iter().filter(move |cell| {
        cell.label == entry.label
            && cell.clients == entry.clients
            && cell.payload_bytes.map(|bytes| bytes as u64) == payload_bytes(entry)
    })
}

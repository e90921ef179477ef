//! The distribution of ages: from merged histograms to the points of an empirical distribution function.

use feedlab_experiment::Metric;
use feedlab_experiment::results::{Results, ResultsError};
use feedlab_experiment::statistics::Sample;
use feedlab_experiment::summary::{Estimate, Loss};
use feedlab_experiment::{hlog, record::CellRecord};

use super::SummaryRow;
use crate::complete::Ranked;
use crate::series::{Series, payload_bytes};

/// A point is kept when the share has grown by this much, or the age by that factor: less cannot be seen.
const VISIBLE_SHARE: f64 = 0.004;
const VISIBLE_FACTOR: f64 = 1.05;

/// How old the updates were that a contender's clients received, all repetitions together.
#[derive(Debug)]
pub(crate) struct Ecdf {
    /// Who received them.
    pub(crate) series: Series,
    /// What they were not given.
    pub(crate) loss: Option<Loss>,
    /// How many there were.
    pub(crate) count: u64,
    /// Age in µs and the share of updates that were at most this old; both grow, the last share is 1.
    pub(crate) points: Vec<(f64, f64)>,
    /// The same as the arithmetic of the transport says; empty where it says nothing, or a single age.
    pub(crate) predicted: Vec<(f64, f64)>,
    /// The median, if there are enough updates to give one.
    pub(crate) p50: Option<Estimate>,
    /// The 90th percentile, likewise.
    pub(crate) p90: Option<Estimate>,
    /// The 99th percentile, likewise.
    pub(crate) p99: Option<Estimate>,
    /// The largest.
    pub(crate) max: Option<Estimate>,
}

impl Ecdf {
    /// Reads the ages of a row's cells; the repetitions come back too, for comparisons.
    pub(super) fn read<'a>(row: &SummaryRow<'a>, results: &'a Results) -> Result<(Self, Sample<'a>), ResultsError> {
        let cells: Vec<&CellRecord> = cells(row, results).collect();
        let ages = cells.iter().map(|cell| results.histogram(cell)).collect::<Result<Vec<_>, _>>()?;
        let mut merged = hlog::new_histogram();
        for ages in &ages {
            // Both have the same bounds, so that adding one to the other cannot fail.
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
    /// Its median among those of the others, if it may stand there.
    pub(crate) fn ranked(&self) -> Option<Ranked> {
        Ranked::new(&self.series, self.loss, self.p50?)
    }
}

/// The predicted distribution as age and share, like the measured one. Empty where all ages are predicted to be the
/// same: a line straight up says no more than its figure.
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

/// The cells that were pooled into a row of the summary.
pub(super) fn cells<'a>(row: &SummaryRow<'a>, results: &'a Results) -> impl Iterator<Item = &'a CellRecord> {
    let entry = row.entry;
    results.cells.iter().filter(move |cell| {
        cell.label == entry.label
            && cell.clients == entry.clients
            && cell.payload_bytes.map(|bytes| bytes as u64) == payload_bytes(entry)
    })
}

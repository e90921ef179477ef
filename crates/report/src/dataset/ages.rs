//! The distribution of ages: from merged histograms to the points of an empirical distribution function.

use feedlab_experiment::Metric;
use feedlab_experiment::results::{Results, ResultsError};
use feedlab_experiment::summary::Estimate;
use feedlab_experiment::{hlog, record::CellRecord};

use super::{Row, Series, payload_bytes};

/// A point is kept when the share has grown by this much, or the age by that factor: less cannot be seen.
const VISIBLE_SHARE: f64 = 0.004;
const VISIBLE_FACTOR: f64 = 1.05;

/// How old the updates were that a contender's clients received, all repetitions together.
#[derive(Debug)]
pub(crate) struct Ecdf {
    /// Who received them.
    pub(crate) series: Series,
    /// How many there were.
    pub(crate) count: u64,
    /// Age in µs and the share of updates that were at most this old; both grow, the last share is 1.
    pub(crate) points: Vec<(f64, f64)>,
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
    pub(super) fn new(row: &Row, results: &Results) -> Result<Self, ResultsError> {
        let mut merged = hlog::new_histogram();
        for cell in cells(row, results) {
            // Both have the same bounds, so that adding one to the other cannot fail.
            let _ = merged.add(results.histogram(cell)?);
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
        Ok(Self { series: row.series.clone(), count, points, p50, p90, p99, max })
    }
}

/// The cells that were pooled into a row of the summary.
pub(super) fn cells<'a>(row: &Row<'a>, results: &'a Results) -> impl Iterator<Item = &'a CellRecord> {
    let entry = row.entry;
    results.cells.iter().filter(move |cell| {
        cell.label == entry.label
            && cell.clients == entry.clients
            && cell.payload_bytes.map(|bytes| bytes as u64) == payload_bytes(entry)
    })
}

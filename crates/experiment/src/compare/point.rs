//! One point of a comparison: the pooled figures of both runs, their difference, and the finding.

use hdrhistogram::Histogram;

use super::{Direction, Finding, MetricComparison, OF_INTEREST, Point, direction};
use crate::Metric;
use crate::metric::{Group, Pooling, Unit};
use crate::record::CellRecord;
use crate::results::{Results, ResultsError};
use crate::statistics::{Difference, Sample, difference};

/// Differences below this share of a value are due to a different order of summation.
const ROUNDING: f64 = 1e-9;

/// The parameters of the comparison.
pub(super) struct Parameters<'a> {
    /// The metrics to compare; [`OF_INTEREST`] if empty.
    pub(super) metrics: &'a [Metric],
    pub(super) tolerance: f64,
    /// The random seed of the resampling.
    pub(super) seed: u64,
}

/// The cells of one point in one run, with their ages.
pub(super) struct Measured<'a> {
    cells: Vec<&'a CellRecord>,
    /// The cells with their sums divided by the number of cells, so that the sum over them is the mean.
    shares: Vec<CellRecord>,
    ages: Vec<Histogram<u64>>,
}

impl<'a> Measured<'a> {
    /// Reads the ages of the cells.
    pub(super) fn read(run: &'a Results, cells: Vec<&'a CellRecord>) -> Result<Self, ResultsError> {
        let ages = cells.iter().map(|cell| run.histogram(cell)).collect::<Result<_, _>>()?;
        let shares = cells.iter().map(|cell| share_of_sums(cell, cells.len())).collect();
        Ok(Self { cells, shares, ages })
    }

    fn pooled(&self) -> Sample<'_> {
        Sample::new(self.cells.clone(), &self.ages)
    }

    fn per_repetition(&self) -> Sample<'_> {
        Sample::new(self.shares.iter().collect(), &self.ages)
    }
}

fn share_of_sums(cell: &CellRecord, repetitions: usize) -> CellRecord {
    let mut cell = cell.clone();
    let sums = cell.metrics.iter_mut().filter(|(metric, _)| metric.row().pooling == Pooling::Sum);
    sums.for_each(|(_, value)| *value /= repetitions as f64);
    cell
}

/// Compares the two sides of a point.
pub(super) fn point(a: &Measured<'_>, b: &Measured<'_>, parameters: &Parameters<'_>) -> Point {
    let first = a.cells[0];
    let of_interest = if parameters.metrics.is_empty() { &OF_INTEREST[..] } else { parameters.metrics };
    // A sum over five repetitions is not comparable with one over three; their means are.
    let uneven = a.cells.len() != b.cells.len();
    let (pooled, means) = ([a.pooled(), b.pooled()], [a.per_repetition(), b.per_repetition()]);
    let row = |&metric: &Metric| {
        let per_repetition = uneven && metric.row().pooling == Pooling::Sum;
        let [a, b] = if per_repetition { &means } else { &pooled };
        MetricComparison { per_repetition, ..row(metric, a, b, parameters) }
    };
    let is_kept = |row: &MetricComparison| !parameters.metrics.is_empty() || row.difference.is_some();
    Point {
        name: first.name(),
        label: first.label.clone(),
        clients: first.clients,
        payload_bytes: first.payload_bytes,
        repetitions: (a.cells.len(), b.cells.len()),
        rows: of_interest.iter().map(row).filter(is_kept).collect(),
    }
}

fn row(metric: Metric, a: &Sample<'_>, b: &Sample<'_>, parameters: &Parameters<'_>) -> MetricComparison {
    let found = difference(metric, a, b, parameters.seed);
    let (low, high) = found.and_then(|found| found.interval).unzip();
    MetricComparison {
        metric,
        a: a.all(metric),
        b: b.all(metric),
        difference: found.map(|found| found.value),
        low,
        high,
        per_repetition: false,
        finding: match finding(metric, a.all(metric), found, parameters.tolerance) {
            Finding::Better | Finding::Regression if is_age_with_losses(metric, a, b) => Finding::NotEverythingArrived,
            finding => finding,
        },
    }
}

/// Whether a metric is an age, and one of the two runs did not deliver everything.
fn is_age_with_losses(metric: Metric, a: &Sample<'_>, b: &Sample<'_>) -> bool {
    let lost = |metric| [a, b].iter().any(|sample| sample.all(metric).is_some_and(|count| count > 0.0));
    metric.row().group == Group::Freshness && (lost(Metric::UpdatesMissed) || lost(Metric::ClientsGaveUp))
}

/// Whether a metric varies randomly from measurement to measurement: times, and metrics that depend on the machine's
/// scheduler and allocator, or on which packets were lost. Bytes and requests are determined by what is sent.
fn is_noisy(metric: Metric) -> bool {
    let row = metric.row();
    let of_the_machine = matches!(row.group, Group::Cpu | Group::ConnectionCost | Group::Trust);
    let of_lost_packets =
        matches!(metric, Metric::Retransmits | Metric::ClientRetransmits | Metric::Timeouts | Metric::ClientTimeouts);
    row.unit == Unit::Microseconds
        || (of_the_machine && metric != Metric::HandshakeBytes)
        || of_lost_packets
        || metric == Metric::ServerRssGrowth
}

/// Returns the finding; `a` is the value to which the tolerance applies.
fn finding(metric: Metric, a: Option<f64>, found: Option<Difference>, tolerance: f64) -> Finding {
    let Some((a, found)) = a.zip(found) else { return Finding::NotMeasured };
    let by_chance = found.is_shown() == Some(false) || found.value.abs() <= ROUNDING * a.abs();
    match direction(metric) {
        _ if by_chance => Finding::NoDifferenceShown,
        _ if found.value.abs() <= tolerance * a.abs() => Finding::WithinTolerance,
        _ if found.interval.is_none() && is_noisy(metric) => Finding::MeasuredOnce,
        Direction::Neutral => Finding::Changed,
        direction if direction.is_worse(found.value) => Finding::Regression,
        _ => Finding::Better,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m4_a_single_measurement_is_judged_only_if_it_is_not_random() {
        let once = |metric| finding(metric, Some(100.0), Some(Difference { value: 50.0, interval: None }), 0.05);
        for metric in [
            Metric::AgeP99,
            Metric::ServerCpuPerUpdate,
            Metric::ServerRssBytesPerConnection,
            Metric::ConnectP50,
            Metric::ClientTimeouts,
        ] {
            assert_eq!(once(metric), Finding::MeasuredOnce, "{metric}");
        }
        for metric in [Metric::SocketBytesPerUpdate, Metric::UpdatesMissed, Metric::HandshakeBytes] {
            assert_eq!(once(metric), Finding::Regression, "{metric}");
        }
        let often = Some(Difference { value: 50.0, interval: Some((40.0, 60.0)) });
        assert_eq!(finding(Metric::AgeP99, Some(100.0), often, 0.05), Finding::Regression);
    }
}

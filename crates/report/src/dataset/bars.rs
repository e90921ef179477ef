//! The bars of one metric, and those of requests, for each row of the summary.

use feedlab_experiment::Metric;
use feedlab_experiment::results::Results;
use feedlab_experiment::summary::Estimate;

use super::ages::cells;
use super::{Row, Series};

/// One metric of one row.
#[derive(Debug)]
pub(crate) struct Bar {
    /// Whose.
    pub(crate) series: Series,
    /// Its value, if it was measured.
    pub(crate) estimate: Option<Estimate>,
}

impl Bar {
    pub(super) fn new(row: &Row, metric: Metric) -> Self {
        Self { series: row.series.clone(), estimate: row.estimate(metric) }
    }
}

/// Requests of one client in a minute of the measured time.
#[derive(Debug)]
pub(crate) struct RequestsBar {
    /// Whose.
    pub(crate) series: Series,
    /// All of them.
    pub(crate) all: Option<f64>,
    /// Those whose answer brought no update.
    pub(crate) empty: Option<f64>,
}

impl RequestsBar {
    pub(super) fn new(row: &Row, results: &Results) -> Self {
        let measured_us: u64 = cells(row, results).map(|cell| cell.duration_us).sum();
        let client_minutes = measured_us as f64 / 60e6 * f64::from(row.entry.clients);
        let rate = |metric| row.estimate(metric).filter(|_| client_minutes > 0.0).map(|e| e.value / client_minutes);
        Self { series: row.series.clone(), all: rate(Metric::Requests), empty: rate(Metric::RequestsEmpty) }
    }
}

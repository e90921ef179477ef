//! The bars of one metric, of hops and of requests, for each row of the summary.

use feedlab_experiment::Metric;
use feedlab_experiment::results::Results;
use feedlab_experiment::summary::Estimate;

use super::SummaryRow;
use super::ages::cells;
use crate::series::Series;

/// One metric of one row.
#[derive(Debug)]
pub(crate) struct MetricBar {
    /// The contender.
    pub(crate) series: Series,
    /// The measured value, if there is one.
    pub(crate) estimate: Option<Estimate>,
    /// The predicted value, if there is one.
    pub(crate) predicted: Option<f64>,
}

impl MetricBar {
    pub(super) fn new(row: &SummaryRow, metric: Metric) -> Self {
        Self { series: row.series.clone(), estimate: row.estimate(metric), predicted: row.predicted(metric) }
    }
}

/// The hops of the mean age of one row.
#[derive(Debug)]
pub(crate) struct HopsBar {
    /// The contender.
    pub(crate) series: Series,
    /// The mean time to the broker, to the server and to the client, µs.
    pub(crate) us: [f64; 3],
}

impl HopsBar {
    /// Returns `None` without a broker.
    pub(super) fn of(row: &SummaryRow) -> Option<Self> {
        let value = |metric| row.estimate(metric).map(|estimate| estimate.value);
        let us = [value(Metric::HopToBroker)?, value(Metric::HopToServer)?, value(Metric::HopToClient)?];
        Some(Self { series: row.series.clone(), us })
    }

    /// The mean age, µs.
    pub(crate) fn total(&self) -> f64 {
        self.us.iter().sum()
    }
}

/// The requests per client and minute of the measured time.
#[derive(Debug)]
pub(crate) struct RequestsBar {
    /// The contender.
    pub(crate) series: Series,
    /// All requests.
    pub(crate) all: Option<f64>,
    /// Requests whose response carried no update.
    pub(crate) empty: Option<f64>,
    /// The predicted number, if there is one.
    pub(crate) predicted: Option<f64>,
}

impl RequestsBar {
    pub(super) fn new(row: &SummaryRow, results: &Results) -> Self {
        let measured_us: u64 = cells(row, results).map(|cell| cell.duration_us).sum();
        let client_minutes = measured_us as f64 / 60e6 * f64::from(row.entry.clients);
        let rate = |count: Option<f64>| count.filter(|_| client_minutes > 0.0).map(|count| count / client_minutes);
        let measured = |metric| rate(row.estimate(metric).map(|estimate| estimate.value));
        Self {
            series: row.series.clone(),
            all: measured(Metric::Requests),
            empty: measured(Metric::RequestsEmpty),
            predicted: rate(row.predicted(Metric::Requests)),
        }
    }
}

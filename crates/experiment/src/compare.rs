//! Comparing two runs of one scenario: first the differences in conditions, then every metric of interest with its
//! difference, the interval, and a finding. `feedlab compare` prints it.
//!
//! The figures are pooled again from the cells and their histograms, as in [`crate::statistics`].

use serde::Serialize;

use crate::Metric;
use crate::plan;
use crate::results::{Results, ResultsError};
use crate::verdict::Verdict;

mod direction;
mod point;
mod setting;

pub use direction::{Direction, direction};
use point::{Measured, Parameters, point};
pub use setting::{Setting, environment_differences, machine_differences, scenario_differences};

/// The metrics that are compared by default.
pub const OF_INTEREST: [Metric; 8] = [
    Metric::AgeP50,
    Metric::AgeP99,
    Metric::UpdatesMissed,
    Metric::SocketBytesPerUpdate,
    Metric::WireBytesPerUpdate,
    Metric::PacketsPerUpdate,
    Metric::ServerCpuPerUpdate,
    Metric::ServerRssBytesPerConnection,
];

/// Why two runs cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// The scenarios differ.
    #[error(
        "{a} (A) and {b} (B) are runs of different scenarios: {}; give two runs of the same one", .differences.join("; ")
    )]
    DifferentScenarios {
        /// The first run.
        a: String,
        /// The second run.
        b: String,
        /// The differences, one phrase each.
        differences: Vec<String>,
    },
    /// The runs have no cell in common.
    #[error("{a} (A) and {b} (B) have no cell in common: both were interrupted; repeat one of them to its end")]
    NothingInCommon {
        /// The first run.
        a: String,
        /// The second run.
        b: String,
    },
    /// A histogram cannot be read.
    #[error(transparent)]
    Results(#[from] ResultsError),
}

/// The comparison of two runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The format version: [`crate::record::SCHEMA`].
    pub schema: u32,
    /// The name of the scenario.
    pub scenario: String,
    /// The reference run.
    pub a: Side,
    /// The run that is compared with A.
    pub b: Side,
    /// A deterioration by more than this share of A's value is a regression.
    pub tolerance: f64,
    /// The differences in conditions of the two runs.
    pub environment: Vec<Setting>,
    /// What was measured in only one of the two runs, as in "SSE, 50 clients (A)".
    pub only_in_one: Vec<String>,
    /// What was measured in both runs, in the scenario's order.
    pub points: Vec<Point>,
}

/// One of the two runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Side {
    /// The run's id.
    pub run: String,
    /// The run's verdict.
    pub verdict: Verdict,
}

/// One contender at one client count and payload size.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Point {
    /// A display name of what was measured: "SSE, 50 clients".
    pub name: String,
    /// The contender's label.
    pub label: String,
    /// The number of clients.
    pub clients: u32,
    /// The payload of an update, bytes; present only in a sweep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload_bytes: Option<usize>,
    /// The number of repetitions in A and in B.
    pub repetitions: (usize, usize),
    /// The compared metrics.
    pub rows: Vec<MetricComparison>,
}

/// The comparison of one metric at one point.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricComparison {
    /// The metric.
    pub metric: Metric,
    /// The value in A, over all repetitions; `None` if it was not measured.
    pub a: Option<f64>,
    /// The value in B.
    pub b: Option<f64>,
    /// B minus A.
    pub difference: Option<f64>,
    /// The lower end of the difference's 95% bootstrap interval; `None` unless both runs have at least two repetitions.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
    /// Whether a sum is given as its mean over the repetitions, because the two runs have different numbers of
    /// repetitions.
    pub per_repetition: bool,
    /// The finding about the difference.
    pub finding: Finding,
}

/// The finding about a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// One of the two runs has no value.
    NotMeasured,
    /// A time, memory or CPU metric that one run measured only once: its random variation is unknown.
    MeasuredOnce,
    /// Ages in a run that lost updates or clients: the remaining updates are fresher than the lost ones would have
    /// been.
    NotEverythingArrived,
    /// The values are equal, or the interval of their difference includes zero.
    NoDifferenceShown,
    /// There is a difference, within the tolerance.
    WithinTolerance,
    /// Better by more than the tolerance.
    Better,
    /// Different by more than the tolerance, neither better nor worse.
    Changed,
    /// Worse by more than the tolerance.
    Regression,
}

impl Comparison {
    /// Returns the metrics that are worse than the tolerance allows, with their points.
    pub fn regressions(&self) -> impl Iterator<Item = (&Point, &MetricComparison)> {
        let rows = self.points.iter().flat_map(|point| point.rows.iter().map(move |row| (point, row)));
        rows.filter(|(_, row)| row.finding == Finding::Regression)
    }

    /// Returns the smallest number of repetitions of any point in either run.
    #[must_use]
    pub fn fewest_repetitions(&self) -> usize {
        self.points.iter().map(|point| point.repetitions.0.min(point.repetitions.1)).min().unwrap_or(0)
    }
}

/// Compares B with A. If `metrics` is empty, those [`OF_INTEREST`] that both runs measured are compared.
///
/// # Errors
/// If the two are not runs of one scenario, have nothing in common, or a histogram cannot be read.
pub fn compare(a: &Results, b: &Results, metrics: &[Metric], tolerance: f64) -> Result<Comparison, CompareError> {
    let differences = scenario_differences(&a.manifest.scenario, &b.manifest.scenario);
    if !differences.is_empty() {
        let differences = differences.iter().map(ToString::to_string).collect();
        return Err(CompareError::DifferentScenarios { a: folder(a), b: folder(b), differences });
    }
    let parameters = Parameters { metrics, tolerance, seed: a.manifest.seed };
    let (mut points, mut only_in_one) = (Vec::new(), Vec::new());
    for planned in plan::points(&a.manifest.scenario) {
        let [of_a, of_b] = [a, b]
            .map(|run| run.cells.iter().filter(|cell| planned.is_of(&run.manifest.scenario, cell)).collect::<Vec<_>>());
        match (of_a.first(), of_b.first()) {
            (Some(_), Some(_)) => {
                points.push(point(&Measured::read(a, of_a)?, &Measured::read(b, of_b)?, &parameters));
            }
            (Some(cell), None) => only_in_one.push(format!("{} (A)", cell.name())),
            (None, Some(cell)) => only_in_one.push(format!("{} (B)", cell.name())),
            (None, None) => {}
        }
    }
    if points.is_empty() {
        return Err(CompareError::NothingInCommon { a: folder(a), b: folder(b) });
    }
    let side = |run: &Results| Side { run: run.manifest.run.clone(), verdict: run.manifest.verdict.clone() };
    Ok(Comparison {
        schema: crate::record::SCHEMA,
        scenario: a.manifest.scenario.name.clone(),
        a: side(a),
        b: side(b),
        tolerance,
        environment: environment_differences(&a.manifest, &b.manifest),
        only_in_one,
        points,
    })
}

fn folder(run: &Results) -> String {
    run.folder.display().to_string()
}

#[cfg(test)]
mod tests;

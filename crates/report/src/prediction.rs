//! Predicted and measured: what the arithmetic of each transport predicts, and how far the measurement is from it.
//!
//! The page shows it as tables, the finding as a sentence. Nothing here computes a prediction: the run stores its
//! predictions in the summary, and older runs have none.

use feedlab_experiment::Metric;
use feedlab_experiment::metric::{Group, Unit};
use feedlab_experiment::summary::{Entry, Summary};
use feedlab_experiment::verdict::Status;

use crate::human::{self, ABSENT};

mod deviation;
mod sentence;

pub(crate) use sentence::sentence;

use deviation::Deviation;

/// Times that are predicted to be smaller than this, µs, are shown without a percentage: the measured time then
/// consists of scheduling and system calls, which the arithmetic of a transport does not cover.
pub(crate) const MACHINE_TIME: f64 = 1_000.0;

/// The predicted metrics, table by table. A table with more columns would not fit.
const TABLES: [(&str, &[Metric]); 5] = [
    (
        "Ages, requests and connections",
        &[
            Metric::AgeMean,
            Metric::AgeP50,
            Metric::AgeP99,
            Metric::Requests,
            Metric::RequestsEmpty,
            Metric::ConnectionsOpened,
        ],
    ),
    (
        "Bytes and packets",
        &[
            Metric::PayloadBytesPerUpdate,
            Metric::SocketBytesPerUpdate,
            Metric::WireBytesPerUpdate,
            Metric::PacketsPerUpdate,
            Metric::HandshakeBytes,
            Metric::IdleBytesPerClientMin,
        ],
    ),
    (
        "Connections",
        &[
            Metric::ConnectP50,
            Metric::TlsP50,
            Metric::RequestP50,
            Metric::OpenP50,
            Metric::FirstUpdateP50,
            Metric::ServerRssBytesPerConnection,
        ],
    ),
    ("Publishing", &[Metric::AckP50, Metric::SocketBytesUpPerPublication]),
    ("Failure and recovery", FAILURE),
];

/// The metrics of failure and recovery.
const FAILURE: &[Metric] = &[
    Metric::UpdatesMissed,
    Metric::UpdatesReportedLost,
    Metric::UpdatesReplayed,
    Metric::UpdatesDuplicated,
    Metric::ClientsGaveUp,
    Metric::Reconnects,
    Metric::ReconnectsPeak,
    Metric::RecoveryP50,
    Metric::RecoveryP99,
    Metric::Fallbacks,
    Metric::Climbs,
    Metric::SlowDisconnected,
    Metric::ServerRssGrowth,
];

/// Predicted and measured, for the page.
#[derive(Debug)]
pub(crate) struct Prediction {
    /// One table per group of metrics that has a prediction.
    pub(crate) tables: Vec<PredictionTable>,
    /// The assumptions, each listed once.
    pub(crate) assumptions: Vec<String>,
}

/// A table of figures with their predictions.
#[derive(Debug, PartialEq)]
pub(crate) struct PredictionTable {
    /// The title.
    pub(crate) title: &'static str,
    /// The labels of the metrics.
    pub(crate) columns: Vec<&'static str>,
    /// A row for each contender, client count and payload.
    pub(crate) rows: Vec<PredictionRow>,
}

/// A row of a table.
#[derive(Debug, PartialEq)]
pub(crate) struct PredictionRow {
    /// The contender's label, with its client count and payload in a sweep.
    pub(crate) name: String,
    /// One cell per column.
    pub(crate) cells: Vec<PredictionCell>,
}

/// One figure with its prediction.
#[derive(Debug, PartialEq)]
pub(crate) struct PredictionCell {
    /// The measured value.
    pub(crate) measured: String,
    /// The predicted value, or that there is none.
    pub(crate) predicted: String,
    /// The deviation, and whether it is outside the tolerance.
    pub(crate) deviation: Option<String>,
    /// Whether the deviation is outside the tolerance.
    pub(crate) is_outside: bool,
}

/// Whether a metric is in the tables, for the glossary.
pub(crate) fn shows(metric: Metric) -> bool {
    TABLES.iter().any(|(_, metrics)| metrics.contains(&metric))
}

/// How far a measurement may be from its prediction before it is called outside, as a share. Times depend on the
/// machine, failures hit clients at random, and memory is allocated in pages; everything else is counted.
pub(crate) fn tolerance(metric: Metric) -> f64 {
    match (metric.row().group, metric.row().unit) {
        (_, Unit::Microseconds) => 0.05,
        (Group::ConnectionCost, Unit::Bytes) if metric != Metric::HandshakeBytes => 0.1,
        _ if is_of_failure(metric) => 0.05,
        _ => 0.02,
    }
}

fn is_of_failure(metric: Metric) -> bool {
    FAILURE.contains(&metric)
}

/// Whether a prediction is worth showing. A prediction that nothing breaks is not, unless something broke.
fn is_shown(entry: &Entry, metric: Metric) -> bool {
    match predicted(entry, metric) {
        Some(0.0) if is_of_failure(metric) => entry.value(metric).is_some_and(|value| value != 0.0),
        predicted => predicted.is_some(),
    }
}

/// Compares a run with its predictions; `None` if it has none. An invalid run is not judged.
pub(crate) fn of(summary: &Summary) -> Option<Prediction> {
    let entries: Vec<&Entry> = summary.contenders.iter().filter(|entry| entry.predicted.is_some()).collect();
    let is_invalid = summary.verdict.status == Status::Invalid;
    let table = |(title, metrics): (&'static str, &[Metric])| table(title, metrics, &entries, is_invalid);
    let tables: Vec<PredictionTable> = TABLES.into_iter().filter_map(table).collect();
    (!tables.is_empty()).then(|| Prediction { tables, assumptions: assumptions(&entries) })
}

fn table(title: &'static str, metrics: &[Metric], entries: &[&Entry], is_invalid: bool) -> Option<PredictionTable> {
    let has_prediction = |metric: &&Metric| entries.iter().any(|entry| is_shown(entry, **metric));
    let metrics: Vec<Metric> = metrics.iter().filter(has_prediction).copied().collect();
    let row = |entry: &&Entry| PredictionRow {
        name: if is_swept(entries) { entry.name() } else { entry.label.clone() },
        cells: metrics.iter().map(|&metric| cell(entry, metric, is_invalid)).collect(),
    };
    let rows = entries.iter().map(row).collect();
    let columns = metrics.iter().map(|metric| metric.row().label).collect();
    (!metrics.is_empty()).then_some(PredictionTable { title, columns, rows })
}

fn cell(entry: &Entry, metric: Metric, is_invalid: bool) -> PredictionCell {
    let value = |value: f64| human::value(value, metric.row().unit);
    let deviation = deviation::of(entry, metric);
    let is_outside = deviation.is_some_and(|deviation| deviation.exceeds(tolerance(metric))) && !is_invalid;
    let outside = is_outside.then(|| {
        let interval = if is_inside_interval(entry, metric) { " but inside the interval" } else { "" };
        format!("outside {}{interval}", human::percent(tolerance(metric)))
    });
    let words: Vec<String> = deviation.and_then(Deviation::text).into_iter().chain(outside).collect();
    PredictionCell {
        measured: entry.value(metric).map_or(ABSENT.to_owned(), value),
        predicted: match predicted(entry, metric) {
            None => "no formula".to_owned(),
            Some(expected) => format!("predicted {}", value(expected)),
        },
        deviation: (!words.is_empty()).then(|| words.join(", ")),
        is_outside,
    }
}

/// Whether the repetitions vary so much that the prediction may still hold.
fn is_inside_interval(entry: &Entry, metric: Metric) -> bool {
    let interval = entry.metrics.get(&metric).and_then(|estimate| estimate.low.zip(estimate.high));
    interval.zip(predicted(entry, metric)).is_some_and(|((low, high), value)| (low..=high).contains(&value))
}

/// The assumptions of all entries, each once, in the order of their first mention.
fn assumptions(entries: &[&Entry]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for assumption in entries.iter().filter_map(|entry| entry.predicted.as_ref()).flat_map(|p| &p.assumptions) {
        if !found.contains(assumption) {
            found.push(assumption.clone());
        }
    }
    found
}

/// Whether labels alone do not identify the rows.
fn is_swept(entries: &[&Entry]) -> bool {
    entries.iter().enumerate().any(|(index, entry)| entries[..index].iter().any(|other| other.label == entry.label))
}

fn predicted(entry: &Entry, metric: Metric) -> Option<f64> {
    entry.predicted.as_ref()?.metrics.get(&metric).copied().filter(|value| value.is_finite())
}

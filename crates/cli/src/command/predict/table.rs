//! The predictions as tables: one block per client count and payload size, and one column per contender.

use std::fmt::Write as _;

use feedlab_experiment::predict::Prediction;
use feedlab_experiment::scenario::Measure;
use feedlab_experiment::{Metric, Scenario};
use feedlab_report::human::{self, ABSENT};
use feedlab_report::table::{Column, Table};

use crate::command::run::table::transposed_text;

/// Returns all blocks, and their assumptions.
pub(super) fn text(scenario: &Scenario, predictions: &[Prediction]) -> String {
    let point = |prediction: &Prediction| (prediction.clients, prediction.payload_bytes);
    let mut sorted: Vec<&Prediction> = predictions.iter().collect();
    sorted.sort_by_key(|prediction| point(prediction));
    let blocks = sorted.chunk_by(|one, other| point(one) == point(other));
    let blocks: Vec<String> = blocks.map(|block| transposed_text(&table(scenario, block))).collect();
    format!("{}\n{}{}", blocks.join("\n\n"), assumptions(predictions), caveat(scenario))
}

/// A function that formats a figure of a prediction.
type Figure = fn(&Prediction, &Scenario) -> Option<String>;

/// The lines of a table, in order. A line without any figure is omitted.
const FIGURES: &[(&str, Figure)] = &[
    ("age mean", |prediction, _| value(prediction, Metric::AgeMean)),
    ("age p50", |prediction, _| value(prediction, Metric::AgeP50)),
    ("age p99", |prediction, _| value(prediction, Metric::AgeP99)),
    ("requests per client and minute", |prediction, scenario| rate(prediction, scenario, Metric::Requests)),
    ("of these, empty", |prediction, scenario| rate(prediction, scenario, Metric::RequestsEmpty)),
    ("connections per client", |prediction, scenario| {
        let repetitions = f64::from(scenario.measure.repetitions);
        let all = figure(prediction, Metric::ConnectionsOpened)?;
        Some(human::count(all / f64::from(prediction.clients) / repetitions))
    }),
    ("payload per update", |prediction, _| value(prediction, Metric::PayloadBytesPerUpdate)),
    ("HTTP headers per update", |prediction, _| value(prediction, Metric::HeaderBytesPerUpdate)),
    ("framing per update", |prediction, _| value(prediction, Metric::FramingBytesPerUpdate)),
    ("keepalive per update", |prediction, _| value(prediction, Metric::KeepaliveBytesPerUpdate)),
    ("socket bytes per update", |prediction, _| value(prediction, Metric::SocketBytesPerUpdate)),
    ("wire bytes per update", |prediction, _| value(prediction, Metric::WireBytesPerUpdate)),
    ("packets per update", |prediction, _| value(prediction, Metric::PacketsPerUpdate)),
];

/// Metrics that are predicted only for some scenarios: those with distance, faults, or clients that publish. They cover
/// all clients and repetitions together.
const SOMETIMES: [Metric; 13] = [
    Metric::OpenP50,
    Metric::FirstUpdateP50,
    Metric::AckP50,
    Metric::SocketBytesUpPerPublication,
    Metric::UpdatesMissed,
    Metric::UpdatesDuplicated,
    Metric::UpdatesReportedLost,
    Metric::UpdatesReplayed,
    Metric::ClientsGaveUp,
    Metric::Reconnects,
    Metric::ReconnectsPeak,
    Metric::RecoveryP50,
    Metric::RecoveryP99,
];

fn table(scenario: &Scenario, block: &[&Prediction]) -> Table {
    let is_known = |figure: &&(&str, Figure)| block.iter().any(|prediction| figure.1(prediction, scenario).is_some());
    let figures: Vec<&(&str, Figure)> = FIGURES.iter().filter(is_known).collect();
    let is_predicted = |metric: &Metric| block.iter().any(|prediction| figure(prediction, *metric).is_some());
    let sometimes: Vec<Metric> = SOMETIMES.into_iter().filter(is_predicted).collect();
    let sweeps_payload = block.iter().any(|prediction| prediction.payload_bytes.is_some());
    let mut labels = vec!["contender", "clients"];
    labels.extend(sweeps_payload.then_some("payload"));
    labels.extend(figures.iter().map(|(label, _)| *label));
    labels.extend(sometimes.iter().map(|metric| metric.row().label));
    let column =
        |label: &&str| Column { label: (*label).to_owned(), unit: String::new(), numeric: *label != "contender" };
    Table {
        columns: labels.iter().map(column).collect(),
        rows: block.iter().map(|prediction| row(scenario, prediction, &figures, &sometimes)).collect(),
    }
}

fn row(scenario: &Scenario, prediction: &Prediction, figures: &[&(&str, Figure)], sometimes: &[Metric]) -> Vec<String> {
    let mut row = vec![prediction.label.clone(), human::count(prediction.clients.into())];
    row.extend(prediction.payload_bytes.map(|bytes| human::size(bytes as f64)));
    let figure = |figure: &&(&str, Figure)| figure.1(prediction, scenario).unwrap_or_else(|| ABSENT.to_owned());
    row.extend(figures.iter().map(figure));
    row.extend(sometimes.iter().map(|metric| value(prediction, *metric).unwrap_or_else(|| ABSENT.to_owned())));
    row
}

fn figure(prediction: &Prediction, metric: Metric) -> Option<f64> {
    prediction.predicted.metrics.get(&metric).copied()
}

fn value(prediction: &Prediction, metric: Metric) -> Option<String> {
    Some(human::value(figure(prediction, metric)?, metric.row().unit))
}

/// Formats a count over the measured time, per client and minute.
fn rate(prediction: &Prediction, scenario: &Scenario, metric: Metric) -> Option<String> {
    let Measure { duration, repetitions, .. } = scenario.measure;
    let minutes = duration.as_secs_f64() * f64::from(repetitions) / 60.0;
    Some(human::count(figure(prediction, metric)? / f64::from(prediction.clients) / minutes))
}

/// Returns a note for loopback, where the transports that push look alike.
fn caveat(scenario: &Scenario) -> &'static str {
    if scenario.network.unwrap_or_default().rtt.is_zero() {
        "\nThis is plain loopback. The differences between long polling, SSE and WebSocket that matter in practice need\n\
         distance: try --rtt 100ms.\n"
    } else {
        ""
    }
}

/// Returns the assumptions: first those of all contenders, then those of some.
fn assumptions(predictions: &[Prediction]) -> String {
    let mut each: Vec<&String> = Vec::new();
    for assumption in predictions.iter().flat_map(|prediction| &prediction.predicted.assumptions) {
        if !each.contains(&assumption) {
            each.push(assumption);
        }
    }
    let all = distinct(predictions.iter()).len();
    let (shared, own): (Vec<_>, Vec<_>) = each.into_iter().partition(|one| users(predictions, one).len() == all);
    let mut text = String::from("\nThis assumes:\n");
    for assumption in shared {
        let _ = writeln!(text, "  - {assumption}");
    }
    for assumption in own {
        let _ = writeln!(text, "  - {}: {assumption}", users(predictions, assumption).join("; "));
    }
    text
}

fn users<'a>(predictions: &'a [Prediction], assumption: &String) -> Vec<&'a str> {
    let users = predictions.iter().filter(|prediction| prediction.predicted.assumptions.contains(assumption));
    distinct(users)
}

fn distinct<'a>(predictions: impl Iterator<Item = &'a Prediction>) -> Vec<&'a str> {
    let mut labels: Vec<&str> = predictions.map(|prediction| prediction.label.as_str()).collect();
    labels.dedup();
    labels
}

//! Failure and recovery: what each contender experienced when something broke, as a table and in sentences.
//!
//! A run has this section if its scenario has faults or slow readers, or if clients lost connections without them. No
//! sentence says more than the figures, which do not say why a client lost its connection.

use feedlab_experiment::Metric;
use feedlab_experiment::metric::Unit;
use feedlab_experiment::record::{CellRecord, Failure as FailureKind};
use feedlab_experiment::results::Results;
use feedlab_experiment::summary::{Entry, Estimate};
use feedlab_experiment::verdict::Status;

use crate::human::{self, ABSENT};
use crate::series::{Series, row_name};
use crate::table::{Column, Table};

mod finding;

/// Failure and recovery, for the page.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What the figures show, one sentence per item; empty for an invalid run.
    pub(crate) sentences: Vec<String>,
    /// The figures of each contender.
    pub(crate) table: Table,
    /// The errors that clients saw, by kind.
    pub(crate) seen: Table,
    /// The number of repetitions over which is counted.
    pub(crate) repetitions: u32,
}

/// A run has this section if one of these metrics is not zero.
const INDICATORS: [Metric; 9] = [
    Metric::Reconnects,
    Metric::UpdatesReplayed,
    Metric::UpdatesReportedLost,
    Metric::ClientsGaveUp,
    Metric::RecoveryP50,
    Metric::RecoveryP99,
    Metric::Fallbacks,
    Metric::Climbs,
    Metric::SlowDisconnected,
];

/// A column of the table.
#[derive(Clone, Copy)]
enum ColumnKind {
    /// The number of connections that clients lost, as they saw it.
    LostConnections,
    /// A metric that is always shown, because zero is informative too.
    Always(Metric),
    /// A metric that is shown unless it is zero for all contenders.
    Where(Metric),
}

const COLUMNS: [ColumnKind; 16] = [
    ColumnKind::LostConnections,
    ColumnKind::Where(Metric::Reconnects),
    ColumnKind::Where(Metric::ReconnectsPeak),
    ColumnKind::Where(Metric::ReconnectP50),
    ColumnKind::Where(Metric::ReconnectP99),
    ColumnKind::Where(Metric::RecoveryP50),
    ColumnKind::Where(Metric::RecoveryP99),
    ColumnKind::Always(Metric::UpdatesMissed),
    ColumnKind::Where(Metric::UpdatesReportedLost),
    ColumnKind::Where(Metric::UpdatesReplayed),
    ColumnKind::Always(Metric::UpdatesDuplicated),
    ColumnKind::Where(Metric::ClientsGaveUp),
    ColumnKind::Where(Metric::Fallbacks),
    ColumnKind::Where(Metric::Climbs),
    ColumnKind::Where(Metric::SlowDisconnected),
    ColumnKind::Where(Metric::ServerRssGrowth),
];

/// Returns failure and recovery of a run, or `None` if nothing broke.
pub(crate) fn of(results: &Results) -> Option<Failure> {
    let rows = rows(results)?;
    let scenario = &results.manifest.scenario;
    let is_invalid = results.summary.verdict.status == Status::Invalid;
    Some(Failure {
        sentences: if is_invalid { Vec::new() } else { finding::sentences(scenario, &rows) },
        table: table(&rows),
        seen: seen(&rows),
        repetitions: scenario.measure.repetitions,
    })
}

/// Returns the sentences that belong to the findings of the whole run, without full stops.
pub(crate) fn findings(results: &Results) -> Vec<String> {
    rows(results).map_or_else(Vec::new, |rows| finding::main_findings(&results.manifest.scenario, &rows))
}

/// Whether a metric may be in the table, for the glossary.
pub(crate) fn shows(metric: Metric) -> bool {
    COLUMNS.iter().any(|cell| cell.metric() == Some(metric))
}

/// An entry of the summary with its cells.
struct FailureRow<'a> {
    entry: &'a Entry,
    cells: Vec<&'a CellRecord>,
    /// Its name in the table: the label, if that is unique.
    name: String,
    /// Its name in a sentence.
    spoken: String,
}

impl<'a> FailureRow<'a> {
    fn new(entry: &'a Entry, results: &'a Results) -> Self {
        let entries = &results.summary.contenders;
        let name = row_name(entry, entries);
        Self {
            entry,
            cells: results.cells.iter().filter(|cell| cell.name() == entry.name()).collect(),
            spoken: if name == entry.label { Series::of(entry, entries).spoken } else { name.clone() },
            name,
        }
    }

    fn value(&self, metric: Metric) -> Option<f64> {
        self.entry.value(metric)
    }

    /// The value, if it was measured and is not zero.
    fn some(&self, metric: Metric) -> Option<f64> {
        self.value(metric).filter(|&value| value != 0.0)
    }

    /// The number of failures of a kind.
    fn failures(&self, kind: FailureKind) -> u64 {
        self.cells.iter().filter_map(|cell| cell.failures.get(&kind)).sum()
    }

    fn lost_connections(&self) -> u64 {
        self.failures(FailureKind::Disconnected) + self.failures(FailureKind::Closed)
    }
}

/// Returns one row per entry, or `None` if the run does not have this section.
fn rows(results: &Results) -> Option<Vec<FailureRow<'_>>> {
    let entries = &results.summary.contenders;
    let scenario = &results.manifest.scenario;
    let rows: Vec<FailureRow> = entries.iter().map(|entry| FailureRow::new(entry, results)).collect();
    let has_failures = rows.iter().any(|row| INDICATORS.iter().any(|&metric| row.some(metric).is_some()));
    (has_failures || !scenario.faults.is_empty() || scenario.clients.slow.is_some()).then_some(rows)
}

fn table(rows: &[FailureRow]) -> Table {
    let cells: Vec<ColumnKind> = COLUMNS.into_iter().filter(|cell| cell.is_shown(rows)).collect();
    let columns = std::iter::once(contender()).chain(cells.iter().map(ColumnKind::column)).collect();
    let row =
        |row: &FailureRow| std::iter::once(row.name.clone()).chain(cells.iter().map(|cell| cell.text(row))).collect();
    Table { columns, rows: rows.iter().map(row).collect() }
}

impl ColumnKind {
    const fn metric(self) -> Option<Metric> {
        match self {
            Self::LostConnections => None,
            Self::Always(metric) | Self::Where(metric) => Some(metric),
        }
    }

    fn is_shown(&self, rows: &[FailureRow]) -> bool {
        match *self {
            Self::LostConnections | Self::Always(_) => true,
            Self::Where(metric) => rows.iter().any(|row| row.some(metric).is_some()),
        }
    }

    fn column(&self) -> Column {
        let (label, unit) = match *self {
            Self::LostConnections => ("lost connections", ""),
            Self::Always(metric) | Self::Where(metric) => (metric.row().label, unit(metric)),
        };
        Column { label: label.to_owned(), unit: unit.to_owned(), numeric: true }
    }

    fn text(&self, row: &FailureRow) -> String {
        match *self {
            Self::LostConnections => human::count(row.lost_connections() as f64),
            Self::Always(metric) | Self::Where(metric) => {
                let unit = metric.row().unit;
                // Counts are sums and maxima, for which an interval says little.
                let text = |&estimate: &Estimate| match unit {
                    Unit::Microseconds => human::estimate(estimate, unit),
                    Unit::Bytes | Unit::Count => human::value(estimate.value, unit),
                };
                row.entry.metrics.get(&metric).map_or(ABSENT.to_owned(), text)
            }
        }
    }
}

const fn unit(metric: Metric) -> &'static str {
    match metric {
        Metric::ReconnectsPeak => "within 100 ms",
        Metric::UpdatesMissed | Metric::UpdatesReportedLost | Metric::UpdatesReplayed | Metric::UpdatesDuplicated => {
            "updates"
        }
        Metric::ClientsGaveUp => "clients",
        _ => "",
    }
}

/// The errors that clients saw, one column per kind that occurred.
fn seen(rows: &[FailureRow]) -> Table {
    const KINDS: [FailureKind; 8] = [
        FailureKind::Connect,
        FailureKind::Status,
        FailureKind::Disconnected,
        FailureKind::Closed,
        FailureKind::Malformed,
        FailureKind::Gap,
        FailureKind::Reset,
        FailureKind::GaveUp,
    ];
    let kinds: Vec<FailureKind> =
        KINDS.into_iter().filter(|&kind| rows.iter().any(|row| row.failures(kind) > 0)).collect();
    let column = |kind: &FailureKind| Column { label: kind.to_string(), unit: String::new(), numeric: true };
    let count = |row: &FailureRow, kind: &FailureKind| human::count(row.failures(*kind) as f64);
    let row =
        |row: &FailureRow| std::iter::once(row.name.clone()).chain(kinds.iter().map(|kind| count(row, kind))).collect();
    let rows = if kinds.is_empty() { Vec::new() } else { rows.iter().map(row).collect() };
    Table { columns: std::iter::once(contender()).chain(kinds.iter().map(column)).collect(), rows }
}

fn contender() -> Column {
    Column { label: "contender".to_owned(), unit: String::new(), numeric: false }
}

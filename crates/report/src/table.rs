//! The table of all contenders, formatted for people: the page shows it, and so does the command line.

use feedlab_experiment::Metric;
use feedlab_experiment::metric::Unit;
use feedlab_experiment::summary::{Entry, Summary};

use crate::human::{self, ABSENT};

/// Rows and columns of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The columns, from the left.
    pub columns: Vec<Column>,
    /// One row per contender, client count and (in a sweep) payload, with one cell per column.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// Whether it is too broad for a sheet of paper, on which each row becomes a block.
    pub(crate) const fn is_broad(&self) -> bool {
        const MOST_PRINTED: usize = 12;
        self.columns.len() > MOST_PRINTED
    }
}

/// The header of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// What the figures show.
    pub label: String,
    /// Their unit; empty where every figure names its own.
    pub unit: String,
    /// Whether the cells are figures, which are aligned to the right.
    pub numeric: bool,
}

/// What a column shows of an entry.
enum ColumnKind {
    Label,
    Clients,
    Payload,
    Figure(Metric),
    /// A figure that is shown only if it is not zero for all contenders, because most runs have none of it.
    Where(Metric),
    Delivery,
    Requests,
}

const COLUMNS: &[ColumnKind] = &[
    ColumnKind::Label,
    ColumnKind::Clients,
    ColumnKind::Payload,
    ColumnKind::Figure(Metric::AgeP50),
    ColumnKind::Figure(Metric::AgeP99),
    ColumnKind::Figure(Metric::AgeMax),
    ColumnKind::Delivery,
    ColumnKind::Where(Metric::ClientsGaveUp),
    ColumnKind::Where(Metric::Reconnects),
    ColumnKind::Where(Metric::ReconnectP50),
    ColumnKind::Where(Metric::RecoveryP50),
    ColumnKind::Requests,
    ColumnKind::Where(Metric::Publications),
    ColumnKind::Where(Metric::AckP50),
    ColumnKind::Where(Metric::SocketBytesUpPerPublication),
    ColumnKind::Figure(Metric::SocketBytesPerUpdate),
    ColumnKind::Figure(Metric::WireBytesPerUpdate),
    ColumnKind::Where(Metric::ServerLegSocketBytes),
    ColumnKind::Where(Metric::ServerLegWireBytes),
    ColumnKind::Figure(Metric::ServerRssBytesPerConnection),
    ColumnKind::Where(Metric::NginxRssPerConnection),
    ColumnKind::Figure(Metric::ServerCpuPerUpdate),
    ColumnKind::Where(Metric::NginxCpuPerUpdate),
];

/// The metrics in the table, for the glossary.
pub const METRICS: &[Metric] = &[
    Metric::AgeP50,
    Metric::AgeP99,
    Metric::AgeMax,
    Metric::UpdatesMissed,
    Metric::UpdatesDuplicated,
    Metric::UpdatesReordered,
    Metric::ClientsGaveUp,
    Metric::Reconnects,
    Metric::ReconnectP50,
    Metric::RecoveryP50,
    Metric::Requests,
    Metric::RequestsEmpty,
    Metric::Publications,
    Metric::AckP50,
    Metric::SocketBytesUpPerPublication,
    Metric::SocketBytesPerUpdate,
    Metric::WireBytesPerUpdate,
    Metric::ServerLegSocketBytes,
    Metric::ServerLegWireBytes,
    Metric::ServerRssBytesPerConnection,
    Metric::NginxRssPerConnection,
    Metric::ServerCpuPerUpdate,
    Metric::NginxCpuPerUpdate,
];

/// Returns the table of a run. A figure that was not measured is an em dash; an interval follows its value in
/// parentheses.
#[must_use]
pub fn rows(summary: &Summary) -> Table {
    let entries = &summary.contenders;
    let sweeps_payload = entries.iter().any(|entry| entry.payload_bytes.is_some());
    let is_there = |metric: Metric| entries.iter().any(|entry| entry.value(metric).is_some_and(|value| value != 0.0));
    let is_shown = |cell: &&ColumnKind| match cell {
        ColumnKind::Payload => sweeps_payload,
        ColumnKind::Where(metric) => is_there(*metric),
        _ => true,
    };
    let cells = || COLUMNS.iter().filter(is_shown);
    Table {
        columns: cells().map(ColumnKind::column).collect(),
        rows: entries.iter().map(|entry| cells().map(|cell| cell.text(entry)).collect()).collect(),
    }
}

impl ColumnKind {
    fn column(&self) -> Column {
        let (label, unit) = match self {
            Self::Label => ("contender", ""),
            Self::Clients => ("clients", ""),
            Self::Payload => ("payload", ""),
            Self::Figure(metric) | Self::Where(metric) => (metric.row().label, ""),
            Self::Delivery => ("missed, duplicated, reordered", "updates"),
            Self::Requests => ("requests", "share of empty ones"),
        };
        Column { label: label.to_owned(), unit: unit.to_owned(), numeric: !matches!(self, Self::Label) }
    }

    fn text(&self, entry: &Entry) -> String {
        match self {
            Self::Label => entry.label.clone(),
            Self::Clients => human::count(f64::from(entry.clients)),
            Self::Payload => entry.payload_bytes.map_or(ABSENT.to_owned(), |bytes| human::size(bytes as f64)),
            // Counts are sums, for which an interval says little.
            Self::Where(metric) if metric.row().unit == Unit::Count => {
                entry.value(*metric).map_or(ABSENT.to_owned(), human::count)
            }
            Self::Figure(metric) | Self::Where(metric) => {
                let estimate = entry.metrics.get(metric);
                estimate.map_or(ABSENT.to_owned(), |&estimate| human::estimate(estimate, metric.row().unit))
            }
            Self::Delivery => delivery(entry),
            Self::Requests => requests(entry),
        }
    }
}

fn delivery(entry: &Entry) -> String {
    let counts = [Metric::UpdatesMissed, Metric::UpdatesDuplicated, Metric::UpdatesReordered].map(|m| entry.value(m));
    if counts == [None; 3] {
        return ABSENT.to_owned();
    }
    counts.map(|count| count.map_or(ABSENT.to_owned(), human::count)).join(" / ")
}

fn requests(entry: &Entry) -> String {
    let Some(all) = entry.value(Metric::Requests) else { return ABSENT.to_owned() };
    let share = entry.value(Metric::RequestsEmpty).and_then(|empty| human::share(empty, all));
    match share {
        Some(share) => format!("{} ({share})", human::count(all)),
        None => human::count(all),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_glossary_covers_every_figure_of_the_table() {
        for cell in COLUMNS {
            if let ColumnKind::Figure(metric) | ColumnKind::Where(metric) = cell {
                assert!(METRICS.contains(metric), "{metric}");
            }
        }
    }
}

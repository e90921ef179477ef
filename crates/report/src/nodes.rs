//! Several servers behind one address: the load of each, second by second, as a table and in sentences.
//!
//! A run has this section if a contender had more than one server. The load is the number of open streams, or for
//! polling the requests per second.

use feedlab_experiment::Metric;
use feedlab_experiment::record::NodesAt;
use feedlab_experiment::results::Results;
use feedlab_experiment::scenario::{Fault, FaultKind, ProcessFault, Transport};
use feedlab_experiment::summary::Entry;
use feedlab_experiment::verdict::Status;

use crate::human::{self, ABSENT};
use crate::series::{Series, row_name};
use crate::table::{Column, Table};
use crate::wording;

/// The most moments that fit side by side.
const MOST_MOMENTS: usize = 10;

/// The servers of a run, for the page.
#[derive(Debug)]
pub(crate) struct Nodes {
    /// The load of servers that were added; empty for an invalid run.
    pub(crate) sentences: Vec<String>,
    /// One row per server and contender.
    pub(crate) table: Table,
}

/// Returns the servers of a run, or `None` if each contender had one.
pub(crate) fn of(results: &Results) -> Option<Nodes> {
    let rows = rows(results);
    let is_invalid = results.summary.verdict.status == Status::Invalid;
    (!rows.is_empty())
        .then(|| Nodes { sentences: if is_invalid { Vec::new() } else { added(results, &rows) }, table: table(&rows) })
}

/// Whether a metric belongs to this section, for the glossary.
pub(crate) const fn shows(metric: Metric) -> bool {
    matches!(metric, Metric::BusiestNode | Metric::LeastBusyNode)
}

/// An entry of the summary with the samples of its first repetition.
struct NodesRow<'a> {
    name: String,
    spoken: String,
    transport: Transport,
    samples: &'a [NodesAt],
}

fn rows(results: &Results) -> Vec<NodesRow<'_>> {
    let entries = &results.summary.contenders;
    let row = |entry: &'_ Entry| {
        let cells = results.cells.iter().filter(|cell| cell.name() == entry.name() && !cell.nodes.is_empty());
        let cell = cells.min_by_key(|cell| cell.repetition)?;
        let (name, spoken) = (row_name(entry, entries), Series::of(entry, entries).spoken);
        Some(NodesRow { name, spoken, transport: cell.transport, samples: &cell.nodes })
    };
    entries.iter().filter_map(row).collect()
}

fn table(rows: &[NodesRow]) -> Table {
    let longest = rows.iter().map(|row| row.samples).max_by_key(|samples| samples.len()).unwrap_or_default();
    let moments = moments(longest.len());
    let column = |label: String, unit: &str, numeric| Column { label, unit: unit.to_owned(), numeric };
    let heads = [column("contender".to_owned(), "", false), column("server".to_owned(), "", false)];
    let times = moments.iter().map(|&moment| column(format!("{} s", longest[moment].second), "", true));
    Table {
        columns: heads.into_iter().chain(times).collect(),
        rows: rows.iter().flat_map(|row| of_row(row, &moments)).collect(),
    }
}

/// Returns evenly spaced sample indexes, including the first and the last.
fn moments(samples: usize) -> Vec<usize> {
    let Some(last) = samples.checked_sub(1) else { return Vec::new() };
    let count = last.clamp(1, MOST_MOMENTS - 1);
    let mut moments: Vec<usize> = (0..=count).map(|step| step * last / count).collect();
    moments.dedup();
    moments
}

fn of_row(row: &NodesRow, moments: &[usize]) -> Vec<Vec<String>> {
    let unit = if row.transport.is_push() { "" } else { " req./s" };
    let servers = row.samples.iter().map(|sample| sample.loads.len()).max().unwrap_or(0);
    let load = |moment: &usize, server: usize| {
        let load = row.samples.get(*moment).and_then(|sample| *sample.shared(row.transport).get(server)?);
        load.map_or(ABSENT.to_owned(), |load| format!("{}{unit}", human::count(load as f64)))
    };
    let line = |server: usize| {
        let head = [row.name.clone(), format!("server {}", server + 1)];
        head.into_iter().chain(moments.iter().map(|moment| load(moment, server))).collect()
    };
    (0..servers).map(line).collect()
}

/// Returns one sentence per added server about its share of the load at the end.
fn added(results: &Results, rows: &[NodesRow]) -> Vec<String> {
    let faults = results.manifest.scenario.faults.iter();
    let added = faults.filter(|fault| fault.kind == FaultKind::Process(ProcessFault::Add));
    let sentence = |fault: &Fault| {
        let shares: Vec<String> = rows
            .iter()
            .filter_map(|row| {
                let share = share(row, fault.node as usize - 1)?;
                Some(format!("{} over {}", human::percent(share), row.spoken))
            })
            .collect();
        let at = human::duration(fault.at);
        let shares = Some(wording::list(&shares)).filter(|shares| !shares.is_empty())?;
        Some(format!("At the end, server {}, added at {at}, carried this share of the load: {shares}.", fault.node))
    };
    added.filter_map(sentence).collect()
}

/// The share of the load that a server has at the last sample.
fn share(row: &NodesRow, server: usize) -> Option<f64> {
    let loads = row.samples.last()?.shared(row.transport);
    let sum: u64 = loads.iter().flatten().sum();
    (sum > 0).then(|| loads.get(server).copied().flatten().unwrap_or_default() as f64 / sum as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use feedlab_experiment::record::NodeLoad;

    fn sample(second: u32, loads: &[Option<u64>]) -> NodesAt {
        let load = |clients| NodeLoad { clients, requests_per_s: 7 };
        NodesAt { second, loads: loads.iter().map(|clients| clients.map(load)).collect() }
    }

    #[test]
    fn each_server_has_a_row_and_an_absent_one_has_a_dash() {
        let samples = [sample(0, &[Some(30), Some(30)]), sample(1, &[None, Some(60)]), sample(2, &[Some(0), Some(60)])];
        let row = |transport, samples| NodesRow { name: "a".to_owned(), spoken: "a".to_owned(), transport, samples };
        let table = table(&[row(Transport::Sse, &samples), row(Transport::ShortPolling, &samples[..1])]);
        let heads: Vec<&str> = table.columns.iter().map(|column| column.label.as_str()).collect();
        assert_eq!(heads, ["contender", "server", "0 s", "1 s", "2 s"]);
        let rows = [
            ["a", "server 1", "30", "—", "0"],
            ["a", "server 2", "30", "60", "60"],
            ["a", "server 1", "7 req./s", "—", "—"],
            ["a", "server 2", "7 req./s", "—", "—"],
        ];
        assert_eq!(table.rows, rows);
        assert_eq!(share(&row(Transport::Sse, &samples), 1), Some(1.0));
    }

    #[test]
    fn long_runs_are_sampled_and_include_the_last_moment() {
        assert_eq!(moments(121), [0, 13, 26, 40, 53, 66, 80, 93, 106, 120]);
        assert_eq!(moments(1), [0]);
        assert_eq!(moments(0), [0; 0]);
    }
}

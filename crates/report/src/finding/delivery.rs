//! Whether every update arrived, once and in order.

use feedlab_experiment::Metric;
use feedlab_experiment::results::Results;
use feedlab_experiment::summary::Entry;

use crate::complete;
use crate::series::Series;
use crate::{human, wording};

/// The most rows that the sentence names; beyond that it refers to the table.
const MAX_NAMED: usize = 3;

/// Returns one sentence with its full stop.
pub(super) fn sentence(results: &Results) -> String {
    let entries = &results.summary.contenders;
    let sum = |metric| entries.iter().filter_map(|entry| entry.value(metric)).sum::<f64>();
    let unknown = entries.iter().filter(|entry| faults(entry).contains(&None)).count();
    let problem_rows: Vec<String> = entries.iter().filter_map(|entry| problem(entry, results)).collect();
    let (expected, received) = (sum(Metric::UpdatesExpected), sum(Metric::UpdatesReceived));
    if unknown == entries.len() {
        return "Losses were not measured.".to_owned();
    }
    let text = match problem_rows.as_slice() {
        [] if expected + received == 0.0 => "no update was due in the measured time".to_owned(),
        [] if unknown > 0 => "no loss was seen where it was measured".to_owned(),
        [] if received > 0.0 => {
            format!("every update reached every client, once and in order ({})", deliveries(received))
        }
        [] => "no update was counted as missed".to_owned(),
        _ if expected > 0.0 && received == 0.0 => "no published update reached any client".to_owned(),
        problem_rows if problem_rows.len() > MAX_NAMED => {
            let (number, rows) = (human::count(problem_rows.len() as f64), human::count(entries.len() as f64));
            let left: Vec<String> = entries.iter().filter_map(|entry| left(entry, results)).collect();
            let left = if left.is_empty() { String::new() } else { format!("; {}", left.join("; ")) };
            format!("{number} of {rows} rows have missed, duplicated or reordered updates: see the table{left}")
        }
        problem_rows => problem_rows.join("; "),
    };
    format!("{}.", wording::sentence(&text))
}

fn deliveries(received: f64) -> String {
    wording::counted(received, "delivery", "deliveries")
}

fn updates(number: f64) -> String {
    wording::counted(number, "update", "updates")
}

/// The numbers of missed, duplicated and reordered updates, each if it was measured.
fn faults(entry: &Entry) -> [Option<f64>; 3] {
    [Metric::UpdatesMissed, Metric::UpdatesDuplicated, Metric::UpdatesReordered].map(|metric| entry.value(metric))
}

/// Returns a clause about the clients of a contender that gave up.
fn left(entry: &Entry, results: &Results) -> Option<String> {
    complete::gave_up(entry, results)
        .map(|gave_up| format!("over {}, {gave_up}", name(entry, &results.summary.contenders)))
}

fn problem(entry: &Entry, results: &Results) -> Option<String> {
    let [_, duplicated, reordered] = faults(entry).map(|count| count.filter(|&count| count > 0.0));
    let duplicated = duplicated.map(|count| format!("received {} more than once", updates(count)));
    let reordered = reordered.map(|count| format!("received {} out of order", updates(count)));
    let problems: Vec<String> = [complete::missed(entry), duplicated, reordered].into_iter().flatten().collect();
    let name = name(entry, &results.summary.contenders);
    match (problems.is_empty(), complete::gave_up(entry, results)) {
        (true, None) => None,
        (true, Some(gave_up)) => Some(format!("over {name}, {gave_up}")),
        (false, None) => Some(format!("{name} {}", wording::list(&problems))),
        (false, Some(gave_up)) => Some(format!("{name} {}, and {gave_up}", wording::list(&problems))),
    }
}

/// The contender's name, with its client count and payload if the label alone does not identify the row.
fn name(entry: &Entry, entries: &[Entry]) -> String {
    let is_swept = entries.iter().any(|other| other.label == entry.label && other != entry);
    if is_swept { entry.name() } else { Series::of(entry, entries).spoken }
}

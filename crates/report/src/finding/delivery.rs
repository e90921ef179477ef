//! Whether everything arrived, once each and in order.

use feedlab_experiment::Metric;
use feedlab_experiment::results::Results;
use feedlab_experiment::summary::Entry;

use crate::complete;
use crate::series::Series;
use crate::{human, wording};

/// More than this would be a table, and there is one.
const MAX_NAMED: usize = 3;

/// One sentence with its full stop.
pub(super) fn sentence(results: &Results) -> String {
    let entries = &results.summary.contenders;
    let sum = |metric| entries.iter().filter_map(|entry| entry.value(metric)).sum::<f64>();
    let unknown = entries.iter().filter(|entry| faults(entry).contains(&None)).count();
    let problem_rows: Vec<String> = entries.iter().filter_map(|entry| problem(entry, results)).collect();
    let (expected, received) = (sum(Metric::UpdatesExpected), sum(Metric::UpdatesReceived));
    if unknown == entries.len() {
        return "Whether anything was lost was not measured.".to_owned();
    }
    let text = match problem_rows.as_slice() {
        [] if expected + received == 0.0 => "no update fell due in the measured time".to_owned(),
        [] if unknown > 0 => "no loss was seen where it was measured".to_owned(),
        [] if received > 0.0 => {
            format!("every update reached every client, once and in order ({})", deliveries(received))
        }
        [] => "nothing was counted as missed".to_owned(),
        _ if expected > 0.0 && received == 0.0 => "nothing that was published reached any client".to_owned(),
        problem_rows if problem_rows.len() > MAX_NAMED => {
            let (number, rows) = (human::count(problem_rows.len() as f64), human::count(entries.len() as f64));
            let left: Vec<String> = entries.iter().filter_map(|entry| left(entry, results)).collect();
            let left = if left.is_empty() { String::new() } else { format!("; {}", left.join("; ")) };
            format!("{number} of {rows} rows missed, duplicated or reordered updates: see the table{left}")
        }
        problem_rows => problem_rows.join("; "),
    };
    format!("{}.", wording::sentence(&text))
}

fn deliveries(received: f64) -> String {
    wording::counted(received, "delivery", "deliveries")
}

/// Missed, duplicated and reordered updates, each if it was measured.
fn faults(entry: &Entry) -> [Option<f64>; 3] {
    [Metric::UpdatesMissed, Metric::UpdatesDuplicated, Metric::UpdatesReordered].map(|metric| entry.value(metric))
}

/// Whose clients gave up.
fn left(entry: &Entry, results: &Results) -> Option<String> {
    complete::gave_up(entry, results)
        .map(|gave_up| format!("of {}, {gave_up}", name(entry, &results.summary.contenders)))
}

fn problem(entry: &Entry, results: &Results) -> Option<String> {
    let [_, duplicated, reordered] = faults(entry).map(|count| count.filter(|&count| count > 0.0));
    let duplicated = duplicated.map(|count| format!("received {} more than once", human::count(count)));
    let reordered = reordered.map(|count| format!("received {} out of order", human::count(count)));
    let problems: Vec<String> = [complete::missed(entry), duplicated, reordered].into_iter().flatten().collect();
    let name = name(entry, &results.summary.contenders);
    match (problems.is_empty(), complete::gave_up(entry, results)) {
        (true, None) => None,
        (true, Some(gave_up)) => Some(format!("of {name}, {gave_up}")),
        (false, None) => Some(format!("{name} {}", wording::list(&problems))),
        (false, Some(gave_up)) => Some(format!("{name} {}: {gave_up}", wording::list(&problems))),
    }
}

/// The contender, with its client count and payload if they alone tell two rows apart.
fn name(entry: &Entry, entries: &[Entry]) -> String {
    let is_swept = entries.iter().any(|other| other.label == entry.label && other != entry);
    if is_swept { entry.name() } else { Series::of(entry, entries).spoken }
}

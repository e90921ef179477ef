//! Whether everything arrived, once each and in order.

use feedlab_experiment::Metric;
use feedlab_experiment::summary::Entry;

use crate::series::Series;
use crate::{human, wording};

/// More than this would be a table, and there is one.
const MAX_COMPLAINTS: usize = 3;

/// One sentence with its full stop.
pub(super) fn sentence(entries: &[Entry]) -> String {
    let sum = |metric| entries.iter().filter_map(|entry| entry.value(metric)).sum::<f64>();
    let unknown = entries.iter().filter(|entry| faults(entry).contains(&None)).count();
    let complaints: Vec<String> = entries.iter().filter_map(|entry| complaint(entry, entries)).collect();
    let (expected, received) = (sum(Metric::UpdatesExpected), sum(Metric::UpdatesReceived));
    if unknown == entries.len() {
        return "Whether anything was lost was not measured.".to_owned();
    }
    let text = match complaints.as_slice() {
        [] if expected + received == 0.0 => "no update fell due in the measured time".to_owned(),
        [] if unknown > 0 => "no loss was seen where it was measured".to_owned(),
        [] if received > 0.0 => {
            format!("every update reached every client, once and in order ({})", deliveries(received))
        }
        [] => "nothing was counted as missed".to_owned(),
        _ if expected > 0.0 && received == 0.0 => "nothing that was published reached any client".to_owned(),
        complaints if complaints.len() > MAX_COMPLAINTS => {
            let (number, rows) = (human::count(complaints.len() as f64), human::count(entries.len() as f64));
            format!("{number} of {rows} rows missed, duplicated or reordered updates: see the table")
        }
        complaints => complaints.join("; "),
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

fn complaint(entry: &Entry, entries: &[Entry]) -> Option<String> {
    let [missed, duplicated, reordered] = faults(entry).map(|count| count.filter(|&count| count > 0.0));
    let missed = missed.map(|count| match entry.value(Metric::UpdatesExpected) {
        Some(expected) if count == expected => format!("received none of {} updates", human::count(expected)),
        Some(expected) => format!("missed {} of {} updates", human::count(count), human::count(expected)),
        None => format!("missed {}", wording::counted(count, "update", "updates")),
    });
    let duplicated = duplicated.map(|count| format!("received {} more than once", human::count(count)));
    let reordered = reordered.map(|count| format!("received {} out of order", human::count(count)));
    let deeds: Vec<String> = [missed, duplicated, reordered].into_iter().flatten().collect();
    (!deeds.is_empty()).then(|| format!("{} {}", name(entry, entries), wording::list(&deeds)))
}

/// The contender, with its client count and payload if they alone tell two rows apart.
fn name(entry: &Entry, entries: &[Entry]) -> String {
    let is_swept = entries.iter().any(|other| other.label == entry.label && other != entry);
    if is_swept { entry.name() } else { Series::of(entry, entries).spoken }
}

//! How well the arithmetic of the transports foretold a run, in one sentence.

use feedlab_experiment::Metric;
use feedlab_experiment::metric::Group;
use feedlab_experiment::summary::Entry;

use super::apart::{self, Apart};
use super::{TABLES, is_swept, tolerance};
use crate::dataset::Series;
use crate::{human, wording};

/// Figures that are spoken of together.
const GROUPS: [(Group, &str); 4] = [
    (Group::Freshness, "ages"),
    (Group::Requests, "requests"),
    (Group::Bandwidth, "bytes and packets"),
    (Group::ConnectionCost, "handshakes"),
];

/// A figure that was both measured and predicted.
struct Compared<'a> {
    entry: &'a Entry,
    metric: Metric,
    apart: Apart,
    distance: f64,
}

/// Part of a sentence; nothing where nothing was predicted that can be compared.
pub(crate) fn sentence(entries: &[Entry]) -> Option<String> {
    let (mut within, mut outside) = (Vec::new(), Vec::new());
    for (group, name) in GROUPS {
        let compared = compared(entries, group);
        let Some(farthest) = compared.iter().max_by(|a, b| a.distance.total_cmp(&b.distance)) else { continue };
        let beyond = compared.iter().filter(|found| found.apart.exceeds(tolerance(found.metric))).count();
        if beyond == 0 {
            within.push(format!("{name} within {}", rounded_up(farthest.distance)));
        } else {
            outside.push(beside(name, beyond, compared.len(), farthest, entries));
        }
    }
    let predicts = (!within.is_empty()).then(|| format!("predicts {}", wording::list(&within)));
    let clauses: Vec<String> = predicts.into_iter().chain(outside).collect();
    let clauses = clauses.join("; ");
    match (within.is_empty(), clauses.is_empty()) {
        (_, true) => None,
        (false, _) => Some(format!("the arithmetic of the transports {clauses}")),
        (true, _) => Some(format!("beside the arithmetic of the transports, {clauses}")),
    }
}

/// `of the ages, 2 of 12 are more than 5 % off, age p99 of SSE by +31 %`.
fn beside(name: &str, beyond: usize, all: usize, farthest: &Compared, entries: &[Entry]) -> String {
    let borrowed: Vec<&Entry> = entries.iter().collect();
    let whose = if is_swept(&borrowed) { farthest.entry.name() } else { Series::of(farthest.entry, entries).spoken };
    let how_far = match farthest.apart {
        Apart::By(share) => format!(" by {}", human::signed_percent(share)),
        _ => " most".to_owned(),
    };
    format!(
        "of the {name}, {} of {} {} more than {} off, {} of {whose}{how_far}",
        human::count(beyond as f64),
        human::count(all as f64),
        wording::agree(beyond, "is", "are"),
        human::percent(tolerance(farthest.metric)),
        farthest.metric.row().label,
    )
}

fn compared(entries: &[Entry], group: Group) -> Vec<Compared<'_>> {
    let metrics = || TABLES.iter().flat_map(|(_, metrics)| *metrics).filter(|metric| metric.row().group == group);
    let of = |entry, metric| {
        let apart = apart::of(entry, metric)?;
        Some(Compared { entry, metric, apart, distance: apart.distance()? })
    };
    entries.iter().flat_map(|entry| metrics().filter_map(move |&metric| of(entry, metric))).collect()
}

/// A share as a percentage that it does not exceed, to a tenth.
fn rounded_up(share: f64) -> String {
    human::percent((share * 1000.0 - 1e-6).ceil().max(1.0) / 1000.0)
}

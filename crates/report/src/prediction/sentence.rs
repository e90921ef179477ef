//! How well the arithmetic of the transports predicted a run, in one sentence.

use feedlab_experiment::Metric;
use feedlab_experiment::metric::{Group, Unit};
use feedlab_experiment::summary::Entry;

use super::deviation::{self, Deviation};
use super::{TABLES, is_of_failure, is_shown, is_swept, tolerance};
use crate::series::Series;
use crate::{human, wording};

/// Whether a metric is of a kind.
type IsOfKind = fn(Metric) -> bool;

/// The kinds of figures that one clause sums up: their names, and whether a metric belongs to them. All metrics of a
/// kind have the same tolerance.
const KINDS: [(&str, IsOfKind); 8] = [
    ("ages", |metric| metric.row().group == Group::Freshness),
    ("requests", |metric| is_count_of_requests(metric) && !is_of_failure(metric)),
    ("acknowledgements", |metric| metric == Metric::AckP50),
    ("bytes and packets", |metric| metric.row().group == Group::Bandwidth),
    ("handshakes", |metric| metric == Metric::HandshakeBytes),
    ("connection times", |metric| is_cost(metric, Unit::Microseconds)),
    ("memory", |metric| is_cost(metric, Unit::Bytes) && metric != Metric::HandshakeBytes),
    ("failure and recovery", is_of_failure),
];

fn is_count_of_requests(metric: Metric) -> bool {
    metric.row().group == Group::Requests && metric.row().unit == Unit::Count
}

fn is_cost(metric: Metric, unit: Unit) -> bool {
    metric.row().group == Group::ConnectionCost && metric.row().unit == unit
}

/// A figure that was both measured and predicted.
struct Compared<'a> {
    entry: &'a Entry,
    metric: Metric,
    deviation: Deviation,
    distance: f64,
}

/// Returns a clause, or `None` if no prediction can be compared.
pub(crate) fn sentence(entries: &[Entry]) -> Option<String> {
    let (mut within, mut outside) = (Vec::new(), Vec::new());
    for (name, is_of_kind) in KINDS {
        let compared = compared(entries, is_of_kind);
        let Some(farthest) = compared.iter().max_by(|a, b| a.distance.total_cmp(&b.distance)) else { continue };
        let beyond = compared.iter().filter(|found| found.deviation.exceeds(tolerance(found.metric))).count();
        if beyond == 0 {
            within.push(format!("{name} within {}", rounded_up(farthest.distance)));
        } else {
            outside.push(outside_clause(name, beyond, compared.len(), farthest, entries));
        }
    }
    let predicts = (!within.is_empty()).then(|| format!("predicts {}", wording::list(&within)));
    let clauses: Vec<String> = predicts.into_iter().chain(outside).collect();
    let clauses = clauses.join("; ");
    match (within.is_empty(), clauses.is_empty()) {
        (_, true) => None,
        (false, _) => Some(format!("the arithmetic of the transports {clauses}")),
        (true, _) => Some(format!("compared with the arithmetic of the transports, {clauses}")),
    }
}

/// `for ages, 2 of 12 figures are more than 5 % off (worst: age p99 of SSE, +31 %)`.
fn outside_clause(name: &str, beyond: usize, all: usize, farthest: &Compared, entries: &[Entry]) -> String {
    let borrowed: Vec<&Entry> = entries.iter().collect();
    let whose = if is_swept(&borrowed) { farthest.entry.name() } else { Series::of(farthest.entry, entries).spoken };
    let how_far = match farthest.deviation {
        Deviation::Share(share) => human::signed_percent(share),
        _ => "predicted 0".to_owned(),
    };
    format!(
        "for {name}, {} of {} {} more than {} off (worst: {} of {whose}, {how_far})",
        human::count(beyond as f64),
        wording::counted(all as f64, "figure", "figures"),
        wording::agree(beyond, "is", "are"),
        human::percent(tolerance(farthest.metric)),
        farthest.metric.row().label,
    )
}

fn compared(entries: &[Entry], is_of_kind: IsOfKind) -> Vec<Compared<'_>> {
    let metrics = || TABLES.iter().flat_map(|(_, metrics)| *metrics).filter(move |metric| is_of_kind(**metric));
    let of = |entry, metric: Metric| {
        // Ages are predicted for runs in which every update arrives.
        let has_loss = metric.row().group == Group::Freshness && Entry::loss(entry).is_some();
        let deviation = deviation::of(entry, metric).filter(|_| is_shown(entry, metric) && !has_loss)?;
        Some(Compared { entry, metric, deviation, distance: deviation.distance()? })
    };
    entries.iter().flat_map(|entry| metrics().filter_map(move |&metric| of(entry, metric))).collect()
}

/// A share as a percentage, rounded up to a tenth.
fn rounded_up(share: f64) -> String {
    human::percent((share * 1000.0 - 1e-6).ceil().max(1.0) / 1000.0)
}

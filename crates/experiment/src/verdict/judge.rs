//! How a verdict comes about: from what the harness saw of itself, never from whether a result is liked.

use std::collections::{BTreeMap, BTreeSet};

use super::{Reason, Status, Verdict};
use crate::Metric;
use crate::record::{CellRecord, Failure};

/// Lag beyond which ages are read with care, µs: the loopback's own ages are below it.
const LAG_SUSPECT_US: f64 = 10_000.0;
/// Lag beyond which ages show the harness and not the transport, µs.
const LAG_INVALID_US: f64 = 100_000.0;
/// With fewer updates than this, one that is late by chance decides every figure.
const FEW_UPDATES: f64 = 10.0;

/// What is known about a cell when it is judged.
#[derive(Clone, Copy, Debug)]
pub struct CellFacts<'a> {
    /// What was measured.
    pub metrics: &'a BTreeMap<Metric, f64>,
    /// What went wrong for clients.
    pub failures: &'a BTreeMap<Failure, u64>,
    /// Clients asked for.
    pub clients: u32,
    /// Clients that were connected when measuring began.
    pub connected: u32,
    /// Whether the harness was built without optimization (`cfg!(debug_assertions)`).
    pub debug_build: bool,
}

/// Judges one cell.
#[must_use]
pub fn judge_cell(facts: &CellFacts<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    let reasons = [
        debug_build(facts),
        missing_clients(facts),
        lag(facts, Metric::ScheduleLagP99, "the load generator's timers", "use fewer clients or a faster machine"),
        lag(facts, Metric::PublishLagP99, "updates", "lower the rate or the number of clients, or use more cores"),
        few_updates(facts),
        failures(facts),
    ];
    reasons.into_iter().flatten().for_each(|reason| verdict.add(reason));
    verdict
}

fn debug_build(facts: &CellFacts<'_>) -> Option<Reason> {
    facts.debug_build.then(|| {
        let what = "this feedlab was built without optimization".to_owned();
        Reason::new(Status::Suspect, what, "build it with `cargo build --release`")
    })
}

fn missing_clients(facts: &CellFacts<'_>) -> Option<Reason> {
    let CellFacts { clients, connected, .. } = *facts;
    (connected < clients).then(|| {
        let what = format!("only {connected} of {clients} clients were connected when measuring began");
        Reason::new(Status::Invalid, what, "use fewer clients or a longer ramp")
    })
}

fn lag(facts: &CellFacts<'_>, metric: Metric, who: &str, advice: &str) -> Option<Reason> {
    let lag = *facts.metrics.get(&metric)?;
    let status = match lag {
        lag if lag > LAG_INVALID_US => Status::Invalid,
        lag if lag > LAG_SUSPECT_US => Status::Suspect,
        _ => return None,
    };
    let what = format!("{who} were up to {:.0} ms late ({metric}), which is part of every age", lag / 1000.0);
    Some(Reason::new(status, what, advice))
}

fn few_updates(facts: &CellFacts<'_>) -> Option<Reason> {
    let published = *facts.metrics.get(&Metric::UpdatesPublished)?;
    let received = facts.metrics.get(&Metric::UpdatesReceived).copied().unwrap_or_default();
    if published > 0.0 && received == 0.0 {
        let what = format!("none of the {published} updates of the measured time arrived");
        return Some(Reason::new(
            Status::Invalid,
            what,
            "look at the failures, and follow the feed with `feedlab watch`",
        ));
    }
    (published < FEW_UPDATES).then(|| {
        let what = format!("only {published} updates fell due in the measured time");
        Reason::new(Status::Suspect, what, "measure longer, or raise the rate of the feed")
    })
}

fn failures(facts: &CellFacts<'_>) -> Option<Reason> {
    let seen: Vec<_> = facts.failures.iter().filter(|(_, count)| **count > 0).collect();
    (!seen.is_empty()).then(|| {
        let counts: Vec<_> = seen.iter().map(|(failure, count)| format!("{count} × {failure}")).collect();
        let what = format!("clients failed: {}", counts.join(", "));
        Reason::new(Status::Suspect, what, "a cost per update holds only for clients that were served")
    })
}

/// Judges a run by its cells: the same advice is given once, with the number of cells that it concerns.
#[must_use]
pub fn judge_run(cells: &[CellRecord], planned: usize) -> Verdict {
    let mut verdict = Verdict::default();
    if cells.len() < planned {
        let what = format!("only {} of {planned} cells were measured", cells.len());
        verdict.add(Reason::new(Status::Suspect, what, "let the run end: its later cells and repetitions are missing"));
    }
    let advice: BTreeSet<_> =
        cells.iter().flat_map(|cell| &cell.verdict.reasons).map(|reason| &reason.advice).collect();
    for advice in advice {
        summed_up(cells, advice).into_iter().for_each(|reason| verdict.add(reason));
    }
    verdict.reasons.sort_by_key(|reason| std::cmp::Reverse(reason.status));
    verdict
}

/// The worst of the reasons that end in the same advice, and how many cells have one.
fn summed_up(cells: &[CellRecord], advice: &str) -> Option<Reason> {
    let concerned = |cell: &&CellRecord| cell.verdict.reasons.iter().any(|reason| reason.advice == advice);
    let count = cells.iter().filter(concerned).count();
    let reasons = cells.iter().flat_map(|cell| cell.verdict.reasons.iter().map(move |reason| (cell, reason)));
    let same = reasons.filter(|(_, reason)| reason.advice == advice);
    // Of equals the first: `max_by_key` would take the last.
    let (cell, worst) = same.rev().max_by_key(|(_, reason)| reason.status)?;
    let what = match count {
        count if count == cells.len() && count > 1 => format!("in every cell: {}", worst.what),
        1 => format!("{}: {}", cell.name(), worst.what),
        count => format!("in {count} of {} cells, as in {}: {}", cells.len(), cell.name(), worst.what),
    };
    Some(Reason::new(worst.status, what, advice))
}

#[cfg(test)]
mod tests;

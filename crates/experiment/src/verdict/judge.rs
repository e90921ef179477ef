//! How a verdict comes about: from what the harness saw of itself, never from whether a result is liked.

use std::collections::{BTreeMap, BTreeSet};

use super::{Reason, Status, Verdict};
use crate::Metric;
use crate::record::{CellRecord, Failure};
use crate::scenario::{Fault, FaultKind, LinkFault};
use crate::statistics::SAMPLES_BEYOND;

mod load;

/// Lag beyond which ages are read with care, µs: the loopback's own ages are below it.
const LAG_SUSPECT_US: f64 = 10_000.0;
/// Lag beyond which ages show the harness and not the transport, µs.
const LAG_INVALID_US: f64 = 100_000.0;
/// Clocks of one machine that part by more than this are being set; a slew of 500 ppm takes 2 s for it.
const CLOCK_SUSPECT_US: f64 = 1_000.0;
/// Updates from which on there is a median.
const MEDIAN_SAMPLES: f64 = 2.0 * SAMPLES_BEYOND as f64;
/// Share of polls that may be left out before costs and ages are read with care.
const SKIPPED_SUSPECT: f64 = 0.01;
/// Share from which the contender that was asked for is not the one that was measured.
const SKIPPED_INVALID: f64 = 0.1;
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
    /// Cores of the machine.
    pub cores: usize,
    /// The pause that the publisher was told to make, µs: a lag up to it is what was asked for.
    pub planned_stall_us: u64,
    /// What was broken on purpose: that clients fail of it is what was asked for.
    pub faults: &'a [Fault],
    /// Whether clients change their transport when the way breaks it: to be broken is part of finding out.
    pub is_ladder: bool,
    /// Whether the server was told to end streams of a certain age.
    pub ends_streams: bool,
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
        timer_lag(facts),
        publish_lag(facts),
        skipped_polls(facts),
        clock_step(facts),
        clock_bound(facts),
        few_updates(facts),
        swapped(facts),
        load::generator(facts),
        load::machine(facts),
        load::others(facts),
        failures(facts),
        gave_up(facts),
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

fn timer_lag(facts: &CellFacts<'_>) -> Option<Reason> {
    let advice = "use fewer clients or a faster machine";
    lag(facts, Metric::ScheduleLagP99, 0.0, "the load generator's timers", advice)
}

fn publish_lag(facts: &CellFacts<'_>) -> Option<Reason> {
    let advice = "lower the rate or the number of clients, or use more cores";
    lag(facts, Metric::PublishLagP99, facts.planned_stall_us as f64, "updates", advice)
}

fn lag(facts: &CellFacts<'_>, metric: Metric, planned: f64, who: &str, advice: &str) -> Option<Reason> {
    let lag = *facts.metrics.get(&metric)?;
    let status = match lag - planned {
        beyond if beyond > LAG_INVALID_US => Status::Invalid,
        beyond if beyond > LAG_SUSPECT_US => Status::Suspect,
        _ => return None,
    };
    let what = format!("{who} were up to {:.0} ms late ({metric}), which is part of every age", lag / 1000.0);
    Some(Reason::new(status, what, advice))
}

/// A poll that was not sent asks for nothing and costs nothing: the contender looks cheaper and staler than it is.
/// While something is broken on purpose, a poll that waits for it holds up the next ones as it must.
fn skipped_polls(facts: &CellFacts<'_>) -> Option<Reason> {
    if !facts.faults.is_empty() {
        return None;
    }
    let skipped = facts.metrics.get(&Metric::RequestsSkipped).copied()?;
    let share = skipped / (skipped + facts.metrics.get(&Metric::Requests).copied().unwrap_or_default());
    let status = match share {
        share if share > SKIPPED_INVALID => Status::Invalid,
        share if share > SKIPPED_SUSPECT => Status::Suspect,
        _ => return None,
    };
    let what = format!("{:.0} % of the polls were never sent, because the ones before were under way", share * 100.0);
    Some(Reason::new(status, what, "use a longer interval or fewer clients"))
}

fn clock_step(facts: &CellFacts<'_>) -> Option<Reason> {
    let step = *facts.metrics.get(&Metric::ClockStep)?;
    let status = match step {
        step if step > LAG_INVALID_US => Status::Invalid,
        step if step > CLOCK_SUSPECT_US => Status::Suspect,
        _ => return None,
    };
    let what =
        format!("the wall clock moved by {:.1} ms against the monotonic one while ages were read", step / 1000.0);
    Some(Reason::new(status, what, "let time synchronization settle, or stop it for the run"))
}

/// Ages below the bound are left out before a cell is judged: without a median, most of them are.
fn clock_bound(facts: &CellFacts<'_>) -> Option<Reason> {
    let bound = *facts.metrics.get(&Metric::ClockBound)?;
    let received = facts.metrics.get(&Metric::UpdatesReceived).copied().unwrap_or_default();
    if received < MEDIAN_SAMPLES || facts.metrics.contains_key(&Metric::AgeP50) {
        return None;
    }
    let what = format!(
        "the clocks of the machines are compared to within {:.2} ms, and the median age is below that",
        bound / 1000.0
    );
    let advice = "keep the clocks together with PTP or chrony, or bring the agents nearer to the run: what takes long between \
                  them cannot be compared better";
    Some(Reason::new(Status::Suspect, what, advice))
}

fn swapped(facts: &CellFacts<'_>) -> Option<Reason> {
    let bytes = facts.metrics.get(&Metric::SwappedBytes).copied().filter(|bytes| *bytes > 0.0)?;
    let what = format!("the machine read {:.1} MiB back from swap while it was measured", bytes / f64::from(1 << 20));
    Some(Reason::new(Status::Suspect, what, "free some memory, or turn swap off"))
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
    let is_told = |failure: Failure, count: u64| count > 0 && !is_expected(facts, failure);
    let seen: Vec<_> = facts.failures.iter().filter(|(failure, count)| is_told(**failure, **count)).collect();
    (!seen.is_empty()).then(|| {
        let counts: Vec<_> = seen.iter().map(|(failure, count)| format!("{count} × {failure}")).collect();
        let what = format!("clients failed: {}", counts.join(", "));
        Reason::new(Status::Suspect, what, "a cost per update holds only for clients that were served")
    })
}

/// Planned or not: what is left of a fleet looks fresher and cheaper than the fleet was. Those that are told as failures
/// are not told twice.
fn gave_up(facts: &CellFacts<'_>) -> Option<Reason> {
    let count = facts.metrics.get(&Metric::ClientsGaveUp).copied().filter(|count| *count > 0.0)?;
    is_expected(facts, Failure::GaveUp).then(|| {
        let what = format!("{count} of {} clients gave up: ages and costs are those of the others", facts.clients);
        Reason::new(Status::Suspect, what, "rank by what was missed and who gave up, before any age or cost")
    })
}

/// Whether what was planned explains a failure. An answer that cannot be read is explained only by a fault that gives
/// such answers.
fn is_expected(facts: &CellFacts<'_>, failure: Failure) -> bool {
    let gives_pages = facts.faults.iter().any(|fault| fault.kind == FaultKind::Link(LinkFault::WrongType));
    match failure {
        Failure::Malformed => gives_pages || facts.is_ladder,
        Failure::Connect | Failure::Gap => !facts.faults.is_empty(),
        // Only a feed that can be had again may lose its server on purpose.
        Failure::Reset => false,
        Failure::Closed => facts.ends_streams || !facts.faults.is_empty() || facts.is_ladder,
        Failure::Status | Failure::Disconnected | Failure::GaveUp => !facts.faults.is_empty() || facts.is_ladder,
    }
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

//! Judges cells and runs by what the harness observed about itself, never by the results.

use std::collections::{BTreeMap, BTreeSet};

use super::{Reason, Status, Verdict};
use crate::Metric;
use crate::record::{CellRecord, Failure};
use crate::scenario::{Fault, FaultKind, LinkFault};
use crate::statistics::SAMPLES_BEYOND;

mod load;

pub use load::GENERATOR_SHARE;

/// Lag in µs beyond which ages are suspect: ages on loopback are smaller.
pub const LAG_SUSPECT_US: f64 = 10_000.0;
/// Lag in µs beyond which ages reflect the harness rather than the transport.
const LAG_INVALID_US: f64 = 100_000.0;
/// If the clocks of one machine drift apart by more than this, in µs, the time is being set; a slew of 500 ppm takes 2
/// s for it.
const CLOCK_SUSPECT_US: f64 = 1_000.0;
/// The number of updates from which there is a median.
const MEDIAN_SAMPLES: f64 = 2.0 * SAMPLES_BEYOND as f64;
/// The share of skipped polls beyond which costs and ages are suspect.
const SKIPPED_SUSPECT: f64 = 0.01;
/// The share of skipped polls beyond which the contender measured is no longer the one requested.
const SKIPPED_INVALID: f64 = 0.1;
/// With fewer updates than this, a single one that is late by chance decides every figure.
const FEW_UPDATES: f64 = 10.0;

/// The facts by which a cell is judged.
#[derive(Clone, Copy, Debug)]
pub struct CellFacts<'a> {
    /// The measured metrics.
    pub metrics: &'a BTreeMap<Metric, f64>,
    /// The client errors, with their counts.
    pub failures: &'a BTreeMap<Failure, u64>,
    /// The number of clients that the scenario asks for.
    pub clients: u32,
    /// The number of clients that were connected when the measured time began.
    pub connected: u32,
    /// The number of cores of the machine.
    pub cores: usize,
    /// The publisher's planned stall, µs: a lag up to this is intended.
    pub planned_stall_us: u64,
    /// The planned faults: client errors that they cause are intended.
    pub faults: &'a [Fault],
    /// Whether clients use the fallback ladder, for which failed connections are part of finding a transport that
    /// works.
    pub is_ladder: bool,
    /// Whether the server is configured to end streams of a certain age.
    pub ends_streams: bool,
    /// Whether the harness was built without optimization (`cfg!(debug_assertions)`).
    pub debug_build: bool,
}

/// Returns the verdict of one cell.
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
        let what = "feedlab was built without optimization".to_owned();
        Reason::new(Status::Suspect, what, "build it with `cargo build --release`")
    })
}

fn missing_clients(facts: &CellFacts<'_>) -> Option<Reason> {
    let CellFacts { clients, connected, .. } = *facts;
    (connected < clients).then(|| {
        let what = format!("only {connected} of {clients} clients were connected when the measurement started");
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

fn lag(facts: &CellFacts<'_>, metric: Metric, planned: f64, subject: &str, advice: &str) -> Option<Reason> {
    let lag = *facts.metrics.get(&metric)?;
    let status = match lag - planned {
        beyond if beyond > LAG_INVALID_US => Status::Invalid,
        beyond if beyond > LAG_SUSPECT_US => Status::Suspect,
        _ => return None,
    };
    let what =
        format!("1% of {subject} were at least {:.0} ms late ({metric}); ages include such delays", lag / 1000.0);
    Some(Reason::new(status, what, advice))
}

/// A poll that was not sent costs nothing and returns nothing: the contender looks cheaper and staler than it is.
/// During a planned fault, polls that wait for the server skip the next ones as they should.
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
    let what =
        format!("{:.0}% of the polls were never sent because the previous ones were still in flight", share * 100.0);
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
        format!("the wall clock drifted {:.1} ms from the monotonic clock during the measurement", step / 1000.0);
    Some(Reason::new(status, what, "wait until time synchronization has settled, or stop it during the run"))
}

/// Ages below the bound are removed before a cell is judged: if the median is missing, most ages were.
fn clock_bound(facts: &CellFacts<'_>) -> Option<Reason> {
    let bound = *facts.metrics.get(&Metric::ClockBound)?;
    let received = facts.metrics.get(&Metric::UpdatesReceived).copied().unwrap_or_default();
    if received < MEDIAN_SAMPLES || facts.metrics.contains_key(&Metric::AgeP50) {
        return None;
    }
    let what = format!(
        "the machines' clocks are only synchronized to within {:.2} ms, and the median age is below that",
        bound / 1000.0
    );
    let advice = "synchronize the clocks with PTP or chrony, or place the agents closer to the machine that leads the \
                  run: the longer the round trip, the less precisely clocks can be compared";
    Some(Reason::new(Status::Suspect, what, advice))
}

fn swapped(facts: &CellFacts<'_>) -> Option<Reason> {
    let bytes = facts.metrics.get(&Metric::SwappedBytes).copied().filter(|bytes| *bytes > 0.0)?;
    let what = format!("the machine read {:.1} MiB back from swap during the measurement", bytes / f64::from(1 << 20));
    Some(Reason::new(Status::Suspect, what, "free some memory, or turn swap off"))
}

fn few_updates(facts: &CellFacts<'_>) -> Option<Reason> {
    let published = *facts.metrics.get(&Metric::UpdatesPublished)?;
    let received = facts.metrics.get(&Metric::UpdatesReceived).copied().unwrap_or_default();
    if published > 0.0 && received == 0.0 {
        let what = format!("none of the {published} updates published in the measured time arrived");
        return Some(Reason::new(
            Status::Invalid,
            what,
            "look at the client errors, and follow the feed with `feedlab watch`",
        ));
    }
    (published < FEW_UPDATES).then(|| {
        let what = format!("only {published} updates fell due in the measured time");
        Reason::new(Status::Suspect, what, "measure longer, or increase the feed's rate")
    })
}

fn failures(facts: &CellFacts<'_>) -> Option<Reason> {
    let is_reported = |failure: Failure, count: u64| count > 0 && !is_expected(facts, failure);
    let seen: Vec<_> = facts.failures.iter().filter(|(failure, count)| is_reported(**failure, **count)).collect();
    (!seen.is_empty()).then(|| {
        let counts: Vec<_> = seen.iter().map(|(failure, count)| format!("{count} × {failure}")).collect();
        let what = format!("clients failed: {}", counts.join(", "));
        Reason::new(Status::Suspect, what, "costs per update apply only to the clients that were served")
    })
}

/// Planned or not: the clients that remain look fresher and cheaper than all of them did. Clients that are already
/// reported as failures are not reported again.
fn gave_up(facts: &CellFacts<'_>) -> Option<Reason> {
    let count = facts.metrics.get(&Metric::ClientsGaveUp).copied().filter(|count| *count > 0.0)?;
    is_expected(facts, Failure::GaveUp).then(|| {
        let what = format!("{count} of {} clients gave up: ages and costs describe only the others", facts.clients);
        Reason::new(
            Status::Suspect,
            what,
            "compare missed updates and clients that gave up before you compare ages \
                                            or costs",
        )
    })
}

/// Whether the scenario explains a failure. Unreadable answers are explained only by a fault that produces them.
fn is_expected(facts: &CellFacts<'_>, failure: Failure) -> bool {
    let gives_pages = facts.faults.iter().any(|fault| fault.kind == FaultKind::Link(LinkFault::WrongType));
    match failure {
        Failure::Malformed => gives_pages || facts.is_ladder,
        Failure::Connect | Failure::Gap => !facts.faults.is_empty(),
        // Planned faults may end a server only if its feed is reproducible.
        Failure::Reset => false,
        Failure::Closed => facts.ends_streams || !facts.faults.is_empty() || facts.is_ladder,
        Failure::Status | Failure::Disconnected | Failure::GaveUp => !facts.faults.is_empty() || facts.is_ladder,
    }
}

/// Returns the verdict of a run, from those of its cells. Each piece of advice appears once, with the number of cells
/// that it concerns.
#[must_use]
pub fn judge_run(cells: &[CellRecord], planned: usize) -> Verdict {
    let mut verdict = Verdict::default();
    if cells.len() < planned {
        let what = format!("only {} of {planned} cells were measured", cells.len());
        verdict.add(Reason::new(Status::Suspect, what, "measure the others with `feedlab run --resume FOLDER`"));
    }
    let advice: BTreeSet<_> =
        cells.iter().flat_map(|cell| &cell.verdict.reasons).map(|reason| &reason.advice).collect();
    for advice in advice {
        summed_up(cells, advice).into_iter().for_each(|reason| verdict.add(reason));
    }
    verdict.reasons.sort_by_key(|reason| std::cmp::Reverse(reason.status));
    verdict
}

/// Returns the worst of the reasons with this advice, and says how many cells have one.
fn summed_up(cells: &[CellRecord], advice: &str) -> Option<Reason> {
    let concerned = |cell: &&CellRecord| cell.verdict.reasons.iter().any(|reason| reason.advice == advice);
    let count = cells.iter().filter(concerned).count();
    let reasons = cells.iter().flat_map(|cell| cell.verdict.reasons.iter().map(move |reason| (cell, reason)));
    let same = reasons.filter(|(_, reason)| reason.advice == advice);
    // The first of equals: `max_by_key` would return the last.
    let (cell, worst) = same.rev().max_by_key(|(_, reason)| reason.status)?;
    let what = match count {
        count if count == cells.len() && count > 1 => format!("in every cell: {}", worst.what),
        1 => format!("{}: {}", cell.name(), worst.what),
        count => format!("in {count} of {} cells (for example {}): {}", cells.len(), cell.name(), worst.what),
    };
    Some(Reason::new(worst.status, what, advice))
}

#[cfg(test)]
mod tests;

//! What a run shows, in plain words, and what must be said beside it.
//!
//! No sentence claims more than the figures: what was not measured is called so, what the intervals do not part is not
//! parted, and the conditions that limit a claim stand next to it.

use std::time::Duration;

use feedlab_experiment::Scenario;
use feedlab_experiment::results::Results;
use feedlab_experiment::summary::Entry;
use feedlab_experiment::verdict::{Status, Verdict};

use crate::chart;
use crate::dataset::Dataset;
use crate::{failure, human, prediction, wording};

mod delivery;
mod differences;
mod sweep;

/// On loopback a round trip takes some tens of microseconds, so that whatever needs one more of them looks as good.
const LOOPBACK: &str = "Everything ran over this machine's loopback, where all transports that bring an update as it \
                        happens look alike. Differences between them need distance: do not read this page as a \
                        comparison over a network.";

/// The lab proxy ends each TCP connection and makes another: what it adds is a delay of bytes, not a path of packets.
const MADE: &str = "It delays the bytes of each connection: no packet is lost, and TCP's slow start does not feel it, so \
                    that a real path may be slower than this one.";

/// The words of a report.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// How fresh each contender was and whether everything arrived.
    pub(crate) headline: String,
    /// What else the run shows, a sentence each.
    pub(crate) more: Vec<String>,
    /// Who differs from whom in age, and by how much, a sentence a pair; only with repetitions.
    pub(crate) differences: Vec<String>,
    /// For which part of a sweep that is told.
    pub(crate) differences_for: Option<String>,
    /// What limits these claims, a sentence or two each.
    pub(crate) caveats: Vec<String>,
    /// Where the figures come from, in one line.
    pub(crate) source: String,
}

/// Puts a run into words.
pub(crate) fn of(results: &Results, data: &Dataset) -> Finding {
    let entries = &results.summary.contenders;
    let verdict = &results.summary.verdict;
    let more = [chart::bytes_finding(data), chart::requests_finding(data)].into_iter().flatten();
    let more = more.chain(sweep::findings(entries)).chain(failure::findings(results));
    let more = more.chain(prediction::sentence(entries));
    let more = more.map(|text| format!("{}.", wording::sentence(&text))).collect();
    let (headline, more) = match verdict.status {
        Status::Valid => (freshness(results, data), more),
        Status::Suspect => {
            (format!("{} But the measurement is suspect: see the verdict.", freshness(results, data)), more)
        }
        Status::Invalid => (invalid(verdict), Vec::new()),
    };
    let differences = differences::sentences(&data.differences);
    let differences_for = data.scope.fixed();
    Finding { headline, more, differences, differences_for, caveats: caveats(results, data), source: source(results) }
}

/// How fresh clients were, and whether they were given everything: who was not is told first.
fn freshness(results: &Results, data: &Dataset) -> String {
    let (ages, delivery) = (format!("{}.", chart::freshness_title(data)), delivery::sentence(results));
    let has_loss = results.summary.contenders.iter().any(|entry| entry.loss().is_some());
    if has_loss { format!("{delivery} {}", wording::sentence(&ages)) } else { format!("{ages} {delivery}") }
}

/// What is said instead of a finding.
fn invalid(verdict: &Verdict) -> String {
    let reason = verdict.reasons.iter().find(|reason| reason.status == Status::Invalid);
    let reason = reason.map_or(String::new(), |reason| format!(": {}", reason.what));
    format!("The measurement is invalid and shows nothing about the transports{reason}.")
}

fn caveats(results: &Results, data: &Dataset) -> Vec<String> {
    let mut caveats = vec![distance(&results.manifest.scenario)];
    let has_interval = |entry: &Entry| entry.metrics.values().any(|estimate| estimate.low.is_some());
    if !results.summary.contenders.iter().any(has_interval) {
        caveats.push(
            "Each cell was measured once, so that no interval can be given: a small difference may be chance. Measure \
             with 5 repetitions before building on one."
                .to_owned(),
        );
    }
    if let Some(fixed) = data.scope.fixed().filter(|_| results.summary.verdict.status != Status::Invalid) {
        caveats
            .push(format!("Unless they say otherwise, the sentences above hold for {fixed}; the table has every row."));
    }
    caveats
}

/// `feedlab 0.1.0 · 20261121T120030Z-ticker · 50 clients · 20s, 5 repetitions · loopback`, or a round trip in its place.
fn source(results: &Results) -> String {
    let manifest = &results.manifest;
    let scenario = &manifest.scenario;
    let counts: Vec<String> = scenario.clients.count.iter().map(|&count| human::count(f64::from(count))).collect();
    let clients = if counts == ["1"] { "client" } else { "clients" };
    let repetitions = wording::counted(f64::from(scenario.measure.repetitions), "repetition", "repetitions");
    format!(
        "feedlab {} · {} · {} {clients} · {}, {repetitions} · {}",
        manifest.feedlab_version,
        manifest.run,
        wording::list(&counts),
        human::duration(scenario.measure.duration),
        distance_name(scenario),
    )
}

/// What the distance of a run limits, in a sentence or two.
fn distance(scenario: &Scenario) -> String {
    match rtt(scenario) {
        Some(rtt) => {
            format!("The round trip of {} was made by the lab proxy on one machine. {MADE}", human::duration(rtt))
        }
        None => LOOPBACK.to_owned(),
    }
}

/// The same in two words.
fn distance_name(scenario: &Scenario) -> String {
    rtt(scenario).map_or_else(|| "loopback".to_owned(), |rtt| format!("round trip {}", human::duration(rtt)))
}

/// The round trip that was added, if there was one.
fn rtt(scenario: &Scenario) -> Option<Duration> {
    scenario.network.map(|network| network.rtt).filter(|rtt| !rtt.is_zero())
}

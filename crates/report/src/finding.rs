//! What a run shows, in plain sentences, together with its caveats.
//!
//! No sentence claims more than the figures show: what was not measured is called so, values whose intervals overlap
//! are not called different, and the conditions that limit a claim are stated next to it.

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

/// On loopback a round trip takes some tens of microseconds, so a transport that needs one more looks just as good.
const LOOPBACK: &str = "Everything ran over this machine's loopback, where all transports that deliver an update \
                        immediately look alike. Differences between them need distance, so do not read this page as a \
                        comparison over a network.";

/// The clocks of two machines differ, and an age is the difference of two times.
const REMOTE: &str = "A target may be on another machine: its ages include the network in between, and if it publishes a feed \
                      of its own, the difference of the two machines' clocks.";

/// The lab proxy terminates each TCP connection and opens another: it delays bytes but does not emulate a path of
/// packets.
const EMULATED: &str = "It delays the bytes of each connection: no packet is lost, and TCP's slow start does not see \
                        the delay, so a real path may be slower than this one.";

/// The link emulator leaves TCP to the kernel.
const OVER_LINK: &str = "Everything ran on one machine, over an emulated link between the kernels of both sides: handshakes, \
                         slow start and retransmissions are real, but a real path also changes over time.";

/// The sentences of a report.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// How fresh each contender was and whether everything arrived.
    pub(crate) headline: String,
    /// What else the run shows, one sentence per item.
    pub(crate) more: Vec<String>,
    /// Differences in age between contenders, one sentence per pair; only with repetitions.
    pub(crate) differences: Vec<String>,
    /// The part of a sweep for which the differences hold.
    pub(crate) differences_for: Option<String>,
    /// What limits these claims, one or two sentences per item.
    pub(crate) caveats: Vec<String>,
    /// One line that says where the figures come from.
    pub(crate) source: String,
}

/// Describes a run.
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
            (format!("{} However, the measurement is suspect: see the verdict.", freshness(results, data)), more)
        }
        Status::Invalid => (invalid(verdict), Vec::new()),
    };
    let differences = differences::sentences(&data.differences);
    let differences_for = data.scope.fixed();
    Finding { headline, more, differences, differences_for, caveats: caveats(results, data), source: source(results) }
}

/// How fresh clients were, and whether they received everything; losses come first.
fn freshness(results: &Results, data: &Dataset) -> String {
    let (ages, delivery) = (format!("{}.", chart::freshness_title(data)), delivery::sentence(results));
    let has_loss = results.summary.contenders.iter().any(|entry| entry.loss().is_some());
    if has_loss { format!("{delivery} {}", wording::sentence(&ages)) } else { format!("{ages} {delivery}") }
}

/// Returns the sentence that replaces the finding of an invalid run.
fn invalid(verdict: &Verdict) -> String {
    let reason = verdict.reasons.iter().find(|reason| reason.status == Status::Invalid);
    let reason = reason.map_or(String::new(), |reason| format!(": {}", reason.what));
    format!("The measurement is invalid and shows nothing about the transports{reason}.")
}

fn caveats(results: &Results, data: &Dataset) -> Vec<String> {
    let mut caveats = vec![distance(&results.manifest.scenario)];
    caveats.extend(foreign(&data.of_targets, data.scope.contenders));
    let has_interval = |entry: &Entry| entry.metrics.values().any(|estimate| estimate.low.is_some());
    if !results.summary.contenders.iter().any(has_interval) {
        caveats.push(
            "Each cell was measured once, so no interval can be given, and a small difference may be chance. Measure \
             with 5 repetitions before you rely on one."
                .to_owned(),
        );
    }
    if let Some(fixed) = data.scope.fixed().filter(|_| results.summary.verdict.status != Status::Invalid) {
        caveats
            .push(format!("Unless they say otherwise, the sentences above hold for {fixed}; the table has every row."));
    }
    caveats
}

/// Returns the caveat about servers that are not feedlab's.
fn foreign(names: &[String], all: usize) -> Option<String> {
    (!names.is_empty()).then(|| {
        let servers = wording::agree(names.len(), "The server", "The servers");
        format!(
            "{servers} of {} {} not feedlab's: bytes, requests and connections are counted at the clients, the bytes of \
             headers and framing are not told apart, and nothing is predicted.",
            wording::contenders(names, all),
            wording::agree(names.len(), "is", "are"),
        )
    })
}

/// `feedlab 0.1.0 · 20261121T120030Z-ticker · 50 clients · 20s, 5 repetitions · loopback`, or the round trip instead of
/// loopback.
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

/// Returns the caveat about the distance of a run, in one or two sentences.
fn distance(scenario: &Scenario) -> String {
    match rtt(scenario) {
        _ if scenario.link.is_some() => OVER_LINK.to_owned(),
        Some(rtt) => {
            format!(
                "The round trip of {} was emulated by the lab proxy on one machine. {EMULATED}",
                human::duration(rtt)
            )
        }
        None if is_remote(scenario) => REMOTE.to_owned(),
        None => LOOPBACK.to_owned(),
    }
}

/// Whether a target may be on another machine.
pub(crate) fn is_remote(scenario: &Scenario) -> bool {
    scenario.targets.iter().any(|target| target.remote)
}

/// The distance in two or three words.
fn distance_name(scenario: &Scenario) -> String {
    let near = match scenario.link {
        Some(_) => "an emulated link",
        None if is_remote(scenario) => "the network to a target",
        None => "loopback",
    };
    rtt(scenario).map_or_else(|| near.to_owned(), |rtt| format!("round trip {}", human::duration(rtt)))
}

/// The emulated round trip, if there is one.
fn rtt(scenario: &Scenario) -> Option<Duration> {
    scenario.network.map(|network| network.rtt).filter(|rtt| !rtt.is_zero())
}

//! The assumptions of a prediction, as sentences that are shown with it.

use std::collections::BTreeSet;

use super::model::{Case, NotPredicted};
use super::transport::{Arithmetic, Passage};
use crate::Scenario;
use crate::scenario::{EmulatedLink, ScheduleKind, Source};

/// Returns the assumptions of a prediction, and what it omits and why, one sentence each.
pub(super) fn assumptions(
    case: &Case<'_>,
    arithmetic: &dyn Arithmetic,
    reasons: &BTreeSet<NotPredicted>,
) -> Vec<String> {
    let scenario = case.scenario;
    let mut all = vec![distance(scenario)];
    all.extend(undisturbed(scenario).map(str::to_owned));
    all.push(schedule(&scenario.feed.source).to_owned());
    let asking = if case.contender.is_auto() { ladder(case, arithmetic) } else { arithmetic.request_pattern() };
    all.push(asking.to_owned());
    all.extend(arithmetic.phase_error(case));
    all.extend(churn(case, arithmetic));
    all.extend(reasons.iter().filter_map(|reason| reason.sentence()).map(str::to_owned));
    if scenario.feed.stall.is_some() {
        all.push("The stall is included in the ages, but not in requests, bytes and packets.".to_owned());
    }
    all.push(headers(scenario).to_owned());
    all.dedup();
    all
}

/// Returns the assumption about HTTP headers and acknowledgements.
const fn headers(scenario: &Scenario) -> &'static str {
    if scenario.link.is_some() {
        "HTTP headers are those of feedlab's own clients and server at an address of nine characters with a five-digit port."
    } else {
        "HTTP headers are those of feedlab's own clients and server on 127.0.0.1 with a five-digit port; \
         acknowledgements are sent as Linux does on loopback, as soon as the receiver has read the data."
    }
}

/// Returns the assumption about delays and losses of server, clients and network path; `None` on a link that loses packets.
fn undisturbed(scenario: &Scenario) -> Option<&'static str> {
    if scenario.link.as_ref().is_some_and(EmulatedLink::loses) {
        return None;
    }
    Some(match (scenario.faults.is_empty(), scenario.clients.slow.is_none()) {
        (true, true) => "The server responds and clients read without delay, and nothing is lost or retransmitted.",
        (true, false) => {
            "The server responds and all clients except the slow readers read without delay, and nothing is lost or \
             retransmitted."
        }
        (false, _) => "Except during the scenario's faults, the server responds and clients read without delay.",
    })
}

/// Returns the assumption about whether clients of the fallback ladder leave the first rung.
fn ladder(case: &Case<'_>, arithmetic: &dyn Arithmetic) -> &'static str {
    let is_open = arithmetic.passage(case.contender.link.via) == Passage::Open;
    let is_cut =
        case.scenario.network.is_some_and(|network| network.buffer_bytes.is_some() || network.idle_timeout.is_some());
    if is_open && !is_cut && case.scenario.faults.is_empty() {
        "Every transport works on the network path, so clients stay on the first rung of the fallback ladder."
    } else {
        "Clients of the fallback ladder are calculated as if they stay on its first rung; this scenario may make them \
         fall back."
    }
}

/// Returns the assumption about clients that replace their connections.
fn churn(case: &Case<'_>, arithmetic: &dyn Arithmetic) -> Option<String> {
    let percent = 100.0 * case.scenario.clients.churn?;
    Some(match arithmetic.churn(case) {
        0.0 => "Every poll opens its own connection, so there is none to replace.".to_owned(),
        _ => format!(
            "Clients replace {percent}% of the connections each second on average, independently of each other; a \
             client is back as soon as its new connection is open.",
        ),
    })
}

/// Returns the assumption about network delay.
fn distance(scenario: &Scenario) -> String {
    let network = scenario.network.unwrap_or_default();
    let [rtt, jitter] = [network.rtt, network.jitter].map(humantime::format_duration);
    match (network.rtt.is_zero(), network.jitter.is_zero()) {
        (true, true) if scenario.link.is_some() => {
            "The link has no delay: any measured age above the prediction is the machine's own time, and the emulator's."
                .to_owned()
        }
        (true, true) => "The network has no delay (plain loopback): any measured age above the prediction is the \
                         machine's own time, for scheduling and copying, and not a property of the transport."
            .to_owned(),
        (false, true) => format!(
            "One-way delay is always half of the {rtt} round trip; a new connection takes one additional round trip."
        ),
        (_, false) if scenario.link.as_ref().is_some_and(|link| link.emulation.reorder) => format!(
            "One-way delay is half of the {rtt} round trip plus up to {jitter} of jitter, uniformly distributed, which changes \
             the order of packets; a new connection takes one additional round trip."
        ),
        (_, false) => format!(
            "One-way delay is half of the {rtt} round trip plus up to {jitter} of jitter, uniformly distributed and \
             without reordering; a new connection takes one additional round trip."
        ),
    }
}

const fn schedule(source: &Source) -> &'static str {
    match source {
        Source::Synthetic { schedule: ScheduleKind::Constant, .. } => "Updates fall due at even intervals.",
        Source::Synthetic { schedule: ScheduleKind::Poisson, .. } => {
            "Updates fall due independently of each other; how many fall due in the measured time is known from the \
             seed, but when each does is treated as random."
        }
        Source::Synthetic { schedule: ScheduleKind::Burst, .. } => {
            "The updates of a burst are published at once: a client that receives the first one receives all of them."
        }
        Source::Replay { .. } => {
            "The recording is played on schedule: its due times are simulated, not described by a formula."
        }
        Source::Host { .. } => "All readings of the machine have the size of the one just taken.",
        Source::Clients { .. } => "Clients publish independently of each other.",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::predict;

    fn messages(more: &str) -> String {
        let text = format!(
            "schema = 1\nname = \"t\"\nfeed = {{ source = \"synthetic\", updates_per_s = 5 }}\nclients = {{ count = 5 }}\n\
             contender = [{{ transport = \"auto\" }}]\n{more}"
        );
        let scenario = Scenario::parse(&text, Path::new("t.toml")).unwrap();
        predict::of(&scenario)[0].predicted.assumptions.join("\n")
    }

    #[test]
    fn m5_assumptions_about_the_path_follow_from_the_faults() {
        let (whole, broken) = (messages(""), messages("fault = [{ kind = \"restart\", at = \"2s\", for = \"1s\" }]"));
        assert!(whole.contains("Every transport works") && whole.contains("nothing is lost"), "{whole}");
        assert!(!broken.contains("Every transport works") && !broken.contains("nothing is lost"), "{broken}");
        assert!(broken.contains("Except during the scenario's faults") && broken.contains("first rung"), "{broken}");
        let buffered = messages("network = { buffer_bytes = 65536 }");
        assert!(!buffered.contains("Every transport works"), "{buffered}");
    }
}

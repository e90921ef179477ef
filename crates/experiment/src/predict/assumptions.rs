//! What a prediction takes for granted, in sentences that stand beside it wherever it is shown.

use std::collections::BTreeSet;

use super::model::{Case, NotPredicted};
use super::transport::{Arithmetic, Passage};
use crate::Scenario;
use crate::scenario::{ScheduleKind, Source};

/// What a prediction takes for granted, and what it leaves out and why; a sentence each.
pub(super) fn assumptions(
    case: &Case<'_>,
    arithmetic: &dyn Arithmetic,
    reasons: &BTreeSet<NotPredicted>,
) -> Vec<String> {
    let scenario = case.scenario;
    let mut all = vec![distance(scenario)];
    all.push(undisturbed(scenario).to_owned());
    all.push(schedule(&scenario.feed.source).to_owned());
    let asking = if case.contender.is_auto() { ladder(case, arithmetic) } else { arithmetic.request_pattern() };
    all.push(asking.to_owned());
    all.extend(arithmetic.phase_error(case));
    all.extend(churn(case, arithmetic));
    all.extend(reasons.iter().filter_map(|reason| reason.sentence()).map(str::to_owned));
    if scenario.feed.stall.is_some() {
        all.push("The stall is in the ages, and not in requests, bytes and packets.".to_owned());
    }
    all.push(
        "Heads are those of feedlab's own clients and server on 127.0.0.1 with a port of five digits; \
         acknowledgements are Linux's on loopback, and leave as soon as the receiver has read."
            .to_owned(),
    );
    all.dedup();
    all
}

/// What the server, the clients and the way do besides what the scenario asks of them.
fn undisturbed(scenario: &Scenario) -> &'static str {
    match (scenario.faults.is_empty(), scenario.clients.slow.is_none()) {
        (true, true) => "The server answers and a client reads without delay, and nothing is lost or sent again.",
        (true, false) => {
            "The server answers and all but the slow readers read without delay, and nothing is lost or sent again."
        }
        (false, _) => "But for what the scenario breaks, the server answers and a client reads without delay.",
    }
}

/// Whether a client of the ladder has a reason to leave its first rung.
fn ladder(case: &Case<'_>, arithmetic: &dyn Arithmetic) -> &'static str {
    let is_open = arithmetic.passage(case.contender.link.via) == Passage::Open;
    let is_cut =
        case.scenario.network.is_some_and(|network| network.buffer_bytes.is_some() || network.idle_timeout.is_some());
    if is_open && !is_cut && case.scenario.faults.is_empty() {
        "The way breaks nothing, so that a client stays on the first rung of its ladder."
    } else {
        "A client of the ladder is reckoned as one on its first rung; what this scenario breaks may send it further down."
    }
}

/// Whether clients change their connections, and what of it is expected.
fn churn(case: &Case<'_>, arithmetic: &dyn Arithmetic) -> Option<String> {
    let percent = 100.0 * case.scenario.clients.churn?;
    Some(match arithmetic.churn(case) {
        0.0 => "Every poll has a connection of its own, so that there is none that a client could change.".to_owned(),
        _ => format!(
            "Each second {percent}% of the connections are expected to change, independently of each other; a client is \
             there again after one opening.",
        ),
    })
}

/// What the way takes.
fn distance(scenario: &Scenario) -> String {
    let network = scenario.network.unwrap_or_default();
    let [rtt, jitter] = [network.rtt, network.jitter].map(humantime::format_duration);
    match (network.rtt.is_zero(), network.jitter.is_zero()) {
        (true, true) => "The network takes no time (plain loopback): what is measured above the predicted age is the \
                         machine's own time, scheduling and copying, and no property of the transport."
            .to_owned(),
        (false, true) => format!(
            "Every way takes half of the round trip of {rtt}, always; a new connection takes a round trip of its own."
        ),
        (_, false) => format!(
            "Every way takes half of the round trip of {rtt} and up to {jitter} more, evenly distributed, and nothing \
             overtakes; a new connection takes a round trip of its own."
        ),
    }
}

const fn schedule(source: &Source) -> &'static str {
    match source {
        Source::Synthetic { schedule: ScheduleKind::Constant, .. } => "An update falls due at even intervals.",
        Source::Synthetic { schedule: ScheduleKind::Poisson, .. } => {
            "Updates fall due independently of each other; how many do in the measured time is known from the seed, when \
             each does is taken as random."
        }
        Source::Synthetic { schedule: ScheduleKind::Burst, .. } => {
            "A burst is there all at once: whoever is told of its first update is told of all."
        }
        Source::Replay { .. } => {
            "The recording is played on time: its due times are simulated, not described by a formula."
        }
        Source::Host { .. } => "A reading of the machine is as long as the one that was just taken.",
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
    fn m5_what_is_assumed_of_the_way_follows_from_what_the_scenario_breaks() {
        let (whole, broken) = (messages(""), messages("fault = [{ kind = \"restart\", at = \"2s\", for = \"1s\" }]"));
        assert!(whole.contains("The way breaks nothing") && whole.contains("nothing is lost"), "{whole}");
        assert!(!broken.contains("The way breaks nothing") && !broken.contains("nothing is lost"), "{broken}");
        assert!(broken.contains("But for what the scenario breaks") && broken.contains("first rung"), "{broken}");
        let buffered = messages("network = { buffer_bytes = 65536 }");
        assert!(!buffered.contains("The way breaks nothing"), "{buffered}");
    }
}

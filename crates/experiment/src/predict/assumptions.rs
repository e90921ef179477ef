//! What a prediction takes for granted, in sentences that stand beside it wherever it is shown.

use std::collections::BTreeSet;

use super::model::{Case, Unknown};
use super::transport::Arithmetic;
use crate::Scenario;
use crate::scenario::{ScheduleKind, Source};

/// What a prediction takes for granted, and what it leaves out and why; a sentence each.
pub(super) fn assumptions(case: &Case<'_>, arithmetic: &dyn Arithmetic, unknown: &BTreeSet<Unknown>) -> Vec<String> {
    let scenario = case.scenario;
    let mut all = vec![distance(scenario)];
    all.push("The server answers and a client reads without delay, and nothing is lost or sent again.".to_owned());
    all.push(schedule(&scenario.feed.source).to_owned());
    let asking = if case.contender.is_auto() { LADDER } else { arithmetic.asking() };
    all.push(asking.to_owned());
    all.extend(arithmetic.in_step(case));
    all.extend(unknown.iter().filter_map(|unknown| unknown.sentence()).map(str::to_owned));
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

const LADDER: &str = "The way breaks nothing, so that a client stays on the first rung of its ladder.";

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

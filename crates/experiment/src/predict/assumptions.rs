//! What a prediction takes for granted, in sentences that stand beside it wherever it is shown.

use super::course::Course;
use super::known::Known;
use super::way::Way;
use super::{ages, requests};
use crate::Scenario;
use crate::scenario::{Contender, Http, Options, ScheduleKind, Source};

/// What a prediction takes for granted, a sentence each.
pub(super) fn assumptions(scenario: &Scenario, contender: &Contender, clients: u32, course: &Course) -> Vec<String> {
    let way = Way::of(scenario, contender);
    let mut all = vec![distance(scenario)];
    all.push("The server answers and a client reads without delay, and nothing is lost or sent again.".to_owned());
    all.push(schedule(&scenario.feed.source).to_owned());
    all.push(asking(&contender.options).to_owned());
    all.extend(in_step(scenario, &contender.options, clients, &way));
    all.extend(left_out(scenario, contender, &Known::of(scenario, contender, course, &way)).map(str::to_owned));
    if scenario.feed.stall.is_some() {
        all.push("The stall is in the ages, and not in requests, bytes and packets.".to_owned());
    }
    all.push(
        "Heads are those of feedlab's own clients and server on 127.0.0.1 with a port of five digits; \
         acknowledgements are Linux's on loopback, and leave as soon as the receiver has read."
            .to_owned(),
    );
    all
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

/// What is not predicted, because it would be a guess.
fn left_out(scenario: &Scenario, contender: &Contender, known: &Known) -> impl Iterator<Item = &'static str> {
    let link = contender.link;
    let is_sealed = link.tls || link.http == Http::V2 || link.via.is_nginx();
    [
        (
            is_sealed,
            "Bytes and packets are not predicted: TLS, HTTP/2 and nginx add to them what no formula here says.",
        ),
        (
            scenario.clients.slow.is_some(),
            "Slow readers change nothing for the others; their bytes are in the server's \
                                           counts, so that bytes are not predicted.",
        ),
        (
            !scenario.faults.is_empty(),
            "Ages, requests and bytes are not predicted where something breaks; what is lost \
                                       and how clients recover is, as far as the waits of clients are known.",
        ),
        (
            known.publishing,
            "Clients publish on connections that are open already, and independently of each other, so \
                            that how much they publish is known on average only.",
        ),
        (
            scenario.faults.is_empty() && !known.ages(),
            "Ages are not predicted: the way or the server holds something \
                                                       up for as long as no formula here says.",
        ),
    ]
    .into_iter()
    .filter_map(|(applies, told)| applies.then_some(told))
}

/// Says so when the ages of a run depend on its clients' phases by more than a hundredth.
fn in_step(scenario: &Scenario, options: &Options, clients: u32, way: &Way) -> Option<String> {
    let Options::ShortPolling { interval, .. } = options else { return None };
    let period = match scenario.feed.source {
        Source::Synthetic { updates_per_s, schedule: ScheduleKind::Constant, .. } | Source::Host { updates_per_s } => {
            1.0 / updates_per_s
        }
        Source::Synthetic { updates_per_s, schedule: ScheduleKind::Burst, burst_size, .. } => {
            f64::from(burst_size) / updates_per_s
        }
        _ => return None,
    };
    let cycle = requests::cycle(interval.as_secs_f64(), way.gap(options));
    let phases = f64::from(clients) * f64::from(scenario.measure.repetitions);
    let scatter = ages::scatter(cycle, period, phases).filter(|scatter| *scatter > 0.01)?;
    Some(format!(
        "Updates come in step with the polls, so that the ages are decided by {phases} random phases: by chance the mean \
         of a run is about {:.0} % off.",
        100.0 * scatter
    ))
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
        Source::Stdin => "Nobody knows what standard input will bring.",
    }
}

const fn asking(options: &Options) -> &'static str {
    match options {
        Options::ShortPolling { .. } => {
            "A client asks at a fixed rate, at a phase of its own that has nothing to do with the feed; a poll that is \
             still under way when the next is due replaces it."
        }
        Options::LongPolling { .. } => "A client asks anew the moment its answer is in, with its cursor.",
        Options::Sse { .. } | Options::WebSocket { .. } => "Each update is one write, and its stream stays open.",
        Options::Auto { .. } => "The way breaks nothing, so that a client stays on the first rung of its ladder.",
    }
}

//! The scenarios from which a choice is predicted: the team's feed and distance, and the candidates as contenders.

use std::time::Duration;

use super::{Pattern, Question};
use crate::Metric;
use crate::Scenario;
use crate::predict;
use crate::scenario::{Clients, Contender, Feed, Measure, Network, Nginx, ScheduleKind, Source};

/// The number of updates over which traffic is computed: their numbers have up to four digits.
const UPDATES: f64 = 10_000.0;
/// The number of updates over which ages are computed. Beyond the limit of the prediction, independent arrivals are
/// computed in closed form, and chance does not matter.
const MANY: f64 = 250_000.0;
/// The number of updates or bursts that are simulated, and of the answers of long polling while nothing falls due.
const FEW: f64 = 20.0;
const LEAST: f64 = 2.0;
/// The number of updates that are simulated, if these are more than the least number of bursts.
const SIMULATED: f64 = 4_000.0;
const ANSWERS: f64 = 20_000.0;
/// The history that a server keeps by default, and the largest.
const HISTORY: f64 = 4_096.0;
pub(super) const MOST_HISTORY: f64 = 1_000_000.0;
/// The largest publication of a client.
const MOST_PUBLICATION: usize = 60 << 10;

/// The age of updates, s.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Age {
    pub(super) p50: f64,
    pub(super) p99: f64,
}

/// Returns the predicted age of a candidate; `None` if it is not predicted.
pub(super) fn age(question: &Question, contender: &Contender) -> Option<Age> {
    let question = &alike_in_age(question);
    let updates = if question.pattern == Pattern::Random { MANY } else { few(question) };
    let scenario = scenario(question, vec![contender.clone()], updates);
    let metrics = predict::of(&scenario).pop()?.predicted.metrics;
    let seconds = |metric| metrics.get(&metric).map(|us| us * 1e-6);
    Some(Age { p50: seconds(Metric::AgeP50)?, p99: seconds(Metric::AgeP99)? })
}

/// Returns a question with the same ages that takes less to simulate. The path of a question has no limited rate, so ages
/// depend neither on the payload nor on how many updates fall due together.
fn alike_in_age(question: &Question) -> Question {
    let mut alike = Question { payload_bytes: 1, ..question.clone() };
    if let Pattern::Bursts(size) = question.pattern
        && !question.chat
    {
        (alike.rate, alike.pattern) = (question.rate / f64::from(size.max(1)), Pattern::Bursts(1));
    }
    alike
}

/// Returns the scenario from which traffic is computed. Each deployment ends every connection once, so that clients
/// replace a share of their connections each second.
pub(super) fn traffic(question: &Question, contenders: Vec<Contender>) -> Scenario {
    let is_simulated = match question.pattern {
        Pattern::Steady => silence(question) > hold(question),
        Pattern::Random => false,
        Pattern::Bursts(_) => true,
    };
    let mut scenario = scenario(question, contenders, if is_simulated { few(question) } else { UPDATES });
    if let Source::Synthetic { schedule, .. } = &mut scenario.feed.source
        && is_simulated
    {
        // A burst of one update: the prediction then simulates these updates, and not a million seconds.
        *schedule = ScheduleKind::Burst;
    }
    let churn = question.deploys_a_day / 86_400.0;
    scenario.clients.churn = (churn > 0.0).then_some(churn.min(1.0));
    scenario
}

/// Returns the time from one update or burst to the next, s.
pub(super) fn silence(question: &Question) -> f64 {
    let size = if let Pattern::Bursts(size) = question.pattern { f64::from(size) } else { 1.0 };
    size / question.updates_per_s()
}

/// Returns for how long a held poll waits at most, s.
fn hold(question: &Question) -> f64 {
    super::candidate::hold(question).as_secs_f64()
}

/// Returns the number of updates that are simulated, such that a long silence does not take long.
fn few(question: &Question) -> f64 {
    let each = silence(question) * question.updates_per_s();
    let silences = (ANSWERS * hold(question) / silence(question)).min(SIMULATED / each).clamp(LEAST, FEW).floor();
    silences * each
}

/// Returns how many updates fall due within a time, with a margin for clusters and bursts.
pub(super) fn due_within(question: &Question, time: Duration) -> f64 {
    const MARGIN: f64 = 2.0;
    let burst = if let Pattern::Bursts(size) = question.pattern { f64::from(size) } else { 20.0 };
    MARGIN * question.updates_per_s() * time.as_secs_f64() + burst
}

/// Returns the history that a server needs for clients that poll at most every `time`.
pub(super) fn history(question: &Question, time: Duration) -> usize {
    due_within(question, time).ceil().clamp(HISTORY, MOST_HISTORY) as usize
}

fn scenario(question: &Question, contenders: Vec<Contender>, updates: f64) -> Scenario {
    let rate = question.updates_per_s();
    Scenario {
        name: question.name.clone(),
        question: String::new(),
        seed: 1,
        feed: Feed { source: source(question, rate), broker: None, history: HISTORY as usize, servers: 1, stall: None },
        clients: Clients {
            count: vec![100],
            ramp: Duration::from_secs(1),
            headers: question.request_headers(),
            slow: None,
            churn: None,
        },
        network: Some(Network { rtt: question.rtt, ..Network::default() }),
        link: None,
        nginx: Nginx::default(),
        faults: Vec::new(),
        precision: None,
        measure: Measure {
            settle: Duration::from_secs(1),
            warm_up: Duration::ZERO,
            duration: Duration::try_from_secs_f64(updates / rate).unwrap_or(Duration::from_secs(10)),
            drain: Duration::from_secs(1),
            repetitions: 1,
        },
        targets: Vec::new(),
        contenders,
        thresholds: Vec::new(),
    }
}

fn source(question: &Question, rate: f64) -> Source {
    let payload = question.payload_bytes;
    if question.chat {
        return Source::Clients { updates_per_s: rate, payload_bytes: payload.min(MOST_PUBLICATION) };
    }
    let (schedule, burst_size) = match question.pattern {
        Pattern::Steady => (ScheduleKind::Constant, 1),
        Pattern::Random => (ScheduleKind::Poisson, 1),
        Pattern::Bursts(size) => (ScheduleKind::Burst, size),
    };
    Source::Synthetic { updates_per_s: rate, schedule, burst_size, payload_bytes: vec![payload], binary: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_do_not_depend_on_how_many_updates_fall_due_together() {
        let question: Question =
            toml::from_str("rate = 20\npattern = \"bursts of 50\"\nbudget = \"2s\"\nrtt = \"40ms\"").unwrap();
        let candidates = super::super::candidate::all(&question);
        assert_eq!(candidates.len(), 4);
        for contender in candidates.into_iter().map(|one| one.contender) {
            let found = age(&question, &contender).unwrap();
            let label = contender.label.clone();
            let full = scenario(&Question { payload_bytes: 1, ..question.clone() }, vec![contender], 20.0 * 50.0);
            let metrics = predict::of(&full).pop().unwrap().predicted.metrics;
            for (found, expected) in [(found.p50, metrics[&Metric::AgeP50]), (found.p99, metrics[&Metric::AgeP99])] {
                assert!((found * 1e6 - expected).abs() <= 0.01 * expected, "{label}: {found} s, {expected} µs");
            }
        }
    }
}

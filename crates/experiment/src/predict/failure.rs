//! What a fault takes and what comes back, without measuring it: what is lost, how long a client is away, and how many
//! come at once.
//!
//! In reading order: how long a client waits before it comes back, one outage of one client, what of all outages is
//! predicted, and connections that a proxy closes because they are idle.

use std::collections::BTreeMap;

use super::course::Course;
use super::memory::is_enough;
use super::way::Way;
use crate::clients::BACKOFF_CAP;
use crate::scenario::{Contender, Fault, FaultKind, Options};
use crate::{Metric, Scenario};

mod cuts;
mod gave_up;
pub(super) mod idle;
mod outage;
mod storm;
mod wait;

use cuts::Cuts;
use wait::Wait;

/// What is predicted of delivery and recovery; `clients` are all of them. Empty where nothing breaks.
pub(super) fn metrics(
    scenario: &Scenario,
    contender: &Contender,
    clients: f64,
    course: &Course,
    way: &Way,
) -> BTreeMap<Metric, f64> {
    let mut found = BTreeMap::new();
    if scenario.faults.is_empty() {
        found.extend(idle::metrics(scenario, contender, clients, course, way));
        return found;
    }
    let gave_up = gave_up::clients(scenario, contender, clients, way);
    found.extend(gave_up.map(|count| (Metric::ClientsGaveUp, count)));
    if gave_up == Some(0.0) {
        found.extend(nothing_lost(scenario, contender, course, way).into_iter().flatten());
        if let Some(cuts) = Cuts::of(scenario, contender, course, way) {
            found.extend(cuts.metrics(scenario, clients));
        }
    }
    found
}

/// With a cursor and a history that holds what fell due in the longest outage nothing is lost and nothing comes twice
/// (E17, E20), whoever broke what.
fn nothing_lost(scenario: &Scenario, contender: &Contender, course: &Course, way: &Way) -> Option<[(Metric, f64); 3]> {
    let history = contender.serving.history.unwrap_or(scenario.feed.history);
    let is_safe =
        contender.comeback.with_cursor && is_enough(history, course, longest_outage(scenario, contender, way));
    is_safe.then_some([(Metric::UpdatesMissed, 0.0), (Metric::UpdatesDuplicated, 0.0), (Metric::UpdatesToldLost, 0.0)])
}

/// As long as the longest fault, the time until a ladder notices it on two rungs, and the wait of whoever tried in vain just before its end: a backoff doubles, so that
/// this is about as long again.
fn longest_outage(scenario: &Scenario, contender: &Contender, way: &Way) -> f64 {
    let lasts = scenario.faults.iter().map(|fault| fault.length.as_secs_f64()).fold(0.0, f64::max);
    let notices = match contender.options {
        Options::Auto { watchdog, hold, interval, .. } => (2 * watchdog + hold + interval).as_secs_f64(),
        _ => 0.0,
    };
    lasts + lasts.min(BACKOFF_CAP.as_secs_f64()) + notices + Wait::of(contender).longest() + 2.0 * way.opening()
}

/// Whether whoever comes back after a wait finds a server that was started anew, if the fault took it away.
fn finds_a_server(wait: &Wait, fault: &Fault) -> bool {
    /// How long it takes at most until it serves, s.
    const STARTS: f64 = 1.0;
    let is_away = matches!(fault.kind, FaultKind::Restart | FaultKind::Kill);
    !is_away || wait.least >= fault.length.as_secs_f64() + STARTS
}

/// Whether a fault ends connections of clients that are there, at a moment that is known.
const fn cuts(kind: FaultKind) -> bool {
    matches!(kind, FaultKind::Cut | FaultKind::Reset | FaultKind::Kill)
}

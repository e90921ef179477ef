//! What a fault takes and what comes back, without measuring it: what is lost, how long a client is away, and how many
//! come at once.
//!
//! In reading order: one outage of one client, what of all outages is predicted, who comes back at once, who does not come
//! back, and connections that a proxy closes because they are idle.

use super::model::{Case, FeedModel, NotPredicted, Wait};
use super::transport::Arithmetic;
use crate::Metric;
use crate::clients::BACKOFF_CAP;
use crate::scenario::{Fault, FaultKind, LinkFault, Options, ProcessFault};

mod cuts;
mod gave_up;
pub(super) mod idle;
mod outage;
mod storm;

use cuts::Cuts;

/// A figure, or why there is none.
type Figure = (Metric, Result<f64, NotPredicted>);

/// What is predicted of delivery and recovery. Empty where nothing breaks.
pub(super) fn metrics(case: &Case<'_>, arithmetic: &dyn Arithmetic, feed: &FeedModel) -> Vec<Figure> {
    if case.scenario.faults.is_empty() {
        return idle::metrics(case, arithmetic, feed);
    }
    let gave_up = gave_up::clients(case, arithmetic);
    let mut found = vec![(Metric::ClientsGaveUp, gave_up)];
    if gave_up == Ok(0.0) {
        found.extend(nothing_lost(case, arithmetic, feed).into_iter().flatten());
        match Cuts::of(case, arithmetic, feed) {
            Ok(cuts) => found.extend(cuts.metrics(case)),
            Err(reason) => found.push((Metric::Reconnects, Err(reason))),
        }
    }
    found
}

/// How long a client waits before it connects again.
pub(super) fn wait(case: &Case<'_>, arithmetic: &dyn Arithmetic) -> Wait {
    let reconnect = &case.contender.reconnect;
    let fixed = reconnect.after.map(|after| Wait::fixed(after.as_secs_f64(), reconnect.jitter));
    fixed.unwrap_or_else(|| arithmetic.wait(reconnect))
}

/// With a cursor and a history that holds what fell due in the longest outage nothing is lost and nothing comes twice
/// (E17, E20), whoever broke what.
fn nothing_lost(case: &Case<'_>, arithmetic: &dyn Arithmetic, feed: &FeedModel) -> Option<[Figure; 3]> {
    let outage = longest_outage(case, arithmetic);
    let is_safe = case.contender.reconnect.with_cursor && feed.fits(case.history(), outage);
    let metrics = [Metric::UpdatesMissed, Metric::UpdatesDuplicated, Metric::UpdatesReportedLost];
    is_safe.then_some(metrics.map(|metric| (metric, Ok(0.0))))
}

/// As long as the longest fault, the time until a ladder notices it on two rungs, and the wait of whoever tried in vain
/// just before its end: a backoff doubles, so that this is about as long again.
fn longest_outage(case: &Case<'_>, arithmetic: &dyn Arithmetic) -> f64 {
    let lasts = case.scenario.faults.iter().map(|fault| fault.length.as_secs_f64()).fold(0.0, f64::max);
    let notices = match case.contender.options {
        Options::Auto { watchdog, hold, interval, .. } => (2 * watchdog + hold + interval).as_secs_f64(),
        _ => 0.0,
    };
    let wait = wait(case, arithmetic).longest();
    lasts + lasts.min(BACKOFF_CAP.as_secs_f64()) + notices + wait + 2.0 * case.path.open_time()
}

/// Whether there is one server, so that nobody is served while it is away.
const fn has_one_server(case: &Case<'_>) -> bool {
    !case.contender.link.via.is_nginx() || case.scenario.nginx.upstreams == 1
}

/// Whether whoever comes back after a wait finds a server that was started again, if the fault took the only one away.
fn finds_a_server(wait: &Wait, fault: &Fault) -> bool {
    /// How long it takes at most until it serves, s.
    const STARTS: f64 = 1.0;
    !fault.kind.ends_server() || wait.least >= fault.length.as_secs_f64() + STARTS
}

/// Whether a fault ends connections of clients that are there, at a moment that is known.
const fn cuts(kind: FaultKind) -> bool {
    matches!(kind, FaultKind::Link(LinkFault::Cut | LinkFault::Reset) | FaultKind::Process(ProcessFault::Kill))
}

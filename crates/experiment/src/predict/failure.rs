//! Predictions about faults: which updates are lost, how long a client is disconnected, and how many clients reconnect
//! at once.
//!
//! In reading order: one outage of one client, the predictions for all outages, peaks of reconnects, clients that give
//! up, and connections that a proxy closes because they are idle.

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

/// A metric with its value, or the reason why it is not predicted.
type Figure = (Metric, Result<f64, NotPredicted>);

/// Returns the predictions about delivery and recovery. Empty without faults and idle timeouts.
pub(super) fn metrics(case: &Case<'_>, arithmetic: &dyn Arithmetic, feed: &FeedModel) -> Vec<Figure> {
    if case.scenario.faults.is_empty() {
        return idle::metrics(case, arithmetic, feed);
    }
    let gave_up = gave_up::clients(case, arithmetic);
    let mut found = vec![(Metric::ClientsGaveUp, gave_up)];
    if gave_up == Ok(0.0) {
        found.extend(nothing_lost(case, arithmetic, feed).into_iter().flatten());
        match Cuts::of(case, arithmetic, feed) {
            // What is described is a connection through the lab proxy.
            _ if case.scenario.link.is_some() => {}
            Ok(cuts) => found.extend(cuts.metrics(case)),
            Err(reason) => found.push((Metric::Reconnects, Err(reason))),
        }
    }
    found
}

/// Returns how long a client waits before it reconnects.
pub(super) fn wait(case: &Case<'_>, arithmetic: &dyn Arithmetic) -> Wait {
    let reconnect = &case.contender.reconnect;
    let fixed = reconnect.after.map(|after| Wait::fixed(after.as_secs_f64(), reconnect.jitter));
    fixed.unwrap_or_else(|| arithmetic.wait(reconnect))
}

/// With a cursor and a history that covers the longest outage, nothing is lost and nothing arrives twice (E17, E20),
/// whatever the fault.
fn nothing_lost(case: &Case<'_>, arithmetic: &dyn Arithmetic, feed: &FeedModel) -> Option<[Figure; 3]> {
    let outage = longest_outage(case, arithmetic);
    let is_safe = case.contender.reconnect.with_cursor && feed.fits(case.history(), outage);
    let metrics = [Metric::UpdatesMissed, Metric::UpdatesDuplicated, Metric::UpdatesReportedLost];
    is_safe.then_some(metrics.map(|metric| (metric, Ok(0.0))))
}

/// Returns the duration of the longest outage: the longest fault, the time until a fallback ladder notices it on two
/// rungs, and the wait of a client that failed to reconnect just before the fault ended: a backoff doubles, so this
/// wait is about as long as the fault.
fn longest_outage(case: &Case<'_>, arithmetic: &dyn Arithmetic) -> f64 {
    let lasts = case.scenario.faults.iter().map(|fault| fault.length.as_secs_f64()).fold(0.0, f64::max);
    let notices = match case.contender.options {
        Options::Auto { watchdog, hold, interval, .. } => (2 * watchdog + hold + interval).as_secs_f64(),
        _ => 0.0,
    };
    let wait = wait(case, arithmetic).longest();
    lasts + lasts.min(BACKOFF_CAP.as_secs_f64()) + notices + wait + 2.0 * case.path.open_time()
}

/// Whether there is only one server, so no client is served while it is down.
const fn has_one_server(case: &Case<'_>) -> bool {
    !case.contender.link.via.is_nginx() || case.scenario.nginx.upstreams == 1
}

/// Whether clients that reconnect after a wait find the server restarted, if the fault ended the only one.
fn finds_a_server(wait: &Wait, fault: &Fault) -> bool {
    /// The maximum time until a restarted server is ready, s.
    const STARTS: f64 = 1.0;
    !fault.kind.ends_server() || wait.least >= fault.length.as_secs_f64() + STARTS
}

/// Whether a fault ends open connections at a known time.
const fn cuts(kind: FaultKind) -> bool {
    matches!(kind, FaultKind::Link(LinkFault::Cut | LinkFault::Reset) | FaultKind::Process(ProcessFault::Kill))
}

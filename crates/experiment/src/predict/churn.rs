//! Clients that end their connections by themselves and come back at once (`clients.churn`): how many do in a cell. What
//! passes then, and what falls due meanwhile, is in the arithmetic of each transport.
//!
//! The moments are independent, so that only their number is expected: of `n` of them it is off by `√n`.

use std::collections::BTreeMap;

use super::model::{Case, FeedModel};
use super::transport::Arithmetic;
use crate::Metric;

/// Connections that a client changes from the end of the ramp until it leaves.
pub(super) fn changes(case: &Case<'_>, arithmetic: &dyn Arithmetic, feed: &FeedModel) -> f64 {
    let before = case.before_the_feed() - case.scenario.clients.ramp.as_secs_f64();
    arithmetic.churn(case) * (before + feed.whole.to)
}

/// Whether a client is given all that falls due until it is there again.
fn loses_nothing(case: &Case<'_>, feed: &FeedModel) -> bool {
    case.contender.reconnect.with_cursor && feed.fits(case.history(), case.path.open_time())
}

/// Adds them to those of clients that lose their connection, where these are known; nothing else may be known where something
/// `breaks`. How many come back at once is a matter of luck then, and so is what they lose if they lose anything.
pub(super) fn add(
    metrics: &mut BTreeMap<Metric, f64>,
    case: &Case<'_>,
    arithmetic: &dyn Arithmetic,
    feed: &FeedModel,
    breaks: bool,
) {
    let changes = changes(case, arithmetic, feed) * case.clients;
    if changes == 0.0 {
        return;
    }
    match metrics.get_mut(&Metric::Reconnects) {
        Some(reconnects) => *reconnects += changes,
        None if !breaks && case.scenario.network.is_none_or(|network| network.idle_timeout.is_none()) => {
            metrics.insert(Metric::Reconnects, changes);
        }
        None => {}
    }
    metrics.remove(&Metric::ReconnectsPeak);
    if !loses_nothing(case, feed) {
        let lost = [Metric::UpdatesMissed, Metric::UpdatesReportedLost, Metric::UpdatesReplayed];
        metrics.retain(|metric, _| !lost.contains(metric));
    }
}

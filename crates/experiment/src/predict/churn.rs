//! Clients that end their connections by themselves and reconnect immediately (`clients.churn`): how many of them there
//! are in a cell. The resulting traffic, and the updates that fall due meanwhile, are in the arithmetic of each
//! transport.
//!
//! The times are independent, so only their expected number is known: with `n` of them, its standard deviation is `√n`.

use std::collections::BTreeMap;

use super::model::{Case, FeedModel};
use super::transport::Arithmetic;
use crate::Metric;

/// Returns the number of connections that a client replaces from the end of the ramp until it leaves.
pub(super) fn changes(case: &Case<'_>, arithmetic: &dyn Arithmetic, feed: &FeedModel) -> f64 {
    let before = case.feed_start() - case.scenario.clients.ramp.as_secs_f64();
    arithmetic.churn(case) * (before + feed.whole.to)
}

/// Whether a client receives all updates that fall due before it is back.
fn loses_nothing(case: &Case<'_>, feed: &FeedModel) -> bool {
    case.contender.reconnect.with_cursor && feed.fits(case.history(), case.path.open_time())
}

/// Adds these reconnects to those of clients that lose their connection, if those are known; with faults (`breaks`)
/// nothing else may be known. The peak of reconnects then depends on chance, and so does what clients lose, if they
/// lose anything.
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

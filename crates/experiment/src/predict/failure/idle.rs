//! Connections that a proxy closes because they are idle (E13). Application keepalives count as traffic, TCP keepalives
//! do not.

use super::{Arithmetic, Case, FeedModel, Figure, NotPredicted, Wait};
use crate::Metric;
use crate::predict::model::{Arrivals, NetworkPath, period};

/// The ratio at which one time is certainly shorter than another: keepalives are sent at quarters of their interval,
/// and timers are late.
const SURELY_SHORTER: f64 = 0.95;

/// The effect of an idle timeout on a contender's connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdleEffect {
    /// Never: there is traffic often enough.
    Never,
    /// Only before the feed starts; then updates are frequent enough.
    BeforeTheFeed,
    /// Whenever the feed is idle for longer than the timeout.
    WhenIdle,
    /// Unknown: keepalives race with the timeout, or polling is involved.
    Perhaps,
}

impl IdleEffect {
    pub(crate) fn of(case: &Case<'_>, arithmetic: &dyn Arithmetic) -> Self {
        let Case { scenario, contender, path, .. } = *case;
        let Some(timeout) = scenario.network.and_then(|network| network.idle_timeout) else { return Self::Never };
        let timeout = timeout.as_secs_f64();
        let surely_shorter = |silence: f64| silence + path.mean_round_trip() < SURELY_SHORTER * timeout;
        if surely_shorter(arithmetic.silence()) {
            Self::Never
        } else if !contender.transport().is_push() || contender.is_auto() {
            Self::Perhaps
        } else if period(&scenario.feed.source).is_some_and(surely_shorter) {
            Self::BeforeTheFeed
        } else if arithmetic.first_sign() * SURELY_SHORTER > timeout {
            Self::WhenIdle
        } else {
            Self::Perhaps
        }
    }
}

/// Returns the reconnects that an idle timeout causes, and the losses: none, with a cursor and a history.
pub(super) fn metrics(case: &Case<'_>, arithmetic: &dyn Arithmetic, feed: &FeedModel) -> Vec<Figure> {
    let Some(timeout) = case.scenario.network.and_then(|network| network.idle_timeout) else { return Vec::new() };
    let wait = super::wait(case, arithmetic);
    let drops = match IdleEffect::of(case, arithmetic) {
        IdleEffect::Never | IdleEffect::BeforeTheFeed => Ok(0.0),
        IdleEffect::WhenIdle => drops(timeout.as_secs_f64(), &wait, feed, &case.path),
        IdleEffect::Perhaps => Err(NotPredicted::Chance),
    };
    let mut all = vec![(Metric::Reconnects, drops.map(|drops| drops * case.clients))];
    let away = wait.longest() + 2.0 * case.path.open_time();
    if case.contender.reconnect.with_cursor && feed.fits(case.history(), away) {
        all.extend([(Metric::UpdatesMissed, Ok(0.0)), (Metric::UpdatesDuplicated, Ok(0.0))]);
    }
    all
}

/// Returns how many connections of one client end in the measured time. A renewal argument: with independent updates it
/// takes `(e^(λI) − 1)/λ` on average until a gap is longer than the timeout `I`, followed by the time to reconnect.
/// With an update every `p` s, `p` longer than the timeout, the connection ends once in each period, and again for
/// every timeout plus reconnect that fits into the rest, unless it depends on chance whether one fits.
fn drops(timeout: f64, wait: &Wait, feed: &FeedModel, path: &NetworkPath) -> Result<f64, NotPredicted> {
    let away = wait.mean() + path.mean_delay() + path.open_time();
    let per_s = match feed.arrivals {
        Arrivals::Poisson(rate) if rate > 0.0 => 1.0 / ((rate * timeout).exp_m1() / rate + away),
        Arrivals::Poisson(_) => 1.0 / (timeout + away),
        Arrivals::Constant(period) => {
            let fits = |away: f64| ((period - timeout) / (timeout + away)).floor();
            let other = wait.longest() - wait.mean();
            let sure = fits(away - other - 0.1) == fits(away + other + 0.1);
            sure.then(|| (1.0 + fits(away)) / period).ok_or(NotPredicted::Chance)?
        }
        Arrivals::DueTimes(_) => return Err(NotPredicted::Chance),
    };
    Ok(per_s * feed.measured.length() * feed.scale)
}

#[cfg(test)]
mod tests;

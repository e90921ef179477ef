//! Connections that a proxy closes because nothing passes on them (E13). Keepalives count, TCP's own do not.

use super::{Arithmetic, Case, Course, Figure, Unknown, Wait};
use crate::Metric;
use crate::predict::model::{Arrivals, Way, period};

/// Shorter by so much, a silence is surely shorter; longer by so much, it is surely longer: keepalives are sent in
/// quarters of their interval, and timers are late.
const SURELY_SHORTER: f64 = 0.95;

/// Whether an idle timeout ends connections of a contender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    /// Something passes often enough.
    Never,
    /// While updates come often enough, and not before the feed begins.
    BeforeTheFeed,
    /// Whenever the feed is quiet for longer.
    WhenQuiet,
    /// Keepalive and timeout race, or polls are in it.
    Perhaps,
}

impl Ends {
    pub(crate) fn of(case: &Case<'_>, arithmetic: &dyn Arithmetic) -> Self {
        let Case { scenario, contender, way, .. } = *case;
        let Some(timeout) = scenario.network.and_then(|network| network.idle_timeout) else { return Self::Never };
        let timeout = timeout.as_secs_f64();
        let surely_shorter = |silence: f64| silence + way.round_trip() < SURELY_SHORTER * timeout;
        if surely_shorter(arithmetic.silence()) {
            Self::Never
        } else if !contender.transport().is_push() || contender.is_auto() {
            Self::Perhaps
        } else if period(&scenario.feed.source).is_some_and(surely_shorter) {
            Self::BeforeTheFeed
        } else if arithmetic.first_sign() * SURELY_SHORTER > timeout {
            Self::WhenQuiet
        } else {
            Self::Perhaps
        }
    }
}

/// Reconnects that an idle timeout makes, and what it loses: nothing, with a cursor and a history.
pub(super) fn metrics(case: &Case<'_>, arithmetic: &dyn Arithmetic, course: &Course) -> Vec<Figure> {
    let Some(timeout) = case.scenario.network.and_then(|network| network.idle_timeout) else { return Vec::new() };
    let wait = super::wait(case, arithmetic);
    let drops = match Ends::of(case, arithmetic) {
        Ends::Never | Ends::BeforeTheFeed => Ok(0.0),
        Ends::WhenQuiet => drops(timeout.as_secs_f64(), &wait, course, &case.way),
        Ends::Perhaps => Err(Unknown::Chance),
    };
    let mut all = vec![(Metric::Reconnects, drops.map(|drops| drops * case.clients))];
    let away = wait.longest() + 2.0 * case.way.opening();
    if case.contender.reconnect.with_cursor && course.fits(case.history(), away) {
        all.extend([(Metric::UpdatesMissed, Ok(0.0)), (Metric::UpdatesDuplicated, Ok(0.0))]);
    }
    all
}

/// Connections of one client that end in the measured time. A renewal argument: with independent updates it takes
/// `(e^(λI) − 1)/λ` on average until a gap is longer than the timeout `I`, and then the time to come back. With an update
/// every `p` s, `p` longer than the timeout, it ends once in each period, and again for every timeout and way back that
/// fit into the rest, unless it is a matter of luck whether one fits.
fn drops(timeout: f64, wait: &Wait, course: &Course, way: &Way) -> Result<f64, Unknown> {
    let away = wait.mean() + way.transit() + way.opening();
    let per_s = match course.arrivals {
        Arrivals::Poisson(rate) if rate > 0.0 => 1.0 / ((rate * timeout).exp_m1() / rate + away),
        Arrivals::Poisson(_) => 1.0 / (timeout + away),
        Arrivals::Constant(period) => {
            let fits = |away: f64| ((period - timeout) / (timeout + away)).floor();
            let other = wait.longest() - wait.mean();
            let sure = fits(away - other - 0.1) == fits(away + other + 0.1);
            sure.then(|| (1.0 + fits(away)) / period).ok_or(Unknown::Chance)?
        }
        Arrivals::Known(_) => return Err(Unknown::Chance),
    };
    Ok(per_s * course.measured.length() * course.scale)
}

#[cfg(test)]
mod tests;

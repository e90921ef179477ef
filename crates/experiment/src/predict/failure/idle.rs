//! Connections that a proxy closes because nothing passes on them (E13). Keepalives count, TCP's own do not.

use feedlab_feed::Transport;
use feedlab_feed::stream::BEATS;

use super::wait::Wait;
use crate::predict::course::{Arrivals, Course};
use crate::predict::memory::is_enough;
use crate::predict::way::Way;
use crate::scenario::{Contender, Options, ScheduleKind, Source};
use crate::{Metric, Scenario};

/// Shorter by so much, a silence is surely shorter; longer by so much, it is surely longer: keepalives are sent in
/// quarters of their interval, and timers are late.
const SURELY_SHORTER: f64 = 0.95;
/// Pings come whatever the updates, and so in the middle of a silence: where they are this much rarer than the timeout,
/// hardly ever.
const RARE: f64 = 20.0;

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
    pub(crate) fn of(scenario: &Scenario, contender: &Contender, way: &Way) -> Self {
        let Some(timeout) = scenario.network.and_then(|network| network.idle_timeout) else { return Self::Never };
        let timeout = timeout.as_secs_f64();
        let surely_shorter = |silence: f64| silence + way.round_trip() < SURELY_SHORTER * timeout;
        let silence = silence(&contender.options);
        if surely_shorter(silence) {
            Self::Never
        } else if !contender.transport().is_push() || contender.is_auto() {
            Self::Perhaps
        } else if period(&scenario.feed.source).is_some_and(surely_shorter) {
            Self::BeforeTheFeed
        } else if first_keepalive(contender.transport(), silence) > timeout {
            Self::WhenQuiet
        } else {
            Self::Perhaps
        }
    }
}

/// The silence after which a keepalive comes at the earliest, s.
const fn first_keepalive(transport: Transport, interval: f64) -> f64 {
    match transport {
        Transport::WebSocket => interval / RARE,
        _ => (1.0 - 1.0 / BEATS as f64) * interval * SURELY_SHORTER,
    }
}

/// The longest time in which a client and its server say nothing if there are no updates, s.
const fn silence(options: &Options) -> f64 {
    match options {
        Options::ShortPolling { interval, .. } => interval.as_secs_f64(),
        Options::LongPolling { hold, .. } => hold.as_secs_f64(),
        Options::Sse { keepalive } | Options::WebSocket { keepalive } | Options::Auto { keepalive, .. } => {
            keepalive.as_secs_f64()
        }
    }
}

/// From one update to the next, s, where that is always the same.
fn period(source: &Source) -> Option<f64> {
    match source {
        Source::Synthetic { updates_per_s, schedule: ScheduleKind::Constant, .. } | Source::Host { updates_per_s } => {
            Some(1.0 / updates_per_s)
        }
        Source::Synthetic { updates_per_s, schedule: ScheduleKind::Burst, burst_size, .. } => {
            Some(f64::from(*burst_size) / updates_per_s)
        }
        _ => None,
    }
}

/// Reconnects that an idle timeout makes, and what it loses: nothing, with a cursor and a history.
pub(super) fn metrics(
    scenario: &Scenario,
    contender: &Contender,
    clients: f64,
    course: &Course,
    way: &Way,
) -> Vec<(Metric, f64)> {
    let Some(timeout) = scenario.network.and_then(|network| network.idle_timeout) else { return Vec::new() };
    let wait = Wait::of(contender);
    let drops = match Ends::of(scenario, contender, way) {
        Ends::Never | Ends::BeforeTheFeed => Some(0.0),
        Ends::WhenQuiet => drops(timeout.as_secs_f64(), &wait, course, way),
        Ends::Perhaps => None,
    };
    let mut all: Vec<_> = drops.map(|drops| (Metric::Reconnects, drops * clients)).into_iter().collect();
    let history = contender.serving.history.unwrap_or(scenario.feed.history);
    if contender.comeback.with_cursor && is_enough(history, course, wait.longest() + 2.0 * way.opening()) {
        all.extend([(Metric::UpdatesMissed, 0.0), (Metric::UpdatesDuplicated, 0.0)]);
    }
    all
}

/// Connections of one client that end in the measured time. A renewal argument: with independent updates it takes
/// `(e^(λI) − 1)/λ` on average until a gap is longer than the timeout `I`, and then the time to come back. With an update
/// every `p` s, `p` longer than the timeout, it ends once in each period, and again for every timeout and way back that
/// fit into the rest.
fn drops(timeout: f64, wait: &Wait, course: &Course, way: &Way) -> Option<f64> {
    let away = wait.mean() + way.transit() + way.opening();
    let per_s = match course.arrivals {
        Arrivals::Poisson(rate) if rate > 0.0 => 1.0 / ((rate * timeout).exp_m1() / rate + away),
        Arrivals::Poisson(_) => 1.0 / (timeout + away),
        Arrivals::Constant(period) => {
            let fits = |away: f64| ((period - timeout) / (timeout + away)).floor();
            let other = wait.longest() - wait.mean();
            let sure = fits(away - other - 0.1) == fits(away + other + 0.1);
            sure.then(|| (1.0 + fits(away)) / period)?
        }
        Arrivals::Known(_) => return None,
    };
    Some(per_s * course.measured.length() * course.scale)
}

#[cfg(test)]
mod tests;

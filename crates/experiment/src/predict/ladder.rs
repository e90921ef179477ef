//! The fallback ladder on a way that breaks its first rung (E25).

use feedlab_feed::Transport;

use super::way::Way;
use crate::scenario::{Contender, Options, Via};
use crate::{Metric, Scenario};

/// What a ladder that begins with an event stream makes of a proxy that buffers it, and raises no error: only the
/// watchdog tells. The first update comes when the watchdog has barked and the next rung, long polling, has opened a
/// connection of its own.
pub(super) fn metrics(scenario: &Scenario, contender: &Contender, way: &Way) -> Option<(Metric, f64)> {
    let Options::Auto { first: Transport::Sse, watchdog, .. } = contender.options else { return None };
    let is_buffered = contender.link.via == Via::NginxBuffering && scenario.faults.is_empty();
    let first_update = watchdog.as_secs_f64() + 2.0 * way.opening();
    is_buffered.then_some((Metric::FirstUpdateP50, first_update * 1e6))
}

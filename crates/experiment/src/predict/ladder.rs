//! The fallback ladder on a way that breaks its first rung (E25).

use feedlab_feed::Transport;

use super::way::Way;
use crate::scenario::{Contender, Options, Via};
use crate::{Metric, Scenario};

/// How long a client of the ladder is without an update, s; `None` where the way lets its first rung through, or where
/// how long that takes is not known.
///
/// A proxy that buffers an event stream raises no error: its head comes through, and then only the watchdog tells. A proxy
/// that lets no upgrade through answers at once. Either way the next rung, long polling, opens a connection of its own.
pub(super) fn first_update(scenario: &Scenario, contender: &Contender, way: &Way) -> Option<f64> {
    let Options::Auto { first, watchdog, .. } = contender.options else { return None };
    let noticed = match (first, contender.link.via) {
        (Transport::Sse, Via::NginxBuffering) => way.opening() + watchdog.as_secs_f64(),
        (Transport::WebSocket, Via::NginxDefault) => way.opening(),
        _ => return None,
    };
    scenario.faults.is_empty().then(|| noticed + way.opening())
}

/// What is predicted of it; nothing where only the machine takes any time.
pub(super) fn metrics(scenario: &Scenario, contender: &Contender, way: &Way) -> Option<(Metric, f64)> {
    let time = first_update(scenario, contender, way).filter(|time| *time > 0.0)?;
    Some((Metric::FirstUpdateP50, time * 1e6))
}

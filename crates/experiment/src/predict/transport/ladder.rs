//! The fallback ladder on a way that breaks its first rung (E25); on one that does not it is that rung.

use super::{Case, Passage, of};
use crate::scenario::Options;

/// How long a client of the ladder is without an update, s; `None` where the way lets its first rung through, or where
/// how long that takes is not known.
///
/// A proxy that buffers an event stream raises no error: its head comes through, and then only the watchdog tells. A proxy
/// that lets no upgrade through answers at once. Either way the next rung, long polling, opens a connection of its own.
pub(crate) fn first_update(case: &Case<'_>) -> Option<f64> {
    let Options::Auto { watchdog, .. } = case.contender.options else { return None };
    let noticed = match of(&case.contender.options).passage(case.contender.link.via) {
        Passage::Silent => case.path.open_time() + watchdog.as_secs_f64(),
        Passage::Refused => case.path.open_time(),
        Passage::Open => return None,
    };
    case.scenario.faults.is_empty().then(|| noticed + case.path.open_time())
}

//! The fallback ladder on a path on which its first rung does not work (E25); otherwise it behaves like that rung.

use super::{Case, Passage, of};
use crate::scenario::Options;

/// Returns how long a client of the ladder waits for its first update, s; `None` if the first rung works on the path,
/// or if the time is not known.
///
/// A proxy that buffers an event stream causes no error: the response headers arrive, and only the watchdog detects the
/// problem. A proxy that does not support upgrades responds immediately. In both cases the next rung, long polling,
/// opens its own connection.
pub(crate) fn first_update(case: &Case<'_>) -> Option<f64> {
    let Options::Auto { watchdog, .. } = case.contender.options else { return None };
    let noticed = match of(&case.contender.options).passage(case.contender.link.via) {
        Passage::Silent => case.path.open_time() + watchdog.as_secs_f64(),
        Passage::Refused => case.path.open_time(),
        Passage::Open => return None,
    };
    case.scenario.faults.is_empty().then(|| noticed + case.path.open_time())
}

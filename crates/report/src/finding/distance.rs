//! How far apart clients and server were, and what that limits.

use std::time::Duration;

use feedlab_experiment::Scenario;

use crate::human;

/// On loopback a round trip takes some tens of microseconds, so that whatever needs one more of them looks as good.
const LOOPBACK: &str = "Everything ran over this machine's loopback, where all transports that bring an update as it \
                        happens look alike. Differences between them need distance: do not read this page as a \
                        comparison over a network.";

/// The lab proxy ends each TCP connection and makes another: what it adds is a delay of bytes, not a path of packets.
const MADE: &str = "It delays the bytes of each connection: no packet is lost, and TCP's slow start does not feel it, so \
                    that a real path may be slower than this one.";

/// What the distance of a run limits, in a sentence or two.
pub(super) fn caveat(scenario: &Scenario) -> String {
    match rtt(scenario) {
        Some(rtt) => {
            format!("The round trip of {} was made by the lab proxy on one machine. {MADE}", human::duration(rtt))
        }
        None => LOOPBACK.to_owned(),
    }
}

/// In two words.
pub(super) fn name(scenario: &Scenario) -> String {
    rtt(scenario).map_or_else(|| "loopback".to_owned(), |rtt| format!("round trip {}", human::duration(rtt)))
}

/// The round trip that was added, if there was one.
fn rtt(scenario: &Scenario) -> Option<Duration> {
    scenario.network.map(|network| network.rtt).filter(|rtt| !rtt.is_zero())
}

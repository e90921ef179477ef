//! The network path between a contender's clients and the server, as the lab proxy emulates it, with TLS if it is used.

use std::time::Duration;

use crate::Scenario;
use crate::scenario::Contender;

/// A network path. All times are in seconds.
///
/// The lab proxy delays each direction by half of the round trip plus up to the jitter, uniformly distributed. The
/// first bytes of a new connection wait for a round trip, as they would for TCP's handshake (RFC 9293, section 3.5).
/// TLS 1.3 takes another round trip before the first request can be sent (RFC 8446, section 2); no session is resumed.
/// The machine's own time is not included.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct NetworkPath {
    /// The round-trip time without jitter.
    pub(crate) rtt: f64,
    /// The maximum extra delay of one direction.
    pub(crate) jitter: f64,
    /// Whether connections are encrypted.
    pub(crate) tls: bool,
}

impl NetworkPath {
    pub(crate) fn of(scenario: &Scenario, contender: &Contender) -> Self {
        let network = scenario.network.unwrap_or_default();
        let [rtt, jitter] = [network.rtt, network.jitter].map(|time: Duration| time.as_secs_f64());
        Self { rtt, jitter, tls: contender.link.tls }
    }

    /// Whether the path has any delay.
    pub(crate) fn has_delay(&self) -> bool {
        self.mean_round_trip() > 0.0
    }

    /// Returns the delay of one direction without jitter.
    pub(crate) fn min_delay(&self) -> f64 {
        self.rtt / 2.0
    }

    /// Returns the mean delay of one direction.
    pub(crate) fn mean_delay(&self) -> f64 {
        (self.rtt + self.jitter) / 2.0
    }

    /// Returns the mean round-trip time.
    pub(crate) fn mean_round_trip(&self) -> f64 {
        self.rtt + self.jitter
    }

    /// Returns the mean time from the start of a connect until the first request can be sent.
    pub(crate) fn handshake_time(&self) -> f64 {
        self.rtt + if self.tls { self.mean_round_trip() } else { 0.0 }
    }

    /// Returns the mean time from the start of a connect until the first request has arrived at the server.
    pub(crate) fn request_arrival_time(&self) -> f64 {
        self.handshake_time() + self.mean_delay()
    }

    /// Returns the mean time from the start of a connect until the first response has arrived at the client (E09).
    pub(crate) fn open_time(&self) -> f64 {
        self.handshake_time() + self.mean_round_trip()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_connection_takes_a_round_trip_and_tls_another() {
        let plain = NetworkPath { rtt: 0.1, jitter: 0.0, tls: false };
        let encrypted = NetworkPath { tls: true, ..plain };
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        near(plain.open_time(), 0.2);
        near(encrypted.open_time(), 0.3);
        near(encrypted.request_arrival_time(), 0.25);
    }

    #[test]
    fn jitter_counts_with_its_mean() {
        let path = NetworkPath { rtt: 0.1, jitter: 0.02, tls: true };
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        near(path.mean_delay(), 0.06);
        near(path.mean_round_trip(), 0.12);
        near(path.open_time(), 0.1 + 0.12 + 0.12);
    }
}

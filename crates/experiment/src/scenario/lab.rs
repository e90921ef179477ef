//! What stands between clients and server, and what breaks there: the lab proxy's network, nginx, and faults.

use std::time::Duration;

use feedlab_feed::settings::duration;
use serde::{Deserialize, Serialize};

/// The way between clients and server, made by the lab proxy. Without it everything runs on plain loopback.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Round-trip time that is added: half of it in each direction, and a whole one before the first bytes of a new
    /// connection, as TCP's handshake takes it.
    #[serde(with = "duration")]
    pub rtt: Duration,
    /// At most so much more in each direction, evenly distributed; order is kept.
    #[serde(with = "duration")]
    pub jitter: Duration,
    /// Bytes a second of each connection in each direction; no limit without it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bandwidth_bytes_per_s: Option<u64>,
    /// Connections on which nothing has passed for so long are closed, as proxies and NATs do it.
    #[serde(skip_serializing_if = "Option::is_none", default, with = "duration::option")]
    pub idle_timeout: Option<Duration>,
    /// What the server sends is held back until so many bytes have come together, as a buffering proxy does it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub buffer_bytes: Option<u64>,
}

/// Something that breaks while it is measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// What.
    pub kind: FaultKind,
    /// When, from the begin of the measured time.
    #[serde(with = "duration")]
    pub at: Duration,
    /// Again and again after so long, until the measured time is over.
    #[serde(skip_serializing_if = "Option::is_none", default, with = "duration::option")]
    pub every: Option<Duration>,
    /// How long it lasts; zero for what happens in a moment.
    #[serde(with = "duration", rename = "for")]
    pub length: Duration,
    /// The share of the open connections that it hits, chosen at random, above 0 and at most 1. Faults that concern new
    /// connections or a process hit all.
    pub share: f64,
}

impl Fault {
    /// When it happens within a measured time of this length, from its begin.
    pub fn times(&self, measured: Duration) -> impl Iterator<Item = Duration> + use<> {
        let every = self.every.filter(|every| !every.is_zero());
        let next = move |at: &Duration| every.map(|every| *at + every);
        std::iter::successors(Some(self.at), next).take_while(move |at| *at < measured)
    }
}

/// What can break. The first seven are the lab proxy's doing, by the same names in its control API; the last three
/// happen to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// Connections are closed in good order (FIN), after what is on its way has arrived.
    Cut,
    /// Connections are reset (RST); what is on its way is lost.
    Reset,
    /// Nothing passes, and nobody is told.
    BlackHole,
    /// New connections are refused.
    Refuse,
    /// New connections are answered with 503.
    #[serde(rename = "status-503")]
    Status503,
    /// New connections are answered with 204.
    #[serde(rename = "status-204")]
    Status204,
    /// New connections are answered with 200 and a page of HTML.
    WrongType,
    /// The server is asked to stop (SIGTERM), drains, and is started again after `for`.
    Restart,
    /// The server is killed (SIGKILL), and started again after `for`.
    Kill,
    /// nginx reads its configuration again and replaces its workers (SIGHUP).
    ReloadNginx,
}

impl FaultKind {
    /// Whether the lab proxy does it, rather than the run to one of its processes.
    #[must_use]
    pub const fn is_proxys(self) -> bool {
        !matches!(self, Self::Restart | Self::Kill | Self::ReloadNginx)
    }
}

/// How nginx is set up for the contenders that go through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nginx {
    /// How long nginx waits between two reads from the server (`proxy_read_timeout`; nginx's default is 60 s).
    #[serde(with = "duration")]
    pub read_timeout: Duration,
    /// Servers behind it that connections are spread over, each with the same feed.
    pub upstreams: u32,
}

impl Default for Nginx {
    fn default() -> Self {
        Self { read_timeout: Duration::from_secs(60), upstreams: 1 }
    }
}

impl Nginx {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_comes_back_until_the_measured_time_is_over() {
        let (at, every) = (Duration::from_secs(1), Some(Duration::from_secs(2)));
        let fault = Fault { kind: FaultKind::Cut, at, every, length: Duration::ZERO, share: 1.0 };
        let seconds = |fault: Fault| fault.times(Duration::from_secs(6)).map(|at| at.as_secs()).collect::<Vec<_>>();
        assert_eq!(seconds(fault), [1, 3, 5]);
        assert_eq!(seconds(Fault { every: None, ..fault }), [1]);
        assert_eq!(seconds(Fault { every: Some(Duration::ZERO), ..fault }), [1], "never for ever");
    }
}

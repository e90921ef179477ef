//! What was looked at, and when: the same moments of a cell on both sides, the servers' and the clients'.
//!
//! A cell that one process drives has one of each. Of several that drive it together each looks at itself, one of them at the
//! servers, all at the same moments; put together they are one again.

use std::time::Instant;

use feedlab_feed::clock;
use feedlab_feed::process::{HostLoad, Usage};
use feedlab_feed::stats::Stats;
use serde::{Deserialize, Serialize};

use crate::transport::{Leg, LegStats};

/// The servers, and what lies before them, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ServerSnapshot {
    /// All servers together.
    pub(crate) stats: Stats,
    /// What lies between the two, as far as anything does.
    pub(crate) nginx: Usage,
    pub(crate) lab_proxy: Usage,
}

/// A process of clients at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ClientSnapshot {
    /// Clients that had been open until then.
    pub(crate) open: u32,
    /// This process.
    pub(crate) own: Usage,
    /// The clients' sockets.
    pub(crate) leg: LegStats,
    /// Its machine.
    pub(crate) host: HostLoad,
    /// How far the wall clock was ahead of the monotonic one, from an arbitrary origin, µs.
    pub(crate) wall_ahead_us: i64,
}

impl ClientSnapshot {
    /// Looks at this process; `began` is the origin of its monotonic clock.
    pub(crate) fn now(open: u32, leg: &Leg, began: Instant) -> Self {
        let wall_ahead_us = clock::wall_ahead_us(began);
        Self { open, leg: leg.stats(), own: Usage::now(), host: HostLoad::now(), wall_ahead_us }
    }
}

/// What both sides had used and counted at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    /// Clients that had been open until then.
    pub(crate) open: u32,
    /// All servers together.
    pub(crate) server: Stats,
    /// All processes of clients together.
    pub(crate) own: Usage,
    /// CPU time of those among them that are on the servers' machine, µs.
    pub(crate) own_cpu_here_us: Option<u64>,
    /// What lies between the two, as far as anything does.
    pub(crate) nginx: Usage,
    pub(crate) lab_proxy: Usage,
    /// The clients' sockets.
    pub(crate) leg: LegStats,
    /// The servers' machine.
    pub(crate) host: HostLoad,
    /// How far the wall clock was ahead of the monotonic one, from an arbitrary origin, µs.
    pub(crate) wall_ahead_us: i64,
}

impl Snapshot {
    /// The servers, and nobody's clients yet.
    pub(crate) fn of_servers(served: ServerSnapshot) -> Self {
        let ServerSnapshot { stats: server, nginx, lab_proxy } = served;
        let own = Usage { cpu_us: Some(0), rss_bytes: Some(0), open_fds: Some(0) };
        let (leg, host, own_cpu_here_us) = (LegStats::nothing(), HostLoad::default(), Some(0));
        Self { open: 0, server, own, own_cpu_here_us, nginx, lab_proxy, leg, host, wall_ahead_us: 0 }
    }

    /// With a process of clients, which is on the servers' machine or elsewhere.
    pub(crate) fn and(&self, look: &ClientSnapshot, is_here: bool) -> Self {
        let ClientSnapshot { open, own, leg, host, wall_ahead_us: _ } = look;
        let mut sum = self.clone();
        sum.open += open;
        sum.own.cpu_us = both(sum.own.cpu_us, own.cpu_us);
        sum.own.rss_bytes = both(sum.own.rss_bytes, own.rss_bytes);
        sum.own.open_fds = both(sum.own.open_fds, own.open_fds);
        sum.leg += leg;
        if is_here {
            sum.own_cpu_here_us = both(sum.own_cpu_here_us, own.cpu_us);
            sum.host = *host;
        }
        sum
    }
}

/// A sum of which a part is not known is not known.
fn both(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    Some(one? + other?)
}

/// What is looked at in the course of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Moments<T> {
    /// The time without any client: two looks right behind each other, whose difference is what a look costs, and the last
    /// before the first client came.
    #[serde(rename = "quiet")]
    pub(crate) baseline: [T; 3],
    /// While the clients came.
    pub(crate) ramp: Vec<T>,
    /// When the ramp was over.
    pub(crate) connected: T,
    /// When the clients had settled.
    pub(crate) settled: T,
    /// At the start of the measured time.
    pub(crate) start: T,
    /// At its end.
    pub(crate) end: T,
}

impl<T> Moments<T> {
    /// The same moments of something else.
    pub(crate) fn map<U>(&self, mut change: impl FnMut(&T) -> U) -> Moments<U> {
        Moments {
            baseline: self.baseline.each_ref().map(&mut change),
            ramp: self.ramp.iter().map(&mut change).collect(),
            connected: change(&self.connected),
            settled: change(&self.settled),
            start: change(&self.start),
            end: change(&self.end),
        }
    }

    /// The same moments of two. Of the ramp those that both have.
    pub(crate) fn with<U, V>(&self, other: &Moments<U>, mut both: impl FnMut(&T, &U) -> V) -> Moments<V> {
        let [first, second, third] = &self.baseline;
        let [other_first, other_second, other_third] = &other.baseline;
        Moments {
            baseline: [both(first, other_first), both(second, other_second), both(third, other_third)],
            ramp: self.ramp.iter().zip(&other.ramp).map(|(one, other)| both(one, other)).collect(),
            connected: both(&self.connected, &other.connected),
            settled: both(&self.settled, &other.settled),
            start: both(&self.start, &other.start),
            end: both(&self.end, &other.end),
        }
    }
}

//! Snapshots of both sides, the servers' and the clients', at the same moments of a cell.
//!
//! A cell that one process drives has one snapshot of each side per moment. If several processes drive it, each takes
//! snapshots of itself and one of them of the servers, all at the same moments; merged, they are one again.

use std::time::Instant;

use feedlab_feed::clock;
use feedlab_feed::process::{HostLoad, Usage};
use feedlab_feed::stats::Stats;
use serde::{Deserialize, Serialize};

use crate::transport::{Leg, LegStats};

/// The servers and the proxies at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ServerSnapshot {
    /// The sum over all servers.
    pub(crate) stats: Stats,
    /// The processes between clients and servers, if there are any.
    pub(crate) nginx: Usage,
    pub(crate) lab_proxy: Usage,
    #[serde(default)]
    pub(crate) emulator: Usage,
}

/// A process that drives clients, at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ClientSnapshot {
    /// The number of clients that had opened a connection until then.
    pub(crate) open: u32,
    /// What this process uses.
    pub(crate) own: Usage,
    /// What the clients' sockets have carried.
    pub(crate) leg: LegStats,
    /// The load of its machine.
    pub(crate) host: HostLoad,
    /// How far the wall clock was ahead of the monotonic one, from an arbitrary origin, µs.
    pub(crate) wall_ahead_us: i64,
}

impl ClientSnapshot {
    /// Takes a snapshot of this process. `began` is the origin of its monotonic clock.
    pub(crate) fn now(open: u32, leg: &Leg, began: Instant) -> Self {
        let wall_ahead_us = clock::wall_ahead_us(began);
        Self { open, leg: leg.stats(), own: Usage::now(), host: HostLoad::now(), wall_ahead_us }
    }
}

/// What both sides had used and counted at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    /// The number of clients that had opened a connection until then.
    pub(crate) open: u32,
    /// The sum over all servers.
    pub(crate) server: Stats,
    /// The sum over all processes that drive clients.
    pub(crate) own: Usage,
    /// The CPU time of those of them that run on the servers' machine, µs.
    pub(crate) own_cpu_here_us: Option<u64>,
    /// The processes between clients and servers, if there are any.
    pub(crate) nginx: Usage,
    pub(crate) lab_proxy: Usage,
    #[serde(default)]
    pub(crate) emulator: Usage,
    /// What the clients' sockets have carried.
    pub(crate) leg: LegStats,
    /// The load of the servers' machine.
    pub(crate) host: HostLoad,
    /// How far the wall clock was ahead of the monotonic one, from an arbitrary origin, µs.
    pub(crate) wall_ahead_us: i64,
}

impl Snapshot {
    /// A snapshot of the servers, without any clients yet.
    pub(crate) fn of_servers(served: ServerSnapshot) -> Self {
        let ServerSnapshot { stats: server, nginx, lab_proxy, emulator } = served;
        let own = Usage { cpu_us: Some(0), rss_bytes: Some(0), open_fds: Some(0) };
        let (leg, host, own_cpu_here_us) = (LegStats::nothing(), HostLoad::default(), Some(0));
        Self { open: 0, server, own, own_cpu_here_us, nginx, lab_proxy, emulator, leg, host, wall_ahead_us: 0 }
    }

    /// Returns this snapshot with a process of clients added. `is_here` says whether that runs on the servers' machine.
    pub(crate) fn and(&self, client: &ClientSnapshot, is_here: bool) -> Self {
        let ClientSnapshot { open, own, leg, host, wall_ahead_us: _ } = client;
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

/// Adds two values; `None` if either is unknown.
fn both(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    Some(one? + other?)
}

/// The snapshots of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Moments<T> {
    /// The baseline, without clients: two snapshots directly after each other, whose difference is the cost of a
    /// snapshot, and the last one before the first client connected.
    pub(crate) baseline: [T; 3],
    /// During the ramp.
    pub(crate) ramp: Vec<T>,
    /// At the end of the ramp.
    pub(crate) connected: T,
    /// At the end of the settle phase.
    pub(crate) settled: T,
    /// At the start of the measured time.
    pub(crate) start: T,
    /// At the end of the measured time.
    pub(crate) end: T,
}

impl<T> Moments<T> {
    /// Applies a function to each snapshot.
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

    /// Combines the snapshots of two sides. Of the ramp, only those that both have.
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

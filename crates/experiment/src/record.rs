//! The records of a run: one [`CellRecord`] per cell, one [`Second`] per second of it, and the run's [`Manifest`].

use std::collections::BTreeMap;
use std::fmt;

use feedlab_feed::Transport;
use feedlab_feed::process::Machine;
use serde::{Deserialize, Serialize};

use crate::verdict::Verdict;
use crate::{Metric, Scenario};

/// The version of the results folder's format.
pub const SCHEMA: u32 = 1;

/// The results of one cell: a line of `cells.ndjson`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellRecord {
    /// The cell's id; its histogram is `histograms/<cell>.hlog`.
    pub cell: String,
    /// The contender's label.
    pub label: String,
    /// Its transport.
    pub transport: Transport,
    /// Number of clients.
    pub clients: u32,
    /// Payload of an update, bytes; present only where the scenario sweeps over several.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub payload_bytes: Option<usize>,
    /// Repetition, counted from 1.
    pub repetition: u32,
    /// When the measured time began, µs of Unix time.
    pub started_at: u64,
    /// The length of the measured time, µs.
    pub duration_us: u64,
    /// The measured metrics; those that were not measured are absent.
    pub metrics: BTreeMap<Metric, f64>,
    /// The client errors by kind, with their counts.
    pub failures: BTreeMap<Failure, u64>,
    /// How clients were distributed over the servers, sampled over time; empty with one server.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub nodes: Vec<NodesAt>,
    /// The cell's verdict.
    pub verdict: Verdict,
}

/// How clients were distributed over the servers at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodesAt {
    /// The time of the sample, s from the start of the measured time.
    pub second: u32,
    /// The load of each server, in order; `None` for a server that was not running.
    pub loads: Vec<Option<NodeLoad>>,
}

/// The load of one server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeLoad {
    /// The number of streams and held requests.
    pub clients: u64,
    /// Requests answered per second since the previous sample.
    pub requests_per_s: u64,
}

impl NodesAt {
    /// Returns what a load balancer distributes: for push transports the streams; for polling the requests answered, or
    /// if there were none, the requests held.
    #[must_use]
    pub fn shared(&self, transport: Transport) -> Vec<Option<u64>> {
        let are_answered = self.loads.iter().flatten().any(|node| node.requests_per_s > 0);
        let counts_requests = !transport.is_push() && are_answered;
        let load = |node: NodeLoad| if counts_requests { node.requests_per_s } else { node.clients };
        self.loads.iter().map(|node| node.map(load)).collect()
    }
}

impl CellRecord {
    /// Returns a display name of what was measured: "SSE, 50 clients".
    #[must_use]
    pub fn name(&self) -> String {
        crate::summary::name(&self.label, self.clients, self.payload_bytes)
    }
}

/// An error of a simulated client. Errors are counted, not raised: they are data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The connection was refused or timed out.
    Connect,
    /// The request or upgrade was answered with an unexpected status.
    Status,
    /// The connection broke while it was in use.
    Disconnected,
    /// The server closed a stream that should have stayed open.
    Closed,
    /// An answer could not be parsed.
    Malformed,
    /// The server reported a gap.
    Gap,
    /// The feed started over: it is unknown what was published between the client's cursor and the end of the old
    /// epoch.
    Reset,
    /// The client gave up permanently, as its standard requires.
    GaveUp,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connection refused or timed out",
            Self::Status => "unexpected status",
            Self::Disconnected => "connection broken",
            Self::Closed => "stream closed by the server",
            Self::Malformed => "unreadable answer",
            Self::Gap => "gap in the history",
            Self::Reset => "feed that started over",
            Self::GaveUp => "gave up permanently",
        })
    }
}

/// One second of a cell: a line of `timeseries.ndjson`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Second {
    /// The cell's id.
    pub cell: String,
    /// The second of the measured time, counted from 0.
    pub second: u32,
    /// The number of updates that all clients received.
    pub updates: u64,
    /// The mean age, µs; absent if there were no updates, as are the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_mean_us: Option<f64>,
    /// The median age, µs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_p50_us: Option<u64>,
    /// The 99th percentile of the age, µs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_p99_us: Option<u64>,
    /// The largest age, µs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_max_us: Option<u64>,
}

/// `manifest.json`: the scenario, and where and when it was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The format version: [`SCHEMA`].
    pub schema: u32,
    /// The run's id: the name of its folder.
    pub run: String,
    /// The scenario with all defaults filled in.
    pub scenario: Scenario,
    /// What the command line changed in the scenario's file: `measure.duration=2s`, `only SSE`; empty if nothing.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub changes: Vec<String>,
    /// The scenario's seed.
    pub seed: u64,
    /// feedlab's version.
    pub feedlab_version: String,
    /// The version of the compiler that built it.
    pub rustc_version: String,
    /// The Git revision of the source, with `-dirty` if there were local changes; absent outside a checkout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git_revision: Option<String>,
    /// The runs that `feedlab merge` combined into this one; empty for a measured run.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub merged_from: Vec<String>,
    /// The agents that drove the clients, in the order of their segments; empty if a single load generator next to the
    /// server did.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub agents: Vec<String>,
    /// When the run started, RFC 3339 in UTC.
    pub started: String,
    /// When it was resumed after an interruption, RFC 3339 in UTC; empty for a run in one piece.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub resumed: Vec<String>,
    /// The machine on which the run was measured.
    pub machine: Machine,
    /// The number of planned cells.
    pub cells_planned: usize,
    /// The number of measured cells.
    pub cells_measured: usize,
    /// The run's verdict.
    pub verdict: Verdict,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polling_counts_requests_and_push_counts_streams() {
        let look = |requests_per_s| NodesAt {
            second: 1,
            loads: vec![Some(NodeLoad { clients: 5, requests_per_s }), None, Some(NodeLoad::default())],
        };
        assert_eq!(look(9).shared(Transport::Sse), [Some(5), None, Some(0)]);
        assert_eq!(look(9).shared(Transport::LongPolling), [Some(9), None, Some(0)]);
        assert_eq!(look(0).shared(Transport::LongPolling), [Some(5), None, Some(0)], "nothing was answered");
    }
}

//! What was found: one [`CellRecord`] a cell, one [`Second`] a second of it, and the [`Manifest`] of the run.

use std::collections::BTreeMap;
use std::fmt;

use feedlab_feed::Transport;
use feedlab_feed::process::Machine;
use serde::{Deserialize, Serialize};

use crate::verdict::Verdict;
use crate::{Metric, Scenario};

/// Version of the results folder's format.
pub const SCHEMA: u32 = 1;

/// A cell as it was measured: a line of `cells.ndjson`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellRecord {
    /// The cell's id; its histogram is `histograms/<cell>.hlog`.
    pub cell: String,
    /// Label of the contender.
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
    /// When measuring began, µs of Unix time.
    pub started_at: u64,
    /// How long was measured, µs.
    pub duration_us: u64,
    /// What was measured; what was not is absent.
    pub metrics: BTreeMap<Metric, f64>,
    /// What went wrong for clients, by kind, and how often.
    pub failures: BTreeMap<Failure, u64>,
    /// How clients were spread over the servers, from time to time; empty where there was one.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub nodes: Vec<NodesAt>,
    /// What the cell may claim.
    pub verdict: Verdict,
}

/// How clients were spread over the servers at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodesAt {
    /// When, s from the start of the measured time.
    pub second: u32,
    /// What each server had, in their order; nothing of one that was not there.
    pub loads: Vec<Option<NodeLoad>>,
}

/// What one server had of the clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeLoad {
    /// Streams, and requests that were held.
    pub clients: u64,
    /// Requests answered a second, since the last look.
    pub requests_per_s: u64,
}

impl NodesAt {
    /// What a balance spreads: streams, and of a transport that asks its requests, or if none was answered those that are held.
    #[must_use]
    pub fn shared(&self, transport: Transport) -> Vec<Option<u64>> {
        let are_answered = self.loads.iter().flatten().any(|node| node.requests_per_s > 0);
        let counts_requests = !transport.is_push() && are_answered;
        let load = |node: NodeLoad| if counts_requests { node.requests_per_s } else { node.clients };
        self.loads.iter().map(|node| node.map(load)).collect()
    }
}

impl CellRecord {
    /// Who was measured, for people: "SSE, 50 clients".
    #[must_use]
    pub fn name(&self) -> String {
        crate::summary::name(&self.label, self.clients, self.payload_bytes)
    }
}

/// What can go wrong for a simulated client. It is counted, not raised: a failure is data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The connection was refused or timed out.
    Connect,
    /// The request or upgrade was answered with an unexpected status.
    Status,
    /// The connection broke in the middle.
    Disconnected,
    /// The server closed a stream that should have stayed open.
    Closed,
    /// An answer that could not be read.
    Malformed,
    /// The server told of a gap.
    Gap,
    /// The feed began again: what was published between the client's cursor and its end, nobody knows.
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
            Self::Reset => "feed that began again",
            Self::GaveUp => "gave up permanently",
        })
    }
}

/// One second of a cell: a line of `timeseries.ndjson`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Second {
    /// The cell's id.
    pub cell: String,
    /// Second of the measured time, counted from 0.
    pub second: u32,
    /// Updates received by all clients.
    pub updates: u64,
    /// Mean age, µs; absent without updates, as are the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_mean_us: Option<f64>,
    /// Median age, µs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_p50_us: Option<u64>,
    /// 99th percentile of the age, µs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_p99_us: Option<u64>,
    /// Largest age, µs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_max_us: Option<u64>,
}

/// `manifest.json`: what was asked, and where and when it was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The run's id: the name of its folder.
    pub run: String,
    /// The scenario as resolved.
    pub scenario: Scenario,
    /// The scenario's seed.
    pub seed: u64,
    /// feedlab's version.
    pub feedlab_version: String,
    /// The compiler that built it.
    pub rustc_version: String,
    /// Git revision of the source, with `-dirty` if it was changed; absent outside a checkout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git_revision: Option<String>,
    /// The runs that `feedlab merge` made this one from; empty for a run that was measured.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub merged_from: Vec<String>,
    /// Who drove the clients, in the order of their segments; empty if one load generator did, beside its server.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub agents: Vec<String>,
    /// When the run began, RFC 3339 in UTC.
    pub started: String,
    /// The machine.
    pub machine: Machine,
    /// Cells planned.
    pub cells_planned: usize,
    /// Cells measured.
    pub cells_measured: usize,
    /// What the run may claim.
    pub verdict: Verdict,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_polls_requests_are_spread_and_of_streams_streams() {
        let look = |requests_per_s| NodesAt {
            second: 1,
            loads: vec![Some(NodeLoad { clients: 5, requests_per_s }), None, Some(NodeLoad::default())],
        };
        assert_eq!(look(9).shared(Transport::Sse), [Some(5), None, Some(0)]);
        assert_eq!(look(9).shared(Transport::LongPolling), [Some(9), None, Some(0)]);
        assert_eq!(look(0).shared(Transport::LongPolling), [Some(5), None, Some(0)], "nothing was answered");
    }
}

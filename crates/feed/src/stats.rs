//! What a server says about itself at `/stats`: the form that the server writes and the load generator reads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Transport;
use crate::process::Usage;

/// The answer of `GET /stats`. Counters grow from the server's start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    /// feedlab's version.
    pub version: String,
    /// When the answer was made, µs of Unix time.
    pub at: u64,
    /// The feed and its history.
    pub feed: FeedStats,
    /// Every connection, of whatever use.
    pub connections: ConnectionStats,
    /// What passed each door.
    pub doors: BTreeMap<Transport, DoorStats>,
    /// What the process uses.
    pub process: Usage,
}

/// The feed and its history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedStats {
    /// `seq` of the newest update; 0 before the first.
    pub head: u64,
    /// `seq` of the oldest update that is still held; `head` + 1 when none is.
    pub oldest: u64,
    /// `seq` of the last update that was due before the time asked for with `?before=`, in µs of Unix time. Absent
    /// when none was asked for, or when the history no longer reaches back to it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<u64>,
    /// Payload bytes published, all updates together.
    pub payload_bytes: u64,
    /// How late the publisher was, over all updates: the 99th percentile of publishing time minus due time, µs.
    pub publish_lag_p99_us: u64,
    /// The largest such lag, µs.
    pub publish_lag_max_us: u64,
}

/// Connections of the whole server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionStats {
    /// Open now.
    pub open: u64,
    /// Accepted since the start.
    pub accepted: u64,
    /// Turned away because the limit was reached.
    pub refused: u64,
}

/// What passed one door.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoorStats {
    /// Connections whose first feed request was for this door.
    pub connections: u64,
    /// Streams, or requests being held, now.
    pub active: u64,
    /// Requests answered, refused ones included.
    pub requests: u64,
    /// Requests whose answer brought no update.
    pub requests_empty: u64,
    /// Updates handed to the sockets, over all clients.
    pub updates: u64,
    /// Gaps told to clients.
    pub gaps: u64,
    /// Bytes written to the sockets: headers, framing and payload.
    pub bytes_out: u64,
    /// Bytes read from the sockets.
    pub bytes_in: u64,
}

/// The body of `POST /control/start`, by which a server that was told to wait begins its feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// When the feed's time begins, µs of Unix time: the schedule counts from here.
    pub at: u64,
}

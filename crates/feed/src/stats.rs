//! What a server says about itself at `/stats`: the form that the server writes and the load generator reads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::process::Usage;
use crate::{Epoch, Transport};

/// The answer of `GET /stats`. Counters grow from the server's start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    /// feedlab's version.
    pub version: String,
    /// A number drawn at random when the process began: another one means that all counters began again. Below 2^53, so
    /// that a JavaScript number holds it; 0 from a server that told none yet.
    #[serde(default)]
    pub life: u64,
    /// When the answer was made, µs of Unix time.
    pub at: u64,
    /// The feed and its history.
    pub feed: FeedStats,
    /// Every connection, of whatever use.
    pub connections: ConnectionStats,
    /// What passed each endpoint.
    pub endpoints: BTreeMap<Transport, EndpointStats>,
    /// What the process uses.
    pub process: Usage,
    /// Tasks that its runtime has, the one that answers included.
    #[serde(default)]
    pub tasks: u64,
}

/// The feed and its history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedStats {
    /// The life of the feed in which its `seq`s count; none from a server that told none yet.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub epoch: Option<Epoch>,
    /// `seq` of the newest update; 0 before the first.
    pub head: u64,
    /// `seq` of the oldest update that is still held; `head` + 1 when none is.
    pub oldest: u64,
    /// `seq` of the last update that was due before the time asked for with `?before=`, in µs of Unix time. Absent
    /// when none was asked for, or when the history no longer reaches back to it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<u64>,
    /// Streams and held requests that wait for what comes next.
    #[serde(default)]
    pub waiting: u64,
    /// Payload bytes published, all updates together.
    pub payload_bytes: u64,
    /// How late the publisher was, over all updates: the 99th percentile of publishing time minus due time, µs.
    pub publish_lag_p99_us: u64,
    /// The largest such lag, µs.
    pub publish_lag_max_us: u64,
    /// The connection to the broker that has the feed; none where the feed lives in the server.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub broker: Option<BrokerStats>,
    /// What the way of its updates to this server took; none where the feed lives in the server.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hops: Option<HopStats>,
}

/// Sums over the updates that came to a server as they were published, and not from the history: sums add up, over hops and over
/// servers. A hop between two machines whose clocks differ is off by that, and the next one by the same with the other sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HopStats {
    /// How many there were.
    pub updates: u64,
    /// From when each was due until the broker had stored it, µs.
    pub to_broker_us: i64,
    /// From then until this server had it, µs.
    pub to_server_us: i64,
}

/// A server's connection to the broker that has its feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerStats {
    /// Whether it stands.
    pub connected: bool,
    /// Since when it stands, or has been lost: µs of Unix time.
    pub since: u64,
    /// How often it has been lost.
    pub lost: u64,
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
    /// Requests refused because too many bodies were waited for.
    #[serde(default)]
    pub bodies_refused: u64,
    /// Memory that the kernel holds for the open ones, bytes; see [`crate::process::socket_structures_bytes`]. Absent
    /// where the kernel does not tell.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub kernel_bytes: Option<u64>,
}

/// What passed one endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointStats {
    /// Connections whose first feed request was for this endpoint; one of HTTP/2 counts once, however many requests share it.
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
    /// Clients that were told that the feed began again since they had their cursor.
    #[serde(default)]
    pub resets: u64,
    /// Updates that slow streams were not sent because they were given the newest instead; told as gaps too.
    #[serde(default)]
    pub conflated: u64,
    /// Streams, and answers to polls, that were ended because their client read too slowly.
    #[serde(default)]
    pub slow_disconnected: u64,
    /// Bytes written to the sockets: headers, framing and payload.
    pub bytes_out: u64,
    /// Bytes read from the sockets.
    pub bytes_in: u64,
    /// The part of both that is HTTP: request lines, status lines, headers; on HTTP/2 all that is no body, frames included.
    /// A handshake of TLS counts here.
    #[serde(default)]
    pub header_bytes: u64,
    /// The part that is payload: the data of the updates handed to the sockets.
    #[serde(default)]
    pub payload_bytes: u64,
    /// The part that keeps idle connections alive: comments, pings and pongs.
    #[serde(default)]
    pub keepalive_bytes: u64,
    /// What the kernel sent and received for this endpoint's connections; absent where it does not tell.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub wire: Option<WireStats>,
}

/// What IP carried for one endpoint: each segment with its headers, handshakes and closes included. Connections that are
/// open count with what they have done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireStats {
    /// Segments that the server sent, pure acknowledgements included.
    pub packets_out: u64,
    /// Segments that reached it.
    pub packets_in: u64,
    /// Bytes of the former, from the IP header on.
    pub bytes_out: u64,
    /// Bytes of the latter.
    pub bytes_in: u64,
    /// Segments that the server sent again; they are in `packets_out` too.
    pub retransmits: u64,
}

impl WireStats {
    /// Segments of both directions.
    #[must_use]
    pub const fn packets(&self) -> u64 {
        self.packets_out + self.packets_in
    }

    /// Bytes of both directions.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes_out + self.bytes_in
    }
}

impl EndpointStats {
    /// An endpoint that has let nobody in: to add others to.
    #[must_use]
    pub fn nothing() -> Self {
        Self { wire: Some(WireStats::default()), ..Self::default() }
    }
}

impl std::ops::AddAssign<&Self> for EndpointStats {
    /// Taken apart by name, so that a count which is added to an endpoint is not forgotten here. A sum of which a part is not
    /// known is not known.
    fn add_assign(&mut self, other: &Self) {
        let Self {
            connections,
            active,
            requests,
            requests_empty,
            updates,
            gaps,
            resets,
            conflated,
            slow_disconnected,
            bytes_out,
            bytes_in,
            header_bytes,
            payload_bytes,
            keepalive_bytes,
            wire,
        } = other;
        self.connections += connections;
        self.active += active;
        self.requests += requests;
        self.requests_empty += requests_empty;
        self.updates += updates;
        self.gaps += gaps;
        self.resets += resets;
        self.conflated += conflated;
        self.slow_disconnected += slow_disconnected;
        self.bytes_out += bytes_out;
        self.bytes_in += bytes_in;
        self.header_bytes += header_bytes;
        self.payload_bytes += payload_bytes;
        self.keepalive_bytes += keepalive_bytes;
        self.wire = self.wire.zip(*wire).map(|(mut sum, wire)| {
            sum += wire;
            sum
        });
    }
}

impl std::ops::AddAssign for HopStats {
    fn add_assign(&mut self, other: Self) {
        let Self { updates, to_broker_us, to_server_us } = other;
        self.updates = self.updates.saturating_add(updates);
        self.to_broker_us = self.to_broker_us.saturating_add(to_broker_us);
        self.to_server_us = self.to_server_us.saturating_add(to_server_us);
    }
}

impl std::ops::AddAssign for WireStats {
    fn add_assign(&mut self, other: Self) {
        self.packets_out += other.packets_out;
        self.packets_in += other.packets_in;
        self.bytes_out += other.bytes_out;
        self.bytes_in += other.bytes_in;
        self.retransmits += other.retransmits;
    }
}

/// The body of `POST /control/start`, by which a server that was told to wait begins its feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// When the feed's time begins, µs of Unix time: the schedule counts from here.
    pub at: u64,
}

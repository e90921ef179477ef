//! What a server reports about itself at `/stats`: the format that the server writes and the load generator reads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::process::Usage;
use crate::{Epoch, Transport};

/// The response to `GET /stats`. Counters count from the server's start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    /// feedlab's version.
    pub version: String,
    /// A random number that identifies the server process: a different one means that all counters restarted. Below
    /// 2^53, so that a JavaScript number holds it; 0 from an older server that does not report one.
    #[serde(default)]
    pub instance: u64,
    /// When the response was created, µs of Unix time.
    pub at: u64,
    /// The feed and its history.
    pub feed: FeedStats,
    /// All connections, whatever they are used for.
    pub connections: ConnectionStats,
    /// The traffic of each endpoint.
    pub endpoints: BTreeMap<Transport, EndpointStats>,
    /// The resources that the process uses.
    pub process: Usage,
    /// Tasks of its runtime, including the one that answers this request.
    #[serde(default)]
    pub tasks: u64,
}

/// The feed and its history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedStats {
    /// The epoch that the feed's `seq`s count in; `None` from an older server that does not report one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub epoch: Option<Epoch>,
    /// `seq` of the newest update; 0 before the first.
    pub head: u64,
    /// `seq` of the oldest update that is still held; `head` + 1 if none is.
    pub oldest: u64,
    /// `seq` of the last update that was due before the time given as `?before=`, in µs of Unix time. Absent if no time
    /// was given, or the history no longer reaches back to it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<u64>,
    /// Streams and held requests that wait for the next update.
    #[serde(default)]
    pub waiting: u64,
    /// Payload bytes published, over all updates.
    pub payload_bytes: u64,
    /// Lag of the publisher over all updates: the 99th percentile of publishing time minus due time, µs.
    pub publish_lag_p99_us: u64,
    /// The largest such lag, µs.
    pub publish_lag_max_us: u64,
    /// The connection to the broker that stores the feed; `None` if the feed is in the server itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub broker: Option<BrokerStats>,
    /// How long its updates took to reach this server; `None` if the feed is in the server itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hops: Option<HopStats>,
}

/// Sums over the updates that reached a server as they were published, and not from the history: sums can be added,
/// over hops and over servers. A hop between two machines is off by the difference of their clocks, and the next hop by
/// the same with the opposite sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HopStats {
    /// The number of updates.
    pub updates: u64,
    /// Time from when each was due until the broker had stored it, µs.
    pub to_broker_us: i64,
    /// Time from then until this server had received it, µs.
    pub to_server_us: i64,
}

/// A server's connection to the broker that stores its feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerStats {
    /// Whether the connection is up.
    pub connected: bool,
    /// Since when it has been up or lost, µs of Unix time.
    pub since: u64,
    /// How often the connection was lost.
    pub lost: u64,
}

/// Connections of the whole server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionStats {
    /// Open now.
    pub open: u64,
    /// Accepted since the start.
    pub accepted: u64,
    /// Refused because the limit was reached.
    pub refused: u64,
    /// Requests refused because the server was waiting for too many bodies.
    #[serde(default)]
    pub bodies_refused: u64,
    /// Kernel memory of the open ones, bytes; see [`crate::process::socket_structures_bytes`]. Absent if the kernel
    /// does not report it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub kernel_bytes: Option<u64>,
}

/// The traffic of one endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointStats {
    /// Connections whose first feed request was for this endpoint; an HTTP/2 connection counts once, however many
    /// requests share it.
    pub connections: u64,
    /// Streams and held requests now.
    pub active: u64,
    /// Requests answered, including refused ones.
    pub requests: u64,
    /// Requests whose response had no update.
    pub requests_empty: u64,
    /// Updates written to the sockets, over all clients.
    pub updates: u64,
    /// Gaps reported to clients.
    pub gaps: u64,
    /// Resets reported to clients: the feed had started over since they got their cursor.
    #[serde(default)]
    pub resets: u64,
    /// Updates that slow streams skipped because they got the newest instead; also reported as gaps.
    #[serde(default)]
    pub conflated: u64,
    /// Streams and responses to polls that were ended because their client read too slowly.
    #[serde(default)]
    pub slow_disconnected: u64,
    /// Bytes written to the sockets: headers, framing and payload.
    pub bytes_out: u64,
    /// Bytes read from the sockets.
    pub bytes_in: u64,
    /// HTTP bytes in both directions: request lines, status lines, headers; on HTTP/2 everything that is not a body,
    /// including frames. A TLS handshake counts here.
    #[serde(default)]
    pub header_bytes: u64,
    /// Payload bytes: the data of the updates written to the sockets.
    #[serde(default)]
    pub payload_bytes: u64,
    /// Bytes that keep idle connections alive: comments, pings and pongs.
    #[serde(default)]
    pub keepalive_bytes: u64,
    /// What the kernel sent and received for this endpoint's connections; absent if the kernel does not report it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub wire: Option<WireStats>,
}

/// The IP traffic of one endpoint: each segment with its headers, including handshakes and closes. Open connections
/// count with their traffic so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireStats {
    /// Segments that the server sent, including pure acknowledgements.
    pub packets_out: u64,
    /// Segments that the server received.
    pub packets_in: u64,
    /// Bytes of the sent segments, including IP headers.
    pub bytes_out: u64,
    /// Bytes of the received segments, including IP headers.
    pub bytes_in: u64,
    /// Segments that the server retransmitted; also counted in `packets_out`.
    pub retransmits: u64,
    /// How often the server's retransmission timer fired, including for the SYN or its answer; `None` if the kernel does
    /// not report it (before Linux 6.7), or an older server.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub timeouts: Option<u64>,
}

/// No traffic, to add to: what is known to be none is 0, and not unknown.
impl Default for WireStats {
    fn default() -> Self {
        Self { packets_out: 0, packets_in: 0, bytes_out: 0, bytes_in: 0, retransmits: 0, timeouts: Some(0) }
    }
}

impl WireStats {
    /// Returns what has been added since an earlier moment. The difference to what is unknown is unknown.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            packets_out: self.packets_out.saturating_sub(earlier.packets_out),
            packets_in: self.packets_in.saturating_sub(earlier.packets_in),
            bytes_out: self.bytes_out.saturating_sub(earlier.bytes_out),
            bytes_in: self.bytes_in.saturating_sub(earlier.bytes_in),
            retransmits: self.retransmits.saturating_sub(earlier.retransmits),
            timeouts: self.timeouts.zip(earlier.timeouts).map(|(now, then)| now.saturating_sub(then)),
        }
    }

    /// The segments of both directions.
    #[must_use]
    pub const fn packets(&self) -> u64 {
        self.packets_out + self.packets_in
    }

    /// The bytes of both directions.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes_out + self.bytes_in
    }
}

impl EndpointStats {
    /// The figures of an endpoint without traffic, to add others to.
    #[must_use]
    pub fn nothing() -> Self {
        Self { wire: Some(WireStats::default()), ..Self::default() }
    }
}

impl std::ops::AddAssign<&Self> for EndpointStats {
    /// Destructures by name, so that a new count of an endpoint is not forgotten here. A sum with an unknown part is
    /// unknown.
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
    /// Names every field, so that none is forgotten. A sum with an unknown part is unknown.
    fn add_assign(&mut self, other: Self) {
        let Self { packets_out, packets_in, bytes_out, bytes_in, retransmits, timeouts } = other;
        self.packets_out += packets_out;
        self.packets_in += packets_in;
        self.bytes_out += bytes_out;
        self.bytes_in += bytes_in;
        self.retransmits += retransmits;
        self.timeouts = self.timeouts.zip(timeouts).map(|(sum, more)| sum + more);
    }
}

/// The body of `POST /control/start`, which starts the feed of a server that was started with `--await-start`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// When the feed starts, µs of Unix time: the schedule counts from here.
    pub at: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_unknown_as_soon_as_one_part_is() {
        let known = WireStats { retransmits: 3, timeouts: Some(2), ..WireStats::default() };
        let unknown = WireStats { timeouts: None, ..known };
        let sum = |parts: &[WireStats]| {
            parts.iter().fold(WireStats::default(), |mut sum, part| {
                sum += *part;
                sum
            })
        };
        assert_eq!((sum(&[known, known]).retransmits, sum(&[known, known]).timeouts), (6, Some(4)));
        assert_eq!((sum(&[known, unknown]).retransmits, sum(&[known, unknown]).timeouts), (6, None));
        assert_eq!(sum(&[known, known]).since(known), known);
        assert_eq!([known.since(unknown).timeouts, unknown.since(known).timeouts], [None, None]);
    }

    #[test]
    fn the_figures_of_an_older_server_have_no_timeouts() {
        let older = r#"{"packets_out":1,"packets_in":2,"bytes_out":3,"bytes_in":4,"retransmits":5}"#;
        let read: WireStats = serde_json::from_str(older).unwrap();
        assert_eq!((read.retransmits, read.timeouts), (5, None));
        assert_eq!(serde_json::to_string(&read).unwrap(), older);
    }
}

//! The table of all metrics: JSON keys, chart labels, the glossary and the documentation come from here.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::nearest::nearest;

mod glossary;

pub use glossary::glossary_markdown;

/// Width of the bins in which reconnects are counted: `reconnects_peak_per_100ms`.
pub const RECONNECTS_BIN: Duration = Duration::from_millis(100);
/// Shortest idle time over which `idle_bytes_per_client_min` is measured: over a shorter one, chance would dominate.
pub const SHORTEST_IDLE: Duration = Duration::from_secs(5);

/// What a metric is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// How stale the updates were when they arrived.
    Freshness,
    /// Which updates arrived and which did not.
    Delivery,
    /// How many requests the clients sent.
    Requests,
    /// Bytes and packets on the clients' sockets.
    Bandwidth,
    /// Bytes and packets on the sockets between a proxy and the server.
    ServerLeg,
    /// Cost of a connection.
    ConnectionCost,
    /// CPU cost of an update.
    Cpu,
    /// CPU, memory and descriptors of nginx and the lab proxy.
    Proxies,
    /// How long clients were disconnected.
    Recovery,
    /// Whether the test harness itself kept up.
    Trust,
}

/// The unit of a metric's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Microseconds.
    Microseconds,
    /// Bytes.
    Bytes,
    /// A plain count.
    Count,
}

/// How the values of several repetitions become one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pooling {
    /// From the merged histogram of ages, at this quantile.
    AgeQuantile(f64),
    /// The mean of the merged histogram of ages.
    AgeMean,
    /// The largest value of the merged histogram of ages.
    AgeMax,
    /// The largest of the repetitions.
    Max,
    /// The sum of the repetitions.
    Sum,
    /// The mean of the repetitions.
    Mean,
}

/// One row of the metric table.
#[derive(Clone, Copy, Debug)]
pub struct MetricInfo {
    /// The metric.
    pub metric: Metric,
    /// The id, which includes the unit: the key in every file.
    pub id: &'static str,
    /// The group.
    pub group: Group,
    /// The unit.
    pub unit: Unit,
    /// How repetitions are pooled.
    pub pooling: Pooling,
    /// The display name, short enough for a table header.
    pub label: &'static str,
    /// The definition, in one or two sentences.
    pub meaning: &'static str,
}

macro_rules! metrics {
    ($($variant:ident $id:literal $group:ident $unit:ident $pooling:expr, $label:literal, $meaning:literal;)*) => {
        /// A metric; serialized as its id.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Metric {
            $(#[doc = $meaning] #[serde(rename = $id)] $variant,)*
        }

        /// Every metric, in the order of tables and documentation.
        pub const TABLE: &[MetricInfo] = &[
            $(MetricInfo { metric: Metric::$variant, id: $id, group: Group::$group, unit: Unit::$unit, pooling: $pooling,
                    label: $label, meaning: $meaning },)*
        ];
    };
}

use Pooling::{AgeMax, AgeMean, AgeQuantile, Max, Mean, Sum};

metrics! {
    AgeMean "age_mean_us" Freshness Microseconds AgeMean, "age mean",
        "Mean age of the updates on arrival: receive time minus due time.";
    AgeP50 "age_p50_us" Freshness Microseconds AgeQuantile(0.5), "age p50",
        "Half of the updates were at most this old when they arrived.";
    AgeP90 "age_p90_us" Freshness Microseconds AgeQuantile(0.9), "age p90",
        "Nine in ten updates were at most this old.";
    AgeP99 "age_p99_us" Freshness Microseconds AgeQuantile(0.99), "age p99",
        "99 in 100 updates were at most this old.";
    AgeP999 "age_p999_us" Freshness Microseconds AgeQuantile(0.999), "age p99.9",
        "999 in 1,000 updates were at most this old.";
    AgeMax "age_max_us" Freshness Microseconds AgeMax, "age max",
        "The largest age of any update on arrival.";
    HopToBroker "hop_to_broker_mean_us" Freshness Microseconds Mean, "to the broker",
        "The part of the mean age from when an update was due until the broker had stored it.";
    HopToServer "hop_to_server_mean_us" Freshness Microseconds Mean, "to the server",
        "The next part: from the broker until a server received the update.";
    HopToClient "hop_to_client_mean_us" Freshness Microseconds Mean, "to the client",
        "The rest of the mean age: from the server until a client received the update.";
    UpdatesPublished "updates_published" Delivery Count Sum, "published",
        "Updates of the feed that fell due in the measured time.";
    UpdatesExpected "updates_expected" Delivery Count Sum, "expected",
        "Updates published, times the clients of the cell, connected or not: what should arrive.";
    UpdatesReceived "updates_received" Delivery Count Sum, "received",
        "Updates that arrived, each counted once per client.";
    UpdatesMissed "updates_missed" Delivery Count Sum, "missed",
        "Expected updates that never arrived.";
    UpdatesDuplicated "updates_duplicated" Delivery Count Sum, "duplicated",
        "Updates that arrived at a client that had already received them.";
    UpdatesReordered "updates_reordered" Delivery Count Sum, "reordered",
        "Updates that arrived after a later one.";
    UpdatesReplayed "updates_replayed" Delivery Count Sum, "replayed",
        "Updates that were due while a client was disconnected and that it received after it reconnected.";
    UpdatesReportedLost "updates_told_lost" Delivery Count Sum, "reported lost",
        "Updates that the server reported to clients as lost (gaps), summed over all clients.";
    ClientsGaveUp "clients_gave_up" Delivery Count Sum, "gave up",
        "Clients that closed permanently, as their standard requires.";
    Requests "requests" Requests Count Sum, "requests",
        "Feed requests answered in the measured time, summed over all clients.";
    RequestsEmpty "requests_empty" Requests Count Sum, "empty requests",
        "Feed requests whose answer contained no update.";
    RequestsSkipped "requests_skipped" Requests Count Sum, "skipped requests",
        "Polls that were due in the measured time but never sent because the previous one was still in flight.";
    ConnectionsOpened "connections_opened" Requests Count Sum, "connections",
        "TCP connections that the clients opened during the whole cell.";
    Reconnects "reconnects" Requests Count Sum, "reconnects",
        "Connections that clients opened again during the whole cell: after a loss, and in a scenario with `churn` because the client had \
         ended the previous one itself.";
    Fallbacks "fallbacks" Requests Count Sum, "fallbacks",
        "Steps that clients took down the fallback ladder because a transport did not work on their network path.";
    Climbs "climbs" Requests Count Sum, "climbs",
        "Returns to the first rung of the fallback ladder.";
    Publications "publications" Requests Count Sum, "publications",
        "Updates that clients published in the measured time.";
    AckP50 "ack_p50_us" Requests Microseconds Mean, "ack p50",
        "Median time from a client's publication to the server's acknowledgement.";
    BusiestNode "fullest_node_percent" Requests Count Mean, "busiest node, %",
        "Percentage of all streams that the busiest of several servers holds when the measured time ends (for \
         polling: of the requests in the last second).";
    LeastBusyNode "emptiest_node_percent" Requests Count Mean, "least busy node, %",
        "The same for the least busy server: 0 if a server that was added received no clients.";
    PayloadBytesPerUpdate "payload_bytes_per_update" Bandwidth Bytes Mean, "payload per update",
        "Mean size of an update's data: what the application wanted to send.";
    SocketBytesPerUpdate "socket_bytes_per_update" Bandwidth Bytes Mean, "socket bytes per update",
        "Bytes on the clients' sockets (headers, framing, payload, TLS), both directions, per update delivered to a \
         client in the same time.";
    HeaderBytesPerUpdate "header_bytes_per_update" Bandwidth Bytes Mean, "HTTP headers per update",
        "The part of the socket bytes that consists of request lines, status lines and headers, both directions.";
    FramingBytesPerUpdate "framing_bytes_per_update" Bandwidth Bytes Mean, "framing per update",
        "The part of the socket bytes that wraps payloads: the JSON around them, event fields, chunk sizes, frame \
         headers, and the bodies of empty polls.";
    KeepaliveBytesPerUpdate "keepalive_bytes_per_update" Bandwidth Bytes Mean, "keepalive per update",
        "The part of the socket bytes that keeps idle connections alive: comments, pings and pongs.";
    SocketBytesUp "socket_bytes_up" Bandwidth Bytes Sum, "bytes up",
        "Bytes that clients sent in the measured time.";
    SocketBytesDown "socket_bytes_down" Bandwidth Bytes Sum, "bytes down",
        "Bytes that clients received in the measured time.";
    SocketBytesUpPerPublication "socket_bytes_up_per_publication" Bandwidth Bytes Mean, "bytes up per publication",
        "Socket bytes that clients sent in the measured time, per update that they published.";
    WireBytesPerUpdate "wire_bytes_per_update" Bandwidth Bytes Mean, "wire bytes per update",
        "Socket bytes plus the IP and TCP headers of every segment, both directions, including pure acknowledgements, \
         handshakes and closes, per update delivered to a client in the same time.";
    PacketsPerUpdate "packets_per_update" Bandwidth Count Mean, "packets per update",
        "TCP segments, both directions, including pure acknowledgements, handshakes and closes, per update delivered \
         to a client in the same time.";
    Retransmits "retransmits" Bandwidth Count Sum, "retransmits",
        "Segments that the server's kernel retransmitted in the measured time; behind a proxy, those that the \
         clients' kernel retransmitted.";
    LinkPacketsLost "link_packets_lost" Bandwidth Count Sum, "packets lost on the link",
        "Packets of the whole cell that an emulated link lost on the line, both directions.";
    LinkPacketsDropped "link_packets_dropped" Bandwidth Count Sum, "packets dropped by the queue",
        "Packets of the whole cell that a full queue of an emulated link dropped, both directions.";
    IdleBytesPerClientMin "idle_bytes_per_client_min" Bandwidth Bytes Mean, "idle bytes per client and minute",
        "Socket bytes of a client per minute without updates, both directions; measured after the clients have \
         settled and before the feed starts.";
    ClientRetransmits "client_retransmits" Bandwidth Count Sum, "client retransmits",
        "Segments that the clients' kernel retransmitted in the measured time: requests, publications, and the SYN of a \
         connection.";
    Timeouts "retransmission_timeouts" Bandwidth Count Sum, "retransmission timeouts",
        "How often the retransmission timer of the server's kernel fired in the measured time, because nothing faster \
         had noticed a loss; behind a proxy, that of the clients' kernel.";
    ClientTimeouts "client_retransmission_timeouts" Bandwidth Count Sum, "client retransmission timeouts",
        "How often the retransmission timer of the clients' kernel fired in the measured time.";
    ServerLegSocketBytes "server_leg_socket_bytes_per_update" ServerLeg Bytes Mean, "server leg: socket bytes per update",
        "Bytes written to and read from the server's sockets, both directions, per update that it delivered in the \
         same time.";
    ServerLegHeaderBytes "server_leg_header_bytes_per_update" ServerLeg Bytes Mean, "server leg: HTTP headers per update",
        "The part of those bytes that consists of request lines, status lines and headers.";
    ServerLegWireBytes "server_leg_wire_bytes_per_update" ServerLeg Bytes Mean, "server leg: wire bytes per update",
        "Those bytes plus the IP and TCP headers of every segment.";
    ServerLegPackets "server_leg_packets_per_update" ServerLeg Count Mean, "server leg: packets per update",
        "TCP segments between the proxy and the server, both directions, per update that the server delivered in the \
         same time.";
    ServerLegConnections "server_leg_connections" ServerLeg Count Sum, "server leg: connections",
        "TCP connections that the proxy opened to the server during the whole cell.";
    ConnectP50 "connect_p50_us" ConnectionCost Microseconds Mean, "connect p50",
        "Median time that a TCP connect takes.";
    ConnectP99 "connect_p99_us" ConnectionCost Microseconds Mean, "connect p99",
        "99th percentile of the time that a TCP connect takes.";
    TlsP50 "tls_p50_us" ConnectionCost Microseconds Mean, "TLS p50",
        "Median time that a TLS handshake takes, from the end of the TCP connect.";
    RequestP50 "request_p50_us" ConnectionCost Microseconds Mean, "request p50",
        "Median time from an open connection (TCP, and TLS if it is used) to the response headers of the first \
         request.";
    OpenP50 "open_p50_us" ConnectionCost Microseconds Mean, "open p50",
        "Median time from the start of the TCP connect to the response headers of the first request: how long a \
         client waits until its endpoint is open. Reconnects because of `churn` are excluded: a long poll with a \
         cursor is held.";
    FirstUpdateP50 "first_update_p50_us" ConnectionCost Microseconds Mean, "first update p50",
        "Median time from the start of the TCP connect to the first update, for a join probe that requests an \
         existing update; measured one probe at a time, after the clients have left.";
    HandshakeBytes "handshake_bytes" ConnectionCost Bytes Mean, "handshake bytes",
        "Socket bytes of a join probe's request and of the headers of its response, both directions.";
    ServerRssBytesPerConnection "server_rss_bytes_per_connection" ConnectionCost Bytes Mean, "server memory per connection",
        "Slope of the server's resident memory over its open connections (least squares, over the ramp of a fresh \
         server): what one more connection takes.";
    ClientRssBytesPerConnection "client_rss_bytes_per_connection" ConnectionCost Bytes Mean, "generator memory per client",
        "The same slope for the load generator.";
    KernelBytesPerConnection "kernel_bytes_per_connection" ConnectionCost Bytes Mean, "kernel memory per connection",
        "Slope of the memory that the kernel holds for the server's sockets: their buffers (SO_MEMINFO) and the fixed \
         structures of each socket (object sizes in /proc/slabinfo).";
    ServerFdsPerConnection "server_fds_per_connection" ConnectionCost Count Mean, "server descriptors per connection",
        "Slope of the server's open file descriptors over its open connections.";
    ServerCpuPerUpdate "server_cpu_us_per_update" Cpu Microseconds Mean, "server CPU per update",
        "CPU time of the server in the measured time, minus its baseline without clients, per update that it \
         delivered to a client in the same time.";
    ClientCpuPerUpdate "client_cpu_us_per_update" Cpu Microseconds Mean, "generator CPU per update",
        "CPU time of the load generator in the measured time, minus its baseline before the first client, per update \
         that the server delivered to a client in the same time.";
    ServerCpuPerRequest "server_cpu_us_per_request" Cpu Microseconds Mean, "server CPU per request",
        "The same CPU time of the server, per feed request that it answered; streams have hardly any requests.";
    ServerCpuPerConnection "server_cpu_us_per_connection" Cpu Microseconds Mean, "server CPU per connection",
        "CPU time of the server for a join probe, minus that of reading its statistics: a connect, a request and the \
         response with the first update. Probes connect one at a time, after the clients have left, and directly to \
         the server.";
    ServerCpuIdle "server_cpu_idle_us_per_s" Cpu Microseconds Mean, "server CPU idle",
        "CPU time per second of the server before its first client: the baseline that is subtracted.";
    ClientCpuIdle "client_cpu_idle_us_per_s" Cpu Microseconds Mean, "generator CPU idle",
        "CPU time per second of the load generator before its first client: the baseline that is subtracted.";
    NginxCpuPerUpdate "nginx_cpu_us_per_update" Proxies Microseconds Mean, "nginx CPU per update",
        "CPU time of nginx (master and workers) in the measured time, minus its baseline without clients, per update \
         delivered to a client in the same time.";
    NginxRssPerConnection "nginx_rss_bytes_per_connection" Proxies Bytes Mean, "nginx memory per connection",
        "Slope of nginx's resident memory over the clients' open connections.";
    NginxFdsPerConnection "nginx_fds_per_connection" Proxies Count Mean, "nginx descriptors per connection",
        "Slope of nginx's open file descriptors over the clients' open connections.";
    LabProxyCpuPerUpdate "lab_proxy_cpu_us_per_update" Proxies Microseconds Mean, "lab proxy CPU per update",
        "The same CPU time, of the lab proxy.";
    LabProxyRssPerConnection "lab_proxy_rss_bytes_per_connection" Proxies Bytes Mean, "lab proxy memory per connection",
        "The same slope of the lab proxy's resident memory.";
    LabProxyFdsPerConnection "lab_proxy_fds_per_connection" Proxies Count Mean, "lab proxy descriptors per connection",
        "The same slope of the lab proxy's open file descriptors.";
    RecoveryP50 "recovery_p50_us" Recovery Microseconds Mean, "recovery p50",
        "Median time from the loss of a connection to the next update. A connection that the client itself ends \
         (`churn`) does not count as lost.";
    RecoveryP99 "recovery_p99_us" Recovery Microseconds Mean, "recovery p99",
        "99th percentile of that time.";
    ReconnectP50 "reconnect_p50_us" Recovery Microseconds Mean, "reconnect p50",
        "Median time from the loss of a connection until the server serves the feed again, with or without an update; \
         a response such as a 503 does not count.";
    ReconnectP99 "reconnect_p99_us" Recovery Microseconds Mean, "reconnect p99",
        "99th percentile of that time.";
    ReconnectsPeak "reconnects_peak_per_100ms" Recovery Count Max, "reconnects peak",
        "The largest number of connections that clients reopened within a tenth of a second.";
    SlowDisconnected "slow_disconnected" Recovery Count Sum, "slow disconnected",
        "Connections of slow readers that the server closed.";
    ServerRssGrowth "server_rss_growth_bytes" Recovery Bytes Max, "server memory growth",
        "Resident memory of the server at the end of the measured time minus that at its start: what slow readers and \
         reconnects make it keep.";
    ScheduleLagP99 "schedule_lag_p99_us" Trust Microseconds Max, "timer lag p99",
        "How late the load generator's own timers fired, 99th percentile: how far its clock readings can be trusted.";
    PublishLagP99 "publish_lag_p99_us" Trust Microseconds Max, "publish lag p99",
        "How far the publisher was behind its schedule, 99th percentile; this delay is part of every age.";
    PublishLagMax "publish_lag_max_us" Trust Microseconds Max, "publish lag max",
        "How far the publisher was behind its schedule at worst.";
    ServerCpuCores "server_cpu_cores" Trust Count Max, "server cores busy",
        "CPU time of the server per second of the measured time, in s: 1 is a whole core.";
    ClientCpuCores "client_cpu_cores" Trust Count Max, "generator cores busy",
        "CPU time of the load generator per second of the measured time, in s.";
    NginxCpuCores "nginx_cpu_cores" Trust Count Max, "nginx cores busy",
        "CPU time of nginx per second of the measured time, in s.";
    LabProxyCpuCores "lab_proxy_cpu_cores" Trust Count Max, "lab proxy cores busy",
        "CPU time of the lab proxy per second of the measured time, in s.";
    LinkCpuCores "link_cpu_cores" Trust Count Max, "link emulator cores busy",
        "CPU time of the link emulator per second of the measured time, in s.";
    LinkPacketsLate "link_packets_late" Trust Count Sum, "packets late",
        "Packets of the whole cell that left an emulated link more than 0.5 ms after they were due, because the machine was busy.";
    OtherCpuCores "other_cpu_cores" Trust Count Max, "other load",
        "CPU time of everything else on the machine per second of the measured time, in s, including the kernel's \
         work for the loopback.";
    ClockStep "clock_step_us" Trust Microseconds Max, "clock step",
        "How far the wall clock drifted from the monotonic clock in the measured time; ages are read from the wall \
         clock.";
    ClockBound "clock_bound_us" Trust Microseconds Max, "clock bound",
        "How far ages may be off because they compare the clocks of several machines; ages below this bound are not \
         reported.";
    SwappedBytes "swapped_bytes" Trust Bytes Max, "swapped in",
        "Memory that the machine read back from swap in the measured time.";
}

impl Metric {
    /// Returns the metric's row in the [`TABLE`].
    #[must_use]
    pub fn row(self) -> &'static MetricInfo {
        &TABLE[self as usize]
    }

    /// Returns the metric's id.
    #[must_use]
    pub fn id(self) -> &'static str {
        self.row().id
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// The error for an id that no metric has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no metric is called `{id}`; the nearest is `{nearest}`")]
pub struct UnknownMetric {
    /// The unknown id.
    pub id: String,
    /// The existing id that is most similar.
    pub nearest: &'static str,
}

impl FromStr for Metric {
    type Err = UnknownMetric;

    fn from_str(id: &str) -> Result<Self, UnknownMetric> {
        let row = TABLE.iter().find(|row| row.id == id);
        row.map(|row| row.metric).ok_or_else(|| UnknownMetric {
            id: id.to_owned(),
            nearest: nearest(id, TABLE.iter().map(|row| row.id)).unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_finds_its_row_and_its_id_reads_back() {
        for row in TABLE {
            assert_eq!(row.metric.id(), row.id);
            assert_eq!(row.id.parse(), Ok(row.metric));
            assert_eq!(serde_json::to_value(row.metric).unwrap(), row.id);
        }
    }

    #[test]
    fn ids_carry_their_unit() {
        for MetricInfo { id, unit, .. } in TABLE {
            let carried = match unit {
                Unit::Microseconds => id.contains("_us"),
                Unit::Bytes => id.contains("bytes"),
                Unit::Count => !id.contains("_us") && !id.contains("bytes"),
            };
            assert!(carried, "{id} is in {unit:?}");
        }
    }

    #[test]
    fn an_unknown_id_names_the_nearest() {
        let error = "age_p95_us".parse::<Metric>().unwrap_err();
        assert_eq!(error.to_string(), "no metric is called `age_p95_us`; the nearest is `age_p90_us`");
        assert_eq!("updates_lost".parse::<Metric>().unwrap_err().nearest, "updates_missed");
    }
}

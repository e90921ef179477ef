//! The one metric table: JSON keys, chart labels, glossary and documentation come from here.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::nearest::nearest;

mod glossary;

pub use glossary::glossary_markdown;

/// The time in which clients that come back are counted together: `reconnects_peak_per_100ms`.
pub const RECONNECTS_BIN: Duration = Duration::from_millis(100);
/// Over a shorter quiet time `idle_bytes_per_client_min` would say more about the moment than about the transport.
pub const SHORTEST_IDLE: Duration = Duration::from_secs(5);

/// What a metric is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// How stale a client's knowledge was.
    Freshness,
    /// What arrived and what did not.
    Delivery,
    /// How often clients asked.
    Requests,
    /// What went over the sockets.
    Bandwidth,
    /// What went over the sockets between a proxy and the server.
    ServerLeg,
    /// What a connection costs.
    ConnectionCost,
    /// What an update costs.
    Cpu,
    /// What nginx and the lab proxy took.
    Proxies,
    /// How long a client was cut off.
    Recovery,
    /// Whether the harness itself kept up.
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

/// How the value of several repetitions is made.
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

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct MetricInfo {
    /// The metric.
    pub metric: Metric,
    /// Its id, with its unit: the key in every file.
    pub id: &'static str,
    /// Its group.
    pub group: Group,
    /// Its unit.
    pub unit: Unit,
    /// How repetitions are pooled.
    pub pooling: Pooling,
    /// Its name for people, short enough for a table's head.
    pub label: &'static str,
    /// What it is, in one sentence.
    pub meaning: &'static str,
}

macro_rules! metrics {
    ($($variant:ident $id:literal $group:ident $unit:ident $pooling:expr, $label:literal, $meaning:literal;)*) => {
        /// A metric, by its id.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Metric {
            $(#[doc = $meaning] #[serde(rename = $id)] $variant,)*
        }

        /// Every metric, in the order of tables and documents.
        pub const TABLE: &[MetricInfo] = &[
            $(MetricInfo { metric: Metric::$variant, id: $id, group: Group::$group, unit: Unit::$unit, pooling: $pooling,
                    label: $label, meaning: $meaning },)*
        ];
    };
}

use Pooling::{AgeMax, AgeMean, AgeQuantile, Max, Mean, Sum};

metrics! {
    AgeMean "age_mean_us" Freshness Microseconds AgeMean, "age mean",
        "Mean age of the updates at their receipt: receive time minus due time.";
    AgeP50 "age_p50_us" Freshness Microseconds AgeQuantile(0.5), "age p50",
        "Half of the updates were at most this old when they arrived.";
    AgeP90 "age_p90_us" Freshness Microseconds AgeQuantile(0.9), "age p90",
        "Nine in ten updates were at most this old.";
    AgeP99 "age_p99_us" Freshness Microseconds AgeQuantile(0.99), "age p99",
        "99 in 100 updates were at most this old.";
    AgeP999 "age_p999_us" Freshness Microseconds AgeQuantile(0.999), "age p99.9",
        "999 in 1,000 updates were at most this old.";
    AgeMax "age_max_us" Freshness Microseconds AgeMax, "age max",
        "The oldest update at its receipt.";
    HopToBroker "hop_to_broker_mean_us" Freshness Microseconds Mean, "to the broker",
        "Of the mean age, what passed from the moment at which an update was due until the broker had stored it.";
    HopToServer "hop_to_server_mean_us" Freshness Microseconds Mean, "to the server",
        "What then passed until a server had it.";
    HopToClient "hop_to_client_mean_us" Freshness Microseconds Mean, "to the client",
        "What then passed until a client had it: the rest of the mean age.";
    UpdatesPublished "updates_published" Delivery Count Sum, "published",
        "Updates of the feed that fell due in the measured time.";
    UpdatesExpected "updates_expected" Delivery Count Sum, "expected",
        "Updates published, times clients: what should arrive.";
    UpdatesReceived "updates_received" Delivery Count Sum, "received",
        "Updates that arrived, each counted once a client.";
    UpdatesMissed "updates_missed" Delivery Count Sum, "missed",
        "Updates expected that never arrived.";
    UpdatesDuplicated "updates_duplicated" Delivery Count Sum, "duplicated",
        "Updates that arrived at a client that already had them.";
    UpdatesReordered "updates_reordered" Delivery Count Sum, "reordered",
        "Updates that arrived after a later one.";
    UpdatesReplayed "updates_replayed" Delivery Count Sum, "replayed",
        "Updates that were due while a client had lost its connection, and that it was given when it came back.";
    UpdatesReportedLost "updates_told_lost" Delivery Count Sum, "reported lost",
        "Updates that the server told a client it had lost (gaps), all clients together.";
    ClientsGaveUp "clients_gave_up" Delivery Count Sum, "gave up",
        "Clients that closed permanently, as their standard requires of them.";
    Requests "requests" Requests Count Sum, "requests",
        "Feed requests answered in the measured time, all clients together.";
    RequestsEmpty "requests_empty" Requests Count Sum, "empty requests",
        "Those whose answer brought no update.";
    RequestsSkipped "requests_skipped" Requests Count Sum, "skipped requests",
        "Polls that were due and never sent, because the one before was still under way.";
    ConnectionsOpened "connections_opened" Requests Count Sum, "connections",
        "TCP connections opened by the clients over the whole cell.";
    Reconnects "reconnects" Requests Count Sum, "reconnects",
        "Connections that clients opened again: after a loss, and where the scenario has `churn`, because their own time was over.";
    Fallbacks "fallbacks" Requests Count Sum, "fallbacks",
        "Steps that clients took down the fallback ladder, because the way broke a transport.";
    Climbs "climbs" Requests Count Sum, "climbs",
        "Returns to the first rung of the fallback ladder.";
    Publications "publications" Requests Count Sum, "publications",
        "Updates that clients published in the measured time.";
    AckP50 "ack_p50_us" Requests Microseconds Mean, "ack p50",
        "Median time from a client's publication to the server's acknowledgement.";
    BusiestNode "fullest_node_percent" Requests Count Mean, "fullest node, %",
        "Of several servers, what the one that has most has of all streams when the measured time ends (of polls: of the \
         requests of its last second), in per cent.";
    LeastBusyNode "emptiest_node_percent" Requests Count Mean, "emptiest node, %",
        "The same of the one that has least: 0 where a server that was added got nobody.";
    PayloadBytesPerUpdate "payload_bytes_per_update" Bandwidth Bytes Mean, "payload per update",
        "What the application wanted to say: mean size of an update's data.";
    SocketBytesPerUpdate "socket_bytes_per_update" Bandwidth Bytes Mean, "socket bytes per update",
        "Bytes that clients' sockets carried (headers, framing, payload, TLS), both directions, for each update that was \
         handed to a client in the same time.";
    HeaderBytesPerUpdate "header_bytes_per_update" Bandwidth Bytes Mean, "HTTP headers per update",
        "The part of the socket bytes that is request lines, status lines and headers, both directions.";
    FramingBytesPerUpdate "framing_bytes_per_update" Bandwidth Bytes Mean, "framing per update",
        "The part of the socket bytes that wraps payloads: the JSON around them, event fields, chunk sizes, frame \
         headers, and the bodies of polls that brought nothing.";
    KeepaliveBytesPerUpdate "keepalive_bytes_per_update" Bandwidth Bytes Mean, "keepalive per update",
        "The part of the socket bytes that is there to keep idle connections alive: comments, pings and pongs.";
    SocketBytesUp "socket_bytes_up" Bandwidth Bytes Sum, "bytes up",
        "Bytes that clients sent in the measured time.";
    SocketBytesDown "socket_bytes_down" Bandwidth Bytes Sum, "bytes down",
        "Bytes that clients were sent in the measured time.";
    SocketBytesUpPerPublication "socket_bytes_up_per_publication" Bandwidth Bytes Mean, "bytes up per publication",
        "Socket bytes that clients sent in the measured time, for each update that they published.";
    WireBytesPerUpdate "wire_bytes_per_update" Bandwidth Bytes Mean, "wire bytes per update",
        "Socket bytes plus the IP and TCP headers of every segment, both directions, pure acknowledgements, \
         handshakes and closes included, for each update that was handed to a client in the same time.";
    PacketsPerUpdate "packets_per_update" Bandwidth Count Mean, "packets per update",
        "TCP segments, both directions, pure acknowledgements, handshakes and closes included, for each update that \
         was handed to a client in the same time.";
    Retransmits "retransmits" Bandwidth Count Sum, "retransmits",
        "Segments that were sent again in the measured time, by the server's kernel; behind a proxy, by the clients'.";
    IdleBytesPerClientMin "idle_bytes_per_client_min" Bandwidth Bytes Mean, "idle bytes per client and minute",
        "Socket bytes of a client in a minute without any update, both directions; measured while the clients are \
         settled and the feed has not begun.";
    ServerLegSocketBytes "server_leg_socket_bytes_per_update" ServerLeg Bytes Mean, "server leg: socket bytes per update",
        "Bytes written to and read from the server's sockets, both directions, for each update that it handed over in the \
         same time.";
    ServerLegHeaderBytes "server_leg_header_bytes_per_update" ServerLeg Bytes Mean, "server leg: HTTP headers per update",
        "The part of them that is request lines, status lines and headers.";
    ServerLegWireBytes "server_leg_wire_bytes_per_update" ServerLeg Bytes Mean, "server leg: wire bytes per update",
        "The same with the IP and TCP headers of every segment.";
    ServerLegPackets "server_leg_packets_per_update" ServerLeg Count Mean, "server leg: packets per update",
        "TCP segments between the proxy and the server, both directions, for each update that the server handed over in \
         the same time.";
    ServerLegConnections "server_leg_connections" ServerLeg Count Sum, "server leg: connections",
        "TCP connections that the proxy opened to the server over the whole cell.";
    ConnectP50 "connect_p50_us" ConnectionCost Microseconds Mean, "connect p50",
        "Median time of a TCP connect.";
    ConnectP99 "connect_p99_us" ConnectionCost Microseconds Mean, "connect p99",
        "99th percentile of the time of a TCP connect.";
    TlsP50 "tls_p50_us" ConnectionCost Microseconds Mean, "TLS p50",
        "Median time of a TLS handshake, from the end of the TCP connect.";
    RequestP50 "request_p50_us" ConnectionCost Microseconds Mean, "request p50",
        "Median time from an open connection (TCP, and TLS where it is spoken) to the head of the first answer.";
    OpenP50 "open_p50_us" ConnectionCost Microseconds Mean, "open p50",
        "Median time from the start of the TCP connect to the head of the first answer: what a client waits until \
         its endpoint is open. Those that come back because of `churn` are not in it: a long poll that brings its cursor is held.";
    FirstUpdateP50 "first_update_p50_us" ConnectionCost Microseconds Mean, "first update p50",
        "Median time from the start of the TCP connect to the first update, for a newcomer that asks for one that is \
         there; measured one newcomer at a time, after the fleet has left.";
    HandshakeBytes "handshake_bytes" ConnectionCost Bytes Mean, "handshake bytes",
        "Socket bytes of a newcomer's request and of the head of its answer, both directions.";
    ServerRssBytesPerConnection "server_rss_bytes_per_connection" ConnectionCost Bytes Mean, "server memory per connection",
        "Slope of the server's resident memory over its open connections, by least squares over the ramp of a fresh \
         server: what one more connection takes.";
    ClientRssBytesPerConnection "client_rss_bytes_per_connection" ConnectionCost Bytes Mean, "generator memory per client",
        "The same slope for the load generator.";
    KernelBytesPerConnection "kernel_bytes_per_connection" ConnectionCost Bytes Mean, "kernel memory per connection",
        "Slope of the memory that the kernel holds for the server's sockets: their buffers (SO_MEMINFO) and, per \
         socket, its fixed structures (object sizes in /proc/slabinfo).";
    ServerFdsPerConnection "server_fds_per_connection" ConnectionCost Count Mean, "server descriptors per client",
        "Slope of the server's open descriptors.";
    ServerCpuPerUpdate "server_cpu_us_per_update" Cpu Microseconds Mean, "server CPU per update",
        "CPU time of the server in the measured time, less what it uses without any client, for each update that it \
         handed to a client in the same time.";
    ClientCpuPerUpdate "client_cpu_us_per_update" Cpu Microseconds Mean, "generator CPU per update",
        "CPU time of the load generator in the measured time, less what it uses before its first client, for each \
         update that the server handed to a client in the same time.";
    ServerCpuPerRequest "server_cpu_us_per_request" Cpu Microseconds Mean, "server CPU per request",
        "The same CPU time of the server for each feed request that it answered; streams have hardly any.";
    ServerCpuPerConnection "server_cpu_us_per_connection" Cpu Microseconds Mean, "server CPU per connection",
        "CPU time of the server for a newcomer, less that of looking at it: a connect, a request and the answer with the \
         first update. Newcomers come one at a time, after the fleet has left, and with nothing between them and the server.";
    ServerCpuIdle "server_cpu_idle_us_per_s" Cpu Microseconds Mean, "server CPU idle",
        "CPU time a second of the server before its first client: the baseline that is subtracted.";
    ClientCpuIdle "client_cpu_idle_us_per_s" Cpu Microseconds Mean, "generator CPU idle",
        "CPU time a second of the load generator before its first client: the baseline that is subtracted.";
    NginxCpuPerUpdate "nginx_cpu_us_per_update" Proxies Microseconds Mean, "nginx CPU per update",
        "CPU time of nginx, master and workers, in the measured time, less what it uses without any client, for each \
         update that was handed to a client in the same time.";
    NginxRssPerConnection "nginx_rss_bytes_per_connection" Proxies Bytes Mean, "nginx memory per connection",
        "Slope of the resident memory of nginx over the connections that clients have open.";
    NginxFdsPerConnection "nginx_fds_per_connection" Proxies Count Mean, "nginx descriptors per connection",
        "Slope of the open descriptors of nginx over the connections that clients have open.";
    LabProxyCpuPerUpdate "lab_proxy_cpu_us_per_update" Proxies Microseconds Mean, "lab proxy CPU per update",
        "The same CPU time of the lab proxy.";
    LabProxyRssPerConnection "lab_proxy_rss_bytes_per_connection" Proxies Bytes Mean, "lab proxy memory per connection",
        "The same slope of the lab proxy's resident memory.";
    LabProxyFdsPerConnection "lab_proxy_fds_per_connection" Proxies Count Mean, "lab proxy descriptors per connection",
        "The same slope of the lab proxy's open descriptors.";
    RecoveryP50 "recovery_p50_us" Recovery Microseconds Mean, "recovery p50",
        "Median time from the loss of a connection to the next update. A client that ends its connection by itself (`churn`) loses \
         none.";
    RecoveryP99 "recovery_p99_us" Recovery Microseconds Mean, "recovery p99",
        "99th percentile of that time.";
    ReconnectP50 "reconnect_p50_us" Recovery Microseconds Mean, "reconnect p50",
        "Median time from the loss of a connection until the server serves the feed again, with an update or without: an \
         answer such as a 503 is none.";
    ReconnectP99 "reconnect_p99_us" Recovery Microseconds Mean, "reconnect p99",
        "99th percentile of that time.";
    ReconnectsPeak "reconnects_peak_per_100ms" Recovery Count Max, "reconnects peak",
        "Most connections that clients opened again within a tenth of a second.";
    SlowDisconnected "slow_disconnected" Recovery Count Sum, "slow disconnected",
        "Connections of slow readers that the server ended.";
    ServerRssGrowth "server_rss_growth_bytes" Recovery Bytes Max, "server memory growth",
        "Resident memory of the server at the end of the measured time, less that at its start: what slow readers and \
         reconnects make it keep.";
    ScheduleLagP99 "schedule_lag_p99_us" Trust Microseconds Max, "timer lag p99",
        "How late the load generator's own timers fired, 99th percentile: how far its clock readings can be \
         trusted.";
    PublishLagP99 "publish_lag_p99_us" Trust Microseconds Max, "publish lag p99",
        "How late the publisher was against its schedule, 99th percentile; it is part of every age.";
    PublishLagMax "publish_lag_max_us" Trust Microseconds Max, "publish lag max",
        "How late the publisher was at its worst.";
    ServerCpuCores "server_cpu_cores" Trust Count Max, "server cores busy",
        "CPU time of the server in each second of the measured time, in s: 1 is a whole core.";
    ClientCpuCores "client_cpu_cores" Trust Count Max, "generator cores busy",
        "CPU time of the load generator in each second of the measured time, in s.";
    NginxCpuCores "nginx_cpu_cores" Trust Count Max, "nginx cores busy",
        "CPU time of nginx in each second of the measured time, in s.";
    LabProxyCpuCores "lab_proxy_cpu_cores" Trust Count Max, "lab proxy cores busy",
        "CPU time of the lab proxy in each second of the measured time, in s.";
    OtherCpuCores "other_cpu_cores" Trust Count Max, "other load",
        "CPU time of everything else on the machine in each second of the measured time, in s: its kernel's work for \
         the loopback is in it.";
    ClockStep "clock_step_us" Trust Microseconds Max, "clock step",
        "How far the wall clock strayed from the monotonic one in the measured time: ages are read from the former.";
    ClockBound "clock_bound_us" Trust Microseconds Max, "clock bound",
        "How far ages may be off because the clocks of several machines were compared; ages below it are not claimed.";
    SwappedBytes "swapped_bytes" Trust Bytes Max, "swapped in",
        "Memory that the machine read back from swap in the measured time.";
}

impl Metric {
    /// The metric's row.
    #[must_use]
    pub fn row(self) -> &'static MetricInfo {
        &TABLE[self as usize]
    }

    /// The metric's id.
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

/// An id that no metric has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no metric is called `{id}`; the nearest is `{nearest}`")]
pub struct UnknownMetric {
    /// What was asked for.
    pub id: String,
    /// The id that looks most like it.
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
    fn an_unknown_id_is_told_its_nearest() {
        let error = "age_p95_us".parse::<Metric>().unwrap_err();
        assert_eq!(error.to_string(), "no metric is called `age_p95_us`; the nearest is `age_p90_us`");
        assert_eq!("updates_lost".parse::<Metric>().unwrap_err().nearest, "updates_missed");
    }
}

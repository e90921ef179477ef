//! If there is a proxy between the clients and the server: what the clients' leg carried, what the server's leg
//! carried, and what the proxies used.
//!
//! The clients' leg is counted at the clients, per update that they received; the server's leg at the server, per
//! update that it sent. Nobody counts what nginx adds to a head, so the parts of the clients' bytes are absent behind
//! nginx. The lab proxy forwards bytes unchanged.
//!
//! A target, somebody else's server, counts nothing for us: only the clients' leg is known, with or without a proxy.

use feedlab_experiment::Metric;
use feedlab_feed::stats::{EndpointStats, WireStats};

use super::{Facts, Metrics, put};
use crate::moments::Snapshot;
use crate::transport::LegStats;

impl Facts<'_> {
    /// Whether the clients are connected to the server itself, and it counts what their connections carry.
    pub(super) const fn is_one_leg(&self) -> bool {
        self.job.between.is_nothing() && !self.is_target()
    }

    /// Whether the server is somebody else's, of which only the clients and the kernel know anything.
    pub(super) const fn is_target(&self) -> bool {
        self.job.target.is_some()
    }

    pub(super) fn two_legs(&self, metrics: &mut Metrics) {
        self.clients_leg(metrics);
        if self.is_target() {
            put(metrics, Metric::PayloadBytesPerUpdate, self.published_bytes());
        } else {
            self.parts(metrics);
            self.servers_leg(metrics);
        }
        self.nginx(metrics);
        self.lab_proxy(metrics);
    }

    fn clients_leg(&self, metrics: &mut Metrics) {
        let (start, end) = (&self.start.leg, &self.end.leg);
        let up = end.up.saturating_sub(start.up) as f64;
        let down = end.down.saturating_sub(start.down) as f64;
        metrics.insert(Metric::SocketBytesUp, up);
        metrics.insert(Metric::SocketBytesDown, down);
        let publications = self.counts.acks.len();
        if publications > 0 {
            metrics.insert(Metric::SocketBytesUpPerPublication, up / publications as f64);
        }
        put(metrics, Metric::SocketBytesPerUpdate, self.per_received(up + down));
        let Some(wire) = grown(start.wire, end.wire) else { return };
        put(metrics, Metric::WireBytesPerUpdate, self.per_received(wire.bytes() as f64));
        put(metrics, Metric::PacketsPerUpdate, self.per_received(wire.packets() as f64));
        // Only the sending side knows its retransmits: these are the clients'.
        metrics.insert(Metric::Retransmits, wire.retransmits as f64);
        put(metrics, Metric::Timeouts, wire.timeouts.map(|timeouts| timeouts as f64));
    }

    /// What the clients' own kernel sent again, whatever is between them and the server.
    pub(super) fn clients_losses(&self, metrics: &mut Metrics) {
        let Some(wire) = grown(self.start.leg.wire, self.end.leg.wire) else { return };
        metrics.insert(Metric::ClientRetransmits, wire.retransmits as f64);
        put(metrics, Metric::ClientTimeouts, wire.timeouts.map(|timeouts| timeouts as f64));
    }

    /// The parts of the socket bytes.
    fn parts(&self, metrics: &mut Metrics) {
        let Some((start, end)) = self.endpoints(&self.start.server, &self.end.server) else { return };
        let grown = |counter: fn(&EndpointStats) -> u64| counter(&end).saturating_sub(counter(&start)) as f64;
        let payload = grown(|endpoint| endpoint.payload_bytes);
        put(metrics, Metric::PayloadBytesPerUpdate, self.per_delivered(payload));
        if self.job.between.nginx.is_some() {
            return;
        }
        let (headers, keepalive) =
            (grown(|endpoint| endpoint.header_bytes), grown(|endpoint| endpoint.keepalive_bytes));
        let all = grown(|endpoint| endpoint.bytes_in) + grown(|endpoint| endpoint.bytes_out);
        put(metrics, Metric::HeaderBytesPerUpdate, self.per_delivered(headers));
        put(metrics, Metric::KeepaliveBytesPerUpdate, self.per_delivered(keepalive));
        put(metrics, Metric::FramingBytesPerUpdate, self.per_delivered((all - headers - payload - keepalive).max(0.0)));
    }

    /// The mean payload of a published update, if the run publishes the feed.
    fn published_bytes(&self) -> Option<f64> {
        let feed = &self.last.feed;
        (feed.head > 0 && feed.payload_bytes > 0).then(|| feed.payload_bytes as f64 / feed.head as f64)
    }

    fn servers_leg(&self, metrics: &mut Metrics) {
        if let Some((first, last)) = self.endpoints(&self.baseline[2].server, &self.last) {
            let connections = last.connections.saturating_sub(first.connections);
            metrics.insert(Metric::ServerLegConnections, connections as f64);
        }
        let Some((start, end)) = self.endpoints(&self.start.server, &self.end.server) else { return };
        let socket = |endpoint: &EndpointStats| endpoint.bytes_in + endpoint.bytes_out;
        let bytes = socket(&end).saturating_sub(socket(&start)) as f64;
        let headers = end.header_bytes.saturating_sub(start.header_bytes) as f64;
        put(metrics, Metric::ServerLegSocketBytes, self.per_delivered(bytes));
        put(metrics, Metric::ServerLegHeaderBytes, self.per_delivered(headers));
        let Some(wire) = grown(start.wire, end.wire) else { return };
        put(metrics, Metric::ServerLegWireBytes, self.per_delivered(wire.bytes() as f64));
        put(metrics, Metric::ServerLegPackets, self.per_delivered(wire.packets() as f64));
    }

    fn nginx(&self, metrics: &mut Metrics) {
        let cpu = |at: &Snapshot| at.nginx.cpu_us;
        put(metrics, Metric::NginxCpuPerUpdate, self.busy_us(cpu).and_then(|us| self.per_received(us)));
        put(metrics, Metric::NginxRssPerConnection, self.by_clients_connection(|at| at.nginx.rss_bytes));
        put(metrics, Metric::NginxFdsPerConnection, self.by_clients_connection(|at| at.nginx.open_fds));
    }

    fn lab_proxy(&self, metrics: &mut Metrics) {
        let cpu = |at: &Snapshot| at.lab_proxy.cpu_us;
        put(metrics, Metric::LabProxyCpuPerUpdate, self.busy_us(cpu).and_then(|us| self.per_received(us)));
        put(metrics, Metric::LabProxyRssPerConnection, self.by_clients_connection(|at| at.lab_proxy.rss_bytes));
        put(metrics, Metric::LabProxyFdsPerConnection, self.by_clients_connection(|at| at.lab_proxy.open_fds));
    }

    /// An amount of the clients' leg per update that clients received between the same two snapshots.
    pub(super) fn per_received(&self, amount: f64) -> Option<f64> {
        let updates = self.end.leg.updates.checked_sub(self.start.leg.updates).filter(|updates| *updates > 0)?;
        Some(amount / updates as f64)
    }
}

/// The bytes of a probe's connection up to the end of the first response head. Includes the TLS handshake, as the
/// server's own count does.
pub(super) fn clients_handshake(before: &LegStats, after: &LegStats) -> Option<f64> {
    let heads = after.handshakes.checked_sub(before.handshakes).filter(|heads| *heads > 0)?;
    Some(after.handshake_bytes.saturating_sub(before.handshake_bytes) as f64 / heads as f64)
}

/// The difference between two counts; `None` where the kernel does not report them.
pub(super) fn grown(from: Option<WireStats>, to: Option<WireStats>) -> Option<WireStats> {
    let (from, to) = from.zip(to)?;
    Some(to.since(from))
}

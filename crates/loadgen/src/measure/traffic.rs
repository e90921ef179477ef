//! The contender's traffic between two snapshots of the server: requests, bytes at three levels, packets.
//!
//! Each figure is the difference of two counters of the same server process; across two processes it would mean
//! nothing.

use feedlab_experiment::Metric;
use feedlab_experiment::metric::SHORTEST_IDLE;
use feedlab_feed::clock;
use feedlab_feed::stats::{EndpointStats, Stats};

use super::legs::grown;
use super::{Facts, Metrics, put, quantile};

impl Facts<'_> {
    pub(super) fn requests(&self, metrics: &mut Metrics) {
        if self.is_target() {
            metrics.insert(Metric::Requests, self.requests_of_clients() as f64);
        } else if let Some((start, end)) = self.endpoints(&self.start.server, &self.end.server) {
            metrics.insert(Metric::Requests, end.requests.saturating_sub(start.requests) as f64);
            metrics.insert(Metric::RequestsEmpty, end.requests_empty.saturating_sub(start.requests_empty) as f64);
        }
        metrics.insert(Metric::RequestsSkipped, self.counts.skipped as f64);
        if !self.is_one_leg() {
            metrics.insert(Metric::ConnectionsOpened, self.last_leg.connections as f64);
        } else if let Some((first, last)) = self.endpoints(&self.baseline[2].server, &self.last) {
            metrics.insert(Metric::ConnectionsOpened, last.connections.saturating_sub(first.connections) as f64);
        }
        metrics.insert(Metric::Reconnects, self.counts.reconnects as f64);
        if self.job.publishing.is_some() {
            metrics.insert(Metric::Publications, self.counts.acks.len() as f64);
            put(metrics, Metric::AckP50, quantile(&self.counts.acks, 0.5));
        }
        if self.job.contender.is_auto() {
            metrics.insert(Metric::Fallbacks, self.counts.fallbacks as f64);
            metrics.insert(Metric::Climbs, self.counts.climbs as f64);
        }
    }

    /// The requests that were answered in the measured time, as the clients count them.
    pub(super) const fn requests_of_clients(&self) -> u64 {
        self.end.leg.requests.saturating_sub(self.start.leg.requests)
    }

    pub(super) fn bandwidth(&self, metrics: &mut Metrics) {
        put(metrics, Metric::IdleBytesPerClientMin, self.idle_bytes());
        self.clients_losses(metrics);
        if !self.is_one_leg() {
            return self.two_legs(metrics);
        }
        let Some((start, end)) = self.endpoints(&self.start.server, &self.end.server) else { return };
        let grown = |counter: fn(&EndpointStats) -> u64| counter(&end).saturating_sub(counter(&start)) as f64;
        let (up, down) = (grown(|endpoint| endpoint.bytes_in), grown(|endpoint| endpoint.bytes_out));
        let (headers, payload) = (grown(|endpoint| endpoint.header_bytes), grown(|endpoint| endpoint.payload_bytes));
        let keepalive = grown(|endpoint| endpoint.keepalive_bytes);
        metrics.insert(Metric::SocketBytesUp, up);
        metrics.insert(Metric::SocketBytesDown, down);
        let publications = self.counts.acks.len();
        if publications > 0 {
            metrics.insert(Metric::SocketBytesUpPerPublication, up / publications as f64);
        }
        for (metric, bytes) in [
            (Metric::PayloadBytesPerUpdate, payload),
            (Metric::SocketBytesPerUpdate, up + down),
            (Metric::HeaderBytesPerUpdate, headers),
            (Metric::FramingBytesPerUpdate, (up + down - headers - payload - keepalive).max(0.0)),
            (Metric::KeepaliveBytesPerUpdate, keepalive),
        ] {
            put(metrics, metric, self.per_delivered(bytes));
        }
        self.wire(metrics, &start, &end);
    }

    fn wire(&self, metrics: &mut Metrics, start: &EndpointStats, end: &EndpointStats) {
        let Some(wire) = grown(start.wire, end.wire) else { return };
        put(metrics, Metric::WireBytesPerUpdate, self.per_delivered(wire.bytes() as f64));
        put(metrics, Metric::PacketsPerUpdate, self.per_delivered(wire.packets() as f64));
        metrics.insert(Metric::Retransmits, wire.retransmits as f64);
        put(metrics, Metric::Timeouts, wire.timeouts.map(|timeouts| timeouts as f64));
    }

    /// The bytes per client and minute while nothing is published, measured between the ramp and the start of the feed.
    fn idle_bytes(&self) -> Option<f64> {
        let (from, to) = (&self.connected.server, &self.settled.server);
        let time = to.at.checked_sub(from.at).filter(|time| *time >= clock::micros(SHORTEST_IDLE))?;
        let minutes = time as f64 / 60e6;
        if !self.is_one_leg() {
            let (from, to) = (&self.connected.leg, &self.settled.leg);
            return self.per_opened_client(to.bytes().saturating_sub(from.bytes()) as f64 / minutes);
        }
        let (from, to) = self.endpoints(from, to)?;
        let bytes = |endpoint: &EndpointStats| endpoint.bytes_in + endpoint.bytes_out;
        self.per_opened_client(bytes(&to).saturating_sub(bytes(&from)) as f64 / minutes)
    }

    /// An amount per delivered update. Amounts are differences between two snapshots, so the updates are counted
    /// between the same two. Those *due* in the measured time arrive a little later, which matters for a few large
    /// updates. What a target has delivered is what the clients received.
    pub(super) fn per_delivered(&self, amount: f64) -> Option<f64> {
        if self.is_target() {
            return self.per_received(amount);
        }
        let (start, end) = self.endpoints(&self.start.server, &self.end.server)?;
        let updates = end.updates.checked_sub(start.updates).filter(|updates| *updates > 0)?;
        Some(amount / updates as f64)
    }

    fn per_opened_client(&self, amount: f64) -> Option<f64> {
        (self.open > 0).then(|| amount / f64::from(self.open))
    }

    /// The counts of the contender's endpoint at two moments; `None` if the server restarted between them. Its counters
    /// then started over, and a difference would mean nothing. A target has no counters.
    pub(super) fn endpoints(&self, from: &Stats, to: &Stats) -> Option<(EndpointStats, EndpointStats)> {
        let are_comparable = same_process(from, to) && !self.is_target();
        are_comparable.then(|| (self.endpoint(from), self.endpoint(to)))
    }

    /// The counts of the contender's endpoint. With the fallback ladder, clients use several endpoints, so all are
    /// added.
    fn endpoint(&self, stats: &Stats) -> EndpointStats {
        if self.job.contender.is_auto() {
            let mut all = EndpointStats::nothing();
            stats.endpoints.values().for_each(|endpoint| all += endpoint);
            return all;
        }
        stats.endpoints.get(&self.job.contender.transport()).cloned().unwrap_or_default()
    }
}

/// Whether both snapshots are of the same server process, so that its counters can be compared.
pub(super) const fn same_process(from: &Stats, to: &Stats) -> bool {
    from.instance == to.instance
}

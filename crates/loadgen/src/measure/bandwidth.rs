//! Bytes at three levels and packets, each the difference between two snapshots of the server's counters.

use feedlab_experiment::Metric;
use feedlab_experiment::metric::SHORTEST_IDLE;
use feedlab_feed::clock;
use feedlab_feed::stats::DoorStats;

use super::{Facts, Metrics, put};

impl Facts<'_> {
    pub(super) fn bandwidth(&self, metrics: &mut Metrics) {
        put(metrics, Metric::IdleBytesPerClientMin, self.idle_bytes());
        let Some((start, end)) = self.doors(&self.start.server, &self.end.server) else { return };
        let grown = |counter: fn(&DoorStats) -> u64| counter(&end).saturating_sub(counter(&start)) as f64;
        let (up, down) = (grown(|door| door.bytes_in), grown(|door| door.bytes_out));
        let (headers, payload) = (grown(|door| door.header_bytes), grown(|door| door.payload_bytes));
        let keepalive = grown(|door| door.keepalive_bytes);
        metrics.insert(Metric::SocketBytesUp, up);
        metrics.insert(Metric::SocketBytesDown, down);
        let publications = self.found.acks.len();
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

    fn wire(&self, metrics: &mut Metrics, start: &DoorStats, end: &DoorStats) {
        let Some((start, end)) = start.wire.zip(end.wire) else { return };
        let grown = |from: u64, to: u64| to.saturating_sub(from) as f64;
        put(metrics, Metric::WireBytesPerUpdate, self.per_delivered(grown(start.bytes(), end.bytes())));
        put(metrics, Metric::PacketsPerUpdate, self.per_delivered(grown(start.packets(), end.packets())));
        metrics.insert(Metric::Retransmits, grown(start.retransmits, end.retransmits));
    }

    /// Bytes of a client in a minute in which nothing is published, from the time between ramp and feed.
    fn idle_bytes(&self) -> Option<f64> {
        let (from, to) = (&self.connected.server, &self.settled.server);
        let time = to.at.checked_sub(from.at).filter(|time| *time >= clock::micros(SHORTEST_IDLE))?;
        let (from, to) = self.doors(from, to)?;
        let bytes = |door: &DoorStats| door.bytes_in + door.bytes_out;
        let minutes = time as f64 / 60e6;
        self.per_client(bytes(&to).saturating_sub(bytes(&from)) as f64 / minutes)
    }
}

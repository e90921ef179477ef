//! How long clients were cut off, how they came back, and what that left at the server.

use feedlab_experiment::Metric;

use super::doors::same_life;
use super::{Facts, Metrics, put, quantile};

impl Facts<'_> {
    pub(super) fn recovery(&self, metrics: &mut Metrics) {
        put(metrics, Metric::RecoveryP50, quantile(&self.found.recoveries, 0.5));
        put(metrics, Metric::RecoveryP99, quantile(&self.found.recoveries, 0.99));
        let peak = self.found.reconnects_by_bin.iter().max().copied().unwrap_or_default();
        metrics.insert(Metric::ReconnectsPeak, f64::from(peak));
        if self.job.clients.slow.is_some() {
            metrics.insert(Metric::SlowDisconnected, self.slow_disconnected() as f64);
        }
        put(metrics, Metric::ServerRssGrowth, self.server_growth());
    }

    /// As the server has it: a reader that is slow learns of its end only when it has read what came before.
    fn slow_disconnected(&self) -> u64 {
        let doors = self.doors(&self.quiet[2].server, &self.last);
        let ended = doors.map(|(first, last)| last.slow_disconnected.saturating_sub(first.slow_disconnected));
        ended.unwrap_or_default().max(self.found.slow_disconnected)
    }

    /// Memory that was given back makes it negative.
    fn server_growth(&self) -> Option<f64> {
        let (start, end) = (&self.start.server, &self.end.server);
        let grown = end.process.rss_bytes? as f64 - start.process.rss_bytes? as f64;
        same_life(start, end).then_some(grown)
    }
}

//! What a connection and an update cost: time, bytes, memory, descriptors, CPU.

use feedlab_experiment::Metric;

use super::legs::clients_handshake;
use super::traffic::same_process;
use super::{Facts, Metrics, put, quantile};
use crate::moments::Snapshot;

/// The number of different counts that a slope needs. Two give a slope that nothing confirms.
const COUNTS: usize = 3;

impl Facts<'_> {
    pub(super) fn connection_cost(&self, metrics: &mut Metrics) {
        put(metrics, Metric::ConnectP50, quantile(&self.counts.connects, 0.5));
        put(metrics, Metric::ConnectP99, quantile(&self.counts.connects, 0.99));
        put(metrics, Metric::TlsP50, quantile(&self.counts.tls, 0.5));
        put(metrics, Metric::RequestP50, quantile(&self.counts.requests, 0.5));
        put(metrics, Metric::OpenP50, quantile(&self.counts.opens, 0.5));
        put(metrics, Metric::FirstUpdateP50, quantile(&self.join_probe.first_updates, 0.5));
        put(metrics, Metric::HandshakeBytes, self.handshake_bytes());
        for (metric, value) in [
            (Metric::ServerRssBytesPerConnection, self.by_connection(|at| at.server.process.rss_bytes)),
            (Metric::KernelBytesPerConnection, self.by_connection(|at| at.server.connections.kernel_bytes)),
            (Metric::ServerFdsPerConnection, self.by_connection(|at| at.server.process.open_fds)),
            (Metric::ClientRssBytesPerConnection, self.by_client(|at| at.own.rss_bytes)),
        ] {
            put(metrics, metric, value);
        }
    }

    /// The bytes of a handshake. Each probe opens one connection, sends one request, and reads one response head.
    fn handshake_bytes(&self) -> Option<f64> {
        let [before, after, _] = self.join_probe.snapshots.as_ref()?;
        if !self.is_one_leg() {
            return clients_handshake(&before.leg, &after.leg);
        }
        let (before, after) = self.endpoints(&before.server, &after.server)?;
        let connections = after.connections.checked_sub(before.connections).filter(|count| *count > 0)?;
        Some(after.header_bytes.saturating_sub(before.header_bytes) as f64 / connections as f64)
    }

    /// What one more connection costs the server: the slope over the number of open connections. A target does not report
    /// that number, but the clients know it.
    fn by_connection(&self, amount: impl Fn(&Snapshot) -> Option<u64>) -> Option<f64> {
        if self.is_target() {
            return self.by_clients_connection(amount);
        }
        self.fitted(|(_, at)| Some((at.server.connections.open as f64, amount(at)? as f64)))
    }

    /// What one more connection costs a proxy or a target: the slope over the number of connections that clients have open.
    pub(super) fn by_clients_connection(&self, amount: impl Fn(&Snapshot) -> Option<u64>) -> Option<f64> {
        self.fitted(|(_, at)| Some((at.leg.open as f64, amount(at)? as f64)))
    }

    /// What one more client costs the load generator: the slope over the number of open clients.
    fn by_client(&self, amount: impl Fn(&Snapshot) -> Option<u64>) -> Option<f64> {
        self.fitted(|(clients, at)| Some((f64::from(*clients), amount(at)? as f64)))
    }

    /// The slope over the ramp, if the points reach at least half of the clients: without keep-alive, hardly any
    /// connection is open at a time.
    fn fitted(&self, point: impl Fn(&(u32, Snapshot)) -> Option<(f64, f64)>) -> Option<f64> {
        let points: Vec<_> = self.ramp.iter().filter_map(point).collect();
        let most = points.iter().map(|(count, _)| *count).fold(0.0, f64::max);
        let is_wide = most >= f64::from(self.job.cell.clients) / 2.0;
        slope(&points).filter(|_| is_wide).map(|slope| slope.max(0.0))
    }

    pub(super) fn cpu(&self, metrics: &mut Metrics) {
        let is_one_process = same_process(&self.start.server, &self.end.server);
        let server = |at: &Snapshot| at.server.process.cpu_us.filter(|_| is_one_process);
        let own = |at: &Snapshot| at.own.cpu_us;
        put(metrics, Metric::ServerCpuPerUpdate, self.busy_us(server).and_then(|us| self.per_delivered(us)));
        put(metrics, Metric::ClientCpuPerUpdate, self.busy_us(own).and_then(|us| self.per_delivered(us)));
        put(metrics, Metric::ServerCpuPerRequest, self.busy_us(server).and_then(|us| self.per_request(us)));
        put(metrics, Metric::ServerCpuPerConnection, self.cpu_per_connection());
        put(metrics, Metric::ServerCpuIdle, self.idle_us_per_s(|at| at.server.process.cpu_us));
        put(metrics, Metric::ClientCpuIdle, self.idle_us_per_s(own));
    }

    /// The CPU time of the measured time beyond what the process uses without clients, µs; `None` if it is not more
    /// than that, for example because something disturbed the baseline. That is not a cost of zero.
    pub(super) fn busy_us(&self, cpu: impl Fn(&Snapshot) -> Option<u64>) -> Option<f64> {
        let spent = cpu(&self.end)?.checked_sub(cpu(&self.start)?)? as f64;
        let idle = self.idle_us_per_s(&cpu)? * seconds(&self.start, &self.end);
        (spent > idle).then_some(spent - idle)
    }

    /// The CPU time per second without clients, minus the cost of a snapshot, µs.
    fn idle_us_per_s(&self, cpu: impl Fn(&Snapshot) -> Option<u64>) -> Option<f64> {
        let [first, second, third] = &self.baseline;
        let snapshot = cpu(second)?.checked_sub(cpu(first)?)? as f64;
        let spent = cpu(third)?.checked_sub(cpu(second)?)? as f64;
        let time = seconds(second, third);
        (time > 0.0).then(|| (spent - snapshot).max(0.0) / time)
    }

    /// The CPU time per join probe, µs; `None` over a distance, where most of the time that a probe takes belongs to
    /// the feed.
    fn cpu_per_connection(&self) -> Option<f64> {
        let [before, after, again] = self.join_probe.snapshots.as_ref().filter(|_| self.is_one_leg())?;
        let cpu = |at: &Snapshot| at.server.process.cpu_us;
        let snapshot = cpu(again)?.checked_sub(cpu(after)?)?;
        let spent = cpu(after)?.checked_sub(cpu(before)?)?;
        let spent = spent.checked_sub(snapshot).filter(|us| *us > 0 && same_process(&before.server, &after.server))?;
        let (before, after) = self.endpoints(&before.server, &after.server)?;
        let connections = after.connections.checked_sub(before.connections).filter(|count| *count > 0)?;
        Some(spent as f64 / connections as f64)
    }

    fn per_request(&self, amount: f64) -> Option<f64> {
        if self.is_target() {
            let requests = Some(self.requests_of_clients()).filter(|requests| *requests > 0)?;
            return Some(amount / requests as f64);
        }
        let (start, end) = self.endpoints(&self.start.server, &self.end.server)?;
        let requests = end.requests.checked_sub(start.requests).filter(|requests| *requests > 0)?;
        Some(amount / requests as f64)
    }
}

/// The time between two snapshots by the server's clock, s.
fn seconds(from: &Snapshot, to: &Snapshot) -> f64 {
    to.server.at.saturating_sub(from.server.at) as f64 / 1e6
}

/// The least-squares slope of points `(count, amount)`: the cost of one more, without the fixed cost. `None` with fewer
/// than three different counts.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let mut counts: Vec<f64> = points.iter().map(|(count, _)| *count).collect();
    counts.sort_by(f64::total_cmp);
    counts.dedup();
    if counts.len() < COUNTS {
        return None;
    }
    let n = points.len() as f64;
    let (sum_x, sum_y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
    let (mean_x, mean_y) = (sum_x / n, sum_y / n);
    let covariance: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let variance: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    Some(covariance / variance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_cost_is_not_part_of_the_slope() {
        let points = [(10.0, 5_100.0), (20.0, 5_200.0), (40.0, 5_400.0)];
        assert!((slope(&points).unwrap() - 10.0).abs() < 1e-9);
    }

    #[test]
    fn two_counts_are_not_enough_however_often_they_occur() {
        assert_eq!(slope(&[(1.0, 1.0), (2.0, 2.0), (2.0, 2.1), (1.0, 0.9)]), None);
    }
}

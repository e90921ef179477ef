//! Computes the cell's record from what both sides measured. Pure. A figure that was not measured is absent.

use std::collections::BTreeMap;

use feedlab_experiment::Metric;
use feedlab_experiment::record::{CellRecord, Failure, NodesAt};
use feedlab_experiment::statistics::{SAMPLES_BEYOND, age_metrics, claim_no_age_below_the_clock_bound};
use feedlab_feed::Epoch;
use feedlab_feed::stats::Stats;
use hdrhistogram::Histogram;

use crate::Job;
use crate::join_probe::JoinProbe;
use crate::moments::{Moments, ServerSnapshot, Snapshot};
use crate::recorder::{Counts, Window};
use crate::share::{Led, Share};
use crate::transport::LegStats;

mod cost;
mod legs;
mod traffic;
mod trust;

use traffic::same_process;

/// Everything that is known at the end of a cell.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) job: &'a Job,
    pub(crate) window: Window,
    /// The number of clients that had opened a connection by the start of the measured time.
    pub(crate) open: u32,
    /// The baseline, without clients: two snapshots directly after each other, whose difference is the cost of a
    /// snapshot, and the last one before the first client connected.
    pub(crate) baseline: [Snapshot; 3],
    /// Snapshots of the ramp, each with the number of clients that had opened a connection by then.
    pub(crate) ramp: Vec<(u32, Snapshot)>,
    /// At the end of the ramp.
    pub(crate) connected: Snapshot,
    /// At the end of the settle phase.
    pub(crate) settled: Snapshot,
    /// At the start of the measured time.
    pub(crate) start: Snapshot,
    /// At the end of the measured time.
    pub(crate) end: Snapshot,
    /// After the drain, with the clients still connected.
    pub(crate) last: Stats,
    pub(crate) last_leg: LegStats,
    /// The last updates that were due before the measured time started and before it ended, as the server reports them.
    pub(crate) due_before: (Option<u64>, Option<u64>),
    /// Whether a server was restarted during the cell. Its counts include those before the restart.
    pub(crate) was_restarted: bool,
    pub(crate) counts: Counts,
    pub(crate) ages: Histogram<u64>,
    /// How far ages may be off because of a difference between clocks, µs, if clocks were compared.
    pub(crate) clock_bound_us: Option<f64>,
    /// How the clients were spread over several servers.
    pub(crate) nodes: Vec<NodesAt>,
    pub(crate) join_probe: JoinProbe,
}

/// The metrics collected so far.
type Metrics = BTreeMap<Metric, f64>;

impl<'a> Facts<'a> {
    /// Combines the servers' side and all shares of the clients.
    pub(crate) fn new(job: &'a Job, led: Led, shares: &[Share], ages: Histogram<u64>) -> Self {
        let Led { window, moments, last, due_before, was_restarted, nodes, join_probe, machine } = led;
        let mut counts = Counts::new();
        let mut last_leg = LegStats::nothing();
        for share in shares {
            counts.merge(&share.counts);
            last_leg += &share.last_leg;
        }
        let Moments { baseline, ramp, connected, settled, start, end } = together(&moments, shares, machine.as_deref());
        let open = start.open;
        let clock_bound_us = shares.iter().filter_map(|share| share.clock).map(|clock| clock.bound_us).reduce(f64::max);
        let ramp = ramp.into_iter().map(|snapshot| (snapshot.open, snapshot)).collect();
        Self {
            job,
            window,
            open,
            baseline,
            ramp,
            connected,
            settled,
            start,
            end,
            last,
            last_leg,
            due_before,
            was_restarted,
            counts,
            ages,
            clock_bound_us,
            nodes,
            join_probe,
        }
    }
}

/// Combines both sides at each moment. The machine's load is that of the servers' machine; the wall clock is that of
/// the share whose clock moved most.
fn together(served: &Moments<ServerSnapshot>, shares: &[Share], machine: Option<&str>) -> Moments<Snapshot> {
    let is_here = |share: &Share| share.machine.as_deref() == machine;
    let mut all = served.map(|served| Snapshot::of_servers(served.clone()));
    for share in shares {
        all = all.with(&share.moments, |snapshot, client| snapshot.and(client, is_here(share)));
    }
    let moved = |share: &&Share| share.moments.end.wall_ahead_us.abs_diff(share.moments.start.wall_ahead_us);
    if let Some(share) = shares.iter().max_by_key(moved) {
        all.start.wall_ahead_us = share.moments.start.wall_ahead_us;
        all.end.wall_ahead_us = share.moments.end.wall_ahead_us;
    }
    all
}

impl Facts<'_> {
    /// Returns the record of the cell with its verdict.
    pub(crate) fn record(&self) -> CellRecord {
        let metrics = self.metrics();
        let failures = self.failures();
        let verdict = self.verdict(&metrics, &failures);
        let cell = &self.job.cell;
        CellRecord {
            cell: cell.id.clone(),
            label: self.job.contender.label.clone(),
            transport: self.job.contender.transport(),
            clients: cell.clients,
            payload_bytes: cell.payload_bytes,
            repetition: cell.repetition,
            started_at: self.window.start_us,
            duration_us: self.window.end_us - self.window.start_us,
            metrics,
            failures,
            nodes: self.nodes.clone(),
            verdict,
        }
    }

    fn metrics(&self) -> Metrics {
        let mut metrics = age_metrics(&self.ages);
        self.hops(&mut metrics);
        self.delivery(&mut metrics);
        self.requests(&mut metrics);
        self.bandwidth(&mut metrics);
        self.connection_cost(&mut metrics);
        self.cpu(&mut metrics);
        self.recovery(&mut metrics);
        self.balance(&mut metrics);
        self.trust(&mut metrics);
        claim_no_age_below_the_clock_bound(&mut metrics);
        metrics
    }

    /// The parts of the mean age. The servers report sums over the updates that arrived during the measured time.
    fn hops(&self, metrics: &mut Metrics) {
        let hops = |stats: &Stats| stats.feed.hops;
        let Some((start, end)) = hops(&self.start.server).zip(hops(&self.end.server)) else { return };
        let Some(updates) = end.updates.checked_sub(start.updates).filter(|updates| *updates > 0) else { return };
        let mean = |start: i64, end: i64| end.saturating_sub(start) as f64 / updates as f64;
        let to_broker = mean(start.to_broker_us, end.to_broker_us);
        let to_server = mean(start.to_server_us, end.to_server_us);
        metrics.insert(Metric::HopToBroker, to_broker);
        metrics.insert(Metric::HopToServer, to_server);
        if let Some(age) = metrics.get(&Metric::AgeMean).copied() {
            metrics.insert(Metric::HopToClient, age - to_broker - to_server);
        }
    }

    fn delivery(&self, metrics: &mut Metrics) {
        let published = self.published();
        let expected = published * u64::from(self.job.cell.clients);
        metrics.insert(Metric::UpdatesPublished, published as f64);
        metrics.insert(Metric::UpdatesExpected, expected as f64);
        metrics.insert(Metric::UpdatesReceived, self.counts.received as f64);
        metrics.insert(Metric::UpdatesMissed, expected.saturating_sub(self.counts.received) as f64);
        metrics.insert(Metric::UpdatesDuplicated, self.counts.duplicated as f64);
        metrics.insert(Metric::UpdatesReordered, self.counts.reordered as f64);
        metrics.insert(Metric::UpdatesReplayed, self.counts.replayed as f64);
        if !self.is_target() {
            metrics.insert(Metric::UpdatesReportedLost, self.reported_lost() as f64);
        }
        let gave_up = self.counts.failures.get(&Failure::GaveUp).copied().unwrap_or_default();
        metrics.insert(Metric::ClientsGaveUp, gave_up as f64);
    }

    /// The number of updates that servers reported to clients as lost. Of what was reported after the measured time, only
    /// updates that were due in it count.
    fn reported_lost(&self) -> u64 {
        let last = self.due_before.1.or(self.seen().map(|(_, last)| last)).unwrap_or_default();
        let late = self.counts.late_gaps.iter().map(|gap| (gap.to.min(last) + 1).saturating_sub(gap.from));
        late.fold(self.counts.reported_lost, u64::saturating_add)
    }

    /// The number of updates that were due in the measured time. The server knows; otherwise it is the range between
    /// the first and the last that any client received. If the feed started over meanwhile, the range that clients
    /// received in its earlier epochs is added; nobody knows more about those.
    fn published(&self) -> u64 {
        let (first, last) = (self.start.server.feed.epoch, self.last.feed.epoch);
        let begin = |epoch| if epoch == first { self.due_before.0 } else { Some(0) };
        let present = match (begin(last), self.due_before.1, self.seen()) {
            (Some(start), Some(end), _) => end.saturating_sub(start),
            (_, _, Some((first, last))) => last - first + 1,
            (_, _, None) => 0,
        };
        let is_over = |epoch: Option<Epoch>| epoch.is_some() && last.is_some() && epoch != last;
        let over = self.counts.ranges.iter().filter(|(epoch, _)| is_over(**epoch));
        let over =
            over.map(|(epoch, (first, last))| last.saturating_sub(begin(*epoch).unwrap_or(first.saturating_sub(1))));
        over.fold(present, u64::saturating_add)
    }

    /// The first and the last `seq` that clients received in the feed's last epoch.
    fn seen(&self) -> Option<(u64, u64)> {
        let ranges = &self.counts.ranges;
        ranges.get(&self.last.feed.epoch).or_else(|| ranges.values().next()).copied()
    }

    fn recovery(&self, metrics: &mut Metrics) {
        put(metrics, Metric::RecoveryP50, quantile(&self.counts.recoveries, 0.5));
        put(metrics, Metric::RecoveryP99, quantile(&self.counts.recoveries, 0.99));
        put(metrics, Metric::ReconnectP50, quantile(&self.counts.outages, 0.5));
        put(metrics, Metric::ReconnectP99, quantile(&self.counts.outages, 0.99));
        let peak = self.counts.reconnects_by_bin.iter().max().copied().unwrap_or_default();
        metrics.insert(Metric::ReconnectsPeak, f64::from(peak));
        if self.job.clients.slow.is_some() {
            metrics.insert(Metric::SlowDisconnected, self.slow_disconnected() as f64);
        }
        put(metrics, Metric::ServerRssGrowth, self.server_growth());
    }

    /// The shares of the clients on the busiest and the least busy of the servers that run when the measured time ends.
    fn balance(&self, metrics: &mut Metrics) {
        let transport = self.job.contender.transport();
        let Some(last) = self.nodes.last() else { return };
        let loads: Vec<u64> = last.shared(transport).into_iter().flatten().collect();
        let sum = loads.iter().sum::<u64>();
        let share = |load: Option<&u64>| load.filter(|_| sum > 0).map(|load| *load as f64 * 100.0 / sum as f64);
        put(metrics, Metric::BusiestNode, share(loads.iter().max()));
        put(metrics, Metric::LeastBusyNode, share(loads.iter().min()));
    }

    /// The number of slow readers that were disconnected, as the server counts them: a slow reader learns of its end
    /// only after it has read everything before it.
    fn slow_disconnected(&self) -> u64 {
        let endpoints = self.endpoints(&self.baseline[2].server, &self.last);
        let ended = endpoints.map(|(first, last)| last.slow_disconnected.saturating_sub(first.slow_disconnected));
        ended.unwrap_or_default().max(self.counts.slow_disconnected)
    }

    /// The growth of the server's memory, bytes. Negative if it returned memory.
    fn server_growth(&self) -> Option<f64> {
        let (start, end) = (&self.start.server, &self.end.server);
        let grown = end.process.rss_bytes? as f64 - start.process.rss_bytes? as f64;
        (same_process(start, end) && !self.was_restarted).then_some(grown)
    }

    /// The failures by kind. Clients that never opened count too, even if no failure was recorded for them.
    fn failures(&self) -> BTreeMap<Failure, u64> {
        let mut failures = self.counts.failures.clone();
        let missing = u64::from(self.job.cell.clients.saturating_sub(self.open));
        if missing > 0 {
            let connect = failures.entry(Failure::Connect).or_default();
            *connect = (*connect).max(missing);
        }
        failures
    }
}

fn put(metrics: &mut Metrics, metric: Metric, value: Option<f64>) {
    if let Some(value) = value {
        metrics.insert(metric, value);
    }
}

fn quantile(times: &Histogram<u64>, quantile: f64) -> Option<f64> {
    let beyond = times.len() as f64 * (1.0 - quantile);
    (beyond >= SAMPLES_BEYOND as f64).then(|| times.value_at_quantile(quantile) as f64)
}

#[cfg(test)]
mod tests;

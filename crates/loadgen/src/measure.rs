//! From what both sides saw to the cell's record. Pure: only what was measured is in it, the rest is absent.

use std::collections::BTreeMap;

use feedlab_experiment::Metric;
use feedlab_experiment::record::{CellRecord, Failure};
use feedlab_experiment::statistics::{SAMPLES_BEYOND, age_metrics};
use feedlab_experiment::verdict::{CellFacts, Reason, Status, Verdict, judge_cell};
use feedlab_feed::clock;
use feedlab_feed::stats::Stats;
use hdrhistogram::Histogram;

use crate::Job;
use crate::control::Snapshot;
use crate::newcomers::Newcomers;
use crate::recorder::{Found, Window};

mod bandwidth;
mod cost;
mod doors;
mod recovery;
mod slope;
mod trust;

/// Everything that is known at the end of a cell.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) job: &'a Job,
    pub(crate) window: Window,
    /// Clients that were open when the measured time began.
    pub(crate) open: u32,
    /// The time without any client: two snapshots right behind each other, whose difference is what a look costs, and
    /// the last before the first client came.
    pub(crate) quiet: [Snapshot; 3],
    /// While the clients came, with how many were open.
    pub(crate) ramp: Vec<(u32, Snapshot)>,
    /// When the ramp was over.
    pub(crate) connected: Snapshot,
    /// When the clients had settled.
    pub(crate) settled: Snapshot,
    /// At the begin of the measured time.
    pub(crate) start: Snapshot,
    /// At its end.
    pub(crate) end: Snapshot,
    /// After the drain, the clients still connected.
    pub(crate) last: Stats,
    /// The last updates that were due before the measured time began and before it ended, as the server has it.
    pub(crate) due_before: (Option<u64>, Option<u64>),
    pub(crate) found: Found,
    pub(crate) ages: Histogram<u64>,
    pub(crate) newcomers: Newcomers,
}

/// The metrics under way.
type Metrics = BTreeMap<Metric, f64>;

impl Facts<'_> {
    /// The record of the cell, judged.
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
            verdict,
        }
    }

    fn metrics(&self) -> Metrics {
        let mut metrics = age_metrics(&self.ages);
        self.delivery(&mut metrics);
        self.requests(&mut metrics);
        self.bandwidth(&mut metrics);
        self.connection_cost(&mut metrics);
        self.cpu(&mut metrics);
        self.recovery(&mut metrics);
        self.trust(&mut metrics);
        metrics
    }

    fn delivery(&self, metrics: &mut Metrics) {
        let published = self.published();
        let expected = published * u64::from(self.job.cell.clients);
        metrics.insert(Metric::UpdatesPublished, published as f64);
        metrics.insert(Metric::UpdatesExpected, expected as f64);
        metrics.insert(Metric::UpdatesReceived, self.found.received as f64);
        metrics.insert(Metric::UpdatesMissed, expected.saturating_sub(self.found.received) as f64);
        metrics.insert(Metric::UpdatesDuplicated, self.found.duplicated as f64);
        metrics.insert(Metric::UpdatesReordered, self.found.reordered as f64);
        metrics.insert(Metric::UpdatesReplayed, self.found.replayed as f64);
        metrics.insert(Metric::UpdatesToldLost, self.told_lost() as f64);
        let gave_up = self.found.failures.get(&Failure::GaveUp).copied().unwrap_or_default();
        metrics.insert(Metric::ClientsGaveUp, gave_up as f64);
    }

    /// Of what clients were told after the measured time, only what was due in it counts.
    fn told_lost(&self) -> u64 {
        let last = self.due_before.1.or(self.found.range.map(|(_, last)| last)).unwrap_or_default();
        let late = self.found.late_gaps.iter().map(|gap| (gap.to.min(last) + 1).saturating_sub(gap.from));
        late.fold(self.found.told_lost, u64::saturating_add)
    }

    /// Updates that fell due in the measured time. The server knows; without it, what lies between the first and the
    /// last that any client saw.
    fn published(&self) -> u64 {
        match (self.due_before, self.found.range) {
            ((Some(start), Some(end)), _) => end.saturating_sub(start),
            (_, Some((first, last))) => last - first + 1,
            (_, None) => 0,
        }
    }

    fn server_counted(&self) -> bool {
        matches!(self.due_before, (Some(_), Some(_)))
    }

    fn requests(&self, metrics: &mut Metrics) {
        if let Some((start, end)) = self.doors(&self.start.server, &self.end.server) {
            metrics.insert(Metric::Requests, end.requests.saturating_sub(start.requests) as f64);
            metrics.insert(Metric::RequestsEmpty, end.requests_empty.saturating_sub(start.requests_empty) as f64);
        }
        metrics.insert(Metric::RequestsSkipped, self.found.skipped as f64);
        if let Some((first, last)) = self.doors(&self.quiet[2].server, &self.last) {
            metrics.insert(Metric::ConnectionsOpened, last.connections.saturating_sub(first.connections) as f64);
        }
        metrics.insert(Metric::Reconnects, self.found.reconnects as f64);
        if self.job.publishing.is_some() {
            metrics.insert(Metric::Publications, self.found.acks.len() as f64);
            put(metrics, Metric::AckP50, quantile(&self.found.acks, 0.5));
        }
        if self.job.contender.is_auto() {
            metrics.insert(Metric::Fallbacks, self.found.fallbacks as f64);
            metrics.insert(Metric::Climbs, self.found.climbs as f64);
        }
    }

    /// Clients that never opened, and perhaps never had anything to complain about, count too.
    fn failures(&self) -> BTreeMap<Failure, u64> {
        let mut failures = self.found.failures.clone();
        let missing = u64::from(self.job.cell.clients.saturating_sub(self.open));
        if missing > 0 {
            let connect = failures.entry(Failure::Connect).or_default();
            *connect = (*connect).max(missing);
        }
        failures
    }

    fn verdict(&self, metrics: &Metrics, failures: &BTreeMap<Failure, u64>) -> Verdict {
        let mut verdict = judge_cell(&CellFacts {
            metrics,
            failures,
            clients: self.job.cell.clients,
            connected: self.open,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            planned_stall_us: self.job.stall.map_or(0, |stall| clock::micros(stall.length)),
            faults: &self.job.faults,
            is_ladder: self.job.contender.is_auto(),
            debug_build: cfg!(debug_assertions),
        });
        if self.found.slow_disordered > 0 {
            let what = format!("slow readers were given {} updates twice or out of order", self.found.slow_disordered);
            let advice = "a server must not do that to anybody: look at how it sends to clients that fell behind";
            verdict.add(Reason::new(Status::Suspect, what, advice));
        }
        if !self.server_counted() {
            verdict.add(Reason::new(
                Status::Suspect,
                "the server could not say which updates fell due in the measured time: missed ones are counted \
                 between the first and the last that any client saw",
                "raise the feed's `history`, or lower its rate",
            ));
        }
        verdict
    }

    /// Amounts are differences between two snapshots, so the updates are counted between the same two: those *due*
    /// in the measured time arrive a little later, which at a few large updates would be seen.
    fn per_delivered(&self, amount: f64) -> Option<f64> {
        let (start, end) = self.doors(&self.start.server, &self.end.server)?;
        let updates = end.updates.checked_sub(start.updates).filter(|updates| *updates > 0)?;
        Some(amount / updates as f64)
    }

    fn per_client(&self, amount: f64) -> Option<f64> {
        (self.open > 0).then(|| amount / f64::from(self.open))
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

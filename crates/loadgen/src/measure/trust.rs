//! The run's self-checks: the harness and its machine, and the verdict that follows.

use std::collections::BTreeMap;

use feedlab_experiment::Metric;
use feedlab_experiment::record::Failure;
use feedlab_experiment::verdict::{CellFacts, Reason, Status, Verdict, judge_cell};
use feedlab_feed::clock;
use feedlab_feed::process::{TICK_US, page_bytes};

use super::traffic::same_process;
use super::{Facts, Metrics, put};
use crate::moments::Snapshot;

impl Facts<'_> {
    /// The guard metrics. They are not results but checks, so a percentile is reported even for few samples.
    pub(super) fn trust(&self, metrics: &mut Metrics) {
        let lags = &self.counts.lags;
        put(metrics, Metric::ScheduleLagP99, (!lags.is_empty()).then(|| lags.value_at_quantile(0.99) as f64));
        // A server that restarts publishes what was due meanwhile, late by the length of the outage.
        if self.last.feed.head > 0 && same_process(&self.start.server, &self.last) && !self.was_restarted {
            metrics.insert(Metric::PublishLagP99, self.last.feed.publish_lag_p99_us as f64);
            metrics.insert(Metric::PublishLagMax, self.last.feed.publish_lag_max_us as f64);
        }
        let step = self.end.wall_ahead_us.abs_diff(self.start.wall_ahead_us);
        metrics.insert(Metric::ClockStep, step as f64);
        put(metrics, Metric::ClockBound, self.clock_bound_us);
        self.load(metrics);
        let swapped = self.grown(|at| at.host.pages_swapped_in).map(|pages| pages * page_bytes() as f64);
        put(metrics, Metric::SwappedBytes, swapped);
    }

    /// The cores used on the servers' machine: by the server, by the clients' processes there, by what is between them, and
    /// by everything else.
    fn load(&self, metrics: &mut Metrics) {
        let time = self.end.server.at.saturating_sub(self.start.server.at) as f64;
        let cores = |us: f64| if time > 0.0 { us / time } else { 0.0 };
        let is_one_process = same_process(&self.start.server, &self.end.server);
        let server = self.grown(|at| at.server.process.cpu_us.filter(|_| is_one_process)).map(cores);
        let own = self.grown(|at| at.own_cpu_here_us).map(cores);
        let all = self.grown(|at| at.host.cpu_busy_ticks).map(|ticks| cores(ticks * TICK_US as f64));
        put(metrics, Metric::ServerCpuCores, server);
        put(metrics, Metric::ClientCpuCores, own);
        let nginx = self.grown(|at| at.nginx.cpu_us).map(cores);
        let lab_proxy = self.grown(|at| at.lab_proxy.cpu_us).map(cores);
        put(metrics, Metric::NginxCpuCores, nginx);
        put(metrics, Metric::LabProxyCpuCores, lab_proxy);
        let emulator = self.grown(|at| at.emulator.cpu_us).map(cores);
        put(metrics, Metric::LinkCpuCores, emulator);
        let known: f64 = [nginx, lab_proxy, emulator].into_iter().flatten().sum();
        let other = all.zip(server).zip(own).map(|((all, server), own)| (all - server - own - known).max(0.0));
        put(metrics, Metric::OtherCpuCores, other);
    }

    fn grown(&self, amount: impl Fn(&Snapshot) -> Option<u64>) -> Option<f64> {
        Some(amount(&self.end)?.saturating_sub(amount(&self.start)?) as f64)
    }

    pub(super) fn verdict(&self, metrics: &Metrics, failures: &BTreeMap<Failure, u64>) -> Verdict {
        let mut verdict = judge_cell(&CellFacts {
            metrics,
            failures,
            clients: self.job.cell.clients,
            connected: self.open,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            planned_stall_us: self.job.stall.map_or(0, |stall| clock::micros(stall.length)),
            faults: &self.job.faults,
            is_ladder: self.job.contender.is_auto(),
            ends_streams: self.job.contender.serving.max_connection_age.is_some(),
            debug_build: cfg!(debug_assertions),
        });
        if self.counts.slow_disordered > 0 {
            let what = format!("slow readers received {} updates twice or out of order", self.counts.slow_disordered);
            let advice = "a server must never do that: check how it sends to clients that fell behind";
            verdict.add(Reason::new(Status::Suspect, what, advice));
        }
        if !self.server_counted() {
            verdict.add(Reason::new(
                Status::Suspect,
                "the server could not report which updates were due in the measured time: missed updates are counted \
                 between the first and the last that any client received",
                "raise the feed's `history`, or lower its rate",
            ));
        }
        verdict
    }

    /// Whether it is known which updates were due. A target's own feed cannot say.
    fn server_counted(&self) -> bool {
        let is_own_feed = self.job.target.as_ref().is_some_and(|target| !target.publishes);
        is_own_feed || matches!(self.due_before, (Some(_), Some(_)))
    }
}

//! Connections that end at known times, with clients that reconnect after known times: lost and replayed updates and
//! recovery times, counted update by update (E17, E20).
//!
//! When the lab proxy cuts a connection, updates in transit still arrive, followed by the end of the connection: the
//! client notices immediately if nothing was in transit, and after one one-way delay at most. A reset discards what is
//! in transit, and is noticed immediately. A killed server is noticed after one one-way delay.

use std::borrow::Cow;
use std::time::Duration;

use super::outage::{Break, Outage};
use super::{Arithmetic, Case, FeedModel, Figure, NotPredicted, Wait, storm};
use crate::predict::model::{Ages, LIMIT, NetworkPath};
use crate::scenario::{Connections, Fault, FaultKind, LinkFault, ProcessFault};
use crate::{Metric, Scenario};

/// The maximum number of faults that are simulated.
const MOST_BREAKS: usize = 10_000;
/// The minimum time between a client's recovery and the next fault, s.
const CALM: f64 = 0.2;

/// The faults of a cell, and how its clients recover from them.
pub(super) struct Cuts<'a> {
    due: Cow<'a, [f64]>,
    /// The time of each fault, s from the start of the feed, and the fault.
    breaks: Vec<(f64, Fault)>,
    wait: Wait,
    path: NetworkPath,
    /// The maximum number of missed updates that a client receives after it reconnects.
    replayable: usize,
    with_cursor: bool,
    /// The end of the measured time, s from the start of the feed.
    end: f64,
}

impl<'a> Cuts<'a> {
    /// Returns the cuts, unless something about them is not known.
    pub(super) fn of(case: &Case<'_>, arithmetic: &dyn Arithmetic, feed: &'a FeedModel) -> Result<Self, NotPredicted> {
        let Case { scenario, contender, path, .. } = *case;
        let is_simple = contender.transport().is_push()
            && !contender.is_auto()
            && contender.link.connections == Connections::PerClient
            && arithmetic.requests_immediately(&contender.link)
            && scenario.faults.iter().all(|fault| super::cuts(fault.kind))
            // If one of several servers ends, the affected clients depend on the load balancer.
            && (super::has_one_server(case) || scenario.faults.iter().all(|fault| fault.kind.is_of_link()))
            && scenario.network.is_none_or(|network| network.buffer_bytes.is_none() && network.idle_timeout.is_none())
            && feed.scale == 1.0
            && feed.whole_updates <= LIMIT as f64;
        let with_cursor = contender.reconnect.with_cursor;
        let cuts = Self {
            due: feed.due_until(feed.whole.to),
            breaks: breaks(scenario),
            wait: super::wait(case, arithmetic),
            path,
            replayable: if with_cursor { case.history() } else { 0 },
            with_cursor,
            end: feed.measured.to,
        };
        let are_few = cuts.breaks.len() <= MOST_BREAKS;
        let is_known =
            is_simple && are_few && !cuts.due.is_empty() && cuts.are_apart() && cuts.reconnect_at_first_attempt();
        if is_known { Ok(cuts) } else { Err(NotPredicted::Chance) }
    }

    /// Whether affected clients have recovered before the next fault.
    fn are_apart(&self) -> bool {
        let away = self.path.mean_delay() + self.wait.longest() + self.path.open_time() + CALM;
        self.breaks.windows(2).all(|pair| pair[1].0 - pair[0].0 > away)
    }

    /// Whether the first attempt to reconnect always succeeds; a failure would make a client wait longer.
    fn reconnect_at_first_attempt(&self) -> bool {
        self.breaks.iter().all(|(_, fault)| super::finds_a_server(&self.wait, fault))
    }

    /// Returns the predictions for all clients.
    pub(super) fn metrics(&self, case: &Case<'_>) -> Vec<Figure> {
        let clients = case.clients;
        let waits = self.wait.samples();
        let mut sums = (0.0, 0.0);
        let (mut hits, mut recoveries) = (0.0, Vec::new());
        for (at, fault) in &self.breaks {
            let outages: Vec<Outage> = waits.iter().map(|wait| self.outage(*at, fault.kind, *wait)).collect();
            let mean = |of: fn(&Outage) -> f64| outages.iter().map(of).sum::<f64>() / outages.len() as f64;
            sums.0 += mean(|outage| outage.missed) * fault.share;
            sums.1 += mean(|outage| outage.replayed) * fault.share;
            hits += fault.share;
            recoveries.extend(outages.iter().filter_map(|outage| outage.recovery));
        }
        let reported = if self.with_cursor { sums.0 } else { 0.0 };
        let peak = storm::peak(&self.wait, &self.breaks, clients, case.scenario.measure.repetitions);
        let recoveries = Ages::from_samples(recoveries);
        let recovery = |share| recoveries.as_ref().map(|times| times.quantile(share) * 1e6).map_err(|why| *why);
        let mut all = vec![
            (Metric::UpdatesMissed, Ok(sums.0 * clients)),
            (Metric::UpdatesReportedLost, Ok(reported * clients)),
            (Metric::UpdatesReplayed, Ok(sums.1 * clients)),
            (Metric::Reconnects, Ok(hits * clients)),
            (Metric::ReconnectsPeak, peak),
            (Metric::RecoveryP50, recovery(0.5)),
        ];
        if self.path.jitter == 0.0 {
            all.push((Metric::RecoveryP99, recovery(0.99)));
        }
        all
    }

    fn outage(&self, at: f64, kind: FaultKind, wait: f64) -> Outage {
        let transit = self.path.mean_delay();
        let (last, noticed) = match kind {
            FaultKind::Link(LinkFault::Reset) => (at - transit, at),
            FaultKind::Process(ProcessFault::Kill) => (at, at + transit),
            _ => (at, self.arrival_of_last_sent(at)),
        };
        let tries = noticed + wait;
        let (requested, answered) = (tries + self.path.request_arrival_time(), tries + self.path.open_time());
        Break { last, noticed, connected: tries, requested, answered, transit }.simulate(
            &self.due,
            self.replayable,
            self.end,
        )
    }

    /// Returns when the last update that was sent before a cut arrives.
    fn arrival_of_last_sent(&self, cut: f64) -> f64 {
        let left = self.due.partition_point(|due| *due <= cut);
        let last = left.checked_sub(1).map_or(cut, |index| self.due[index] + self.path.mean_delay());
        last.max(cut)
    }
}

/// Returns all faults in the measured time, in order.
fn breaks(scenario: &Scenario) -> Vec<(f64, Fault)> {
    let warm_up = scenario.measure.warm_up.as_secs_f64();
    let times = |fault: Fault| {
        let at = move |at: Duration| (warm_up + at.as_secs_f64(), fault);
        fault.times(scenario.measure.duration).map(at).take(MOST_BREAKS + 1)
    };
    let mut all: Vec<(f64, Fault)> = scenario.faults.iter().copied().flat_map(times).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all
}

//! Connections that end at moments that are known, and clients that come back after times that are known: what is lost,
//! given again and recovered, counted update by update (E17, E20).
//!
//! Where the lab proxy cuts, what is on its way still arrives, and the end right behind it: the client learns of it at
//! once if nothing was on its way, and after a transit at most. A reset tears what is on its way, and is seen at once. A
//! server that is killed is missed after a transit.

use std::borrow::Cow;
use std::time::Duration;

use feedlab_feed::Transport;

use super::outage::{Break, Outage};
use super::storm;
use super::wait::Wait;
use crate::predict::course::{Arrivals, Course, LIMIT};
use crate::predict::way::Way;
use crate::scenario::{Connections, Contender, Fault, FaultKind, Http};
use crate::{Metric, Scenario};

/// More of them are not counted out.
const MOST_BREAKS: usize = 10_000;
/// A client that was hit is back this long before the next fault, s.
const CALM: f64 = 0.2;

/// The breaks of a cell, all of one kind of client.
pub(super) struct Cuts<'a> {
    due: Cow<'a, [f64]>,
    /// When, s from the begin of the feed, and by what.
    breaks: Vec<(f64, Fault)>,
    wait: Wait,
    way: &'a Way,
    /// How many of those that it missed a client is given.
    given: usize,
    with_cursor: bool,
    /// When the measured time ends, s from the begin of the feed.
    end: f64,
}

impl<'a> Cuts<'a> {
    /// `None` where something about them is not known.
    pub(super) fn of(scenario: &Scenario, contender: &Contender, course: &'a Course, way: &'a Way) -> Option<Self> {
        let is_simple = contender.transport().is_push()
            && !contender.is_auto()
            && contender.link.connections == Connections::PerClient
            // A WebSocket over HTTP/2 waits for the server's settings.
            && (contender.link.http == Http::V1 || contender.transport() == Transport::Sse)
            && scenario.faults.iter().all(|fault| super::cuts(fault.kind))
            && scenario.network.is_none_or(|network| network.buffer_bytes.is_none() && network.idle_timeout.is_none())
            && course.scale == 1.0
            && course.whole_updates <= LIMIT as f64;
        let due = match &course.arrivals {
            Arrivals::Poisson(_) => course.due.as_slice().into(),
            Arrivals::Constant(_) | Arrivals::Known(_) => course.due_until(course.whole.to),
        };
        let history = contender.serving.history.unwrap_or(scenario.feed.history);
        let with_cursor = contender.comeback.with_cursor;
        let cuts = Self {
            due,
            breaks: breaks(scenario),
            wait: Wait::of(contender),
            way,
            given: if with_cursor { history } else { 0 },
            with_cursor,
            end: course.measured.to,
        };
        let are_few = cuts.breaks.len() <= MOST_BREAKS;
        (is_simple && are_few && !cuts.due.is_empty() && cuts.are_apart() && cuts.find_a_server()).then_some(cuts)
    }

    /// Whoever was hit is back before the next one comes.
    fn are_apart(&self) -> bool {
        let away = self.way.transit() + self.wait.longest() + self.way.opening() + CALM;
        self.breaks.windows(2).all(|pair| pair[1].0 - pair[0].0 > away)
    }

    /// Nobody tries in vain, which would make him wait for longer.
    fn find_a_server(&self) -> bool {
        self.breaks.iter().all(|(_, fault)| super::finds_a_server(&self.wait, fault))
    }

    /// What is predicted of all clients.
    pub(super) fn metrics(&self, scenario: &Scenario, clients: f64) -> Vec<(Metric, f64)> {
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
        let told = if self.with_cursor { sums.0 } else { 0.0 };
        let mut all = vec![
            (Metric::UpdatesMissed, sums.0 * clients),
            (Metric::UpdatesToldLost, told * clients),
            (Metric::UpdatesReplayed, sums.1 * clients),
            (Metric::Reconnects, hits * clients),
        ];
        all.extend(storm::peak(&self.wait, &self.breaks, clients, scenario.measure.repetitions));
        recoveries.sort_by(f64::total_cmp);
        all.extend(self.quantile(&recoveries, 0.5).map(|time| (Metric::RecoveryP50, time * 1e6)));
        if self.way.jitter == 0.0 {
            all.extend(self.quantile(&recoveries, 0.99).map(|time| (Metric::RecoveryP99, time * 1e6)));
        }
        all
    }

    fn quantile(&self, ascending: &[f64], share: f64) -> Option<f64> {
        let rank = (share * ascending.len() as f64).ceil().max(1.0) as usize;
        ascending.get(rank - 1).copied()
    }

    fn outage(&self, at: f64, kind: FaultKind, wait: f64) -> Outage {
        let transit = self.way.transit();
        let (last, noticed) = match kind {
            FaultKind::Reset => (at - transit, at),
            FaultKind::Kill => (at, at + transit),
            _ => (at, self.end_of_what_is_on_its_way(at)),
        };
        let tries = noticed + wait;
        let (asked, back) = (tries + self.way.arrival(), tries + self.way.opening());
        Break { last, noticed, stood: tries, asked, back, transit }.play(&self.due, self.given, self.end)
    }

    /// When the last update that left before a cut arrives.
    fn end_of_what_is_on_its_way(&self, cut: f64) -> f64 {
        let left = self.due.partition_point(|due| *due <= cut);
        let last = left.checked_sub(1).map_or(cut, |index| self.due[index] + self.way.transit());
        last.max(cut)
    }
}

/// All that happens in the measured time, in order.
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

//! The link of a cell: two network namespaces, one for its servers and one for its clients, with the emulator in between.
//! Each cell has its own, so that the kernel remembers nothing about the path from the cell before it.

use std::time::Duration;

use feedlab_experiment::scenario::EmulatedLink;
use feedlab_experiment::verdict::{Reason, Status};
use feedlab_experiment::{Metric, Scenario};
use feedlab_link::emulator::Report;
use feedlab_loadgen::Outcome;

use super::site::{Namespace, Site};
use crate::command::emulate::Emulator;
use crate::network::Network;

/// The share of late packets beyond which the link was not the one that was asked for.
const LATE_SUSPECT: f64 = 0.01;

/// A link that is open.
#[derive(Debug)]
pub(super) struct CellLink {
    emulator: Emulator,
    /// Dropped after the emulator has ended.
    network: Network,
}

impl CellLink {
    /// Opens a link.
    ///
    /// # Errors
    /// If the system does not let users create it, or choose its congestion control.
    pub(super) async fn open(link: &EmulatedLink, seed: u64) -> anyhow::Result<Self> {
        let network = Network::create(link.emulation.mtu)?;
        for space in [&network.server, &network.clients] {
            link.congestion.map_or(Ok(()), |congestion| space.set_congestion_control(congestion.name()))?;
        }
        let emulator = Emulator::start(&network, &link.emulation, seed).await?;
        Ok(Self { emulator, network })
    }

    /// Returns where the servers run.
    pub(super) fn site(&self) -> anyhow::Result<Site> {
        Site::beyond_link(&self.network.server)
    }

    /// Returns where the clients run.
    pub(super) fn clients(&self) -> anyhow::Result<Namespace> {
        Namespace::of_space(&self.network.clients)
    }

    /// Returns the process id of the emulator.
    pub(super) fn pid(&self) -> Option<u32> {
        self.emulator.pid()
    }

    /// Lets nothing pass for a time.
    pub(super) async fn go_out_for(&mut self, time: Duration) -> anyhow::Result<()> {
        self.emulator.go_out_for(time).await
    }

    /// Waits until the emulator exits unexpectedly, and returns the reason.
    pub(super) async fn died(&mut self) -> anyhow::Error {
        self.emulator.died().await
    }

    /// Closes the link, after everything in its namespaces has ended. Returns what it did.
    pub(super) async fn close(self) -> anyhow::Result<Report> {
        self.emulator.end().await
    }
}

/// Rejects what cannot be measured over a link yet.
pub(super) fn check(scenario: &Scenario) -> anyhow::Result<()> {
    let target = scenario.contenders.iter().find_map(|contender| contender.target.as_deref());
    match target.filter(|_| scenario.link.is_some()) {
        None => Ok(()),
        Some(target) => anyhow::bail!(
            "{}: the target {target} cannot be measured over a link, only feedlab's own server; use `model = \"proxy\"` in \
             [network], or try the target with `feedlab link`",
            scenario.name
        ),
    }
}

/// Adds to a cell what its link did to packets, and what makes it doubtful.
pub(super) fn add(outcome: &mut Outcome, report: &Report) {
    let Report { up, down, late, .. } = report;
    for (metric, count) in [
        (Metric::LinkPacketsLost, up.lost + down.lost),
        (Metric::LinkPacketsDropped, up.dropped + down.dropped),
        (Metric::LinkPacketsLate, *late),
    ] {
        outcome.record.metrics.insert(metric, count as f64);
    }
    doubts(report).into_iter().for_each(|doubt| outcome.record.verdict.add(doubt));
}

/// Returns in what a link was not the one that was asked for.
fn doubts(report: &Report) -> Vec<Reason> {
    let Report { up, down, late, latest_us, refused, missed } = *report;
    let packets = (up.packets + down.packets) as f64;
    let is_late = late as f64 > LATE_SUSPECT * packets;
    let late = is_late.then(|| {
        let what = format!(
            "{:.1}% of the packets left the link more than 0.5 ms late, the latest by {:.1} ms: ages include such delays",
            100.0 * late as f64 / packets,
            latest_us as f64 / 1e3
        );
        let advice = "use fewer clients, a lower rate or a less busy machine: the link emulator needs a core to itself";
        Reason::new(Status::Suspect, what, advice)
    });
    let lost = refused + missed;
    let lost = (lost > 0).then(|| {
        let what = format!("{lost} packets were lost between the link emulator and the kernel, and not by the link");
        let advice = "use fewer clients or smaller bursts";
        Reason::new(Status::Suspect, what, advice)
    });
    [late, lost].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use feedlab_link::emulator::Counters;

    use super::*;

    #[test]
    fn a_link_that_was_late_or_lost_more_than_it_should_makes_a_cell_suspect() {
        let way = Counters { packets: 500, lost: 40, dropped: 3, ..Counters::default() };
        let report = Report { up: way, down: way, late: 10, latest_us: 900, ..Report::default() };
        assert_eq!(doubts(&report), [], "1% may be late, and a link may lose what was asked for");
        let said = |report| doubts(&report).iter().map(|doubt| doubt.what.clone()).collect::<Vec<_>>();
        let late =
            "1.1% of the packets left the link more than 0.5 ms late, the latest by 0.9 ms: ages include such delays";
        assert_eq!(said(Report { late: 11, ..report }), [late]);
        let lost = "2 packets were lost between the link emulator and the kernel, and not by the link";
        assert_eq!(said(Report { refused: 1, missed: 1, ..report }), [lost]);
        assert_eq!(doubts(&Report::default()), [], "nothing passed");
    }
}

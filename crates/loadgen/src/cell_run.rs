//! A running cell in one process: its clients and, if this process leads, the servers. `phases.rs` has the order of the
//! steps; `wait.rs` handles what arrives while a step waits.

use std::time::{Duration, Instant};

use feedlab_experiment::clients::START_LEAD;
use feedlab_experiment::hlog;
use feedlab_experiment::record::{NodesAt, Second};
use feedlab_feed::clock;
use feedlab_feed::stats::Stats;
use hdrhistogram::Histogram;
use tokio::sync::oneshot;
use tokio::time::sleep_until;

use crate::control::Control;
use crate::faults::Faults;
use crate::fleet::Fleet;
use crate::join_probe::{self, JoinProbe};
use crate::moments::{ClientSnapshot, ServerSnapshot};
use crate::nodes::Watch;
use crate::part::{Part, Timetable};
use crate::recorder::{Counts, Window};
use crate::seconds::Seconds;
use crate::transport::Leg;
use crate::{Event, Job, LoadError, Phase};

mod wait;

/// How long after the ramp clients may still be connecting.
const CONNECT_GRACE: Duration = Duration::from_secs(15);
/// The time between two checks of how many clients are open.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// How long the baseline lasts: no client is connected, and the processes show what they use by themselves.
const BASELINE: Duration = Duration::from_millis(400);
/// The number of snapshots of memory and descriptors during the ramp.
const RAMP_SNAPSHOTS: u32 = 10;
/// How long after a moment the server is asked what was due before it: by then its publisher has processed it.
const PUBLISHER_GRACE: Duration = Duration::from_secs(1);

/// A running cell.
pub(crate) struct CellRun<'a> {
    job: &'a Job,
    /// The timetable of a process that is one of several, once the start of the ramp is known.
    timetable: Option<Timetable>,
    /// The control connections; `None` if this process does not lead.
    control: Option<Control>,
    fleet: Fleet,
    pub(crate) leg: Leg,
    began: Instant,
    events: &'a mut dyn FnMut(Event),
    /// The faults of the measured time, once that is known.
    faults: Option<Faults>,
    /// Samples how the clients are spread over several servers.
    watch: Option<Watch>,
    /// The seconds of the measured time, once that is known.
    seconds: Option<Seconds>,
    counts: Counts,
    /// The number of workers that have sent their last report.
    done: usize,
}

/// The merged results, once all clients have left.
pub(crate) struct Merged {
    pub(crate) counts: Counts,
    pub(crate) ages: Histogram<u64>,
    pub(crate) seconds: Vec<Second>,
    pub(crate) was_restarted: bool,
    /// How the clients were spread over several servers, at each sample.
    pub(crate) nodes: Vec<NodesAt>,
}

/// One moment as this process sees it: itself, and the servers if it leads.
pub(crate) type PartSnapshot = (ClientSnapshot, Option<ServerSnapshot>);

impl<'a> CellRun<'a> {
    pub(crate) async fn start(job: &'a Job, part: Part, events: &'a mut dyn FnMut(Event)) -> Result<Self, LoadError> {
        let leg = Leg::keeping_sockets();
        let control = part.leads.then(|| Control::new(job)).transpose()?;
        let fleet = Fleet::launch(job, part, leg.clone()).await?;
        let (timetable, faults, watch, seconds) = (None, None, None, None);
        let (counts, done, began) = (Counts::new(), 0, clock::now());
        Ok(Self { job, timetable, control, fleet, leg, began, events, faults, watch, seconds, counts, done })
    }

    pub(crate) async fn wait_for_start(&mut self, start: oneshot::Receiver<u64>) -> Result<(), LoadError> {
        (self.events)(Event::Ready);
        let ramp_us = self.wait_for(start).await?.map_err(|_| LoadError::Interrupted)?;
        let timetable = Timetable::new(self.job, ramp_us);
        let late = clock::unix_us().saturating_sub(timetable.baseline_us);
        if late > 0 {
            return Err(LoadError::TooLate { by: Duration::from_micros(late) });
        }
        self.timetable = Some(timetable);
        self.wait_until(timetable.baseline_us).await
    }

    /// The baseline: two snapshots whose difference is the cost of a snapshot, and one after a time without clients.
    pub(crate) async fn baseline(&mut self) -> Result<[PartSnapshot; 3], LoadError> {
        // The first snapshot opens the connection and touches memory that the next ones find warm.
        self.snapshot().await?;
        let (first, second) = (self.snapshot().await?, self.snapshot().await?);
        self.wait_until_instant(clock::now() + BASELINE).await?;
        Ok([first, second, self.snapshot().await?])
    }

    /// Ends when every client is open or never will be, at the latest [`CONNECT_GRACE`] after the ramp; with a
    /// timetable, at its time. Meanwhile takes snapshots and reports how many clients are open.
    pub(crate) async fn connect(&mut self) -> Result<Vec<PartSnapshot>, LoadError> {
        let ramp = self.job.clients.ramp;
        if let Some(Timetable { ramp_us, .. }) = self.timetable {
            self.wait_until(ramp_us).await?;
        }
        self.phase(Phase::Connect, ramp);
        let now = clock::now();
        self.fleet.start(now);
        let (mut reported, mut snapshots) = (0, Vec::new());
        while self.is_connecting(now) {
            self.wait_until_instant(clock::now() + POLL_INTERVAL).await?;
            reported = self.report_connected(reported);
            if now.elapsed() > ramp / RAMP_SNAPSHOTS * (snapshots.len() as u32 + 1)
                && self.wants_snapshot(snapshots.len())
            {
                snapshots.push(self.snapshot().await?);
            }
        }
        self.report_connected(reported);
        Ok(snapshots)
    }

    fn is_connecting(&self, since: Instant) -> bool {
        match self.timetable {
            Some(Timetable { connected_us, .. }) => clock::unix_us() < connected_us,
            None => {
                let undecided = self.fleet.progress().decided() < self.job.cell.clients;
                undecided && since.elapsed() < self.job.clients.ramp + CONNECT_GRACE
            }
        }
    }

    /// Whether another snapshot of the ramp is due. All processes of a cell take the same number.
    const fn wants_snapshot(&self, snapshots: usize) -> bool {
        self.timetable.is_none() || snapshots < RAMP_SNAPSHOTS as usize
    }

    fn report_connected(&mut self, reported: u32) -> u32 {
        let clients = self.fleet.progress().open();
        if clients != reported {
            (self.events)(Event::Connected { clients });
        }
        clients
    }

    pub(crate) async fn settle(&mut self) -> Result<(), LoadError> {
        let settle = self.job.measure.settle;
        self.phase(Phase::Settle, settle);
        let end = self.timetable.map(|timetable| timetable.settled_us);
        self.wait_until_instant(end.map_or_else(|| clock::now() + settle, clock::instant_of)).await
    }

    /// Sets the measured time, announces it, and starts the feed.
    pub(crate) async fn start_feed(&mut self) -> Result<Window, LoadError> {
        let measure = &self.job.measure;
        self.phase(Phase::WarmUp, START_LEAD + measure.warm_up);
        let feed_us = self.timetable.map(|timetable| timetable.feed_us);
        let feed_us = feed_us.unwrap_or_else(|| clock::unix_us() + clock::micros(START_LEAD));
        let start_us = feed_us + clock::micros(measure.warm_up);
        let window = Window { start_us, end_us: start_us + clock::micros(measure.duration) };
        let log = hlog::Writer::create(&self.job.hlog, start_us).map_err(|error| unwritable(self.job, error))?;
        self.seconds = Some(Seconds::new(self.job.cell.id.clone(), self.fleet.workers(), Some(log)));
        self.fleet.measure(window);
        if let Some(control) = &self.control {
            self.faults = Some(Faults::start(self.job, window)?);
            control.start(feed_us).await?;
            self.watch = control.has_several().then(|| Watch::start(control.clone(), window));
            (self.events)(Event::FeedBegins { at_us: feed_us });
        }
        Ok(window)
    }

    /// Returns the snapshot at the start of the measured time, and the last update that was due before it.
    pub(crate) async fn measure(&mut self, window: Window) -> Result<(PartSnapshot, Option<u64>), LoadError> {
        self.phase(Phase::Measure, self.job.measure.duration);
        let start = self.snapshot().await?;
        self.wait_until(window.end_us.min(window.start_us + clock::micros(PUBLISHER_GRACE))).await?;
        let due_before_start = self.stats_before(window.start_us).await?.and_then(|stats| stats.feed.before);
        self.wait_until(window.end_us).await?;
        Ok((start, due_before_start))
    }

    pub(crate) async fn drain(&mut self, window: Window) -> Result<Option<Stats>, LoadError> {
        let drain = self.job.measure.drain;
        self.phase(Phase::Drain, drain);
        let end = self.timetable.map(|timetable| timetable.drained_us);
        self.wait_until_instant(end.map_or_else(|| clock::now() + drain, clock::instant_of)).await?;
        let last = self.stats_before(window.end_us).await?;
        if let Some(Timetable { leave_us, .. }) = self.timetable {
            self.wait_until(leave_us).await?;
        }
        Ok(last)
    }

    pub(crate) async fn disconnect(&mut self) -> Result<(), LoadError> {
        self.phase(Phase::Disconnect, Duration::ZERO);
        self.fleet.leave();
        while self.done < self.fleet.workers() {
            let report = self.fleet.next().await?;
            self.take(report)?;
        }
        Ok(())
    }

    /// Runs the join probe, once all clients have left.
    pub(crate) async fn probe_joining(&mut self) -> Result<Option<JoinProbe>, LoadError> {
        let Some(control) = &self.control else { return Ok(None) };
        if let Some(Timetable { left_us, .. }) = self.timetable {
            sleep_until(clock::instant_of(left_us).into()).await;
        }
        join_probe::run(self.job, control, &self.leg, self.began).await.map(Some)
    }

    /// Returns the clients' counts, the merged ages, and whether a server was restarted (if this process led).
    pub(crate) fn finish(self) -> Result<Merged, LoadError> {
        let Some(seconds) = self.seconds else { return Err(LoadError::WorkerLost) };
        let (ages, seconds) = seconds.finish().map_err(|error| unwritable(self.job, error))?;
        let was_restarted = self.control.is_some_and(|control| control.was_restarted());
        let nodes = self.watch.map(Watch::end).unwrap_or_default();
        Ok(Merged { counts: self.counts, ages, seconds, was_restarted, nodes })
    }

    fn phase(&mut self, phase: Phase, length: Duration) {
        (self.events)(Event::Phase { phase, seconds: length.as_secs_f64() });
    }
}

fn unwritable(job: &Job, source: std::io::Error) -> LoadError {
    LoadError::Hlog { path: job.hlog.clone(), source }
}

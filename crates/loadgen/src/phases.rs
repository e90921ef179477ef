//! One cell from its first connect to its last close: connect, settle, warm up, measure, drain, disconnect.

use std::future::pending;
use std::pin::pin;
use std::time::{Duration, Instant};

use feedlab_experiment::clients::START_LEAD;
use feedlab_experiment::hlog;
use feedlab_experiment::record::Second;
use feedlab_feed::clock;
use feedlab_feed::stats::Stats;
use hdrhistogram::Histogram;
use tokio::runtime::Builder;
use tokio::time::{sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::control::{Control, Snapshot};
use crate::faults::Faults;
use crate::fleet::Fleet;
use crate::measure::Facts;
use crate::newcomers;
use crate::recorder::{Found, Window};
use crate::seconds::Seconds;
use crate::transport::Leg;
use crate::worker::Report;
use crate::{Event, Job, LoadError, Outcome, Phase};

/// How long after the ramp clients may still be connecting.
const CONNECT_GRACE: Duration = Duration::from_secs(15);
/// How often the fleet is asked how many are open.
const LOOK: Duration = Duration::from_millis(20);
/// How long nobody is connected, to see what the two processes take by themselves.
const QUIET: Duration = Duration::from_millis(400);
/// How many looks at memory and descriptors the ramp is divided into.
const RAMP_LOOKS: u32 = 10;
/// How long after a moment the server is asked what was due before it: by then its publisher has come by.
const PUBLISHER_GRACE: Duration = Duration::from_secs(1);

/// Measures one cell, and tells `events` how far it is. Blocks until the cell is done or `stop` is cancelled; the
/// clients live on threads of their own.
///
/// # Errors
/// When it is stopped, when the server cannot be asked, and when a thread or the histogram file cannot be made. What
/// goes wrong for a client is not an error: it is counted.
///
/// # Panics
/// When it is called from within an asynchronous runtime.
pub fn run(job: &Job, events: &mut dyn FnMut(Event), stop: CancellationToken) -> Result<Outcome, LoadError> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(LoadError::Workers)?;
    runtime.block_on(async {
        let measured = stop.run_until_cancelled_owned(measure(job, events)).await;
        measured.unwrap_or(Err(LoadError::Interrupted))
    })
}

async fn measure(job: &Job, events: &mut dyn FnMut(Event)) -> Result<Outcome, LoadError> {
    let leg = Leg::to_the_last_segment();
    let control = Control::new(job, leg.clone())?;
    let fleet = Fleet::launch(job, leg).await?;
    let quiet = quiet(&control).await?;
    let mut course = Course { job, control, fleet, events, faults: None, seconds: None, found: Found::new(), done: 0 };
    let mut ramp = course.connect().await?;
    let connected = course.snapshot().await?;
    course.settle().await?;
    let settled = course.snapshot().await?;
    ramp.push((course.fleet.roll().open(), settled.clone()));
    let window = course.start_feed().await?;
    course.wait_until(window.start_us).await?;
    // Not before the feed begins: behind a proxy that buffers, the first updates are what opens a stream.
    let open = course.fleet.roll().open();
    let measured = course.measure(window).await?;
    let (last, due_before_end) = course.drain(window).await?;
    let last_leg = course.control.leg().look();
    course.disconnect().await?;
    let newcomers = newcomers::join(job, &course.control).await?;
    let was_restarted = course.control.was_restarted();
    let leg = course.control.leg().last_look().await;
    let (found, ages, seconds) = course.finish()?;
    let Measured { start, end, due_before_start } = measured;
    let due_before = (due_before_start, due_before_end);
    let facts = Facts {
        job,
        window,
        open,
        quiet,
        ramp,
        connected,
        settled,
        start,
        end,
        last,
        last_leg,
        due_before,
        was_restarted,
        found,
        ages,
        newcomers,
    };
    Ok(Outcome { record: facts.record(), seconds, leg })
}

/// The baseline: two snapshots that show what a look costs, and one after a time without clients.
async fn quiet(control: &Control) -> Result<[Snapshot; 3], LoadError> {
    // The first look opens the connection and touches memory that the next ones find warm.
    control.snapshot().await?;
    let (first, second) = (control.snapshot().await?, control.snapshot().await?);
    sleep(QUIET).await;
    Ok([first, second, control.snapshot().await?])
}

/// A cell under way.
struct Course<'a> {
    job: &'a Job,
    control: Control,
    fleet: Fleet,
    events: &'a mut dyn FnMut(Event),
    /// What breaks in the measured time, once it is known.
    faults: Option<Faults>,
    /// From the time on that the measured time is known.
    seconds: Option<Seconds>,
    found: Found,
    /// Workers that have told all.
    done: usize,
}

/// What was asked during the measured time.
struct Measured {
    start: Snapshot,
    end: Snapshot,
    due_before_start: Option<u64>,
}

impl Course<'_> {
    /// Ends when every client is open or will never be, at the latest [`CONNECT_GRACE`] after the ramp. On the way it
    /// looks what the clients take, and how many they are.
    async fn connect(&mut self) -> Result<Vec<(u32, Snapshot)>, LoadError> {
        let ramp = self.job.clients.ramp;
        self.begin(Phase::Connect, ramp);
        let now = clock::now();
        self.fleet.start(now);
        let (mut told, mut looks) = (0, Vec::new());
        while self.fleet.roll().decided() < self.job.cell.clients && now.elapsed() < ramp + CONNECT_GRACE {
            sleep(LOOK).await;
            told = self.tell_connected(told);
            if now.elapsed() > ramp / RAMP_LOOKS * (looks.len() as u32 + 1) {
                looks.push((told, self.snapshot().await?));
            }
        }
        self.tell_connected(told);
        Ok(looks)
    }

    fn tell_connected(&mut self, told: u32) -> u32 {
        let clients = self.fleet.roll().open();
        if clients != told {
            (self.events)(Event::Connected { clients });
        }
        clients
    }

    async fn settle(&mut self) -> Result<(), LoadError> {
        self.begin(Phase::Settle, self.job.measure.settle);
        self.follow_until(clock::now() + self.job.measure.settle).await
    }

    /// Fixes the measured time, tells everybody, and lets the feed begin.
    async fn start_feed(&mut self) -> Result<Window, LoadError> {
        let measure = &self.job.measure;
        self.begin(Phase::WarmUp, START_LEAD + measure.warm_up);
        let feed_us = clock::unix_us() + clock::micros(START_LEAD);
        let start_us = feed_us + clock::micros(measure.warm_up);
        let window = Window { start_us, end_us: start_us + clock::micros(measure.duration) };
        let log = hlog::Writer::create(&self.job.hlog, start_us).map_err(|error| unwritable(self.job, error))?;
        self.seconds = Some(Seconds::new(self.job.cell.id.clone(), self.fleet.workers(), log));
        self.fleet.measure(window);
        self.faults = Some(Faults::conduct(self.job, window)?);
        self.control.start(feed_us).await?;
        (self.events)(Event::FeedBegins { at_us: feed_us });
        Ok(window)
    }

    async fn measure(&mut self, window: Window) -> Result<Measured, LoadError> {
        self.begin(Phase::Measure, self.job.measure.duration);
        let start = self.snapshot().await?;
        self.wait_until(window.end_us.min(window.start_us + clock::micros(PUBLISHER_GRACE))).await?;
        let due_before_start = self.stats_before(window.start_us).await?.feed.before;
        self.wait_until(window.end_us).await?;
        let end = self.snapshot().await?;
        Ok(Measured { start, end, due_before_start })
    }

    async fn drain(&mut self, window: Window) -> Result<(Stats, Option<u64>), LoadError> {
        self.begin(Phase::Drain, self.job.measure.drain);
        self.follow_until(clock::now() + self.job.measure.drain).await?;
        let last = self.stats_before(window.end_us).await?;
        let due_before_end = last.feed.before;
        Ok((last, due_before_end))
    }

    async fn disconnect(&mut self) -> Result<(), LoadError> {
        self.begin(Phase::Disconnect, Duration::ZERO);
        self.fleet.leave();
        while self.done < self.fleet.workers() {
            let report = self.fleet.next().await?;
            self.take(report)?;
        }
        Ok(())
    }

    fn finish(self) -> Result<(Found, Histogram<u64>, Vec<Second>), LoadError> {
        let Some(seconds) = self.seconds else { return Err(LoadError::WorkerLost) };
        let (ages, seconds) = seconds.finish().map_err(|error| unwritable(self.job, error))?;
        Ok((self.found, ages, seconds))
    }

    fn begin(&mut self, phase: Phase, length: Duration) {
        (self.events)(Event::Phase { phase, seconds: length.as_secs_f64() });
    }

    async fn wait_until(&mut self, unix_us: u64) -> Result<(), LoadError> {
        self.follow_until(clock::instant_of(unix_us)).await
    }

    async fn follow_until(&mut self, moment: Instant) -> Result<(), LoadError> {
        self.meanwhile(sleep_until(moment.into())).await
    }

    async fn snapshot(&mut self) -> Result<Snapshot, LoadError> {
        let control = self.control.clone();
        self.meanwhile(control.snapshot()).await?
    }

    async fn stats_before(&mut self, at_us: u64) -> Result<Stats, LoadError> {
        let control = self.control.clone();
        self.meanwhile(control.stats_before(at_us)).await?
    }

    /// Takes the workers' reports and tells of faults until something is there. A server that is down is asked for a
    /// long time, and what is to bring it back is told meanwhile.
    async fn meanwhile<T>(&mut self, something: impl Future<Output = T>) -> Result<T, LoadError> {
        let mut something = pin!(something);
        loop {
            tokio::select! {
                there = &mut something => return Ok(there),
                report = self.fleet.next() => {
                    let report = report?;
                    self.take(report)?;
                }
                index = next_of(&mut self.faults) => {
                    let index = index?;
                    if self.job.faults.get(index).is_some_and(|fault| fault.kind.ends_server()) {
                        self.control.keep_before_its_end().await;
                    }
                    (self.events)(Event::Fault { index });
                }
            }
        }
    }

    fn take(&mut self, report: Report) -> Result<(), LoadError> {
        match report {
            Report::Ready => {}
            Report::Second { worker, second, ages } => {
                self.take_second(second, &ages)?;
                self.fleet.reuse(worker, ages);
            }
            Report::Done(found) => {
                self.found.merge(&found);
                self.done += 1;
            }
        }
        Ok(())
    }

    fn take_second(&mut self, second: u32, ages: &Histogram<u64>) -> Result<(), LoadError> {
        let Some(seconds) = &mut self.seconds else { return Ok(()) };
        let whole = seconds.take(second, ages).map_err(|error| unwritable(self.job, error))?;
        if let Some(second) = whole {
            (self.events)(Event::Second(second));
        }
        Ok(())
    }
}

async fn next_of(faults: &mut Option<Faults>) -> Result<usize, LoadError> {
    match faults {
        Some(faults) => faults.next().await,
        None => pending().await,
    }
}

fn unwritable(job: &Job, source: std::io::Error) -> LoadError {
    LoadError::Hlog { path: job.hlog.clone(), source }
}

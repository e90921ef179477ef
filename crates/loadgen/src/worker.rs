//! One thread of the load generator: its share of the clients, on its own runtime, with one recorder.
//!
//! Everything on the thread stays on the thread: recording needs no lock, and a client is only polled here.

use std::cell::RefCell;
use std::iter::StepBy;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use feedlab_experiment::scenario::Options;
use feedlab_experiment::{Segment, hlog};
use feedlab_feed::clock;
use hdrhistogram::Histogram;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::Job;
use crate::churn::Churn;
use crate::client_observer::{ClientObserver, Progress, SlowReader};
use crate::clients::{client, link_of_a_worker, slow_client};
use crate::observer::ClientError;
use crate::recorder::{Counts, Recorder, Window};
use crate::transport::upstream::{self, Publications};
use crate::transport::{self, Client, Leg, Link};

/// How often a worker checks how late its timers fire.
const TICK: Duration = Duration::from_millis(10);
/// How long clients may take to leave.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(2);

/// The orders to a worker.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    /// When the ramp starts.
    pub(crate) ramp: watch::Receiver<Option<Instant>>,
    /// The measured time.
    pub(crate) window: watch::Receiver<Option<Window>>,
    /// Makes the clients leave.
    pub(crate) leave: CancellationToken,
    /// Ends everything at once.
    pub(crate) abort: CancellationToken,
}

/// What a worker reports.
#[derive(Debug)]
pub(crate) enum Report {
    /// The worker can start its clients.
    Ready,
    /// A second has ended. The histogram is returned to this worker after use.
    Second { worker: usize, second: u32, ages: Histogram<u64> },
    /// All clients have left. This is the last report.
    Done(Box<Counts>),
}

/// A worker before it has a thread.
pub(crate) struct Worker {
    pub(crate) index: usize,
    /// The number of workers that share the clients.
    pub(crate) workers: usize,
    /// The clients of this process.
    pub(crate) segment: Option<Segment>,
    pub(crate) job: Arc<Job>,
    pub(crate) link: Link,
    pub(crate) progress: Arc<Progress>,
    pub(crate) orders: Orders,
    pub(crate) reports: mpsc::Sender<Report>,
    /// Histograms that are returned for reuse.
    pub(crate) spares: mpsc::Receiver<Histogram<u64>>,
}

impl Worker {
    /// Runs the worker until its clients have left.
    pub(crate) fn run(mut self) -> std::io::Result<()> {
        let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
        let abort = self.orders.abort.clone();
        runtime.block_on(abort.run_until_cancelled(self.work()));
        Ok(())
    }

    async fn work(&mut self) -> Option<()> {
        let recorder = Rc::new(RefCell::new(Recorder::new()));
        // Before the first client, so that its cost is part of the baseline.
        tokio::task::spawn_local(watch_timers(recorder.clone(), self.link.leg.clone()));
        self.reports.send(Report::Ready).await.ok()?;
        let began = *self.orders.ramp.wait_for(Option::is_some).await.ok()?;
        let clients = tokio::task::spawn_local(ramp(self.share(began?), recorder.clone()));
        let last = self.report_seconds(&recorder).await?;
        self.orders.leave.cancelled().await;
        if let Ok(clients) = clients.await {
            leave(clients).await;
        }
        self.report_second(&recorder, last).await?;
        let counts = recorder.borrow().counts().clone();
        self.reports.send(Report::Done(Box::new(counts))).await.ok()
    }

    /// Reports every second of the measured time as it ends, except the last, which stays open for late arrivals.
    /// Returns the number of the last.
    async fn report_seconds(&mut self, recorder: &Rc<RefCell<Recorder>>) -> Option<u32> {
        let window = (*self.orders.window.wait_for(Option::is_some).await.ok()?)?;
        recorder.borrow_mut().measure(window);
        let last = window.seconds().saturating_sub(1);
        for second in 0..last {
            let end = clock::instant_of(window.start_us + u64::from(second + 1) * 1_000_000);
            sleep_until(end.into()).await;
            self.report_second(recorder, second).await?;
        }
        Some(last)
    }

    async fn report_second(&mut self, recorder: &Rc<RefCell<Recorder>>, second: u32) -> Option<()> {
        let empty = self.spares.try_recv().unwrap_or_else(|_| hlog::new_histogram());
        let ages = recorder.borrow_mut().end_second(empty);
        self.reports.send(Report::Second { worker: self.index, second, ages }).await.ok()
    }

    /// The indices, of this many clients, that are this worker's.
    fn of(&self, clients: u32) -> StepBy<Range<u32>> {
        match self.segment {
            Some(segment) => segment.clients(clients, self.index, self.workers),
            None => (0..0).step_by(1),
        }
    }

    fn share(&self, began: Instant) -> Clients {
        Clients {
            clients: self.of(self.job.cell.clients),
            window: self.orders.window.clone(),
            slow: self.of(self.job.clients.slow.map_or(0, |slow| slow.count)),
            began,
            job: self.job.clone(),
            link: self.link.clone(),
            progress: self.progress.clone(),
            leave: self.orders.leave.clone(),
        }
    }
}

/// The clients of one worker.
struct Clients {
    clients: StepBy<Range<u32>>,
    /// The slow readers, in addition to the others.
    slow: StepBy<Range<u32>>,
    began: Instant,
    job: Arc<Job>,
    link: Link,
    progress: Arc<Progress>,
    window: watch::Receiver<Option<Window>>,
    leave: CancellationToken,
}

/// Starts the clients one after the other: client `i` of `n` at `i/n` of the ramp.
async fn ramp(share: Clients, recorder: Rc<RefCell<Recorder>>) -> JoinSet<()> {
    let mut clients = JoinSet::new();
    // A token for this thread only: clients of several threads would contend for the lock of a shared one.
    let leave = share.leave.child_token();
    let link = link_of_a_worker(&share.link, &share.job);
    // Slow readers come first: a constant number of connections does not affect a slope over the ramp.
    for index in share.slow {
        let Some(client) = slow_client(&share.job, &link, index) else { break };
        let (job, leave, mut reader) =
            (share.job.clone(), leave.clone(), SlowReader::new(recorder.clone(), link.leg.clone()));
        clients.spawn_local(async move {
            transport::run(client, &job.contender.options, &mut reader, &leave).await;
        });
    }
    for index in share.clients {
        let due = share.began + share.job.clients.ramp.mul_f64(f64::from(index) / f64::from(share.job.cell.clients));
        if leave.run_until_cancelled(sleep_until(due.into())).await.is_none() {
            break;
        }
        let Some(mut client) = client(&share.job, &link, index) else { break };
        if let Some(share_per_s) = share.job.clients.churn {
            let from = share.began + share.job.clients.ramp;
            client.churn = Churn::new(share_per_s, from, share.job.cell.seed, index);
        }
        if let Some(publishing) = share.job.publishing {
            let mut rng = client.rng.clone();
            rng.set_stream(u64::from(index) + u64::from(share.job.cell.clients));
            let (fleet, warm_up) = (share.job.cell.clients, share.job.measure.warm_up);
            let publications = Publications::new(publishing, fleet, warm_up, share.window.clone(), rng);
            if matches!(share.job.contender.options, Options::WebSocket { .. }) {
                client.publications = Some(Box::new(publications));
            } else {
                clients.spawn_local(post(client.clone(), publications, recorder.clone(), leave.clone()));
            }
        }
        let mut observer = ClientObserver::new(
            recorder.clone(),
            share.progress.clone(),
            link.leg.clone(),
            share.job.publishing.is_some(),
        );
        let (job, leave, client) = (share.job.clone(), leave.clone(), Box::new(client));
        clients.spawn_local(async move {
            transport::run(*client, &job.contender.options, &mut observer, &leave).await;
        });
    }
    clients
}

/// Publishes for a client whose transport cannot send upstream.
async fn post(client: Client, publications: Publications, recorder: Rc<RefCell<Recorder>>, leave: CancellationToken) {
    let report = |result: Result<(u64, u64), ClientError>| match result {
        Ok((due_us, received_at_us)) => recorder.borrow_mut().acknowledged(due_us, received_at_us),
        Err(error) => recorder.borrow_mut().failed(error.failure),
    };
    upstream::post(client, publications, &leave, report).await;
}

/// Waits until the clients have left. Those that take too long are dropped.
async fn leave(mut clients: JoinSet<()>) {
    let all_left = async {
        while let Some(left) = clients.join_next().await {
            // A client that panicked is a bug in the load generator, and its cell has no result.
            if let Err(error) = left
                && error.is_panic()
            {
                std::panic::resume_unwind(error.into_panic());
            }
        }
    };
    let _ = timeout(LEAVE_TIMEOUT, all_left).await;
}

/// Records how late timers fire. Ticks that are due while the thread is stalled are all counted: skipping them would
/// hide the very stall that this looks for. Also closes, in time, the kept sockets of clients that have left.
async fn watch_timers(recorder: Rc<RefCell<Recorder>>, leg: Leg) {
    let mut due = clock::now();
    loop {
        due += TICK;
        sleep_until(due.into()).await;
        let lag = clock::micros(due.elapsed());
        recorder.borrow_mut().timer(clock::unix_us().saturating_sub(lag), lag);
        leg.settle();
    }
}

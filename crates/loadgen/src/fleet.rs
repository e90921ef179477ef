//! All clients of a cell in this process: the worker threads, the orders sent to them and their reports.

use std::num::NonZero;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use feedlab_experiment::{Segment, clients};
use hdrhistogram::Histogram;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::client_observer::Progress;
use crate::clients::link;
use crate::recorder::Window;
use crate::transport::{Leg, Link};
use crate::worker::{Orders, Report, Worker};
use crate::{Job, LoadError, Part};

/// The running workers. Dropping it stops them at once and waits for their threads.
pub(crate) struct Fleet {
    threads: Vec<JoinHandle<std::io::Result<()>>>,
    ramp: watch::Sender<Option<Instant>>,
    window: watch::Sender<Option<Window>>,
    orders: Orders,
    progress: Arc<Progress>,
    reports: mpsc::Receiver<Report>,
    /// Returns each worker's histograms to it, for reuse.
    spares: Vec<mpsc::Sender<Histogram<u64>>>,
}

impl Fleet {
    /// Starts the threads. No client connects yet.
    ///
    /// # Errors
    /// When a thread or a runtime cannot be created, and when the job's certificate is not valid.
    pub(crate) async fn launch(job: &Job, part: Part, leg: Leg) -> Result<Self, LoadError> {
        let Part { segment, leads } = part;
        let clients = segment.map_or(0, |segment| segment.size(job.cell.clients));
        let workers = workers(clients as usize, leads);
        let (ramp, ramp_order) = watch::channel(None);
        let (window, window_order) = watch::channel(None);
        let orders = Orders {
            ramp: ramp_order,
            window: window_order,
            leave: CancellationToken::new(),
            abort: CancellationToken::new(),
        };
        let (reporter, reports) = mpsc::channel(2 * workers);
        let progress = Arc::new(Progress::default());
        let mut fleet = Self { threads: Vec::new(), ramp, window, orders, progress, reports, spares: Vec::new() };
        let (job, link) = (Arc::new(job.clone()), link(job, leg)?);
        for index in 0..workers {
            fleet.spawn_worker(index, workers, segment, job.clone(), link.clone(), reporter.clone())?;
        }
        drop(reporter);
        fleet.wait_until_ready().await?;
        Ok(fleet)
    }

    fn spawn_worker(
        &mut self,
        index: usize,
        workers: usize,
        segment: Option<Segment>,
        job: Arc<Job>,
        link: Link,
        reports: mpsc::Sender<Report>,
    ) -> Result<(), LoadError> {
        let (spare, spares) = mpsc::channel(2);
        let (progress, orders) = (self.progress.clone(), self.orders.clone());
        let worker = Worker { index, workers, segment, job, link, progress, orders, reports, spares };
        let thread = thread::Builder::new().name(format!("clients-{index}")).spawn(move || worker.run());
        self.threads.push(thread.map_err(LoadError::Workers)?);
        self.spares.push(spare);
        Ok(())
    }

    async fn wait_until_ready(&mut self) -> Result<(), LoadError> {
        for _ in 0..self.workers() {
            if !matches!(self.next().await, Ok(Report::Ready)) {
                return Err(self.cause());
            }
        }
        Ok(())
    }

    /// Returns why a worker is missing: the error of its thread, if that has ended.
    fn cause(&mut self) -> LoadError {
        self.orders.abort.cancel();
        let ends = self.threads.drain(..).map(JoinHandle::join);
        let error = ends.flatten().find_map(Result::err);
        error.map_or(LoadError::WorkerLost, LoadError::Workers)
    }

    pub(crate) fn workers(&self) -> usize {
        self.spares.len()
    }

    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Lets the clients connect, spread over the ramp from `now`.
    pub(crate) fn start(&self, now: Instant) {
        self.ramp.send_replace(Some(now));
    }

    /// Announces the measured time to the workers.
    pub(crate) fn measure(&self, window: Window) {
        self.window.send_replace(Some(window));
    }

    /// Makes the clients close their connections.
    pub(crate) fn leave(&self) {
        self.orders.leave.cancel();
    }

    /// Waits for the next report. Cancel safe.
    ///
    /// # Errors
    /// When every worker has ended.
    pub(crate) async fn next(&mut self) -> Result<Report, LoadError> {
        self.reports.recv().await.ok_or(LoadError::WorkerLost)
    }

    /// Returns a histogram to its worker, to be filled again.
    pub(crate) fn reuse(&self, worker: usize, mut ages: Histogram<u64>) {
        ages.reset();
        if let Some(spares) = self.spares.get(worker) {
            // A worker that has enough histograms, or has ended, needs none.
            let _ = spares.try_send(ages);
        }
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.orders.abort.cancel();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// The number of threads for this many clients: at most one for each processor. The process that leads starts the servers,
/// so it shares their machine, and has one for every two, as the servers' shards do. With more, each thread would find fewer
/// updates whenever it wakes up, and waking up costs as much as reading one.
fn workers(count: usize, leads: bool) -> usize {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let most = if leads { cores.div_ceil(2) } else { cores };
    count.div_ceil(clients::PER_THREAD).clamp(1, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_clients_share_a_thread_and_the_servers_have_processors_of_their_own() {
        let cores = thread::available_parallelism().unwrap().get();
        for (leads, most) in [(false, cores), (true, cores.div_ceil(2))] {
            assert_eq!(workers(1, leads), 1);
            assert_eq!(workers(250, leads), 1);
            assert_eq!(workers(1_000_000, leads), most);
        }
    }
}

//! The schedule of faults: orders each fault from the lab proxy at its time, or reports it to the caller if another
//! process has to do it.

use std::net::SocketAddr;
use std::time::Duration;

use feedlab_experiment::scenario::{Fault, FaultKind, LinkFault};
use feedlab_feed::clock;
use reqwest::Client;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use crate::recorder::Window;
use crate::transport::http::with_causes;
use crate::{Job, LoadError, control};

/// How long the lab proxy may take to answer. A fault that is later than this happens at the wrong time.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The most faults that may have happened before the first of them is reported.
const MAX_UNREPORTED: usize = 64;

/// The faults of a running cell. Dropping it stops the schedule.
#[derive(Debug)]
pub(crate) struct Faults {
    reports: mpsc::Receiver<Result<usize, LoadError>>,
    /// Runs the schedule; it does not wait for the receiver of the reports.
    _task: JoinSet<()>,
}

impl Faults {
    /// Starts the schedule of a job's faults, counted from the start of the measured time.
    ///
    /// # Errors
    /// When a fault needs the lab proxy, and the job names none.
    pub(crate) fn start(job: &Job, window: Window) -> Result<Self, LoadError> {
        let mut orders = Vec::new();
        for (index, fault) in job.faults.iter().enumerate() {
            let proxy = match fault.kind {
                // A link without a proxy can only be down, and the run takes it down.
                FaultKind::Link(kind) if job.between.emulator.is_none() => Some((proxy(job, kind)?, body(kind, fault))),
                FaultKind::Link(_) | FaultKind::Process(_) => None,
            };
            let times = fault.times(job.measure.duration);
            orders.extend(times.map(|at| Order { at_us: window.start_us + clock::micros(at), index, proxy }));
        }
        orders.sort_by_key(|order| order.at_us);
        let (sender, reports) = mpsc::channel(MAX_UNREPORTED);
        let mut task = JoinSet::new();
        task.spawn(run_schedule(orders, sender));
        Ok(Self { reports, _task: task })
    }

    /// Waits for the next fault that is due and returns its index in the job's list; never returns after the last one.
    /// Cancel safe.
    ///
    /// # Errors
    /// When the lab proxy refuses a fault or cannot be reached.
    pub(crate) async fn next(&mut self) -> Result<usize, LoadError> {
        match self.reports.recv().await {
            Some(report) => report,
            None => std::future::pending().await,
        }
    }
}

fn proxy(job: &Job, kind: LinkFault) -> Result<SocketAddr, LoadError> {
    job.proxy.ok_or_else(|| LoadError::Fault { kind, why: "the job names no lab proxy".to_owned() })
}

fn body(kind: LinkFault, fault: &Fault) -> Body {
    Body { kind, for_ms: clock::micros(fault.length) / 1_000, share: fault.share }
}

#[derive(Clone, Copy, Debug)]
struct Order {
    at_us: u64,
    index: usize,
    /// The lab proxy and the request to send, if the fault is one of the lab proxy's.
    proxy: Option<(SocketAddr, Body)>,
}

/// The body of a fault request to the lab proxy.
#[derive(Clone, Copy, Debug, Serialize)]
struct Body {
    kind: LinkFault,
    for_ms: u64,
    share: f64,
}

async fn run_schedule(orders: Vec<Order>, sender: mpsc::Sender<Result<usize, LoadError>>) {
    let client = control::client(TIMEOUT);
    for order in orders {
        sleep_until(clock::instant_of(order.at_us).into()).await;
        let done = match order.proxy {
            Some((proxy, body)) => {
                let sent = send(client.as_ref(), proxy, body).await;
                sent.map_err(|why| LoadError::Fault { kind: body.kind, why })
            }
            None => Ok(()),
        };
        if sender.send(done.map(|()| order.index)).await.is_err() {
            return;
        }
    }
}

async fn send(client: Result<&Client, &reqwest::Error>, proxy: SocketAddr, body: Body) -> Result<(), String> {
    let refused = |why: String| format!("the lab proxy at {proxy}: {why}");
    let client = client.map_err(|error| refused(error.to_string()))?;
    let answer = client.post(format!("http://{proxy}/fault")).json(&body).send().await;
    let answer = answer.map_err(|error| refused(with_causes(&error.without_url())))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let why = answer.text().await.unwrap_or_default();
    Err(refused(format!("{status} {}", why.lines().next().unwrap_or_default())))
}

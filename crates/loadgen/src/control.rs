//! The control connections: they tell the servers when their feed starts, and query their counts. They do not use the
//! transports' endpoints, so a query does not change its own answer.

use std::fmt::Display;
use std::net::SocketAddr;
use std::time::Duration;

use feedlab_feed::clock;
use feedlab_feed::process::Usage;
use feedlab_feed::stats::{Start, Stats};
use futures_util::future::{join_all, try_join_all};
use reqwest::{Client, RequestBuilder};
use tokio::time::{sleep, timeout};

use crate::job::Between;
use crate::moments::ServerSnapshot;
use crate::transport::http::with_causes;
use crate::{Job, LoadError};

mod past_processes;
mod sum;

use past_processes::PastProcesses;

/// How long a server may take to answer. One that is busier than this cannot be measured.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long a query right before a fault may take: the fault happens at its time whether the server has answered or
/// not.
const BEFORE_THE_END: Duration = Duration::from_millis(500);
/// The time between two queries of a server that is restarting.
const RETRY: Duration = Duration::from_millis(20);

/// The control connections.
#[derive(Clone, Debug)]
pub(crate) struct Control {
    client: Client,
    /// The servers behind the endpoint, in the order of their numbers.
    nodes: Vec<Node>,
    /// How long a server may be unreachable because a fault restarts it; `None` if it must always answer.
    patience: Option<Duration>,
    between: Between,
}

/// One of the servers.
#[derive(Clone, Debug)]
struct Node {
    address: SocketAddr,
    /// What its earlier processes, which the run has stopped, had counted.
    past: PastProcesses,
}

impl Node {
    fn at(address: SocketAddr) -> Self {
        Self { address, past: PastProcesses::default() }
    }
}

impl Control {
    pub(crate) fn new(job: &Job) -> Result<Self, LoadError> {
        let client = client(TIMEOUT).map_err(|why| error(job.server, "a connection", why))?;
        let addresses = std::iter::once(job.server).chain(job.more_servers.iter().copied());
        Ok(Self { client, nodes: addresses.map(Node::at).collect(), patience: patience(job), between: job.between })
    }

    /// Takes a snapshot of the servers and of the processes in front of them.
    pub(crate) async fn snapshot(&self) -> Result<ServerSnapshot, LoadError> {
        let stats = self.stats("/stats").await?;
        let of = |pid: Option<u32>| pid.map_or_else(Usage::default, Usage::of);
        let Between { nginx, lab_proxy, emulator } = self.between;
        Ok(ServerSnapshot { stats, nginx: of(nginx), lab_proxy: of(lab_proxy), emulator: of(emulator) })
    }

    /// Returns the servers' counts, with the last update that was due before `at_us`, µs of Unix time.
    pub(crate) async fn stats_before(&self, at_us: u64) -> Result<Stats, LoadError> {
        self.stats(&format!("/stats?before={at_us}")).await
    }

    /// Saves the counts of server `number` (from 1), which is about to be stopped: they are added to everything that is
    /// queried later. If the server does not answer, it is stopped all the same; its counters then start over, and
    /// differences over that time are not computed. A server that is stopped permanently is not queried again.
    pub(crate) async fn save_before_stop(&self, number: u32, permanently: bool) {
        let Some(node) = (number as usize).checked_sub(1).and_then(|index| self.nodes.get(index)) else { return };
        let asked = timeout(BEFORE_THE_END, self.ask(node.address, "/stats"));
        if let Ok(Ok(stats)) = asked.await {
            node.past.end(stats);
        }
        if permanently {
            node.past.end_permanently();
        }
    }

    /// Whether any server's counters span several processes.
    pub(crate) fn was_restarted(&self) -> bool {
        self.nodes.iter().any(|node| node.past.any())
    }

    /// Whether there are several servers to spread clients over.
    pub(crate) const fn has_several(&self) -> bool {
        self.nodes.len() > 1
    }

    /// Returns what each server's current process has counted, without waiting for any; `None` for a server that does
    /// not answer.
    pub(crate) async fn each(&self) -> Vec<Option<Stats>> {
        let ask = async |node: &Node| {
            let asked = timeout(BEFORE_THE_END, self.ask(node.address, "/stats"));
            if node.past.is_gone() { None } else { asked.await.ok().and_then(Result::ok) }
        };
        join_all(self.nodes.iter().map(ask)).await
    }

    /// Starts the feed: its schedule counts from `at_us`, µs of Unix time.
    pub(crate) async fn start(&self, at_us: u64) -> Result<(), LoadError> {
        try_join_all(self.nodes.iter().map(|node| self.start_one(node.address, at_us))).await?;
        Ok(())
    }

    async fn start_one(&self, server: SocketAddr, at_us: u64) -> Result<(), LoadError> {
        let path = "/control/start";
        self.send(server, path, self.client.post(url(server, path)).json(&Start { at: at_us })).await?;
        Ok(())
    }

    async fn stats(&self, path: &str) -> Result<Stats, LoadError> {
        let (present, past): (Vec<&Node>, _) = self.nodes.iter().partition(|node| !node.past.is_gone());
        let present = try_join_all(present.into_iter().map(|node| self.stats_of(node, path))).await?;
        let past = past.into_iter().map(|node| node.past.all());
        // The feed's figures are those of the first server that answers.
        let sum = present.into_iter().chain(past).reduce(|mut sum, other| {
            sum::add(&mut sum, other);
            sum
        });
        Ok(sum.unwrap_or_default())
    }

    async fn stats_of(&self, node: &Node, path: &str) -> Result<Stats, LoadError> {
        let began = clock::now();
        let server = node.address;
        let body = loop {
            if node.past.is_gone() {
                return Ok(node.past.all());
            }
            match self.send(server, path, self.client.get(url(server, path))).await {
                Err(_) if self.patience.is_some_and(|patience| began.elapsed() < patience) => sleep(RETRY).await,
                answer => break answer?,
            }
        };
        let mut stats = parsed(server, path, &body)?;
        node.past.carry_over(&mut stats);
        Ok(stats)
    }

    /// Sends one query, without retries.
    async fn ask(&self, server: SocketAddr, path: &str) -> Result<Stats, LoadError> {
        let body = self.send(server, path, self.client.get(url(server, path))).await?;
        parsed(server, path, &body)
    }

    async fn send(&self, server: SocketAddr, path: &str, request: RequestBuilder) -> Result<Vec<u8>, LoadError> {
        let answer = async { request.send().await?.error_for_status()?.bytes().await };
        match answer.await {
            Ok(body) => Ok(body.into()),
            Err(why) => Err(error(server, path, with_causes(&why.without_url()))),
        }
    }
}

/// An HTTP client for control requests only, so that they do not count in what the simulated clients measure. It
/// ignores a proxy named by the environment: every process that it talks to belongs to the run.
pub(crate) fn client(timeout: Duration) -> reqwest::Result<Client> {
    Client::builder().no_proxy().http1_only().tcp_nodelay(true).timeout(timeout).build()
}

/// A server that is stopped or killed returns after the fault's length, plus the time that it takes to start.
fn patience(job: &Job) -> Option<Duration> {
    let restarts = job.faults.iter().filter(|fault| fault.kind.ends_server());
    restarts.map(|fault| fault.length + TIMEOUT).max()
}

fn parsed(server: SocketAddr, path: &str, body: &[u8]) -> Result<Stats, LoadError> {
    serde_json::from_slice(body).map_err(|why| error(server, path, why))
}

fn url(server: SocketAddr, path: &str) -> String {
    format!("http://{server}{path}")
}

fn error(server: SocketAddr, what: &str, why: impl Display) -> LoadError {
    LoadError::Control { server, what: what.to_owned(), why: why.to_string() }
}

#[cfg(test)]
mod tests;

//! The control connections: they tell the servers when their feed begins, and ask what they have counted. They use no
//! endpoint, so that asking does not change the answer.

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

/// A server that is busier than this cannot be measured.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A fault comes at its time: it does not wait longer for what the server has to say before it.
const BEFORE_THE_END: Duration = Duration::from_millis(500);
/// How often a server that is being started again is asked whether it is there.
const RETRY: Duration = Duration::from_millis(20);

/// The control connections.
#[derive(Clone, Debug)]
pub(crate) struct Control {
    client: Client,
    /// The servers behind one endpoint, in their order.
    nodes: Vec<Node>,
    /// How long a server may be away, because it is to be started again; `None` if it must always be there.
    patience: Option<Duration>,
    between: Between,
}

/// One of the servers.
#[derive(Clone, Debug)]
struct Node {
    address: SocketAddr,
    /// What it had counted in lives that the run has ended.
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

    /// Looks at the servers, and at what lies before them.
    pub(crate) async fn snapshot(&self) -> Result<ServerSnapshot, LoadError> {
        let stats = self.stats("/stats").await?;
        let of = |pid: Option<u32>| pid.map_or_else(Usage::default, Usage::of);
        Ok(ServerSnapshot { stats, nginx: of(self.between.nginx), lab_proxy: of(self.between.lab_proxy) })
    }

    /// The servers' counts, with the last update that was due before a time, in µs of Unix time.
    pub(crate) async fn stats_before(&self, at_us: u64) -> Result<Stats, LoadError> {
        self.stats(&format!("/stats?before={at_us}")).await
    }

    /// A server, counted from 1, is about to be ended: what it has counted until now is kept, and is in what is asked from
    /// then on. One that does not answer is ended all the same; its counters then begin again, and no difference is made of
    /// them. One that is ended permanently is asked no more.
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

    /// Whether a server's counters span several of its lives.
    pub(crate) fn was_restarted(&self) -> bool {
        self.nodes.iter().any(|node| node.past.any())
    }

    /// Whether clients can be spread over several servers.
    pub(crate) const fn has_several(&self) -> bool {
        self.nodes.len() > 1
    }

    /// What each server has counted in its present life, without waiting for any: nothing of one that is not there.
    pub(crate) async fn each(&self) -> Vec<Option<Stats>> {
        let ask = async |node: &Node| {
            let asked = timeout(BEFORE_THE_END, self.ask(node.address, "/stats"));
            if node.past.is_gone() { None } else { asked.await.ok().and_then(Result::ok) }
        };
        join_all(self.nodes.iter().map(ask)).await
    }

    /// Begins the feed: its schedule counts from `at_us`, in µs of Unix time.
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
        // The feed is that of one who is there.
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

    /// Asks once.
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

/// An HTTP client of its own for orders and questions, so that nothing of them is in what the simulated clients measure.
/// A proxy that the environment names is none of its way: everybody who is asked is one of the run's own processes.
pub(crate) fn client(timeout: Duration) -> reqwest::Result<Client> {
    Client::builder().no_proxy().http1_only().tcp_nodelay(true).timeout(timeout).build()
}

/// A server that is stopped or killed comes back after the fault's length, and takes its time to do so.
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

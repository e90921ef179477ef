//! A server of one cell: a child process, so that its CPU time and memory are its own. A fault may stop one of feedlab's
//! own; it restarts at the same addresses, with the same feed. For a target, the child is the process that starts
//! somebody else's server, publishes to it, and reports its figures (`command/target.rs`).

use std::ffi::OsString;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use feedlab_experiment::Scenario;
use feedlab_experiment::plan::Cell;
use feedlab_experiment::scenario::Target;
use feedlab_feed::settings::Settings;
use feedlab_feed::source::{SourceConfig, StreamAddress};
use feedlab_feed::stats::Stats;
use feedlab_feed::{Epoch, clock};
use reqwest::{Client, Response};
use rustix::process::Signal;
use tokio::time::sleep;

use super::child::{Child, words};
use super::keys::Keys;
use super::site::{ANYWHERE, Namespace};
use crate::command::serve::Listening;
use crate::command::target;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the servers of a cell get its feed from.
#[derive(Debug)]
pub(super) enum FeedLocation {
    /// Each server publishes it, all in the same epoch.
    Servers(Epoch),
    /// A stream of a broker, which has its own epoch.
    Broker(StreamAddress),
}

/// Where a server of a cell runs.
#[derive(Debug)]
pub(super) struct Place {
    /// The address that it listens on.
    pub(super) listen: SocketAddr,
    /// The address that clients connect to, if nginx terminates TLS there.
    pub(super) front: Option<SocketAddr>,
    /// Its network namespace, unless it runs in the run's own.
    pub(super) namespace: Option<Namespace>,
}

/// What a server that restarts is started with each time.
#[derive(Debug)]
struct Start {
    settings: Settings,
    flags: Vec<OsString>,
    namespace: Option<Namespace>,
}

/// A server, running or down.
#[derive(Debug)]
pub(super) struct Server {
    /// How to start another process of it; `None` for a target, which cannot be restarted with the same feed.
    start: Option<Start>,
    /// `None` only while it restarts.
    process: Option<Child>,
    endpoint: SocketAddr,
    control: SocketAddr,
    /// When a server that is down restarts.
    back_at: Option<Instant>,
    /// Whether it was removed permanently.
    is_gone: bool,
}

impl Server {
    /// Starts a server of a cell and waits until it listens. All servers of a cell share one feed.
    pub(super) async fn start(
        scenario: &Scenario,
        cell: &Cell,
        location: &FeedLocation,
        keys: Option<&Keys>,
        place: Place,
    ) -> anyhow::Result<Self> {
        let Place { listen, front, namespace } = place;
        let mut settings = cell.settings(scenario);
        let mut flags = words("serve --format json --settings-from-stdin");
        match location {
            FeedLocation::Servers(epoch) => flags.extend(words(&format!("--epoch {epoch}"))),
            FeedLocation::Broker(stream) => settings.source = Some(SourceConfig::Stream(stream.clone())),
        }
        let link = scenario.contenders[cell.contender].link;
        // Behind nginx, nginx terminates TLS.
        if let Some(keys) = keys.filter(|_| link.tls && !link.via.is_nginx()) {
            flags.extend(keys.arguments());
        }
        if let Some(front) = front {
            flags.extend(words(&format!("--allow-origin https://{front}")));
        }
        let control_ip = namespace.as_ref().map_or(ANYWHERE.ip(), Namespace::control);
        let more = format!("--await-start --listen {listen} --control {}", SocketAddr::new(control_ip, 0));
        let start = Start { settings, flags, namespace };
        let (process, Listening { listening, control, .. }) = launch(&start, &more).await?;
        let control = control.context("the server has no control address")?;
        let start = Some(start);
        Ok(Self { start, process: Some(process), endpoint: listening, control, back_at: None, is_gone: false })
    }

    /// Starts a target and waits until it is ready.
    pub(super) async fn of_target(
        scenario: &Scenario,
        cell: &Cell,
        target: &Target,
        epoch: Epoch,
    ) -> anyhow::Result<Self> {
        let task = target::Task { target: target.clone(), settings: cell.settings(scenario), epoch };
        let child = Child::working_with_processes("the target", &words("target"), &task).await?;
        let (process, target::Listening { listening, control }) =
            child.listening_within(target::START + PATIENCE).await?;
        Ok(Self { start: None, process: Some(process), endpoint: listening, control, back_at: None, is_gone: false })
    }

    /// Returns the address of its endpoints.
    pub(super) const fn endpoint(&self) -> SocketAddr {
        self.endpoint
    }

    /// Returns its control address, which reports its figures.
    pub(super) const fn control(&self) -> SocketAddr {
        self.control
    }

    /// Waits until it exits unexpectedly, and returns the reason.
    pub(super) async fn died(&mut self) -> anyhow::Error {
        match &mut self.process {
            Some(process) if self.back_at.is_none() && !self.is_gone => process.died().await,
            _ => std::future::pending().await,
        }
    }

    /// Stops it with a signal; it restarts after `downtime`.
    pub(super) fn end(&mut self, signal: Signal, downtime: Duration) {
        if let Some(process) = self.process.as_ref().filter(|_| !self.is_gone && self.start.is_some()) {
            process.signal(signal);
            self.back_at = Some(clock::now() + downtime);
        }
    }

    /// Stops it permanently.
    pub(super) fn remove(&mut self) {
        if let Some(process) = &self.process {
            process.signal(Signal::TERM);
        }
        (self.back_at, self.is_gone) = (None, true);
    }

    /// Returns whether it was removed permanently.
    pub(super) const fn is_gone(&self) -> bool {
        self.is_gone
    }

    /// Returns when it restarts, if it is down.
    pub(super) const fn back_at(&self) -> Option<Instant> {
        self.back_at
    }

    /// Restarts it at the same addresses. The feed's clock started at `feed_us`, µs of Unix time. When the server
    /// listens, its history contains the updates that were due by then.
    pub(super) async fn restart(&mut self, feed_us: u64) -> anyhow::Result<()> {
        let Some(start) = &self.start else { return Ok(()) };
        if let Some(process) = self.process.take() {
            process.stop().await?;
        }
        let more = format!("--began-at {feed_us} --listen {} --control {}", self.endpoint, self.control);
        let (process, _) = launch(start, &more).await.context("cannot restart it")?;
        self.process = Some(process);
        self.back_at = None;
        Ok(())
    }

    /// Returns how many connections are still open after every client has left. The server may need a moment to notice
    /// the last ones, at most `patience`.
    pub(super) async fn connections_left(&self, patience: Duration) -> anyhow::Result<u64> {
        const PAUSE: Duration = Duration::from_millis(50);
        let tries = patience.as_millis() / PAUSE.as_millis();
        let client = Client::builder().no_proxy().timeout(PATIENCE).build().context("cannot query the server")?;
        let mut left = 0;
        for _ in 0..tries {
            left = self.stats(&client).await?.connections.open;
            if left == 0 {
                break;
            }
            sleep(PAUSE).await;
        }
        Ok(left)
    }

    async fn stats(&self, client: &Client) -> anyhow::Result<Stats> {
        let answer = client.get(format!("http://{}/stats", self.control)).send().await;
        let answer = answer.and_then(Response::error_for_status).context("the server does not answer")?;
        let body = answer.bytes().await.context("the server did not finish its answer")?;
        serde_json::from_slice(&body).context("the server's figures cannot be read")
    }

    /// Stops the server gracefully.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        match self.process {
            Some(process) => process.stop().await,
            None => Ok(()),
        }
    }
}

/// Starts one process of a server. Its settings go to its standard input; its addresses are flags, as for every process
/// of a cell.
async fn launch(start: &Start, more: &str) -> anyhow::Result<(Child, Listening)> {
    let Start { settings, flags, namespace } = start;
    let arguments = [flags.as_slice(), &words(more)].concat();
    Child::working_within(namespace.as_ref(), "the server", &arguments, settings).await?.listening().await
}

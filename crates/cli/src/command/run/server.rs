//! A server of one cell: a child process, so that its CPU time and memory are its own. A fault may end it; it comes back
//! at the same addresses, with the same feed.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use feedlab_experiment::Scenario;
use feedlab_experiment::plan::Cell;
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

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the feed of a cell lives.
#[derive(Debug)]
pub(super) enum Home {
    /// In each server, which all publish the same in one epoch.
    Servers(Epoch),
    /// In a stream of a broker, which has its epoch.
    Broker(StreamAddress),
}

/// Where a server of a cell is.
#[derive(Debug)]
pub(super) struct Place {
    /// Where it listens itself.
    pub(super) listen: SocketAddr,
    /// Where clients connect, if something in front of it is to speak TLS there.
    pub(super) front: Option<SocketAddr>,
    /// The network namespace that it is in, unless it is the run's own.
    pub(super) namespace: Option<Namespace>,
}

/// A server, running or down.
#[derive(Debug)]
pub(super) struct Server {
    /// What it is told each time that it is started.
    settings: Settings,
    flags: Vec<OsString>,
    namespace: Option<Namespace>,
    /// `None` for a moment only: while it is being started again.
    process: Option<Child>,
    endpoint: SocketAddr,
    control: SocketAddr,
    /// When a server that was ended comes back.
    back_at: Option<Instant>,
    /// It was ended permanently.
    is_gone: bool,
}

impl Server {
    /// Starts a server of a cell and waits until it listens. All servers of a cell have one feed.
    pub(super) async fn start(
        scenario: &Scenario,
        cell: &Cell,
        home: &Home,
        keys: Option<&Keys>,
        place: Place,
    ) -> anyhow::Result<Self> {
        let Place { listen, front, namespace } = place;
        let mut settings = cell.settings(scenario);
        let mut flags = words("serve --format json --settings-from-stdin");
        match home {
            Home::Servers(epoch) => flags.extend(words(&format!("--epoch {epoch}"))),
            Home::Broker(stream) => settings.source = Some(SourceConfig::Stream(stream.clone())),
        }
        let link = scenario.contenders[cell.contender].link;
        // Behind nginx it is nginx that speaks TLS.
        if let Some(keys) = keys.filter(|_| link.tls && !link.via.is_nginx()) {
            flags.extend(keys.arguments());
        }
        if let Some(front) = front {
            flags.extend(words(&format!("--allow-origin https://{front}")));
        }
        let asked = namespace.as_ref().map_or(ANYWHERE.ip(), Namespace::address);
        let life = format!("--await-start --listen {listen} --control {}", SocketAddr::new(asked, 0));
        let (process, Listening { listening, control, .. }) =
            launch(namespace.as_ref(), &settings, &flags, &life).await?;
        let control = control.context("the server has no control address")?;
        let process = Some(process);
        Ok(Self { settings, flags, namespace, process, endpoint: listening, control, back_at: None, is_gone: false })
    }

    /// Where its endpoints are.
    pub(super) const fn endpoint(&self) -> SocketAddr {
        self.endpoint
    }

    /// Where it is asked for its figures.
    pub(super) const fn control(&self) -> SocketAddr {
        self.control
    }

    /// Waits for an end that nobody ordered.
    pub(super) async fn died(&mut self) -> anyhow::Error {
        match &mut self.process {
            Some(process) if self.back_at.is_none() && !self.is_gone => process.died().await,
            _ => std::future::pending().await,
        }
    }

    /// Ends it by a signal; it is to come back after a time.
    pub(super) fn end(&mut self, signal: Signal, downtime: Duration) {
        if let Some(process) = self.process.as_ref().filter(|_| !self.is_gone) {
            process.signal(signal);
            self.back_at = Some(clock::now() + downtime);
        }
    }

    /// Asks it to stop, permanently.
    pub(super) fn end_for_good(&mut self) {
        if let Some(process) = &self.process {
            process.signal(Signal::TERM);
        }
        (self.back_at, self.is_gone) = (None, true);
    }

    /// Whether it was ended permanently.
    pub(super) const fn is_gone(&self) -> bool {
        self.is_gone
    }

    /// When it is to come back, if it is down.
    pub(super) const fn back_at(&self) -> Option<Instant> {
        self.back_at
    }

    /// Starts it again at the same addresses. Its feed's time began at `feed_us`, µs of Unix time: what fell due until
    /// now is in its history when it listens.
    pub(super) async fn bring_back(&mut self, feed_us: u64) -> anyhow::Result<()> {
        if let Some(process) = self.process.take() {
            process.stop().await?;
        }
        let life = format!("--began-at {feed_us} --listen {} --control {}", self.endpoint, self.control);
        let started = launch(self.namespace.as_ref(), &self.settings, &self.flags, &life).await;
        let (process, _) = started.context("starting it again")?;
        self.process = Some(process);
        self.back_at = None;
        Ok(())
    }

    /// Connections that are open although every client has left. The server may need a moment to notice the last ones.
    pub(super) async fn connections_left(&self) -> anyhow::Result<u64> {
        const TRIES: u32 = 20;
        let client = Client::builder().no_proxy().timeout(PATIENCE).build().context("cannot ask the server")?;
        let mut left = 0;
        for _ in 0..TRIES {
            left = self.stats(&client).await?.connections.open;
            if left == 0 {
                break;
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(left)
    }

    async fn stats(&self, client: &Client) -> anyhow::Result<Stats> {
        let answer = client.get(format!("http://{}/stats", self.control)).send().await;
        let answer = answer.and_then(Response::error_for_status).context("the server does not answer")?;
        let body = answer.bytes().await.context("the server does not finish its answer")?;
        serde_json::from_slice(&body).context("the server's figures cannot be read")
    }

    /// Ends the server gracefully.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        match self.process {
            Some(process) => process.stop().await,
            None => Ok(()),
        }
    }
}

/// One life of a server: its settings are typed and its addresses flags, as those of every process of a cell are.
async fn launch(
    namespace: Option<&Namespace>,
    settings: &Settings,
    flags: &[OsString],
    life: &str,
) -> anyhow::Result<(Child, Listening)> {
    let arguments = [flags, &words(life)].concat();
    Child::working_within(namespace, "the server", &arguments, settings).await?.listening().await
}

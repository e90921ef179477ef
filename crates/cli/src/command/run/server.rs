//! A server of one cell: a child process, so that its CPU time and memory are its own. A fault may end it; it comes back
//! at the same addresses, with the same feed.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use feedlab_experiment::Scenario;
use feedlab_experiment::plan::Cell;
use feedlab_experiment::scenario::{AgeFrom, Contender, Options, SlowPolicy, Stall};
use feedlab_feed::clock;
use feedlab_feed::stats::Stats;
use reqwest::{Client, Response};
use rustix::process::Signal;
use tokio::time::sleep;

use super::child::{Child, words};
use super::keys::Keys;
use crate::command::serve::{FeedArgs, Listening};

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The kernel's send buffer where slow clients are about, bytes: with the megabytes that it grows to by itself, minutes
/// pass until a server sees that somebody is slow.
const SLOW_SEND_BUFFER: u32 = 64 << 10;

/// A server, running or down.
#[derive(Debug)]
pub(super) struct Server {
    arguments: Vec<OsString>,
    /// `None` for a moment only: while it is being started again.
    process: Option<Child>,
    door: SocketAddr,
    control: SocketAddr,
    /// When a server that was ended comes back.
    back_at: Option<Instant>,
}

impl Server {
    /// Starts a server and waits until it listens.
    pub(super) async fn start(arguments: Vec<OsString>) -> anyhow::Result<Self> {
        let mut first = arguments.clone();
        first.extend(words("--await-start --listen 127.0.0.1:0 --control 127.0.0.1:0"));
        let (process, Listening { listening, control, .. }) = Child::serving("the server", &first).await?;
        let control = control.context("the server has no control address")?;
        Ok(Self { arguments, process: Some(process), door: listening, control, back_at: None })
    }

    /// Where its doors are.
    pub(super) const fn door(&self) -> SocketAddr {
        self.door
    }

    /// Where it is asked for its figures.
    pub(super) const fn control(&self) -> SocketAddr {
        self.control
    }

    /// Waits for an end that nobody ordered.
    pub(super) async fn died(&mut self) -> anyhow::Error {
        match &mut self.process {
            Some(process) if self.back_at.is_none() => process.died().await,
            _ => std::future::pending().await,
        }
    }

    /// Ends it by a signal; it is to come back after a time.
    pub(super) fn end(&mut self, signal: Signal, downtime: Duration) {
        if let Some(process) = &self.process {
            process.signal(signal);
        }
        self.back_at = Some(clock::now() + downtime);
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
        let mut again = self.arguments.clone();
        let (door, control) = (self.door, self.control);
        again.extend(words(&format!("--start-at {feed_us} --listen {door} --control {control}")));
        let started = Child::serving::<Listening>("the server", &again).await;
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

    /// Ends the server in good order.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        match self.process {
            Some(process) => process.stop().await,
            None => Ok(()),
        }
    }
}

/// The command line of a cell's server, but for its addresses.
pub(super) fn arguments(scenario: &Scenario, cell: &Cell, keys: Option<&Keys>) -> Vec<OsString> {
    let contender = &scenario.contenders[cell.contender];
    // Twice the clients: with keep-alive off, the next connection comes before the last has gone.
    let slow = scenario.clients.slow.map_or(0, |slow| slow.count);
    let connections = 2 * (cell.clients + slow) + 64;
    let history = contender.serving.history.unwrap_or(scenario.feed.history);
    let mut arguments =
        words(&format!("serve --format json --exit-with-stdin --history {history} --max-connections {connections}"));
    arguments.extend(times(&contender.options));
    arguments.extend(serving(contender));
    if scenario.clients.slow.is_some() {
        arguments.extend(words(&format!("--send-buffer {SLOW_SEND_BUFFER}")));
    }
    arguments.extend(stamp(contender.age_from));
    arguments.extend(scenario.feed.stall.map(|stall| stalled(stall, scenario.measure.warm_up)));
    // Behind nginx it is nginx that speaks TLS.
    if let Some(keys) = keys.filter(|_| contender.link.tls && !contender.link.via.is_nginx()) {
        arguments.extend(keys.arguments());
    }
    match cell.feed(scenario) {
        Some(feed) => arguments.extend(FeedArgs::written(&feed)),
        None => arguments.extend(words("--feed none --allow-publish")),
    }
    arguments
}

fn stamp(age_from: AgeFrom) -> Option<OsString> {
    (age_from == AgeFrom::Publication).then(|| "--stamp=publication".into())
}

/// The scenario counts from the begin of the measured time, the server from that of the feed.
fn stalled(stall: Stall, warm_up: Duration) -> OsString {
    format!("--stall={}us:{}us", (warm_up + stall.after).as_micros(), stall.length.as_micros()).into()
}

/// What the server must know of the contender's options.
fn times(options: &Options) -> Vec<OsString> {
    let keepalive = |time: Duration| format!("--keepalive {}us", time.as_micros());
    let hold = |time: Duration| format!("--max-hold {}us", time.as_micros());
    words(&match *options {
        Options::ShortPolling { .. } => String::new(),
        Options::LongPolling { hold: time, .. } => hold(time),
        Options::Sse { keepalive: time } | Options::WebSocket { keepalive: time } => keepalive(time),
        Options::Auto { keepalive: time, hold: longest, .. } => keepalive(time) + " " + &hold(longest),
    })
}

/// What the contender's server does differently.
fn serving(contender: &Contender) -> Vec<OsString> {
    let mut line = String::new();
    if let Some(after) = contender.comeback.after {
        line += &format!(" --retry {}us", after.as_micros());
    }
    if let Some(coalesce) = contender.serving.coalesce {
        line += &format!(" --coalesce {}us", coalesce.as_micros());
    }
    line += match contender.serving.slow_policy {
        SlowPolicy::Block => "",
        SlowPolicy::Latest => " --slow-policy latest",
        SlowPolicy::Disconnect => " --slow-policy disconnect",
    };
    words(&line)
}

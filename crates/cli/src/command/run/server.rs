//! The server of one cell: a child process, so that its CPU time and memory are its own.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use feedlab_experiment::Scenario;
use feedlab_experiment::plan::Cell;
use feedlab_experiment::scenario::{AgeFrom, Options, Stall};
use feedlab_feed::stats::Stats;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::ChildStdout;
use tokio::time::{sleep, timeout};

use super::child::Child;
use crate::command::serve::{FeedArgs, Listening};

/// How long a server may take until it listens, and to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running server.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    address: SocketAddr,
    /// Not read any more, and not closed: a server must not be ended by a pipe that broke.
    _stdout: ChildStdout,
}

impl Server {
    /// Starts a server and waits until it listens.
    pub(super) async fn start(arguments: &[OsString]) -> anyhow::Result<Self> {
        let (mut child, stdout) = Child::start("the server", arguments)?;
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        let read = timeout(PATIENCE, stdout.read_line(&mut line)).await;
        match read.ok().and_then(|_| serde_json::from_str::<Listening>(&line).ok()) {
            Some(Listening { listening, .. }) => Ok(Self { child, address: listening, _stdout: stdout.into_inner() }),
            None => {
                let error = child.failure().await;
                child.stop().await?;
                Err(error)
            }
        }
    }

    /// Where it listens.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for the end that must not come; see [`Child::died`].
    pub(super) async fn died(&mut self) -> anyhow::Error {
        self.child.died().await
    }

    /// Connections that are open although every client has left; the one that asks is not counted. The server may
    /// need a moment to notice the last ones.
    pub(super) async fn connections_left(&self) -> anyhow::Result<u64> {
        const TRIES: u32 = 20;
        let mut left = 0;
        for _ in 0..TRIES {
            left = self.stats().await?.connections.open.saturating_sub(1);
            if left == 0 {
                break;
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(left)
    }

    async fn stats(&self) -> anyhow::Result<Stats> {
        let answer = timeout(PATIENCE, get(self.address, "/stats")).await.context("the server does not answer")??;
        let (_head, body) = answer.split_once("\r\n\r\n").context("the server's answer has no body")?;
        serde_json::from_str(body).context("the server's figures cannot be read")
    }

    /// Ends the server in good order.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.child.stop().await
    }
}

/// One request, one connection: too little for an HTTP client.
async fn get(address: SocketAddr, path: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// The command line of a cell's server.
pub(super) fn arguments(scenario: &Scenario, cell: &Cell) -> Vec<OsString> {
    // Twice the clients: with keep-alive off, the next connection comes before the last has gone.
    let connections = 2 * cell.clients + 64;
    let line = format!(
        "serve --listen 127.0.0.1:0 --format json --await-start --exit-with-stdin --history {} --max-connections {connections}",
        scenario.feed.history
    );
    let mut arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
    let contender = &scenario.contenders[cell.contender];
    arguments.extend(times(&contender.options));
    arguments.extend(stamp(contender.age_from));
    arguments.extend(scenario.feed.stall.map(|stall| stalled(stall, scenario.measure.warm_up)));
    match cell.feed(scenario) {
        Some(feed) => arguments.extend(FeedArgs::written(&feed)),
        None => arguments.extend(["--feed=none", "--allow-publish"].map(OsString::from)),
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
fn times(options: &Options) -> Option<OsString> {
    match options {
        Options::ShortPolling { .. } => None,
        Options::LongPolling { hold, .. } => Some(format!("--max-hold={}us", hold.as_micros()).into()),
        Options::Sse { keepalive } | Options::WebSocket { keepalive } | Options::Auto { keepalive, .. } => {
            Some(format!("--keepalive={}us", keepalive.as_micros()).into())
        }
    }
}

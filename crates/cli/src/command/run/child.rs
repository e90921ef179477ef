//! A process of this run, or of an agent, started by the stage and the cell: this same binary, in a process group of its own, so that a
//! terminal's Ctrl-C reaches the run alone, which then decides who stops when. One that serves says in one line of JSON
//! where it listens; one that is told more than flags can say is handed it on its standard input, a line of JSON too. What
//! it is for is not known here.
//!
//! A child ends when its standard input does. The other end is held here, so that even a run that is killed leaves no
//! process behind. Where `stop` is not reached, dropping kills.

use std::ffi::OsString;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::site::Namespace;

/// How long a child may take to end after it was asked to.
const PATIENCE: Duration = Duration::from_secs(8);

/// How long it may take until a child that serves listens.
const START: Duration = Duration::from_secs(15);

/// A running child.
#[derive(Debug)]
pub(in crate::command) struct Child {
    /// What it is, for messages: `the server`.
    name: &'static str,
    process: tokio::process::Child,
    /// Held open: its end is the child's sign to stop.
    stdin: Option<ChildStdin>,
    /// Held open even when it is not read any more: a child that serves must not be ended by a pipe that broke.
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: JoinHandle<String>,
}

impl Child {
    /// Starts `feedlab ARGUMENTS…` as a child that serves, and waits until it says where it listens.
    pub(in crate::command) async fn serving<T: DeserializeOwned>(
        name: &'static str,
        arguments: &[OsString],
    ) -> anyhow::Result<(Self, T)> {
        Self::start(None, name, arguments)?.listening().await
    }

    /// Waits until a child that serves says where it listens.
    pub(in crate::command) async fn listening<T: DeserializeOwned>(mut self) -> anyhow::Result<(Self, T)> {
        let line = timeout(START, self.stdout.next_line()).await.ok().and_then(Result::ok).flatten();
        match line.and_then(|line| serde_json::from_str(&line).ok()) {
            Some(listening) => Ok((self, listening)),
            None => Err(self.given_up().await),
        }
    }

    /// Starts `feedlab ARGUMENTS…` and hands it its job, a line of JSON.
    pub(in crate::command) async fn working(
        name: &'static str,
        arguments: &[OsString],
        job: &impl Serialize,
    ) -> anyhow::Result<Self> {
        Self::working_within(None, name, arguments, job).await
    }

    /// The same in a network namespace.
    pub(in crate::command) async fn working_within(
        namespace: Option<&Namespace>,
        name: &'static str,
        arguments: &[OsString],
        job: &impl Serialize,
    ) -> anyhow::Result<Self> {
        let line = serde_json::to_string(job)? + "\n";
        let mut child = Self::start(namespace, name, arguments)?;
        let stdin = child.stdin.as_mut().context("the child has no standard input")?;
        match stdin.write_all(line.as_bytes()).await {
            Ok(()) => Ok(child),
            // One that does not listen has died, and says more about it than a broken pipe does.
            Err(_) => Err(child.given_up().await.context(format!("{name} does not take its job"))),
        }
    }

    fn start(namespace: Option<&Namespace>, name: &'static str, arguments: &[OsString]) -> anyhow::Result<Self> {
        let binary = feedlab_feed::process::this_binary().context("cannot find the feedlab binary")?;
        let mut command = match namespace.map(|namespace| namespace.entrance(binary.clone())) {
            None => Command::new(binary),
            Some((program, words)) => {
                let mut command = Command::new(program);
                command.args(words);
                command
            }
        };
        if namespace.is_none() {
            command.arg0("feedlab");
        }
        let mut process = command
            .args(arguments)
            // A token that is meant for `feedlab serve` would lock the load generator out.
            .env_remove("FEEDLAB_TOKEN")
            // None of them talks to the user's broker; one that a cell starts itself asks for nothing.
            .env_remove("NATS_CREDS")
            .env_remove("NATS_TOKEN")
            .env_remove("NATS_USER")
            .env_remove("NATS_PASSWORD")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let stdout = process.stdout.take().context("the child has no standard output")?;
        let stderr = process.stderr.take().context("the child has no standard error")?;
        let stdin = process.stdin.take();
        let stdout = BufReader::new(stdout).lines();
        Ok(Self { name, process, stdin, stdout, stderr: tokio::spawn(tail(stderr)) })
    }

    /// What it says next, a line of JSON. May be dropped while it waits.
    pub(in crate::command) async fn next<T: DeserializeOwned>(&mut self) -> anyhow::Result<T> {
        match self.stdout.next_line().await? {
            Some(line) => serde_json::from_str(&line).with_context(|| format!("{} says something unknown", self.name)),
            None => Err(self.failure().await),
        }
    }

    /// Hands it a further line of JSON. One that has died says so when it is asked for what it says next.
    pub(in crate::command) async fn tell(&mut self, what: &impl Serialize) -> anyhow::Result<()> {
        let line = serde_json::to_string(what)? + "\n";
        if let Some(stdin) = &mut self.stdin {
            let _ = stdin.write_all(line.as_bytes()).await;
        }
        Ok(())
    }

    /// Waits until the child ends by itself, and says how it failed: no child ends before it is stopped.
    pub(in crate::command) async fn died(&mut self) -> anyhow::Error {
        let _ = self.process.wait().await;
        self.failure().await
    }

    /// Ends a child that did not do what it was started for; the error says why it did not.
    async fn given_up(mut self) -> anyhow::Error {
        let why = self.failure().await;
        self.stop().await.err().unwrap_or(why)
    }

    /// The error of a child that ended before its time, with what it said last.
    async fn failure(&mut self) -> anyhow::Error {
        self.stdin = None;
        let status = match timeout(PATIENCE, self.process.wait()).await {
            Ok(Ok(status)) => status.to_string(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it hangs".to_owned(),
        };
        let words = timeout(PATIENCE, &mut self.stderr).await.ok().and_then(Result::ok).unwrap_or_default();
        let words = words.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
        anyhow::anyhow!("{} ended too early ({status}): {}", self.name, words.trim_start_matches("error: "))
    }

    /// Its process id; `None` once it has ended.
    pub(in crate::command) fn pid(&self) -> Option<u32> {
        self.process.id()
    }

    /// Sends the child a signal. One that has ended by now hears none.
    pub(in crate::command) fn signal(&self, signal: Signal) {
        if let Some(pid) = self.process.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)) {
            let _ = kill_process(pid, signal);
        }
    }

    /// Asks the child to end, and reaps it; one that takes too long is killed.
    pub(in crate::command) async fn stop(mut self) -> anyhow::Result<()> {
        self.stdin = None;
        self.signal(Signal::TERM);
        if timeout(PATIENCE, self.process.wait()).await.is_err() {
            self.process.kill().await.with_context(|| format!("cannot stop {}", self.name))?;
        }
        Ok(())
    }
}

/// The words of a command line that has no spaces within its words.
pub(in crate::command) fn words(line: &str) -> Vec<OsString> {
    line.split_whitespace().map(OsString::from).collect()
}

/// How much of a child's standard error is kept: its end.
const TAIL: usize = 16 << 10;

/// Reads to the end, so that the child never blocks on a full pipe, and keeps the last of it.
async fn tail(mut stream: impl AsyncRead + Unpin) -> String {
    let mut kept = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(len @ 1..) = stream.read(&mut chunk).await {
        kept.extend_from_slice(&chunk[..len]);
        let surplus = kept.len().saturating_sub(TAIL);
        kept.drain(..surplus);
    }
    String::from_utf8_lossy(&kept).into_owned()
}

//! A child process of a run or an agent: this same binary, in a separate process group. A terminal's Ctrl-C therefore
//! reaches only the run, which decides what to stop and when. A child that serves prints where it listens, as one line
//! of JSON. A child that needs more than flags receives it on its standard input, as a line of JSON. This module does
//! not know what a child does.
//!
//! A child exits when its standard input ends. The other end is held here, so that even a killed run leaves no process
//! behind. If `stop` is not reached, dropping the child kills it, unless it has processes of its own to stop first.

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

/// How long a child may take to exit after it is asked to.
const PATIENCE: Duration = Duration::from_secs(8);

/// How long a child that serves may take until it listens.
const START: Duration = Duration::from_secs(15);

/// A running child.
#[derive(Debug)]
pub(in crate::command) struct Child {
    /// A name for messages, such as `the server`.
    name: &'static str,
    process: tokio::process::Child,
    /// Held open: the child stops when it closes.
    stdin: Option<ChildStdin>,
    /// Held open even after the last read: a broken pipe must not end a child that serves.
    stdout: Lines<BufReader<ChildStdout>>,
    /// What it prints, until that was read.
    stderr: Option<JoinHandle<String>>,
}

impl Child {
    /// Starts `feedlab ARGUMENTS…` as a child that serves, and waits until it prints where it listens.
    pub(in crate::command) async fn serving<T: DeserializeOwned>(
        name: &'static str,
        arguments: &[OsString],
    ) -> anyhow::Result<(Self, T)> {
        Self::serving_within(None, name, arguments).await
    }

    /// The same in a network namespace.
    pub(in crate::command) async fn serving_within<T: DeserializeOwned>(
        namespace: Option<&Namespace>,
        name: &'static str,
        arguments: &[OsString],
    ) -> anyhow::Result<(Self, T)> {
        Self::start(namespace, name, arguments, true)?.listening().await
    }

    /// Waits until a child that serves prints where it listens.
    pub(in crate::command) async fn listening<T: DeserializeOwned>(self) -> anyhow::Result<(Self, T)> {
        self.listening_within(START).await
    }

    /// The same for a child that may take longer.
    pub(in crate::command) async fn listening_within<T: DeserializeOwned>(
        mut self,
        time: Duration,
    ) -> anyhow::Result<(Self, T)> {
        let line = timeout(time, self.stdout.next_line()).await.ok().and_then(Result::ok).flatten();
        match line.and_then(|line| serde_json::from_str(&line).ok()) {
            Some(listening) => Ok((self, listening)),
            None => Err(self.given_up().await),
        }
    }

    /// Starts `feedlab ARGUMENTS…` and writes its job to its standard input, as a line of JSON.
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
        Self::start(namespace, name, arguments, true)?.handed(job).await
    }

    /// The same for a child that stops processes of its own before it exits: dropping it only closes its standard input.
    pub(in crate::command) async fn working_with_processes(
        name: &'static str,
        arguments: &[OsString],
        job: &impl Serialize,
    ) -> anyhow::Result<Self> {
        Self::start(None, name, arguments, false)?.handed(job).await
    }

    async fn handed(mut self, job: &impl Serialize) -> anyhow::Result<Self> {
        let line = serde_json::to_string(job)? + "\n";
        let stdin = self.stdin.as_mut().context("the child has no standard input")?;
        match stdin.write_all(line.as_bytes()).await {
            Ok(()) => Ok(self),
            // The child has exited; its own message says more than a broken pipe.
            Err(_) => {
                let refusal = format!("{} does not accept its job", self.name);
                Err(self.given_up().await.context(refusal))
            }
        }
    }

    fn start(
        namespace: Option<&Namespace>,
        name: &'static str,
        arguments: &[OsString],
        is_killed_on_drop: bool,
    ) -> anyhow::Result<Self> {
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
            // With a token meant for `feedlab serve`, the server would reject the load generator.
            .env_remove("FEEDLAB_TOKEN")
            // No child talks to the user's broker, and a broker that a cell starts requires no credentials.
            .env_remove("NATS_CREDS")
            .env_remove("NATS_TOKEN")
            .env_remove("NATS_USER")
            .env_remove("NATS_PASSWORD")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(is_killed_on_drop)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let stdout = process.stdout.take().context("the child has no standard output")?;
        let stderr = process.stderr.take().context("the child has no standard error")?;
        let stdin = process.stdin.take();
        let stdout = BufReader::new(stdout).lines();
        Ok(Self { name, process, stdin, stdout, stderr: Some(tokio::spawn(tail(stderr))) })
    }

    /// Returns its next message, a line of JSON. Cancel safe.
    pub(in crate::command) async fn next<T: DeserializeOwned>(&mut self) -> anyhow::Result<T> {
        match self.stdout.next_line().await? {
            Some(line) => serde_json::from_str(&line).with_context(|| format!("{} sent an unknown message", self.name)),
            None => Err(self.failure().await),
        }
    }

    /// Ends its standard input, which makes it end, and returns its last message.
    pub(in crate::command) async fn last<T: DeserializeOwned>(mut self) -> anyhow::Result<T> {
        self.stdin = None;
        let said = timeout(PATIENCE, self.next()).await;
        let said = said.unwrap_or_else(|_| Err(anyhow::anyhow!("{} does not end", self.name)));
        self.stop().await.and(said)
    }

    /// Writes another line of JSON to it. If it has exited, the next call of [`next`](Self::next) returns the error.
    pub(in crate::command) async fn tell(&mut self, what: &impl Serialize) -> anyhow::Result<()> {
        let line = serde_json::to_string(what)? + "\n";
        if let Some(stdin) = &mut self.stdin {
            let _ = stdin.write_all(line.as_bytes()).await;
        }
        Ok(())
    }

    /// Waits until the child exits unexpectedly, and returns the reason.
    pub(in crate::command) async fn died(&mut self) -> anyhow::Error {
        let _ = self.process.wait().await;
        self.failure().await
    }

    /// Stops a child that failed to start, and returns the reason.
    async fn given_up(mut self) -> anyhow::Error {
        let why = self.failure().await;
        self.stop().await.err().unwrap_or(why)
    }

    /// Returns the error of a child that exited too early, with the last line of its standard error.
    async fn failure(&mut self) -> anyhow::Error {
        self.stdin = None;
        let status = match timeout(PATIENCE, self.process.wait()).await {
            Ok(Ok(status)) => status.to_string(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it hung".to_owned(),
        };
        let words = match self.stderr.take() {
            Some(stderr) => timeout(PATIENCE, stderr).await.ok().and_then(Result::ok).unwrap_or_default(),
            None => String::new(),
        };
        let words = words.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it printed nothing");
        anyhow::anyhow!("{} exited too early ({status}): {}", self.name, words.trim_start_matches("error: "))
    }

    /// Returns its process id; `None` once it has exited.
    pub(in crate::command) fn pid(&self) -> Option<u32> {
        self.process.id()
    }

    /// Sends a signal to the child, unless it has exited.
    pub(in crate::command) fn signal(&self, signal: Signal) {
        if let Some(pid) = self.process.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)) {
            let _ = kill_process(pid, signal);
        }
    }

    /// Asks the child to exit, and reaps it. Kills it if it takes too long.
    pub(in crate::command) async fn stop(mut self) -> anyhow::Result<()> {
        self.stdin = None;
        self.signal(Signal::TERM);
        if timeout(PATIENCE, self.process.wait()).await.is_err() {
            self.process.kill().await.with_context(|| format!("cannot stop {}", self.name))?;
        }
        Ok(())
    }
}

/// Splits a command line whose words contain no spaces.
pub(in crate::command) fn words(line: &str) -> Vec<OsString> {
    line.split_whitespace().map(OsString::from).collect()
}

/// How much of the end of a child's standard error is kept, bytes.
const TAIL: usize = 16 << 10;

/// Reads a stream to its end, so that the child never blocks on a full pipe, and returns its last [`TAIL`] bytes.
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

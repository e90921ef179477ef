//! A process of this run: this same binary, in a process group of its own, so that a terminal's Ctrl-C reaches the
//! run alone, which then decides who stops when.
//!
//! A child ends when its standard input does. The other end is held here, so that even a run that is killed leaves no
//! process behind. Where `stop` is not reached, dropping kills.

use std::ffi::OsString;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long a child may take to end after it was asked to.
const PATIENCE: Duration = Duration::from_secs(8);

/// A running child.
#[derive(Debug)]
pub(super) struct Child {
    /// What it is, for messages: `the server`.
    name: &'static str,
    process: tokio::process::Child,
    /// Held open: its end is the child's sign to stop.
    stdin: Option<ChildStdin>,
    stderr: JoinHandle<String>,
}

impl Child {
    /// Starts `feedlab ARGUMENTS…`; the child's standard output is the caller's to read.
    pub(super) fn start(name: &'static str, arguments: &[OsString]) -> anyhow::Result<(Self, ChildStdout)> {
        let binary = feedlab_feed::process::this_binary().context("cannot find the feedlab binary")?;
        let mut process = Command::new(binary)
            .arg0("feedlab")
            .args(arguments)
            // A token that is meant for `feedlab serve` would lock the load generator out.
            .env_remove("FEEDLAB_TOKEN")
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
        Ok((Self { name, process, stdin, stderr: tokio::spawn(tail(stderr)) }, stdout))
    }

    /// Where the child listens to us.
    pub(super) const fn stdin(&mut self) -> Option<&mut ChildStdin> {
        self.stdin.as_mut()
    }

    /// Waits until the child ends by itself, and says how it failed: no child ends before it is stopped.
    pub(super) async fn died(&mut self) -> anyhow::Error {
        let _ = self.process.wait().await;
        self.failure().await
    }

    /// The error of a child that ended before its time, with what it said last.
    pub(super) async fn failure(&mut self) -> anyhow::Error {
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

    /// Sends the child a signal. One that has ended by now hears none.
    pub(super) fn signal(&self, signal: Signal) {
        if let Some(pid) = self.process.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)) {
            let _ = kill_process(pid, signal);
        }
    }

    /// Asks the child to end, and reaps it; one that takes too long is killed.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        self.stdin = None;
        self.signal(Signal::TERM);
        if timeout(PATIENCE, self.process.wait()).await.is_err() {
            self.process.kill().await.with_context(|| format!("cannot stop {}", self.name))?;
        }
        Ok(())
    }
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

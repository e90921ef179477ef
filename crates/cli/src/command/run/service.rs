//! A child that serves: it says in one line of JSON where it listens, and goes on until it is stopped.

use std::ffi::OsString;
use std::time::Duration;

use rustix::process::Signal;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::ChildStdout;
use tokio::time::timeout;

use super::child::Child;

/// How long it may take until it listens.
const PATIENCE: Duration = Duration::from_secs(15);

/// A running child.
#[derive(Debug)]
pub(super) struct Service {
    child: Child,
    /// Not read any more, and not closed: a service must not be ended by a pipe that broke.
    _stdout: ChildStdout,
}

impl Service {
    /// Starts `feedlab ARGUMENTS…` and waits for its line.
    pub(super) async fn start<T: DeserializeOwned>(
        name: &'static str,
        arguments: &[OsString],
    ) -> anyhow::Result<(Self, T)> {
        let (mut child, stdout) = Child::start(name, arguments)?;
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        let read = timeout(PATIENCE, stdout.read_line(&mut line)).await;
        match read.ok().and_then(|_| serde_json::from_str(&line).ok()) {
            Some(listening) => Ok((Self { child, _stdout: stdout.into_inner() }, listening)),
            None => {
                let error = child.failure().await;
                child.stop().await?;
                Err(error)
            }
        }
    }

    /// Waits for the end that must not come; see [`Child::died`].
    pub(super) async fn died(&mut self) -> anyhow::Error {
        self.child.died().await
    }

    /// Sends it a signal.
    pub(super) fn signal(&self, signal: Signal) {
        self.child.signal(signal);
    }

    /// Ends it in good order.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.child.stop().await
    }
}

/// The words of a command line that has no spaces within its words.
pub(super) fn words(line: &str) -> Vec<OsString> {
    line.split_whitespace().map(OsString::from).collect()
}

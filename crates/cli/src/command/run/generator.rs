//! The load generator of one cell: a child process, so that its cores and memory can be told from the server's.

use std::ffi::OsString;

use anyhow::Context as _;
use feedlab_loadgen::Job;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::ChildStdout;

use super::child::Child;
use crate::command::generate::Message;

/// A running load generator.
#[derive(Debug)]
pub(super) struct Generator {
    child: Child,
    messages: Lines<BufReader<ChildStdout>>,
}

impl Generator {
    /// Starts a load generator and hands it its job.
    pub(super) async fn start(job: &Job) -> anyhow::Result<Self> {
        let (child, stdout) = Child::start("the load generator", &[OsString::from("generate")])?;
        let mut generator = Self { child, messages: BufReader::new(stdout).lines() };
        match generator.hand_over(job).await {
            Ok(()) => Ok(generator),
            Err(error) => {
                // One that does not listen has died, and says more about it than a broken pipe does.
                let why = generator.child.failure().await.context(error);
                generator.stop().await?;
                Err(why)
            }
        }
    }

    async fn hand_over(&mut self, job: &Job) -> anyhow::Result<()> {
        let line = serde_json::to_string(job)? + "\n";
        let stdin = self.child.stdin().context("the load generator takes no job")?;
        stdin.write_all(line.as_bytes()).await.context("the load generator does not take its job")
    }

    /// What it has to say next. May be dropped while it waits.
    pub(super) async fn next(&mut self) -> anyhow::Result<Message> {
        match self.messages.next_line().await? {
            Some(line) => serde_json::from_str(&line).context("the load generator says something unknown"),
            None => Err(self.child.failure().await),
        }
    }

    /// Ends it, whatever it is doing.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.child.stop().await
    }
}

//! An agent's share of one cell: a load generator that uses the run's clock, until its results are in the run's store.

use anyhow::Context as _;
use feedlab_experiment::Segment;
use feedlab_loadgen::{Job, Part, Portion};
use feedlab_nats::Room;
use tempfile::TempDir;

use super::comparison::Comparison;
use super::tell;
use crate::agents::{AgentMessage, objects, written};
use crate::command::generate::{Instruction, Message, Task};
use crate::command::run::child::Child;
use crate::output;

/// An agent's share of a cell.
pub(super) struct Work {
    generator: Child,
    clock: Comparison,
    job: Job,
    /// The folder of the log of ages, until it is in the store.
    folder: TempDir,
}

impl Work {
    /// Starts the cell's own load generator, as on the machine of the run. It sends an event when it is ready.
    pub(super) async fn start(room: &Room, segment: Segment, job: Job) -> anyhow::Result<Self> {
        let mut clock = Comparison::begin(room).await?;
        let folder = tempfile::Builder::new().prefix("feedlab-agent-").tempdir().context("cannot create a folder")?;
        let job = Job { hlog: folder.path().join("ages.hlog"), ..job };
        let task = Task { job: job.clone(), part: Some(Part { segment: Some(segment), leads: false }) };
        let mut generator = Child::working("the load generator", &["generate".into()], &task).await?;
        generator.tell(&Instruction::Clock(clock.ahead_us())).await?;
        let clients = job.cell.clients;
        output::advice(&format!("cell {}: {} of {clients} clients", job.cell.id, segment.size(clients)));
        Ok(Self { generator, clock, job, folder })
    }

    /// Tells the load generator that its clients start to connect at `at_us`, µs of Unix time.
    pub(super) async fn begin(&mut self, at_us: u64) -> anyhow::Result<()> {
        self.generator.tell(&Instruction::Begin(at_us)).await
    }

    /// Returns the next message of the load generator. Meanwhile forwards changes of the run's clock to it.
    pub(super) async fn next(&mut self) -> anyhow::Result<Message> {
        loop {
            tokio::select! {
                message = self.generator.next() => return message,
                ahead_us = self.clock.changed() => self.generator.tell(&Instruction::Clock(ahead_us)).await?,
            }
        }
    }

    /// Puts the results into the run's store, and tells the run.
    pub(super) async fn hand_over(self, room: Room, name: String, run: String, segment: Segment, mut portion: Portion) {
        portion.share.clock = self.clock.offset();
        let cell = self.job.cell.id.clone();
        let stored = async {
            let ages = std::fs::read(&self.job.hlog).context("cannot read the ages")?;
            let store = room.store().await?;
            let [found, hlog] = objects(&cell, segment);
            store.put(&hlog, &ages).await?;
            store.put(&found, &written(&portion)).await?;
            anyhow::Ok(())
        };
        let message = match stored.await {
            Ok(()) => AgentMessage::Measured { cell },
            Err(error) => AgentMessage::Failed { why: format!("{error:#}") },
        };
        let _ = tell(&room, &name, &run, message).await;
        let _ = self.generator.stop().await;
        drop(self.folder);
    }
}

//! An agent's share of one cell: a load generator that keeps the run's clock, until what it found is in the run's store.

use anyhow::Context as _;
use feedlab_experiment::Segment;
use feedlab_loadgen::{Job, Part, Portion};
use feedlab_nats::Room;
use tempfile::TempDir;

use super::comparison::Comparison;
use super::tell;
use crate::agents::{News, objects, written};
use crate::command::generate::{Message, Task, Word};
use crate::command::run::child::Child;
use crate::output;

/// A cell that an agent has a share of.
pub(super) struct Work {
    generator: Child,
    clock: Comparison,
    job: Job,
    /// Where the ages are, until they are handed over.
    folder: TempDir,
}

impl Work {
    /// Each cell has a load generator of its own, as on the machine of the run. It tells when it is ready to begin.
    pub(super) async fn start(room: &Room, segment: Segment, job: Job) -> anyhow::Result<Self> {
        let mut clock = Comparison::begin(room).await?;
        let folder = tempfile::Builder::new().prefix("feedlab-agent-").tempdir().context("cannot make a folder")?;
        let job = Job { hlog: folder.path().join("ages.hlog"), ..job };
        let task = Task { job: job.clone(), part: Some(Part { segment: Some(segment), leads: false }) };
        let mut generator = Child::working("the load generator", &["generate".into()], &task).await?;
        generator.tell(&Word::Clock(clock.ahead_us())).await?;
        let clients = job.cell.clients;
        output::advice(&format!("cell {}: {} of {clients} clients", job.cell.id, segment.size(clients)));
        Ok(Self { generator, clock, job, folder })
    }

    /// Its clients connect from then on, µs of Unix time.
    pub(super) async fn begin(&mut self, at_us: u64) -> anyhow::Result<()> {
        self.generator.tell(&Word::Begin(at_us)).await
    }

    /// What the load generator says next; meanwhile it is told when the run's clock is another.
    pub(super) async fn next(&mut self) -> anyhow::Result<Message> {
        loop {
            tokio::select! {
                message = self.generator.next() => return message,
                ahead_us = self.clock.changed() => self.generator.tell(&Word::Clock(ahead_us)).await?,
            }
        }
    }

    /// Puts what was found into the run's store, and says so.
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
        let news = match stored.await {
            Ok(()) => News::Found { cell },
            Err(error) => News::Failed { why: format!("{error:#}") },
        };
        let _ = tell(&room, &name, &run, news).await;
        let _ = self.generator.stop().await;
        drop(self.folder);
    }
}

//! One cell that agents measure: the stage is here, with a process that asks the servers and has no clients; the agents have
//! them. All begin at one moment, and what they found is put together and judged once.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use feedlab_experiment::clients::PART_NOTICE;
use feedlab_feed::clock;
use feedlab_loadgen::{Event, Job, Live, Outcome, Part, Portion, conclude};
use tokio_util::sync::CancellationToken;

use super::child::Child;
use super::crew::{Crew, Heard};
use super::follow::{direct, reached, redraws};
use super::progress::Progress;
use super::stage::Stage;
use crate::command::generate::{Message, Task, Word};

/// How long a process may take to get ready.
const READY: Duration = Duration::from_secs(30);

/// Measures the cell; `None` when it was stopped.
pub(super) async fn generate(
    stage: &mut Stage,
    job: &Job,
    crew: &mut Crew,
    progress: &mut Progress,
    stop: &CancellationToken,
) -> anyhow::Result<Option<Outcome>> {
    let folder = tempfile::Builder::new().prefix("feedlab-run-").tempdir().context("cannot make a folder")?;
    let own = Job { hlog: folder.path().join("none.hlog"), ..job.clone() };
    let task = Task { job: own.clone(), part: Some(Part { segment: None, leads: true }) };
    let mut lead = Child::working("the process that asks the servers", &["generate".into()], &task).await?;
    let result = tokio::select! {
        biased;
        () = stop.cancelled() => Ok(None),
        result = measure(stage, job, &own.hlog, crew, &mut lead, progress) => result.map(Some),
    };
    if matches!(result, Ok(None)) {
        progress.say("stopping: this cell is dropped, finished ones are kept (again to stop at once)");
    }
    lead.stop().await?;
    result
}

async fn measure(
    stage: &mut Stage,
    job: &Job,
    hlog: &Path,
    crew: &mut Crew,
    lead: &mut Child,
    progress: &mut Progress,
) -> anyhow::Result<Outcome> {
    crew.prepare(job).await?;
    let ready = tokio::time::timeout(READY, all_ready(crew, lead)).await;
    ready.map_err(|_| anyhow::anyhow!("not all agents got ready within {} s", READY.as_secs()))??;
    let begin_us = clock::unix_us() + clock::micros(PART_NOTICE);
    crew.begin(begin_us).await?;
    lead.tell(&Word::Begin(begin_us)).await?;
    let mut parts = Parts::new(job, crew.len());
    parts.follow(stage, crew, lead, progress).await?;
    let Parts { led, found, .. } = parts;
    let led = led.context("the process that asks the servers said nothing")?;
    let ages = std::fs::read(hlog).context("cannot read the ages")?;
    let parts = std::iter::once((led, ages)).chain(found.into_iter().flatten()).collect();
    Ok(conclude(job, parts, &crew.lost())?)
}

/// One that is lost before anything is measured ends the run.
async fn all_ready(crew: &mut Crew, lead: &mut Child) -> anyhow::Result<()> {
    let (mut ready, mut lead_is_ready) = (vec![false; crew.len()], false);
    while !lead_is_ready || ready.contains(&false) {
        tokio::select! {
            message = lead.next() => lead_is_ready |= matches!(message?, Message::Event(Event::Ready)),
            heard = crew.next() => match heard? {
                Heard::Event { index, event: Event::Ready } => ready[index] = true,
                Heard::Lost { .. } => anyhow::bail!("{}", crew.lost().join("; ")),
                Heard::Event { .. } | Heard::Stored { .. } => {}
            },
        }
    }
    Ok(())
}

/// What has come of a cell.
struct Parts<'a> {
    job: &'a Job,
    led: Option<Portion>,
    found: Vec<Option<(Portion, Vec<u8>)>>,
    is_lost: Vec<bool>,
    live: Live,
}

impl<'a> Parts<'a> {
    fn new(job: &'a Job, agents: usize) -> Self {
        let found = (0..agents).map(|_| None).collect();
        let live = Live::new(&job.cell.id, agents, job.measure.duration);
        Self { job, led: None, found, is_lost: vec![false; agents], live }
    }

    /// Until everybody has said all, or is lost.
    async fn follow(
        &mut self,
        stage: &mut Stage,
        crew: &mut Crew,
        lead: &mut Child,
        progress: &mut Progress,
    ) -> anyhow::Result<()> {
        let mut redraw = redraws();
        while !self.is_whole() {
            let mend_at = stage.mend_at();
            tokio::select! {
                biased;
                error = stage.died() => return Err(error),
                () = reached(mend_at) => stage.mend().await?,
                message = lead.next(), if self.led.is_none() => match message? {
                    Message::Event(event) => {
                        direct(stage, self.job, &event).await?;
                        progress.event(&event, &self.job.faults);
                    }
                    Message::Portion(portion) => self.led = Some(*portion),
                    Message::Outcome(_) => anyhow::bail!("the load generator did more than it was asked for"),
                },
                heard = crew.next() => {
                    let heard = heard?;
                    self.heard(heard, crew, progress).await;
                }
                _ = redraw.tick() => progress.redraw(),
            }
        }
        Ok(())
    }

    fn is_whole(&self) -> bool {
        let mut agents = self.found.iter().zip(&self.is_lost);
        self.led.is_some() && agents.all(|(found, is_lost)| found.is_some() || *is_lost)
    }

    async fn heard(&mut self, heard: Heard, crew: &mut Crew, progress: &Progress) {
        match heard {
            Heard::Event { event: Event::Ages { second, ages }, .. } => {
                if let Some(second) = self.live.take(second, &ages) {
                    progress.live(&second);
                }
            }
            Heard::Event { .. } => {}
            Heard::Stored { index, cell } if cell == self.job.cell.id => match crew.fetch(index, &cell).await {
                Ok(found) => {
                    if let Some(line) = crew.compared(index, &found.0) {
                        progress.say(&line);
                    }
                    self.found[index] = Some(found);
                }
                Err(error) => {
                    crew.lose(index, &format!("{error:#}"));
                    self.lose(index, crew, progress);
                }
            },
            Heard::Stored { .. } => {}
            Heard::Lost { index } => self.lose(index, crew, progress),
        }
    }

    fn lose(&mut self, index: usize, crew: &Crew, progress: &Progress) {
        self.is_lost[index] = true;
        self.live.without_one();
        progress.say(&format!("warning: {}", crew.lost().last().map_or("an agent was lost", String::as_str)));
    }
}

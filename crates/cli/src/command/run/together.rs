//! One cell that agents measure. The testbed is here, with a process that queries the servers and has no clients; the
//! agents drive the clients. All start at the same moment; their results are merged and judged once.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use feedlab_experiment::clients::PART_NOTICE;
use feedlab_feed::clock;
use feedlab_loadgen::{Event, Job, Live, Outcome, Part, Portion, conclude};
use tokio_util::sync::CancellationToken;

use super::agents::{AgentEvent, Agents};
use super::child::Child;
use super::follow::{apply, reached, redraws};
use super::progress::Progress;
use super::testbed::Testbed;
use crate::command::generate::{Instruction, Message, Task};

/// How long the processes may take to get ready.
const READY: Duration = Duration::from_secs(30);

/// Measures the cell. Returns `None` if it was stopped.
pub(super) async fn generate(
    testbed: &mut Testbed,
    job: &Job,
    agents: &mut Agents,
    progress: &mut Progress,
    stop: &CancellationToken,
) -> anyhow::Result<Option<Outcome>> {
    let folder = tempfile::Builder::new().prefix("feedlab-run-").tempdir().context("cannot create a folder")?;
    let own = Job { hlog: folder.path().join("none.hlog"), ..job.clone() };
    let task = Task { job: own.clone(), part: Some(Part { segment: None, leads: true }) };
    let mut lead = Child::working("the process that queries the servers", &["generate".into()], &task).await?;
    let result = tokio::select! {
        biased;
        () = stop.cancelled() => Ok(None),
        result = measure(testbed, job, &own.hlog, agents, &mut lead, progress) => result.map(Some),
    };
    if matches!(result, Ok(None)) {
        progress.say("stopping: this cell is dropped, finished ones are kept (Ctrl-C again to stop immediately)");
    }
    lead.stop().await?;
    result
}

async fn measure(
    testbed: &mut Testbed,
    job: &Job,
    hlog: &Path,
    agents: &mut Agents,
    lead: &mut Child,
    progress: &mut Progress,
) -> anyhow::Result<Outcome> {
    agents.prepare(job).await?;
    let ready = tokio::time::timeout(READY, all_ready(agents, lead)).await;
    ready.map_err(|_| anyhow::anyhow!("not all agents were ready within {} s", READY.as_secs()))??;
    let begin_us = clock::unix_us() + clock::micros(PART_NOTICE);
    agents.begin(begin_us).await?;
    lead.tell(&Instruction::Begin(begin_us)).await?;
    let mut parts = Parts::new(job, agents.len());
    parts.follow(testbed, agents, lead, progress).await?;
    let Parts { led, found, .. } = parts;
    let led = led.context("the process that queries the servers sent no result")?;
    let ages = std::fs::read(hlog).context("cannot read the ages")?;
    let parts = std::iter::once((led, ages)).chain(found.into_iter().flatten()).collect();
    Ok(conclude(job, parts, &agents.lost())?)
}

/// Waits until the agents and the leading process are ready. An agent that is lost before the measurement ends the run.
async fn all_ready(agents: &mut Agents, lead: &mut Child) -> anyhow::Result<()> {
    let (mut ready, mut lead_is_ready) = (vec![false; agents.len()], false);
    while !lead_is_ready || ready.contains(&false) {
        tokio::select! {
            message = lead.next() => lead_is_ready |= matches!(message?, Message::Event(Event::Ready)),
            event = agents.next() => match event? {
                AgentEvent::Event { index, event: Event::Ready } => ready[index] = true,
                AgentEvent::Lost { .. } => anyhow::bail!("{}", agents.lost().join("; ")),
                AgentEvent::Event { .. } | AgentEvent::Stored { .. } => {}
            },
        }
    }
    Ok(())
}

/// The parts of a cell that have arrived.
struct Parts<'a> {
    job: &'a Job,
    /// The part of the process that leads.
    led: Option<Portion>,
    /// The parts of the agents, with their logs of ages.
    found: Vec<Option<(Portion, Vec<u8>)>>,
    /// Whether each agent is lost.
    is_lost: Vec<bool>,
    /// The seconds of all agents together.
    live: Live,
}

impl<'a> Parts<'a> {
    fn new(job: &'a Job, agents: usize) -> Self {
        let found = (0..agents).map(|_| None).collect();
        let live = Live::new(&job.cell.id, agents, job.measure.duration);
        Self { job, led: None, found, is_lost: vec![false; agents], live }
    }

    /// Follows the cell until every agent has sent its part or is lost.
    async fn follow(
        &mut self,
        testbed: &mut Testbed,
        agents: &mut Agents,
        lead: &mut Child,
        progress: &mut Progress,
    ) -> anyhow::Result<()> {
        let mut redraw = redraws();
        while !self.is_whole() {
            let restart_at = testbed.restart_at();
            tokio::select! {
                biased;
                error = testbed.died() => return Err(error),
                () = reached(restart_at) => testbed.restart_due().await?,
                message = lead.next(), if self.led.is_none() => match message? {
                    Message::Event(event) => {
                        apply(testbed, self.job, &event).await?;
                        progress.event(&event, &self.job.faults);
                    }
                    Message::Portion(portion) => self.led = Some(*portion),
                    Message::Outcome(_) => anyhow::bail!("the load generator did more than its part"),
                },
                event = agents.next() => {
                    let event = event?;
                    self.take(event, agents, progress).await;
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

    async fn take(&mut self, event: AgentEvent, agents: &mut Agents, progress: &Progress) {
        match event {
            AgentEvent::Event { event: Event::Ages { second, ages }, .. } => {
                if let Some(second) = self.live.take(second, &ages) {
                    progress.live(&second);
                }
            }
            AgentEvent::Event { .. } => {}
            AgentEvent::Stored { index, cell } if cell == self.job.cell.id => match agents.fetch(index, &cell).await {
                Ok(found) => {
                    if let Some(line) = agents.compared(index, &found.0) {
                        progress.say(&line);
                    }
                    self.found[index] = Some(found);
                }
                Err(error) => {
                    agents.lose(index, &format!("{error:#}"));
                    self.lose(index, agents, progress);
                }
            },
            AgentEvent::Stored { .. } => {}
            AgentEvent::Lost { index } => self.lose(index, agents, progress),
        }
    }

    fn lose(&mut self, index: usize, agents: &Agents, progress: &Progress) {
        self.is_lost[index] = true;
        self.live.without_one();
        progress.say(&format!("warning: {}", agents.lost().last().map_or("an agent was lost", String::as_str)));
    }
}

//! The agents of a run: the run finds them at a broker, assigns a segment to each, sends them orders, and receives
//! their messages until the run is over. If an agent is lost, the run reports its name and does not replace it.
//! `recruit.rs` finds the agents; `presence.rs` makes the run known to them.

use std::time::Instant;

use anyhow::Context as _;
use feedlab_experiment::Segment;
use feedlab_feed::clock;
use feedlab_feed::source::BrokerAddress;
use feedlab_loadgen::{Event, Job, Portion};
use feedlab_nats::{Credentials, Inbox, Name, Room, Store};
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::agents::{
    AGENT_LOST, AGENTS, AgentMessage, Answer, BEAT, Call, FromAgent, Order, messages_of, objects, orders_of, read,
    written,
};
use crate::exit::bad_input;
use crate::output;

mod presence;
mod recruit;

/// The agents of a run.
#[derive(Debug)]
pub(super) struct Agents {
    room: Room,
    store: Store,
    id: String,
    inbox: Inbox,
    agents: Vec<Agent>,
    /// How often to check for silent agents.
    check: Interval,
    /// Sends the run's heartbeat until it is dropped.
    _beats: JoinSet<()>,
}

#[derive(Debug)]
struct Agent {
    name: String,
    segment: Segment,
    /// When the last message arrived.
    heard: Instant,
    /// Why the agent is lost, if it is.
    lost: Option<String>,
    /// Whether the run has printed how the agent's clock compares with its own.
    is_compared: bool,
}

/// Something that happened to an agent.
#[derive(Debug)]
pub(super) enum AgentEvent {
    /// The agent's load generator sent an event.
    Event { index: usize, event: Event },
    /// The agent put its results of a cell into the store.
    Stored { index: usize, cell: String },
    /// The agent is lost; [`Agents::lost`] has the reason.
    Lost { index: usize },
}

impl Agents {
    /// Takes the run's name, and waits until `count` agents have joined. Returns `None` if the run was stopped.
    /// `clients` is the number of clients of the largest cell.
    pub(super) async fn gather(
        address: &BrokerAddress,
        name: &Name,
        (count, clients): (u32, u32),
        stop: &CancellationToken,
    ) -> anyhow::Result<Option<Self>> {
        let credentials = Credentials::from_env().map_err(bad_input)?;
        let room = Room::open(address, &credentials, name).await?;
        let id = format!("{:x}-{:x}", clock::unix_us(), std::process::id());
        let store = presence::take_name(&room, &id, name).await?;
        let beats = presence::beat(&room, &id).await?;
        let inbox = room.listen(&messages_of(&id)).await?;
        let mut check = interval(BEAT);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut agents = Self { room, store, id, inbox, agents: Vec::new(), check, _beats: beats };
        let agents_named = if count == 1 { "agent" } else { "agents" };
        output::advice(&format!("waiting for {count} {agents_named}: feedlab agent --nats {address} --as {name}"));
        let recruited = stop.run_until_cancelled(agents.recruit(count, clients)).await;
        if let Some(Ok(())) = recruited {
            return Ok(Some(agents));
        }
        agents.dismiss().await;
        recruited.transpose().map(|_| None)
    }

    async fn order(&self, agent: &str, order: &Order) -> anyhow::Result<()> {
        let answer = self.room.ask(&orders_of(agent), written(order)).await;
        let answer = answer.with_context(|| format!("agent {agent} does not answer"))?;
        match read(&answer) {
            Some(Answer::Done) => Ok(()),
            Some(Answer::Refused { why }) => anyhow::bail!("agent {agent} rejects the order: {why}"),
            None => anyhow::bail!("the answer of agent {agent} cannot be read"),
        }
    }

    /// Returns the names of the agents, in the order of their segments.
    pub(super) fn names(&self) -> Vec<String> {
        self.agents.iter().map(|agent| agent.name.clone()).collect()
    }

    /// Returns the number of agents.
    pub(super) const fn len(&self) -> usize {
        self.agents.len()
    }

    /// Orders each agent to prepare for a cell; each then sends [`Event::Ready`].
    pub(super) async fn prepare(&mut self, job: &Job) -> anyhow::Result<()> {
        for agent in &self.agents {
            let order = Order::Measure { run: self.id.clone(), job: Box::new(job.clone()) };
            self.order(&agent.name, &order).await?;
        }
        self.agents.iter_mut().for_each(|agent| agent.heard = clock::now());
        Ok(())
    }

    /// Tells each agent when its clients start to connect, µs of Unix time.
    pub(super) async fn begin(&self, at_us: u64) -> anyhow::Result<()> {
        for agent in &self.agents {
            self.order(&agent.name, &Order::Begin { run: self.id.clone(), at_us }).await?;
        }
        Ok(())
    }

    /// Returns the next event. Cancel safe.
    pub(super) async fn next(&mut self) -> anyhow::Result<AgentEvent> {
        loop {
            tokio::select! {
                letter = self.inbox.next(&self.room) => {
                    let letter = letter.context("the connection to the broker is lost")?;
                    let Some(FromAgent { agent, message }) = read(&letter.payload) else { continue };
                    let Some(index) = self.agents.iter().position(|known| known.name == agent) else { continue };
                    self.agents[index].heard = clock::now();
                    if let Some(event) = self.take(index, message) {
                        return Ok(event);
                    }
                }
                _ = self.check.tick() => {
                    let silent = |agent: &Agent| agent.lost.is_none() && agent.heard.elapsed() > AGENT_LOST;
                    if let Some(index) = self.agents.iter().position(silent) {
                        return Ok(self.lose(index, "it stopped responding"));
                    }
                }
            }
        }
    }

    fn take(&mut self, index: usize, message: AgentMessage) -> Option<AgentEvent> {
        if self.agents[index].lost.is_some() {
            return None;
        }
        match message {
            AgentMessage::Event(event) => Some(AgentEvent::Event { index, event }),
            AgentMessage::Measured { cell } => Some(AgentEvent::Stored { index, cell }),
            AgentMessage::Failed { why } => Some(self.lose(index, &why)),
            AgentMessage::Here { .. } | AgentMessage::Alive => None,
        }
    }

    /// Fetches an agent's results of a cell from the store.
    pub(super) async fn fetch(&self, index: usize, cell: &str) -> anyhow::Result<(Portion, Vec<u8>)> {
        let Agent { name, segment, .. } = &self.agents[index];
        let [found, hlog] = objects(cell, *segment);
        let portion: Option<Portion> = read(&self.store.get(&found).await?);
        let portion = portion.with_context(|| format!("the results of agent {name} cannot be read"))?;
        let is_its_own = portion.share.part.segment == Some(*segment) && portion.led.is_none();
        anyhow::ensure!(is_its_own, "agent {name} sent the results of another segment");
        Ok((portion, self.store.get(&hlog).await?))
    }

    /// Describes how an agent's clock compares with this one, the first time that it is known. The error bound of each
    /// cell is among its figures.
    pub(super) fn compared(&mut self, index: usize, portion: &Portion) -> Option<String> {
        let offset = portion.share.clock?;
        let agent = &mut self.agents[index];
        let is_news = !std::mem::replace(&mut agent.is_compared, true);
        let (off_ms, bound_ms, drift_ppm) = (offset.us.abs() / 1e3, offset.bound_us / 1e3, -offset.drift_ppm);
        let side = if offset.us < 0.0 { "ahead of" } else { "behind" };
        is_news.then(|| {
            format!(
                "agent {}: its clock is {off_ms:.2} ms {side} this one, known to within {bound_ms:.2} ms, and drifts by {drift_ppm:+.0} \
                 ppm; its ages are corrected",
                agent.name
            )
        })
    }

    /// Marks an agent as lost; its later messages are ignored.
    pub(super) fn lose(&mut self, index: usize, why: &str) -> AgentEvent {
        let agent = &mut self.agents[index];
        let Agent { name, segment, .. } = agent;
        agent.lost = Some(format!("agent {name} was lost, and with it the clients of segment {segment}: {why}"));
        AgentEvent::Lost { index }
    }

    /// Returns the agents that are lost, and why.
    pub(super) fn lost(&self) -> Vec<String> {
        self.agents.iter().filter_map(|agent| agent.lost.clone()).collect()
    }

    /// Releases the agents and the run's name.
    pub(super) async fn dismiss(self) {
        let _ = self.room.say(AGENTS, written(&Call::Over { run: self.id.clone() })).await;
        let _ = self.room.leave().await;
        let _ = self.room.flush().await;
    }
}

//! The agents of a run: found at a broker, given a segment each, told what to do, and heard of until the run is over. An agent
//! that is lost is named; nobody takes its place. How they are found is in `hire.rs`, how the run is found in `presence.rs`.

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
    AGENT_LOST, AGENTS, Answer, BEAT, Call, News, Order, Told, objects, orders_of, read, told_to, written,
};
use crate::exit::bad_input;
use crate::output;

mod hire;
mod presence;

/// The agents of a run.
#[derive(Debug)]
pub(super) struct Crew {
    room: Room,
    store: Store,
    id: String,
    inbox: Inbox,
    agents: Vec<Agent>,
    look: Interval,
    /// Says that the run goes on, for as long as this is there.
    _beats: JoinSet<()>,
}

#[derive(Debug)]
struct Agent {
    name: String,
    segment: Segment,
    heard: Instant,
    lost: Option<String>,
    /// It was said how its clock compares.
    is_compared: bool,
}

/// What is heard of the agents.
#[derive(Debug)]
pub(super) enum Heard {
    /// How far one is.
    Event { index: usize, event: Event },
    /// What one found of a cell is in the store.
    Stored { index: usize, cell: String },
    /// One is lost; why is in [`Crew::lost`].
    Lost { index: usize },
}

impl Crew {
    /// Takes the name, and waits until so many agents are there and have joined; `None` if it was stopped. The largest cell has so
    /// many `clients`.
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
        let inbox = room.listen(&told_to(&id)).await?;
        let mut look = interval(BEAT);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut crew = Self { room, store, id, inbox, agents: Vec::new(), look, _beats: beats };
        output::advice(&format!("waiting for {count} agents: feedlab agent --nats {address} --as {name}"));
        let hired = stop.run_until_cancelled(crew.hire(count, clients)).await;
        if let Some(Ok(())) = hired {
            return Ok(Some(crew));
        }
        crew.dismiss().await;
        hired.transpose().map(|_| None)
    }

    async fn order(&self, agent: &str, order: &Order) -> anyhow::Result<()> {
        let answer = self.room.ask(&orders_of(agent), written(order)).await;
        let answer = answer.with_context(|| format!("agent {agent} does not answer"))?;
        match read(&answer) {
            Some(Answer::Done) => Ok(()),
            Some(Answer::Refused { why }) => anyhow::bail!("agent {agent} refuses: {why}"),
            None => anyhow::bail!("agent {agent} answers in unknown words"),
        }
    }

    /// Who they are, in the order of their segments.
    pub(super) fn names(&self) -> Vec<String> {
        self.agents.iter().map(|agent| agent.name.clone()).collect()
    }

    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        self.agents.len()
    }

    /// Tells each to get ready for a cell; each then says [`Event::Ready`].
    pub(super) async fn prepare(&mut self, job: &Job) -> anyhow::Result<()> {
        for agent in &self.agents {
            let order = Order::Measure { run: self.id.clone(), job: Box::new(job.clone()) };
            self.order(&agent.name, &order).await?;
        }
        self.agents.iter_mut().for_each(|agent| agent.heard = clock::now());
        Ok(())
    }

    /// Tells each when the clients are to connect.
    pub(super) async fn begin(&self, at_us: u64) -> anyhow::Result<()> {
        for agent in &self.agents {
            self.order(&agent.name, &Order::Begin { run: self.id.clone(), at_us }).await?;
        }
        Ok(())
    }

    /// What is heard next. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> anyhow::Result<Heard> {
        loop {
            tokio::select! {
                letter = self.inbox.next(&self.room) => {
                    let letter = letter.context("the broker is gone")?;
                    let Some(Told { agent, news }) = read(&letter.payload) else { continue };
                    let Some(index) = self.agents.iter().position(|known| known.name == agent) else { continue };
                    self.agents[index].heard = clock::now();
                    if let Some(heard) = self.news(index, news) {
                        return Ok(heard);
                    }
                }
                _ = self.look.tick() => {
                    let silent = |agent: &Agent| agent.lost.is_none() && agent.heard.elapsed() > AGENT_LOST;
                    if let Some(index) = self.agents.iter().position(silent) {
                        return Ok(self.lose(index, "nothing was heard of it any more"));
                    }
                }
            }
        }
    }

    fn news(&mut self, index: usize, news: News) -> Option<Heard> {
        if self.agents[index].lost.is_some() {
            return None;
        }
        match news {
            News::Event(event) => Some(Heard::Event { index, event }),
            News::Found { cell } => Some(Heard::Stored { index, cell }),
            News::Failed { why } => Some(self.lose(index, &why)),
            News::Here { .. } | News::Alive => None,
        }
    }

    /// Has what an agent found from the store.
    pub(super) async fn fetch(&self, index: usize, cell: &str) -> anyhow::Result<(Portion, Vec<u8>)> {
        let Agent { name, segment, .. } = &self.agents[index];
        let [found, hlog] = objects(cell, *segment);
        let portion: Option<Portion> = read(&self.store.get(&found).await?);
        let portion = portion.with_context(|| format!("what agent {name} found cannot be read"))?;
        let is_its_own = portion.share.part.segment == Some(*segment) && portion.led.is_none();
        anyhow::ensure!(is_its_own, "agent {name} hands over what is not its own");
        Ok((portion, self.store.get(&hlog).await?))
    }

    /// How an agent's clock compares with this one, if that is news; every cell's bound is among its figures.
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

    /// An agent is lost, whatever it may still say.
    pub(super) fn lose(&mut self, index: usize, why: &str) -> Heard {
        let agent = &mut self.agents[index];
        let Agent { name, segment, .. } = agent;
        agent.lost = Some(format!("agent {name} was lost, and with it the clients of segment {segment}: {why}"));
        Heard::Lost { index }
    }

    /// Who is lost, and why.
    pub(super) fn lost(&self) -> Vec<String> {
        self.agents.iter().filter_map(|agent| agent.lost.clone()).collect()
    }

    /// Lets the agents go, and gives the name back.
    pub(super) async fn dismiss(self) {
        let _ = self.room.say(AGENTS, written(&Call::Over { run: self.id.clone() })).await;
        let _ = self.room.leave().await;
        let _ = self.room.flush().await;
    }
}

//! The agents of a run: found at a broker, given a segment each, told what to do, and heard of until the run is over. An agent
//! that is lost is named; nobody takes its place.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use feedlab_experiment::Segment;
use feedlab_feed::clock;
use feedlab_feed::process::boot_id;
use feedlab_feed::source::BrokerAddress;
use feedlab_loadgen::{Event, Job, Portion};
use feedlab_nats::{Credentials, Inbox, Name, Room, Store};
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::needs::BESIDES;
use crate::agents::{
    AGENT_LOST, AGENTS, Answer, CLOCK, Call, MAX_OFFERS, News, Order, RUN, Time, Told, objects, orders_of, read,
    told_to, written,
};
use crate::build;
use crate::exit::bad_input;
use crate::output;

/// How often the free agents are called.
const CALL: Duration = Duration::from_millis(500);
/// How often it is said that the run goes on.
const BEAT: Duration = Duration::from_secs(1);

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

/// Who is free.
#[derive(Clone, Debug)]
struct Free {
    instance: u64,
    descriptors: Option<u64>,
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
        let store = take(&room, &id, name).await?;
        let beats = beats(&room, &id).await?;
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

    async fn hire(&mut self, count: u32, clients: u32) -> anyhow::Result<()> {
        let mut free = BTreeMap::new();
        while self.agents.len() < count as usize {
            self.call(&mut free, count).await?;
            // By name, so that the same agents have the same segments when a run is repeated.
            let open = self.agents.len() as u32 + 1;
            for (index, (name, Free { instance, descriptors })) in (open..=count).zip(std::mem::take(&mut free)) {
                let segment = Segment::new(index, count).context("more agents than share a run")?;
                check_descriptors(&name, descriptors, segment.size(clients))?;
                let order = Order::Join { run: self.id.clone(), instance, segment };
                self.order(&name, &order).await?;
                self.agents.push(Agent { name, segment, heard: clock::now(), lost: None, is_compared: false });
            }
        }
        output::advice(&format!("{count} agents: {}", self.names().join(", ")));
        Ok(())
    }

    /// Calls until enough are free.
    async fn call(&mut self, free: &mut BTreeMap<String, Free>, count: u32) -> anyhow::Result<()> {
        let mut call = interval(CALL);
        while free.len() + self.agents.len() < count as usize {
            tokio::select! {
                _ = call.tick() => {
                    self.room.say(AGENTS, written(&Call::WhoIsThere { run: self.id.clone() })).await?;
                }
                letter = self.inbox.next(&self.room) => {
                    let letter = letter.context("the broker is gone")?;
                    if let Some(Told { agent, news: News::Here { instance, feedlab, descriptors } }) = read(&letter.payload)
                        && free.len() < MAX_OFFERS
                        && agent.parse::<Name>().is_ok()
                    {
                        check_version(&agent, &feedlab)?;
                        let before = free.insert(agent.clone(), Free { instance, descriptors });
                        anyhow::ensure!(
                            before.is_none_or(|before| before.instance == instance),
                            "two agents are called {agent}: give each a name of its own with --name"
                        );
                    }
                }
            }
        }
        Ok(())
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

/// A name that another run has, if that is still there, is refused.
async fn take(room: &Room, id: &str, name: &Name) -> anyhow::Result<Store> {
    const TRIES: u32 = 3;
    if let Some(store) = room.take(id).await? {
        return Ok(store);
    }
    for _ in 0..TRIES {
        if room.ask(RUN, Vec::new()).await.is_ok() {
            return Err(bad_input(anyhow::anyhow!(
                "a run named {name} goes on at this broker: wait for its end, or give this run and its agents another name \
                 with --as"
            )));
        }
        sleep(CALL).await;
    }
    // Its process is gone, and could not give the name back.
    room.leave().await?;
    room.take(id).await?.with_context(|| format!("another run took the name {name}"))
}

/// Answers who asks whether the run is there or what time it is, and tells the agents that it is there.
async fn beats(room: &Room, id: &str) -> anyhow::Result<JoinSet<()>> {
    let (mut asked, mut asked_time) = (room.listen(RUN).await?, room.listen(CLOCK).await?);
    let machine = boot_id();
    let (room, beat) = (room.clone(), written(&Call::Beat { run: id.to_owned() }));
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut tick = interval(BEAT);
        loop {
            tokio::select! {
                _ = tick.tick() => drop(room.say(AGENTS, beat.clone()).await),
                letter = asked.next(&room) => match letter {
                    Some(letter) => drop(letter.answer(beat.clone()).await),
                    None => return,
                },
                letter = asked_time.next(&room) => match letter {
                    Some(letter) => {
                        let (received, machine) = (clock::unix_us(), machine.clone());
                        drop(letter.answer(written(&Time { machine, received, answered: clock::unix_us() })).await);
                    }
                    None => return,
                },
            }
        }
    });
    Ok(tasks)
}

fn check_version(agent: &str, feedlab: &str) -> anyhow::Result<()> {
    anyhow::ensure!(
        feedlab == build::ALL,
        "agent {agent} is feedlab {feedlab}, and this is {}: they would not measure the same; use one version",
        build::ALL
    );
    Ok(())
}

fn check_descriptors(agent: &str, allowed: Option<u64>, clients: u32) -> anyhow::Result<()> {
    let needed = u64::from(clients) + BESIDES;
    anyhow::ensure!(
        allowed.is_none_or(|allowed| allowed >= needed),
        "agent {agent} needs {needed} descriptors for its {clients} clients, and its shell allows {}: raise the limit with \
         `ulimit -n {needed}`, or use more agents",
        allowed.unwrap_or_default()
    );
    Ok(())
}

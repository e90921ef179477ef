//! `feedlab agent`: waits for runs at a broker, and drives a share of their clients.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use feedlab_experiment::Segment;
use feedlab_feed::source::BrokerAddress;
use feedlab_feed::{clock, process};
use feedlab_loadgen::{Event, Job};
use feedlab_nats::{Credentials, Letter, Name, Room};
use tokio::time::{MissedTickBehavior, interval};

use super::generate::Message;
use super::limits;
use crate::agents::{
    AGENTS, AgentMessage, Answer, Call, FromAgent, Order, RUN_LOST, messages_of, orders_of, read, written,
};
use crate::exit::{Exit, bad_input};
use crate::interrupt::Interrupt;
use crate::{build, log, output};

mod comparison;
mod work;
use work::Work;

/// Interval between [`AgentMessage::Alive`]s.
const ALIVE: Duration = Duration::from_millis(500);

const EXAMPLES: &str = "\
Examples:
  feedlab agent --nats nats://127.0.0.1
  feedlab agent --nats nats://broker.example --as team-blue --name rack-7

Exit status:
    0  ended by Ctrl-C
    1  the broker is unreachable, or rejects the agent
    2  wrong usage

Next:
  feedlab run scenarios/quick.toml --nats nats://127.0.0.1 --agents 2";

/// Drive a share of the clients of runs that start elsewhere
///
/// Waits at a NATS server until `feedlab run --nats … --agents N` finds it. It starts at the same moment as the other
/// agents, sends its results, and then waits for the next run. Ctrl-C ends it. The agents and the run must have the
/// same version. Credentials for the broker come from NATS_USER and NATS_PASSWORD, NATS_TOKEN, or NATS_CREDS=FILE.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = limits::of_agents(EXAMPLES))]
pub(crate) struct Args {
    /// The broker, a NATS server with JetStream
    #[arg(long, value_name = "nats://HOST")]
    nats: BrokerAddress,

    /// Name by which the run and its agents find each other
    #[arg(long = "as", value_name = "NAME", default_value = "feedlab")]
    run: Name,

    /// Name of this agent [default: the machine's name and a number]
    #[arg(long, value_name = "NAME")]
    name: Option<Name>,
}

/// Waits and works until a signal.
pub(crate) fn execute(args: &Args) -> anyhow::Result<Exit> {
    let _ = process::raise_open_file_limit();
    log::begin();
    let credentials = Credentials::from_env().map_err(bad_input)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let signals = Interrupt::listen()?;
        let room = Room::open(&args.nats, &credentials, &args.run).await?;
        let name = args.name.as_ref().map_or_else(own_name, ToString::to_string);
        output::advice(&format!("agent {name} waits at {} for runs named {} (Ctrl-C ends it)", args.nats, args.run));
        let mut agent = Agent { room, name, instance: instance(), current: None };
        tokio::select! {
            result = agent.work() => return result,
            () = signals.stop.cancelled() => {}
        }
        agent.leave_run("it was stopped").await;
        Ok(Exit::Done)
    })
}

fn own_name() -> String {
    let node = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let plain = node.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' });
    format!("{}-{}", plain.take(40).collect::<String>(), std::process::id())
}

/// Returns a number that differs between agents with the same name, on any machine.
fn instance() -> u64 {
    clock::unix_us().rotate_left(20) ^ u64::from(std::process::id())
}

struct Agent {
    room: Room,
    name: String,
    instance: u64,
    /// `None` while the agent is free.
    current: Option<CurrentRun>,
}

/// The run that the agent works for.
struct CurrentRun {
    run: String,
    segment: Segment,
    /// When the last heartbeat of the run arrived.
    heard: Instant,
    work: Option<Work>,
}

impl Agent {
    async fn work(&mut self) -> anyhow::Result<Exit> {
        let room = self.room.clone();
        let (mut calls, mut orders) = (room.listen(AGENTS).await?, room.listen(&orders_of(&self.name)).await?);
        let mut alive = interval(ALIVE);
        alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                call = calls.next(&room) => self.called(&call.context("the connection to the broker is lost")?).await?,
                order = orders.next(&room) => {
                    let order = order.context("the connection to the broker is lost")?;
                    let answer = self.ordered(&order).await;
                    order.answer(written(&answer)).await?;
                }
                message = next_of(&mut self.current) => self.generator_message(message).await,
                _ = alive.tick() => self.tick().await?,
            }
        }
    }

    async fn called(&mut self, call: &Letter) -> anyhow::Result<()> {
        match read(&call.payload) {
            Some(Call::WhoIsThere { run }) if self.current.is_none() => {
                let (feedlab, instance) = (build::ALL.to_owned(), self.instance);
                let descriptors = process::Machine::this().max_open_files;
                self.tell(&run, AgentMessage::Here { instance, feedlab, descriptors }).await?;
            }
            Some(Call::Beat { run }) => {
                if let Some(current) = self.current.as_mut().filter(|current| current.run == run) {
                    current.heard = clock::now();
                }
            }
            Some(Call::Over { run }) => self.leave(&run, "its run is over"),
            _ => {}
        }
        Ok(())
    }

    async fn ordered(&mut self, order: &Letter) -> Answer {
        let done = match read(&order.payload) {
            Some(Order::Join { run, instance, segment }) => self.join(run, instance, segment),
            Some(Order::Measure { run, job }) => self.measure(&run, *job).await,
            Some(Order::Begin { run, at_us }) => self.begin(&run, at_us).await,
            None => Err(anyhow::anyhow!("the order cannot be read: the run and its agents must have the same version")),
        };
        match done {
            Ok(()) => Answer::Done,
            Err(error) => Answer::Refused { why: format!("{error:#}") },
        }
    }

    fn join(&mut self, run: String, instance: u64, segment: Segment) -> anyhow::Result<()> {
        anyhow::ensure!(instance == self.instance, "another agent has this name: give each a different --name");
        anyhow::ensure!(self.current.is_none(), "it is busy with another run");
        output::advice(&format!("joined a run as segment {segment}"));
        self.current = Some(CurrentRun { run, segment, heard: clock::now(), work: None });
        Ok(())
    }

    fn current_run(&mut self, run: &str) -> anyhow::Result<&mut CurrentRun> {
        self.current.as_mut().filter(|current| current.run == run).context("it is busy with another run, or has none")
    }

    async fn measure(&mut self, run: &str, job: Job) -> anyhow::Result<()> {
        let current = self.current_run(run)?;
        current.work = None;
        let segment = current.segment;
        let work = Work::start(&self.room, segment, job).await?;
        self.current_run(run)?.work = Some(work);
        Ok(())
    }

    async fn begin(&mut self, run: &str, at_us: u64) -> anyhow::Result<()> {
        let work = self.current_run(run)?.work.as_mut().context("it has no cell to start")?;
        work.begin(at_us).await
    }

    async fn generator_message(&mut self, message: anyhow::Result<Message>) {
        let Some(CurrentRun { run, segment, work, .. }) = &mut self.current else { return };
        let (run, segment) = (run.clone(), *segment);
        let sent = match message {
            Ok(Message::Event(event)) => match event {
                Event::Ready | Event::Ages { .. } | Event::Connected { .. } => {
                    self.tell(&run, AgentMessage::Event(event)).await
                }
                _ => Ok(()),
            },
            Ok(Message::Portion(portion)) => {
                if let Some(work) = work.take() {
                    let (room, name) = (self.room.clone(), self.name.clone());
                    // In a separate task: it may take a while, and the agent must keep sending that it is alive.
                    tokio::spawn(async move { work.hand_over(room, name, run, segment, *portion).await });
                }
                Ok(())
            }
            Ok(Message::Outcome(_)) => self.fail(&run, "its load generator did more than its part").await,
            Err(error) => self.fail(&run, &format!("{error:#}")).await,
        };
        if let Err(error) = sent {
            output::advice(&format!("warning: {error:#}"));
        }
    }

    async fn fail(&mut self, run: &str, why: &str) -> anyhow::Result<()> {
        if let Some(current) = &mut self.current {
            current.work = None;
        }
        output::advice(&format!("warning: {why}"));
        self.tell(run, AgentMessage::Failed { why: why.to_owned() }).await
    }

    async fn tick(&mut self) -> anyhow::Result<()> {
        let Some(CurrentRun { run, heard, .. }) = &self.current else { return Ok(()) };
        let run = run.clone();
        if heard.elapsed() > RUN_LOST {
            self.leave(&run, "its run stopped responding");
            return Ok(());
        }
        self.tell(&run, AgentMessage::Alive).await
    }

    fn leave(&mut self, run: &str, why: &str) {
        if self.current.take_if(|current| current.run == run).is_some() {
            output::advice(&format!("free again: {why}"));
        }
    }

    /// Leaves the current run, if any, and tells it why.
    async fn leave_run(&mut self, why: &str) {
        if let Some(CurrentRun { run, .. }) = self.current.take() {
            let _ = self.tell(&run, AgentMessage::Failed { why: why.to_owned() }).await;
            let _ = self.room.flush().await;
        }
    }

    async fn tell(&self, run: &str, message: AgentMessage) -> anyhow::Result<()> {
        tell(&self.room, &self.name, run, message).await
    }
}

async fn tell(room: &Room, agent: &str, run: &str, message: AgentMessage) -> anyhow::Result<()> {
    Ok(room.say(&messages_of(run), written(&FromAgent { agent: agent.to_owned(), message })).await?)
}

async fn next_of(current: &mut Option<CurrentRun>) -> anyhow::Result<Message> {
    match current.as_mut().and_then(|current| current.work.as_mut()) {
        Some(work) => work.next().await,
        None => std::future::pending().await,
    }
}

//! `feedlab agent`: waits at a broker for runs, and drives its share of their clients.

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
use crate::agents::{AGENTS, Answer, Call, News, Order, RUN_LOST, Told, orders_of, read, told_to, written};
use crate::exit::{Exit, bad_input};
use crate::interrupt::Interrupt;
use crate::{build, log, output};

mod comparison;
mod work;
use work::Work;

/// How often it says that it is there.
const ALIVE: Duration = Duration::from_millis(500);

const EXAMPLES: &str = "\
Examples:
  feedlab agent --nats nats://127.0.0.1
  feedlab agent --nats nats://broker.example --as team-blue --name rack-7

Exit status:
    0  ended by Ctrl-C
    1  no broker, or none that takes it
    2  wrong usage

Next:
  feedlab run scenarios/quick.toml --nats nats://127.0.0.1 --agents 2";

/// Drive a share of the clients of runs that are started elsewhere
///
/// Waits at a NATS server until `feedlab run --nats … --agents N` finds it, gets ready, begins with the other agents at one
/// moment, and hands over what it found; then it waits for the next run. Ctrl-C ends it. Agents and run are of one version.
/// Who this is to the broker comes from NATS_USER and NATS_PASSWORD, NATS_TOKEN, or NATS_CREDS=FILE.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = limits::of_agents(EXAMPLES))]
pub(crate) struct Args {
    /// The broker, with JetStream
    #[arg(long, value_name = "nats://HOST")]
    nats: BrokerAddress,

    /// The name under which run and agents find each other
    #[arg(long = "as", value_name = "NAME", default_value = "feedlab")]
    run: Name,

    /// What this agent goes by [default: the machine's name and a number]
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
        let mut agent = Agent { room, name, instance: instance(), engaged: None };
        tokio::select! {
            result = agent.work() => return result,
            () = signals.stop.cancelled() => {}
        }
        agent.give_up("it was stopped").await;
        Ok(Exit::Done)
    })
}

fn own_name() -> String {
    let node = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let plain = node.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' });
    format!("{}-{}", plain.take(40).collect::<String>(), std::process::id())
}

/// Another number in each process of a name, on whichever machine.
fn instance() -> u64 {
    clock::unix_us().rotate_left(20) ^ u64::from(std::process::id())
}

struct Agent {
    room: Room,
    name: String,
    instance: u64,
    engaged: Option<Engagement>,
}

/// The run that it works for.
struct Engagement {
    run: String,
    segment: Segment,
    /// When the run was last heard of.
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
                call = calls.next(&room) => self.called(&call.context("the broker is gone")?).await?,
                order = orders.next(&room) => {
                    let order = order.context("the broker is gone")?;
                    let answer = self.ordered(&order).await;
                    order.answer(written(&answer)).await?;
                }
                message = next_of(&mut self.engaged) => self.heard_of_generator(message).await,
                _ = alive.tick() => self.tick().await?,
            }
        }
    }

    async fn called(&mut self, call: &Letter) -> anyhow::Result<()> {
        match read(&call.payload) {
            Some(Call::WhoIsThere { run }) if self.engaged.is_none() => {
                let (feedlab, instance) = (build::ALL.to_owned(), self.instance);
                let descriptors = process::Machine::this().max_open_files;
                self.tell(&run, News::Here { instance, feedlab, descriptors }).await?;
            }
            Some(Call::Beat { run }) => {
                if let Some(engaged) = self.engaged.as_mut().filter(|engaged| engaged.run == run) {
                    engaged.heard = clock::now();
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
            None => Err(anyhow::anyhow!("it does not understand the order: run and agents must be of one version")),
        };
        match done {
            Ok(()) => Answer::Done,
            Err(error) => Answer::Refused { why: format!("{error:#}") },
        }
    }

    fn join(&mut self, run: String, instance: u64, segment: Segment) -> anyhow::Result<()> {
        anyhow::ensure!(instance == self.instance, "another agent has this name: give each its own with --name");
        anyhow::ensure!(self.engaged.is_none(), "it works for another run");
        output::advice(&format!("joined a run as segment {segment}"));
        self.engaged = Some(Engagement { run, segment, heard: clock::now(), work: None });
        Ok(())
    }

    fn engagement(&mut self, run: &str) -> anyhow::Result<&mut Engagement> {
        self.engaged.as_mut().filter(|engaged| engaged.run == run).context("it works for another run, or for none")
    }

    async fn measure(&mut self, run: &str, job: Job) -> anyhow::Result<()> {
        let engaged = self.engagement(run)?;
        engaged.work = None;
        let segment = engaged.segment;
        let work = Work::start(&self.room, segment, job).await?;
        self.engagement(run)?.work = Some(work);
        Ok(())
    }

    async fn begin(&mut self, run: &str, at_us: u64) -> anyhow::Result<()> {
        let work = self.engagement(run)?.work.as_mut().context("it has nothing to begin")?;
        work.begin(at_us).await
    }

    async fn heard_of_generator(&mut self, message: anyhow::Result<Message>) {
        let Some(Engagement { run, segment, work, .. }) = &mut self.engaged else { return };
        let (run, segment) = (run.clone(), *segment);
        let told = match message {
            Ok(Message::Event(event)) => match event {
                Event::Ready | Event::Ages { .. } | Event::Connected { .. } => {
                    self.tell(&run, News::Event(event)).await
                }
                _ => Ok(()),
            },
            Ok(Message::Portion(portion)) => {
                if let Some(work) = work.take() {
                    let (room, name) = (self.room.clone(), self.name.clone());
                    // Beside the loop: it may take its time, and nobody is to think that this agent is gone.
                    tokio::spawn(async move { work.hand_over(room, name, run, segment, *portion).await });
                }
                Ok(())
            }
            Ok(Message::Outcome(_)) => self.fail(&run, "its load generator did more than it was asked for").await,
            Err(error) => self.fail(&run, &format!("{error:#}")).await,
        };
        if let Err(error) = told {
            output::advice(&format!("warning: {error:#}"));
        }
    }

    async fn fail(&mut self, run: &str, why: &str) -> anyhow::Result<()> {
        if let Some(engaged) = &mut self.engaged {
            engaged.work = None;
        }
        output::advice(&format!("warning: {why}"));
        self.tell(run, News::Failed { why: why.to_owned() }).await
    }

    async fn tick(&mut self) -> anyhow::Result<()> {
        let Some(Engagement { run, heard, .. }) = &self.engaged else { return Ok(()) };
        let run = run.clone();
        if heard.elapsed() > RUN_LOST {
            self.leave(&run, "nothing was heard of its run any more");
            return Ok(());
        }
        self.tell(&run, News::Alive).await
    }

    fn leave(&mut self, run: &str, why: &str) {
        if self.engaged.take_if(|engaged| engaged.run == run).is_some() {
            output::advice(&format!("free again: {why}"));
        }
    }

    /// Says that it leaves the run that it works for, if any.
    async fn give_up(&mut self, why: &str) {
        if let Some(Engagement { run, .. }) = self.engaged.take() {
            let _ = self.tell(&run, News::Failed { why: why.to_owned() }).await;
            let _ = self.room.flush().await;
        }
    }

    async fn tell(&self, run: &str, news: News) -> anyhow::Result<()> {
        tell(&self.room, &self.name, run, news).await
    }
}

async fn tell(room: &Room, agent: &str, run: &str, news: News) -> anyhow::Result<()> {
    Ok(room.say(&told_to(run), written(&Told { agent: agent.to_owned(), news })).await?)
}

async fn next_of(engaged: &mut Option<Engagement>) -> anyhow::Result<Message> {
    match engaged.as_mut().and_then(|engaged| engaged.work.as_mut()) {
        Some(work) => work.next().await,
        None => std::future::pending().await,
    }
}

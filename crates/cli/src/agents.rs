//! What a run and its agents say to each other through a broker, as JSON. The broker's part of it is `feedlab_nats::Room`.
//!
//! The run calls who is free ([`Call`]), gives each agent a segment ([`Order`]), and hears from them ([`Told`]) until it is over.
//! What an agent found of a cell is too large for a message, and goes into the run's store.

use std::time::Duration;

use feedlab_experiment::Segment;
use feedlab_feed::limit::{Limit, Most};
use feedlab_loadgen::{Event, Job};
use feedlab_nats::{MAX_OBJECT_BYTES, Name};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Where the run is asked whether it is still there.
pub(crate) const RUN: &str = "run";
/// Where it is asked for the time; it answers with a [`Time`].
pub(crate) const CLOCK: &str = "clock";
/// Where everybody listens who is an agent.
pub(crate) const AGENTS: &str = "agents";

/// How often it is said that the run goes on.
pub(crate) const BEAT: Duration = Duration::from_secs(1);
/// After so much silence an agent is lost.
pub(crate) const AGENT_LOST: Duration = Duration::from_secs(6);
/// After so much silence a run is over.
pub(crate) const RUN_LOST: Duration = Duration::from_secs(10);
/// Most agents that may offer themselves, so that a stranger who makes up names fills no memory.
pub(crate) const MAX_OFFERS: usize = 4 * Segment::MOST as usize;
/// Most exchanges in which clocks are compared for a cell: more than a day of them.
pub(crate) const MAX_EXCHANGES: usize = 100_000;

/// What bounds what a run and its agents take from each other, and from strangers at their broker.
pub(crate) const LIMITS: [Limit; 7] = [
    Limit {
        name: "name of a run or an agent",
        most: Most::Bytes(Name::MAX_BYTES),
        why: "memory of the run; beyond it refused, or not heard",
    },
    Limit {
        name: "agents of a run",
        most: Most::Count(Segment::MOST as usize),
        why: "memory of the run; beyond it refused",
    },
    Limit {
        name: "agents that offer themselves",
        most: Most::Count(MAX_OFFERS),
        why: "memory of the run; the others are called again",
    },
    Limit {
        name: "what an agent found of a cell, and its ages, each",
        most: Most::Bytes(MAX_OBJECT_BYTES),
        why: "memory of the run; beyond it the agent is lost",
    },
    Limit {
        name: "comparisons of clocks in a cell",
        most: Most::Count(MAX_EXCHANGES),
        why: "memory of an agent; then its clock is followed no further",
    },
    Limit { name: "silence of an agent", most: Most::Time(AGENT_LOST), why: "time of the run; then the agent is lost" },
    Limit {
        name: "silence of a run",
        most: Most::Time(RUN_LOST),
        why: "an agent's time; then it is free for another run",
    },
];

/// Where one agent takes orders.
pub(crate) fn orders_of(agent: &str) -> String {
    format!("agent.{agent}")
}

/// Where a run hears from its agents.
pub(crate) fn told_to(run: &str) -> String {
    format!("told.{run}")
}

/// Where the store keeps what a segment found of a cell, and its ages.
pub(crate) fn objects(cell: &str, segment: Segment) -> [String; 2] {
    let (index, of) = (segment.index(), segment.of());
    ["json", "hlog"].map(|kind| format!("{cell}.{index}-of-{of}.{kind}"))
}

/// What a run says to all.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Call {
    /// Who is free says so.
    WhoIsThere { run: String },
    /// The run goes on. Said every second, so that nobody works for one that is gone.
    Beat { run: String },
    /// It is over: its agents are free.
    Over { run: String },
}

/// What a run says to one, who answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Be this one of the run's processes.
    Join { run: String, instance: u64, segment: Segment },
    /// Get ready to drive your share of a cell.
    Measure { run: String, job: Box<Job> },
    /// Its clients connect from then on, µs of Unix time.
    Begin { run: String, at_us: u64 },
}

/// The run's clock, µs of Unix time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Time {
    /// Whose it is: which start of which machine.
    pub(crate) machine: Option<String>,
    /// When the question arrived.
    pub(crate) received: u64,
    /// When the answer was sent.
    pub(crate) answered: u64,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// It will be done.
    Done,
    /// It will not.
    Refused { why: String },
}

/// What an agent says to the run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Told {
    /// Which agent.
    pub(crate) agent: String,
    pub(crate) news: News,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum News {
    /// It is free.
    Here {
        /// Tells two agents of one name apart.
        instance: u64,
        /// Its binary: version, and what it was built from.
        feedlab: String,
        /// Descriptors that it may have; none for no limit.
        descriptors: Option<u64>,
    },
    /// It is still there. Said twice a second.
    Alive,
    /// How far its load generator is.
    Event(Event),
    /// What it found of a cell is in the store.
    Found { cell: String },
    /// It cannot go on.
    Failed { why: String },
}

/// A message as the broker carries it.
pub(crate) fn written(message: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(message).unwrap_or_default()
}

/// A message that came; one that cannot be read is none, since anybody may have sent it.
pub(crate) fn read<T: DeserializeOwned>(payload: &[u8]) -> Option<T> {
    serde_json::from_slice(payload).ok()
}

//! What a run and its agents say to each other through a broker, as JSON. The broker's part of it is `feedlab_nats::Room`.
//!
//! The run calls who is free ([`Call`]), gives each agent a segment ([`Order`]), and hears from them ([`Told`]) until it is over.
//! What an agent found of a cell is too large for a message, and goes into the run's store.

use feedlab_experiment::Segment;
use feedlab_loadgen::{Event, Job};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Where the run is asked whether it is still there.
pub(crate) const RUN: &str = "run";
/// Where it is asked for the time; it answers with a [`Time`].
pub(crate) const CLOCK: &str = "clock";
/// Where everybody listens who is an agent.
pub(crate) const AGENTS: &str = "agents";

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

//! The messages between a run and its agents, as JSON through a broker. `feedlab_nats::Room` carries them.
//!
//! The run calls for free agents ([`Call`]), assigns a segment to each ([`Order`]), and receives their messages
//! ([`FromAgent`]) until it is over. An agent's results of a cell are too large for a message, so they go into the
//! run's store.

use std::time::Duration;

use feedlab_experiment::Segment;
use feedlab_feed::limit::{Limit, Most};
use feedlab_loadgen::{Event, Job};
use feedlab_nats::{MAX_OBJECT_BYTES, Name};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The subject where the run answers whether it is still in progress.
pub(crate) const RUN: &str = "run";
/// The subject where the run answers with its [`Time`].
pub(crate) const CLOCK: &str = "clock";
/// The subject that all agents listen on.
pub(crate) const AGENTS: &str = "agents";

/// Interval of the run's heartbeat.
pub(crate) const BEAT: Duration = Duration::from_secs(1);
/// After this much silence, an agent is lost.
pub(crate) const AGENT_LOST: Duration = Duration::from_secs(6);
/// After this much silence, a run is over.
pub(crate) const RUN_LOST: Duration = Duration::from_secs(10);
/// The most agents that may respond to a call, so that a stranger with made-up names cannot fill the memory.
pub(crate) const MAX_OFFERS: usize = 4 * Segment::MOST as usize;
/// The most exchanges of clock readings in a cell: enough for more than a day.
pub(crate) const MAX_EXCHANGES: usize = 100_000;

/// The limits on what a run and its agents accept from each other, and from strangers at their broker.
pub(crate) const LIMITS: [Limit; 7] = [
    Limit {
        name: "name of a run or an agent",
        most: Most::Bytes(Name::MAX_BYTES),
        why: "memory of the run; longer ones are rejected or ignored",
    },
    Limit {
        name: "agents of a run",
        most: Most::Count(Segment::MOST as usize),
        why: "memory of the run; more are rejected",
    },
    Limit {
        name: "agents that respond to a call",
        most: Most::Count(MAX_OFFERS),
        why: "memory of the run; the others are called again",
    },
    Limit {
        name: "an agent's results of a cell, and its ages, each",
        most: Most::Bytes(MAX_OBJECT_BYTES),
        why: "memory of the run; beyond it the agent is lost",
    },
    Limit {
        name: "clock comparisons in a cell",
        most: Most::Count(MAX_EXCHANGES),
        why: "memory of an agent; then the comparison stops",
    },
    Limit { name: "silence of an agent", most: Most::Time(AGENT_LOST), why: "time of the run; then the agent is lost" },
    Limit {
        name: "silence of a run",
        most: Most::Time(RUN_LOST),
        why: "an agent's time; then it is free for another run",
    },
];

/// Returns the subject where an agent receives orders.
pub(crate) fn orders_of(agent: &str) -> String {
    format!("agent.{agent}")
}

/// Returns the subject where a run receives messages from its agents.
pub(crate) fn messages_of(run: &str) -> String {
    format!("messages.{run}")
}

/// Returns the names in the store of a segment's results of a cell, and of its ages.
pub(crate) fn objects(cell: &str, segment: Segment) -> [String; 2] {
    let (index, of) = (segment.index(), segment.of());
    ["json", "hlog"].map(|kind| format!("{cell}.{index}-of-{of}.{kind}"))
}

/// A message from a run to all agents.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Call {
    /// Asks the free agents to respond.
    WhoIsThere { run: String },
    /// The run is in progress. Sent every second, so that no agent works for a run that is gone.
    Beat { run: String },
    /// The run is over: its agents are free.
    Over { run: String },
}

/// A message from a run to one agent, which answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Join the run, with this segment.
    Join { run: String, instance: u64, segment: Segment },
    /// Prepare to drive the agent's share of a cell.
    Measure { run: String, job: Box<Job> },
    /// Connect the clients from `at_us`, µs of Unix time.
    Begin { run: String, at_us: u64 },
}

/// A reading of the run's clock.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Time {
    /// The boot id of the run's machine.
    pub(crate) machine: Option<String>,
    /// When the query arrived, µs of Unix time.
    pub(crate) received: u64,
    /// When the answer was sent, µs of Unix time.
    pub(crate) answered: u64,
}

/// The answer to an [`Order`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// The agent carries it out.
    Done,
    /// The agent rejects it.
    Refused { why: String },
}

/// A message from an agent to the run, with its sender.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FromAgent {
    /// The name of the agent.
    pub(crate) agent: String,
    pub(crate) message: AgentMessage,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum AgentMessage {
    /// The agent is free.
    Here {
        /// Distinguishes two agents with the same name.
        instance: u64,
        /// Its version, and what it was built from.
        feedlab: String,
        /// How many descriptors it may open; `None` for no limit.
        descriptors: Option<u64>,
    },
    /// The agent is alive. Sent twice per second.
    Alive,
    /// An event of its load generator.
    Event(Event),
    /// Its results of a cell are in the store.
    Measured { cell: String },
    /// The agent cannot continue.
    Failed { why: String },
}

/// Serializes a message.
pub(crate) fn written(message: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(message).unwrap_or_default()
}

/// Parses a message. Returns `None` if it cannot be read: anyone may have sent it.
pub(crate) fn read<T: DeserializeOwned>(payload: &[u8]) -> Option<T> {
    serde_json::from_slice(payload).ok()
}

//! The scenario: the question of a run, and everything that is held equal while it is asked.
//!
//! Two types: [`written`] is the TOML file as people write it, [`Scenario`] is what it means once every default is
//! filled in and every contradiction refused. Only [`Scenario`] leaves this module; the manifest keeps it as resolved.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use feedlab_feed::bounded;
use feedlab_feed::settings::duration;
use serde::{Deserialize, Serialize};

mod contender;
mod error;
mod lab;
mod label;
mod nginx;
mod threshold;
mod validate;
pub mod written;

pub use contender::{Connections, Contender, Http, Link, Options, ReconnectPolicy, Serving, Via};
pub use error::ScenarioError;
pub(crate) use error::{plain_message, position};
pub use feedlab_feed::Transport;
pub use feedlab_feed::link::{LinkFault, Network};
pub use feedlab_feed::schedule::ScheduleKind;
pub use feedlab_feed::settings::{AgeFrom, SlowPolicy, Stall};
pub use lab::{Fault, FaultKind, ProcessFault};
pub use nginx::{Balance, Nginx};
pub use threshold::{Comparison, Threshold};

/// A validated scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// Short name: part of the results folder's name.
    pub name: String,
    /// What the run is to answer, in one sentence.
    pub question: String,
    /// Fixes the schedule, the shuffle of the cells and the clients' phases.
    pub seed: u64,
    /// What is published.
    pub feed: Feed,
    /// Who listens.
    pub clients: Clients,
    /// The way between them; `None` is plain loopback.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub network: Option<Network>,
    /// How nginx is set up, for the contenders that go through it.
    #[serde(skip_serializing_if = "Nginx::is_default", default)]
    pub nginx: Nginx,
    /// What breaks while it is measured.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub faults: Vec<Fault>,
    /// How long each cell is measured, and how often.
    pub measure: Measure,
    /// What is compared: at least one, labels differ.
    pub contenders: Vec<Contender>,
    /// What must hold for exit status 0.
    pub thresholds: Vec<Threshold>,
}

impl Scenario {
    /// Reads and validates a scenario file.
    ///
    /// # Errors
    /// When the file, or the recording that it names, cannot be read or says something that cannot be measured. The
    /// message is one line: where, what is wrong, and the remedy.
    pub fn load(file: &Path) -> Result<Self, ScenarioError> {
        Self::parse(&Self::text(file)?, file)
    }

    /// The text of a scenario file, as a results folder keeps it.
    ///
    /// # Errors
    /// When the file cannot be read, or is larger than 1 MiB.
    pub fn text(file: &Path) -> Result<String, ScenarioError> {
        read(file).map_err(|error| ScenarioError::read(file, error))
    }

    /// Validates the text of a scenario file; a relative path in it counts from the folder of `file`.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn parse(text: &str, file: &Path) -> Result<Self, ScenarioError> {
        validate::scenario(text, file)
    }

    /// How long the phases of a cell take together.
    #[must_use]
    pub fn cell_duration(&self) -> Duration {
        let Measure { settle, warm_up, duration, drain, .. } = self.measure;
        self.clients.ramp + settle + warm_up + duration + drain
    }

    /// How many servers a contender has: behind nginx those that it begins with, and those that are added; else those of the
    /// feed.
    #[must_use]
    pub fn servers(&self, via: Via) -> u32 {
        let added = self.faults.iter().filter(|fault| fault.kind == FaultKind::Process(ProcessFault::Add)).count();
        if via.is_nginx() { self.nginx.upstreams + added as u32 } else { self.feed.servers }
    }
}

/// The text of a scenario file, wherever it is.
pub(crate) fn read(file: &Path) -> io::Result<String> {
    bounded::read_text(file, bounded::TEXT_BYTES)
}

/// What is published, the same for every contender.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feed {
    /// Where updates come from.
    #[serde(flatten)]
    pub source: Source,
    /// Where the feed lives, if not in the server that publishes it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub broker: Option<Broker>,
    /// How many updates the server keeps for clients that come back.
    pub history: usize,
    /// Processes that serve it, each to its share of the clients.
    #[serde(skip_serializing_if = "is_one", default = "one")]
    pub servers: u32,
    /// A pause of the publisher, on purpose.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stall: Option<Stall>,
}

const fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks in this way")]
const fn is_one(servers: &u32) -> bool {
    *servers == 1
}

/// A broker that has the feed, so that every server serves the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Broker {
    /// A stream of NATS JetStream, on a `nats-server` that the run starts.
    Nats,
}

impl Feed {
    /// Whether another server, or the same one started again, has the same updates.
    #[must_use]
    pub const fn is_reproducible(&self) -> bool {
        self.broker.is_some() || matches!(self.source, Source::Synthetic { .. } | Source::Replay { .. })
    }
}

/// Where updates come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "kebab-case")]
pub enum Source {
    /// Made-up updates on a schedule.
    Synthetic {
        /// Updates a second.
        updates_per_s: f64,
        /// Their distribution in time.
        schedule: ScheduleKind,
        /// Updates in a burst; 1 unless the schedule is burst.
        burst_size: u32,
        /// Payloads of an update, bytes, ascending; more than one is a sweep.
        payload_bytes: Vec<usize>,
        /// Payloads are bytes and not text.
        #[serde(skip_serializing_if = "std::ops::Not::not", default)]
        binary: bool,
    },
    /// A recorded feed.
    Replay {
        /// The NDJSON file, found relative to the scenario file.
        file: PathBuf,
        /// Playing speed; 1 is the recording's own.
        speed: f64,
    },
    /// This machine's load figures.
    Host {
        /// Readings a second.
        updates_per_s: f64,
    },
    /// The clients themselves: each publishes in turn, over a WebSocket in frames, over the others with POST. Ages count
    /// from the moment at which a client was due to send.
    Clients {
        /// Updates a second of all clients together, independent of each other.
        updates_per_s: f64,
        /// Payload of an update, bytes.
        payload_bytes: usize,
    },
}

impl Source {
    /// The payload sizes that cells are measured for; a single `None` where the scenario does not sweep over them.
    #[must_use]
    pub fn payload_sweep(&self) -> Vec<Option<usize>> {
        match self {
            Self::Synthetic { payload_bytes, .. } if payload_bytes.len() > 1 => {
                payload_bytes.iter().copied().map(Some).collect()
            }
            _ => vec![None],
        }
    }
}

/// Who listens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clients {
    /// Numbers of clients, ascending; more than one is a sweep.
    pub count: Vec<u32>,
    /// Time over which they connect.
    #[serde(with = "duration")]
    pub ramp: Duration,
    /// Which request headers they send.
    pub headers: Headers,
    /// Clients besides those that are counted, which read too slowly; their updates are in no figure of the others.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub slow: Option<SlowClients>,
    /// The share of the connections that changes each second, above 0 and at most 1: once the ramp is over, each client ends
    /// its own at independent moments, and comes back at once. Slow clients stay.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub churn: Option<f64>,
}

/// Clients that read too slowly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlowClients {
    /// So many.
    pub count: u32,
    /// What each of them reads in a second, bytes.
    pub bytes_per_s: u64,
}

/// Request headers of a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Headers {
    /// The few that HTTP needs.
    #[default]
    #[serde(rename = "bare")]
    Bare,
    /// Those of a desktop browser, about 600 bytes.
    #[serde(rename = "browser")]
    Browser,
    /// Those of a desktop browser, and a session's cookies.
    #[serde(rename = "browser+cookies")]
    BrowserCookies,
}

/// The phases of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// Quiet time after the last client connected, before the feed starts.
    #[serde(with = "duration")]
    pub settle: Duration,
    /// Time from the feed's start that is not counted.
    #[serde(with = "duration")]
    pub warm_up: Duration,
    /// Time that is counted.
    #[serde(with = "duration")]
    pub duration: Duration,
    /// Time after it in which late updates may still arrive.
    #[serde(with = "duration")]
    pub drain: Duration,
    /// How often each cell is measured.
    pub repetitions: u32,
}

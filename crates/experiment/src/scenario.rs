//! The scenario: the question of a run, and everything that stays equal across its contenders.
//!
//! There are two representations: [`written`] is the TOML file as written, and [`Scenario`] is its meaning, with all
//! defaults filled in and all contradictions rejected. Only [`Scenario`] leaves this module; the manifest stores it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use feedlab_feed::bounded;
use feedlab_feed::settings::duration;
use serde::{Deserialize, Serialize};

use crate::precision::Precision;

mod change;
mod contender;
mod emulated_link;
mod error;
mod lab;
mod label;
mod nginx;
mod target;
mod threshold;
mod validate;
pub mod written;

pub(crate) use change::with_changes;
pub use change::{Change, ChangeError};
pub use contender::{Connections, Contender, Http, Link, Options, ReconnectPolicy, Serving, Via};
pub use emulated_link::{Congestion, EmulatedLink, NetworkModel, Profile};
pub use error::ScenarioError;
pub(crate) use error::{plain_message, position};
pub use feedlab_feed::Transport;
pub use feedlab_feed::link::{Emulation, LinkFault, Network, Queue, Rate};
pub use feedlab_feed::schedule::ScheduleKind;
pub use feedlab_feed::settings::{AgeFrom, SlowPolicy, Stall};
pub use lab::{Fault, FaultKind, ProcessFault};
pub use nginx::{Balance, Nginx};
pub use target::{AT, CursorRecipe, CursorSource, Endpoint, PORT, Publish, SEQ, StampRecipe, Target, TimeUnit, UPDATE};
pub use threshold::{Comparison, Threshold};

/// A validated scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// The short name, which is part of the results folder's name.
    pub name: String,
    /// The question that the run answers, in one sentence.
    pub question: String,
    /// The random seed of the schedule, the order of the cells and the clients' phases.
    pub seed: u64,
    /// The feed: what is published.
    pub feed: Feed,
    /// The clients that receive the feed.
    pub clients: Clients,
    /// The emulated network between clients and server; `None` for plain loopback.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub network: Option<Network>,
    /// The link that emulates the network, if not the lab proxy does. Its round trip and jitter are in `network` too.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub link: Option<EmulatedLink>,
    /// The nginx configuration, for contenders that connect through nginx.
    #[serde(skip_serializing_if = "Nginx::is_default", default)]
    pub nginx: Nginx,
    /// The faults that happen during the measured time.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub faults: Vec<Fault>,
    /// How long and how often each cell is measured.
    pub measure: Measure,
    /// The precision with which the cells are measured; `None` if each is measured as often as [`Measure`] says.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub precision: Option<Precision>,
    /// The servers of others that contenders name.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub targets: Vec<Target>,
    /// What is compared: at least one contender, each with its own label.
    pub contenders: Vec<Contender>,
    /// The conditions for exit status 0.
    pub thresholds: Vec<Threshold>,
}

impl Scenario {
    /// Reads and validates a scenario file.
    ///
    /// # Errors
    /// If the file or the recording that it names cannot be read, or describes something that cannot be measured. The
    /// message is one line: the place, the problem and the remedy.
    pub fn load(file: &Path) -> Result<Self, ScenarioError> {
        Self::parse(&Self::text(file)?, file)
    }

    /// Returns the text of a scenario file, as a results folder keeps it.
    ///
    /// # Errors
    /// If the file cannot be read, or is larger than 1 MiB.
    pub fn text(file: &Path) -> Result<String, ScenarioError> {
        read(file).map_err(|error| ScenarioError::read(file, error))
    }

    /// Validates the text of a scenario file; relative paths in it are resolved against the folder of `file`.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn parse(text: &str, file: &Path) -> Result<Self, ScenarioError> {
        validate::scenario(text, file)
    }

    /// Returns how long the phases of a cell take together.
    #[must_use]
    pub fn cell_duration(&self) -> Duration {
        let Measure { settle, warm_up, duration, drain, .. } = self.measure;
        self.clients.ramp + settle + warm_up + duration + drain
    }

    /// Returns the target that a contender measures; `None` for feedlab's own server.
    #[must_use]
    pub fn target(&self, contender: &Contender) -> Option<&Target> {
        let name = contender.target.as_ref()?;
        self.targets.iter().find(|target| target.name == *name)
    }

    /// Returns how many servers a contender has: behind nginx the initial ones and those that are added, otherwise the
    /// servers of the feed.
    #[must_use]
    pub fn servers(&self, via: Via) -> u32 {
        let added = self.faults.iter().filter(|fault| fault.kind == FaultKind::Process(ProcessFault::Add)).count();
        if via.is_nginx() { self.nginx.upstreams + added as u32 } else { self.feed.servers }
    }
}

/// Reads the text of a scenario file from any path.
pub(crate) fn read(file: &Path) -> io::Result<String> {
    bounded::read_text(file, bounded::TEXT_BYTES)
}

/// The feed: what is published, the same for every contender.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feed {
    /// Where updates come from.
    #[serde(flatten)]
    pub source: Source,
    /// The broker that holds the feed; `None` if the server itself does.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub broker: Option<Broker>,
    /// How many past updates the server keeps for clients that reconnect.
    pub history: usize,
    /// The number of server processes; each serves a share of the clients.
    #[serde(skip_serializing_if = "is_one", default = "one")]
    pub servers: u32,
    /// A planned pause of the publisher.
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

/// A broker that holds the feed, so that every server serves the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Broker {
    /// A NATS JetStream stream on a `nats-server` that the run starts.
    Nats,
}

impl Feed {
    /// Whether another server, or the same one after a restart, publishes the same updates.
    #[must_use]
    pub const fn is_reproducible(&self) -> bool {
        self.broker.is_some() || matches!(self.source, Source::Synthetic { .. } | Source::Replay { .. })
    }
}

/// Where updates come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "kebab-case")]
pub enum Source {
    /// Synthetic updates on a schedule.
    Synthetic {
        /// Updates per second.
        updates_per_s: f64,
        /// The distribution of the updates over time.
        schedule: ScheduleKind,
        /// Updates per burst; 1 unless the schedule is burst.
        burst_size: u32,
        /// Payload sizes of an update, bytes, ascending; more than one is a sweep.
        payload_bytes: Vec<usize>,
        /// Whether payloads are bytes instead of text.
        #[serde(skip_serializing_if = "std::ops::Not::not", default)]
        binary: bool,
    },
    /// A recorded feed.
    Replay {
        /// The NDJSON file; a relative path in the scenario is resolved against the scenario file.
        file: PathBuf,
        /// The playback speed; 1 is the original speed.
        speed: f64,
    },
    /// Load figures of this machine.
    Host {
        /// Readings per second.
        updates_per_s: f64,
    },
    /// The clients themselves: each publishes in turn, in frames over a WebSocket, with POST over the other transports.
    /// Ages count from the moment at which a client was due to send.
    Clients {
        /// Updates per second of all clients together, at independent times.
        updates_per_s: f64,
        /// Payload of an update, bytes.
        payload_bytes: usize,
    },
}

impl Source {
    /// Returns the payload sizes for which cells are measured; a single `None` if the scenario does not sweep over
    /// them.
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

/// The clients that receive the feed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clients {
    /// Client counts, ascending; more than one is a sweep.
    pub count: Vec<u32>,
    /// The time over which the clients connect.
    #[serde(with = "duration")]
    pub ramp: Duration,
    /// The request headers that the clients send.
    pub headers: Headers,
    /// Additional clients that read too slowly; their updates are not included in the metrics.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub slow: Option<SlowClients>,
    /// The share of the connections that clients replace each second, above 0 and at most 1: after the ramp, each
    /// client ends its connection at random moments and reconnects immediately. Slow clients keep theirs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub churn: Option<f64>,
}

/// Clients that read too slowly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlowClients {
    /// The number of slow clients.
    pub count: u32,
    /// How much each of them reads per second, bytes.
    pub bytes_per_s: u64,
}

/// The request headers that a client sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Headers {
    /// Only the headers that HTTP requires.
    #[default]
    #[serde(rename = "bare")]
    Bare,
    /// The headers of a desktop browser, about 600 bytes.
    #[serde(rename = "browser")]
    Browser,
    /// The headers of a desktop browser and a session's cookies.
    #[serde(rename = "browser+cookies")]
    BrowserCookies,
}

/// The phases of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// The idle time after the last client has connected and before the feed starts.
    #[serde(with = "duration")]
    pub settle: Duration,
    /// The time from the start of the feed that is not counted.
    #[serde(with = "duration")]
    pub warm_up: Duration,
    /// The measured time.
    #[serde(with = "duration")]
    pub duration: Duration,
    /// The time after the measured time in which late updates may still arrive.
    #[serde(with = "duration")]
    pub drain: Duration,
    /// How often each cell is measured; with a precision, how often at least.
    pub repetitions: u32,
}

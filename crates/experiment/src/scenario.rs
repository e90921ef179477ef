//! The scenario: the question of a run, and everything that is held equal while it is asked.
//!
//! Two types: [`written`] is the TOML file as people write it, [`Scenario`] is what it means once every default is
//! filled in and every contradiction refused. Only [`Scenario`] leaves this module; the manifest keeps it as resolved.

use std::path::{Path, PathBuf};
use std::time::Duration;

use feedlab_feed::Transport;
use serde::{Deserialize, Serialize};

pub mod duration;
mod error;
mod label;
mod validate;
pub mod written;

pub use error::ScenarioError;

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
        let text = std::fs::read_to_string(file).map_err(|error| ScenarioError::read(file, error))?;
        Self::parse(&text, file)
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
}

/// What is published, the same for every contender.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feed {
    /// Where updates come from.
    #[serde(flatten)]
    pub source: Source,
    /// How many updates the server keeps for clients that come back.
    pub history: usize,
    /// A pause of the publisher, on purpose.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stall: Option<Stall>,
}

/// A time in which nothing is published. What falls due meanwhile is published at its end, and keeps its due time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stall {
    /// When it begins, from the begin of the measured time.
    #[serde(with = "duration")]
    pub after: Duration,
    /// How long it lasts.
    #[serde(with = "duration", rename = "for")]
    pub length: Duration,
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
    },
    /// A recorded feed.
    Replay {
        /// The NDJSON file, found relative to the scenario file.
        file: PathBuf,
        /// Playing speed; 1 is the recording's own.
        speed: f64,
    },
    /// A line of standard input, an update.
    Stdin,
    /// This machine's load figures.
    Host {
        /// Readings a second.
        updates_per_s: f64,
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

/// Distribution of synthetic updates in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleKind {
    /// Evenly spaced.
    Constant,
    /// Independent arrivals, as events in the world are.
    Poisson,
    /// Heaps of `burst_size`.
    Burst,
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

/// One transport with its options: one line of the comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contender {
    /// Its name in every table and legend; unique in the scenario.
    pub label: String,
    /// The transport and its options.
    #[serde(flatten)]
    pub options: Options,
    /// From when its ages count.
    #[serde(skip_serializing_if = "AgeFrom::is_due", default)]
    pub age_from: AgeFrom,
}

/// From when the age of an update counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AgeFrom {
    /// When it was due, however late it was published: a stall ages every update that fell into it.
    #[default]
    Due,
    /// When it was published: what a measurement sees that waits for the system under test, and so omits what a stall
    /// held up (coordinated omission). To be shown beside the other, never instead.
    Publication,
}

impl AgeFrom {
    /// Whether ages count from the due time, as they do unless a contender says otherwise.
    #[must_use]
    pub const fn is_due(&self) -> bool {
        matches!(self, Self::Due)
    }
}

impl Contender {
    /// The contender's transport.
    #[must_use]
    pub const fn transport(&self) -> Transport {
        match self.options {
            Options::ShortPolling { .. } => Transport::ShortPolling,
            Options::LongPolling { .. } => Transport::LongPolling,
            Options::Sse { .. } => Transport::Sse,
            Options::WebSocket { .. } => Transport::WebSocket,
        }
    }
}

/// A transport's options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "transport", rename_all = "kebab-case")]
pub enum Options {
    /// Short polling.
    ShortPolling {
        /// Time from one request to the next.
        #[serde(with = "duration")]
        interval: Duration,
        /// Use one connection for all requests.
        keep_alive: bool,
        /// Send `If-None-Match`, so that "nothing new" is a 304.
        conditional: bool,
    },
    /// Long polling.
    LongPolling {
        /// How long the server may hold a request.
        #[serde(with = "duration")]
        hold: Duration,
        /// Use one connection for all requests.
        keep_alive: bool,
    },
    /// Server-Sent Events.
    Sse {
        /// Time between the server's keepalive comments.
        #[serde(with = "duration")]
        keepalive: Duration,
    },
    /// WebSocket.
    #[serde(rename = "websocket")]
    WebSocket {
        /// Time between the server's pings.
        #[serde(with = "duration")]
        keepalive: Duration,
    },
}

/// A condition on one metric of every contender.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// The metric.
    pub metric: crate::Metric,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what: a figure in the metric's unit, or for [`Comparison::Within`] a distance in percent.
    pub value: f64,
    /// Only contenders of this transport; all without it.
    pub transport: Option<Transport>,
}

/// How a threshold compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// `==`
    #[serde(rename = "==")]
    Equal,
    /// `!=`
    #[serde(rename = "!=")]
    NotEqual,
    /// `<`
    #[serde(rename = "<")]
    Less,
    /// `<=`
    #[serde(rename = "<=")]
    AtMost,
    /// `>`
    #[serde(rename = ">")]
    Greater,
    /// `>=`
    #[serde(rename = ">=")]
    AtLeast,
    /// `within … % of predicted`: what is predicted for the entry, more or less so many percent.
    #[serde(rename = "within")]
    Within,
}

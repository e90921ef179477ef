//! The sources of updates. A source says when its next update is due, then makes it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::schedule::Schedule;
use crate::{Data, EventType};

mod host;
mod jetstream;
mod replay;
mod stdin;
mod synthetic;

pub use jetstream::{BrokerAddress, StreamAddress, StreamAddressError};
pub use replay::{Recording, ReplayError};

/// When an update is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// This long after the start of the feed.
    At(Duration),
    /// As soon as it exists: for a live source.
    Now,
}

/// What is published: an update without its position in the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The event name.
    pub event_type: EventType,
    /// The payload.
    pub data: Data,
}

/// The source of a feed, called in turns: [`next_due`](Source::next_due), wait until then,
/// [`produce`](Source::produce).
pub trait Source: Send {
    /// Returns when the next update is due; `None` at the end of the feed. A live source blocks until it has one.
    fn next_due(&mut self) -> Option<Due>;

    /// Makes the update that `next_due` announced, at the time it is due.
    fn produce(&mut self) -> Item;
}

/// The source to open, with its options.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum SourceConfig {
    /// Made-up updates on a schedule.
    Synthetic {
        /// Updates per second.
        rate: f64,
        /// Their distribution in time.
        schedule: Schedule,
        /// Payload of each update, bytes.
        payload_bytes: usize,
        /// Bytes instead of text.
        binary: bool,
    },
    /// A recorded feed, one JSON object per line.
    Replay {
        /// The NDJSON file.
        file: PathBuf,
        /// 1 is the recording's own speed, 60 plays an hour in a minute.
        speed: f64,
        /// Begin again after the last update instead of ending the feed.
        repeat: bool,
    },
    /// A recorded feed that is already in memory, and so cannot be serialized.
    #[serde(skip)]
    Recorded {
        /// The recording.
        recording: Arc<Recording>,
        /// 1 is the recording's own speed, 60 plays an hour in a minute.
        speed: f64,
        /// Begin again after the last update instead of ending the feed.
        repeat: bool,
    },
    /// Standard input, one update per line.
    Stdin,
    /// This machine's load figures.
    Host {
        /// Readings per second.
        rate: f64,
    },
    /// A NATS JetStream stream, which any number of servers may serve: none of them produces its updates.
    Stream(StreamAddress),
}

impl SourceConfig {
    /// Opens the source. The source of a stream is empty: its updates are produced elsewhere.
    ///
    /// # Errors
    /// When a replay file cannot be read; the message names the file, the line and what is wrong with it.
    pub fn open(&self) -> Result<Box<dyn Source>, ReplayError> {
        Ok(match self {
            Self::Synthetic { rate, schedule, payload_bytes, binary } => {
                Box::new(synthetic::Synthetic::new(schedule.due_times(*rate), *payload_bytes, *binary))
            }
            Self::Replay { file, speed, repeat } => {
                Box::new(replay::Replay::new(Arc::new(Recording::read(file)?), *speed, *repeat))
            }
            Self::Recorded { recording, speed, repeat } => {
                Box::new(replay::Replay::new(recording.clone(), *speed, *repeat))
            }
            Self::Stdin => Box::new(stdin::Lines::new(std::io::BufReader::new(std::io::stdin()))),
            Self::Host { rate } => Box::new(host::Host::new(Schedule::Constant.due_times(*rate))),
            Self::Stream(_) => Box::new(jetstream::Elsewhere),
        })
    }
}

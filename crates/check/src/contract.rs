//! The contract as it is written in `docs/contract`: stages, cases and their steps, and nothing about how to carry them
//! out. `docs/contract/README.md` says what each key means.

use std::fmt;

use serde::{Deserialize, Serialize};

mod embedded;
mod step;
pub(crate) mod template;
mod validate;
mod value;

pub use embedded::{Contract, ContractError};
pub use step::Step;
pub use value::{Count, Frame, Time};

/// A file of the contract: cases that teach one thing.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Its number, which is also its place.
    pub stage: u8,
    /// What it is about.
    pub title: String,
    /// What a learner is asked before it.
    pub question: String,
    /// Its cases, in order.
    #[serde(rename = "case")]
    pub cases: Vec<Case>,
}

/// One rule, and how to find out whether a server follows it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Its name, unique in the contract.
    pub id: String,
    /// The servers that it applies to.
    pub profiles: Vec<Profile>,
    /// What a failure means.
    #[serde(default)]
    pub level: Level,
    /// What is required, in one sentence.
    pub rule: String,
    /// Where that is written.
    pub source: String,
    /// The address of the source.
    pub url: String,
    /// What to change in a server that fails.
    pub fix: String,
    /// What the runner must be able to do.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// Earlier cases; if one of them failed, this one is not tried.
    #[serde(default)]
    pub requires: Vec<String>,
    /// The values of `$N` to try, in order.
    #[serde(default = "once")]
    pub sizes: Vec<u32>,
    /// What to do and what to expect, in order.
    pub steps: Vec<Step>,
}

fn once() -> Vec<u32> {
    vec![1]
}

impl Case {
    /// Whether the case publishes.
    #[must_use]
    pub fn publishes(&self) -> bool {
        self.needs.iter().any(|need| matches!(need, Need::Publish | Need::History))
    }
}

/// The kind of server that is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// The whole wire contract of feedlab, `docs/wire.md`.
    Feedlab,
    /// Any event stream.
    Sse,
    /// Any WebSocket that sends updates.
    Websocket,
    /// Any poll that answers JSON.
    Poll,
}

/// What a failure means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// The server is wrong.
    #[default]
    Must,
    /// The server would be better otherwise.
    Should,
}

/// What the runner must be able to do for a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// Publish an update.
    Publish,
    /// End the server gracefully and start it again.
    Restart,
    /// The server replays past updates for a cursor.
    History,
    /// Nothing is published but by this check.
    Quiet,
    /// A WebSocket takes messages from its clients.
    Messages,
}

/// The endpoint that a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Endpoint {
    /// Short polling.
    Poll,
    /// Long polling.
    LongPoll,
    /// Server-Sent Events.
    Sse,
    /// WebSocket.
    Websocket,
    /// Where updates are published (feedlab only).
    Publish,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Poll => "poll",
            Self::LongPoll => "long-poll",
            Self::Sse => "sse",
            Self::Websocket => "websocket",
            Self::Publish => "publish",
        })
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Feedlab => "feedlab",
            Self::Sse => "sse",
            Self::Websocket => "websocket",
            Self::Poll => "poll",
        })
    }
}

/// How a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Close {
    /// Both directions, in order.
    Fin,
    /// At once, with a TCP reset.
    Reset,
    /// The sending side only.
    Half,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// With a complete body, or after a close frame.
    Clean,
    /// In any way.
    #[default]
    Any,
}

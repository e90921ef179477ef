//! Somebody else's server: where its endpoints are, how it is started, and how updates are published to it and found in
//! what it sends.
//!
//! A contender names a target instead of using feedlab's own server. The clients, their audit and what is measured at
//! them stay the same.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use feedlab_feed::Transport;
use serde::{Deserialize, Serialize};

use super::{ScenarioError, validate};

mod chosen;
pub(super) mod conflict;

/// Where a port that the run has chosen is inserted, in [`Target::command`] and [`Target::url`].
pub const PORT: &str = "$PORT";
/// Where the text of an update is inserted, in [`Publish::body`].
pub const UPDATE: &str = "$UPDATE";
/// Where the number of an update is inserted, in [`Publish::body`].
pub const SEQ: &str = "$SEQ";
/// Where the time at which an update was due is inserted, in [`Publish::body`].
pub const AT: &str = "$AT";

/// The default `hold` of long polling, which a target's contender has too: how long a target holds a request is its own
/// choice.
pub(super) const USUAL_HOLD: Duration = Duration::from_secs(25);

/// Somebody else's server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The name by which contenders refer to it.
    pub name: String,
    /// The shell command that starts it, in the folder in which feedlab was started; `None` if it is running already. Its CPU
    /// and memory are measured only if the run has started it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub command: Option<String>,
    /// Where it is: `http://`, host and port, and possibly a path before those of the endpoints.
    pub url: String,
    /// Whether it may be on another machine.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub remote: bool,
    /// The path that it answers as soon as it is ready; by default it is ready when it accepts connections.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ready: Option<String>,
    /// Its endpoints.
    pub endpoints: BTreeMap<Transport, Endpoint>,
    /// How updates are published; `None` if it publishes a feed of its own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub publish: Option<Publish>,
    /// How an update is found in what arrives.
    #[serde(default)]
    pub stamp: StampRecipe,
}

impl Target {
    /// Reads and validates a file with a single target; `schema = 1` may be left out.
    ///
    /// # Errors
    /// If the file cannot be read, or has anything else than one target that can be measured. The message is one line: the
    /// place, the problem and the remedy.
    pub fn load(file: &Path) -> Result<Self, ScenarioError> {
        let text = super::read(file).map_err(|error| ScenarioError::ReadTarget { file: file.to_owned(), error })?;
        Self::parse(&text, file)
    }

    /// Validates the text of such a file.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn parse(text: &str, file: &Path) -> Result<Self, ScenarioError> {
        validate::target_file(text, file)
    }
}

/// An endpoint of a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The path, which may have a query.
    pub path: String,
    /// What a client sends to continue where it was.
    #[serde(default)]
    pub cursor: CursorRecipe,
}

/// What a client sends to continue where it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CursorRecipe {
    /// What the transport defines: `Last-Event-ID` for an event stream, nothing for the others.
    #[default]
    Standard,
    /// Nothing, not even `Last-Event-ID`.
    None,
    /// The last response's `ETag` and `Last-Modified`, as `If-None-Match` and `If-Modified-Since`.
    Etag,
    /// A query parameter.
    Query {
        /// The name of the parameter.
        name: String,
        /// Where its value is.
        from: CursorSource,
    },
}

/// Where the value of a cursor is in what arrives. Without a value, for example before the first response, the
/// parameter is not sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CursorSource {
    /// A field of the last response's head.
    Header(String),
    /// A JSON pointer (RFC 6901) into the last response or message.
    Pointer(String),
    /// The `seq` of the last update.
    Seq,
}

/// The request that publishes an update.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publish {
    /// The method.
    pub method: String,
    /// The path, which may have a query.
    pub path: String,
    /// Header fields in addition to `Host` and `Content-Length`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub headers: Vec<(String, String)>,
    /// The body. `$UPDATE` stands for the text of the update, `$SEQ` for its number, and `$AT` for when it was due, µs of
    /// Unix time.
    pub body: String,
}

/// How an update is found in what arrives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StampRecipe {
    /// The text that stands for `$UPDATE` is looked for anywhere: see [`crate::stamp`].
    #[default]
    Text,
    /// JSON pointers (RFC 6901) to the number of the update and to when it was due.
    Pointers {
        /// The update's number, which grows by one.
        seq: String,
        /// When it was due.
        at: String,
        /// The unit of `at`.
        unit: TimeUnit,
    },
    /// A regular expression with the named groups `seq` and `at`; each match is an update.
    Pattern {
        /// The expression.
        pattern: String,
        /// The unit of `at`.
        unit: TimeUnit,
    },
}

/// The unit of a time that a target sends: since the start of Unix time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum TimeUnit {
    /// Microseconds.
    #[default]
    #[serde(rename = "us")]
    Micros,
    /// Milliseconds.
    #[serde(rename = "ms")]
    Millis,
    /// Seconds.
    #[serde(rename = "s")]
    Seconds,
}

impl TimeUnit {
    /// Returns the length of the unit, µs.
    #[must_use]
    pub const fn micros(self) -> u64 {
        match self {
            Self::Micros => 1,
            Self::Millis => 1_000,
            Self::Seconds => 1_000_000,
        }
    }
}

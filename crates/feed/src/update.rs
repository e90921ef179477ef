//! The update and the gap: words that every endpoint and every client shares. A client's place is in `cursor.rs`.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::text;

/// One item of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// Position in the feed: 1, 2, 3 … without holes.
    pub seq: u64,
    /// When the update was *due* to be published, in µs of Unix time. At 2026's size this is below 2^53, so a
    /// JavaScript number holds it exactly.
    pub at: u64,
    /// The event name, as in SSE's `event:` field.
    pub event_type: EventType,
    /// What the application wanted to say.
    pub data: Data,
}

/// What an update carries: text as it stands, or bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// Any Unicode text; line breaks and NUL included.
    Text(String),
    /// Any bytes. Endpoints that speak JSON carry them as base64 and say so.
    Binary(Bytes),
}

impl Data {
    /// Length of the payload in bytes, before any encoding.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// Whether the payload is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The updates `from ..= to` that a client asked for and the server can no longer give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// First `seq` that is lost.
    pub from: u64,
    /// Last `seq` that is lost.
    pub to: u64,
}

/// The name of an update's event: 1 to 64 bytes of text without control characters, so that it fits on a line of its
/// own in every endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventType(String);

impl EventType {
    /// Longest name, in bytes.
    pub const MAX_LEN: usize = 64;
    /// The name that the endpoints use to tell a client of a [`Gap`]; no update may have it.
    pub const GAP: &'static str = "gap";
    /// The name that an event stream uses to tell a client of a [`Reset`](crate::Reset); no update may have it.
    pub const RESET: &'static str = "reset";
    /// What a browser's `EventSource` calls an event without a name.
    pub const MESSAGE: &'static str = "message";

    /// Checks a name.
    ///
    /// # Errors
    /// When the name is empty, longer than [`Self::MAX_LEN`], has a letter that hides, or is reserved.
    pub fn new(name: impl Into<String>) -> Result<Self, EventTypeError> {
        let name = name.into();
        if name.len() > Self::MAX_LEN || !text::is_name(&name) {
            return Err(EventTypeError::Malformed);
        }
        if [Self::GAP, Self::RESET].contains(&&*name) {
            return Err(EventTypeError::Reserved);
        }
        Ok(Self(name))
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for EventType {
    fn default() -> Self {
        Self(Self::MESSAGE.to_owned())
    }
}

impl TryFrom<String> for EventType {
    type Error = EventTypeError;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::new(name)
    }
}

impl From<EventType> for String {
    fn from(name: EventType) -> Self {
        name.0
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a name cannot be an [`EventType`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventTypeError {
    /// Empty, too long, or with characters that an endpoint could not carry.
    #[error("an event type is 1 to 64 bytes of text on one line")]
    Malformed,
    /// One of the endpoints' own names.
    #[error("the event types `gap` and `reset` are reserved: the server uses them to tell a client what it lost")]
    Reserved,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_types_that_an_endpoint_could_not_carry_are_refused() {
        let long = "x".repeat(65);
        for name in ["", "line\nbreak", "null\0", "\u{85}", " ", "\u{200b}", "a\u{202e}b", &long] {
            assert_eq!(EventType::new(name), Err(EventTypeError::Malformed), "{name:?}");
        }
        for name in ["gap", "reset"] {
            assert_eq!(EventType::new(name), Err(EventTypeError::Reserved));
        }
        assert_eq!(EventType::new("earthquake").unwrap().as_str(), "earthquake");
    }
}

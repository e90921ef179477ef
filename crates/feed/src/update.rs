//! The update and the gap, which every endpoint and every client shares. A client's position is in `cursor.rs`.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::text;

/// One item of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The position in the feed: 1, 2, 3 … without holes.
    pub seq: u64,
    /// When the update was *due* to be published, in µs of Unix time. In 2026 this is below 2^53, so a JavaScript
    /// number holds it exactly.
    pub at: u64,
    /// The event name, as in SSE's `event:` field.
    pub event_type: EventType,
    /// The payload of the application.
    pub data: Data,
}

/// The payload of an update: text, or bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// Any Unicode text; line breaks and NUL included.
    Text(String),
    /// Any bytes. Endpoints that speak JSON encode them as base64 and say so.
    Binary(Bytes),
}

impl Data {
    /// The length of the payload, bytes, before any encoding.
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

/// The updates `from ..= to` that a client asked for and the server no longer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The first `seq` that is lost.
    pub from: u64,
    /// The last `seq` that is lost.
    pub to: u64,
}

/// The name of an update's event: 1 to 64 bytes of text without control characters, so that it fits on one line at
/// every endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventType(String);

impl EventType {
    /// The longest name, bytes.
    pub const MAX_LEN: usize = 64;
    /// The name with which the endpoints report a [`Gap`]; no update may have it.
    pub const GAP: &'static str = "gap";
    /// The name with which an event stream reports a [`Reset`](crate::Reset); no update may have it.
    pub const RESET: &'static str = "reset";
    /// The name that a browser's `EventSource` gives to an event without one.
    pub const MESSAGE: &'static str = "message";

    /// Checks a name.
    ///
    /// # Errors
    /// When the name is empty, longer than [`Self::MAX_LEN`], has a hidden character, or is reserved.
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

    /// The name as text.
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
    /// The name is empty, too long, or has characters that an endpoint could not transmit.
    #[error("an event type must be 1 to 64 bytes of text on one line")]
    Malformed,
    /// The endpoints use this name themselves.
    #[error("the event types `gap` and `reset` are reserved: the server uses them to report lost updates to a client")]
    Reserved,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_types_that_an_endpoint_could_not_transmit_are_refused() {
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

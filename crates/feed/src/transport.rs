//! The four transports: their names everywhere (scenario files, JSON, labels) and the paths of their doors.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A way for updates to reach a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// Ask every `interval`.
    ShortPolling,
    /// Ask, and let the server hold the question until there is news (RFC 6202, section 2).
    LongPolling,
    /// One response that never ends (WHATWG HTML, "Server-sent events").
    Sse,
    /// A two-way message channel on an upgraded connection (RFC 6455).
    #[serde(rename = "websocket")]
    WebSocket,
}

/// The path at which clients publish, over whatever else than a WebSocket they listen.
pub const PUBLISH_PATH: &str = "/feed";

impl Transport {
    /// All four, in the order in which every table and legend lists them.
    pub const ALL: [Self; 4] = [Self::ShortPolling, Self::LongPolling, Self::Sse, Self::WebSocket];

    /// The name in files and on the command line.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::ShortPolling => "short-polling",
            Self::LongPolling => "long-polling",
            Self::Sse => "sse",
            Self::WebSocket => "websocket",
        }
    }

    /// The name for people.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::ShortPolling => "short polling",
            Self::LongPolling => "long polling",
            Self::Sse => "SSE",
            Self::WebSocket => "WebSocket",
        }
    }

    /// The path of the server's door.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::ShortPolling => "/feed/poll",
            Self::LongPolling => "/feed/long-poll",
            Self::Sse => "/feed/sse",
            Self::WebSocket => "/feed/ws",
        }
    }

    /// The transport whose door has a path.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|transport| transport.path() == path)
    }

    /// The scheme of the door's URL, with TLS or without.
    #[must_use]
    pub const fn scheme(self, is_secure: bool) -> &'static str {
        match (self, is_secure) {
            (Self::WebSocket, false) => "ws",
            (Self::WebSocket, true) => "wss",
            (_, false) => "http",
            (_, true) => "https",
        }
    }

    /// Whether the server sends without being asked each time.
    #[must_use]
    pub const fn is_push(self) -> bool {
        matches!(self, Self::Sse | Self::WebSocket)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// A name that is none of the four.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown transport `{0}`: it is one of short-polling, long-polling, sse, websocket")]
pub struct UnknownTransport(pub String);

impl FromStr for Transport {
    type Err = UnknownTransport;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|t| t.id() == name).ok_or_else(|| UnknownTransport(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_and_serde_agrees() {
        for transport in Transport::ALL {
            assert_eq!(transport.id().parse(), Ok(transport));
            assert_eq!(serde_json::to_value(transport).unwrap(), transport.id());
        }
        assert!("carrier-pigeon".parse::<Transport>().is_err());
    }
}

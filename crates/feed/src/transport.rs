//! The four transports: their names everywhere (scenario files, JSON, labels) and the paths of their endpoints.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A protocol by which updates reach a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// The client asks every `interval`.
    ShortPolling,
    /// The client asks, and the server holds the request until there is an update (RFC 6202, section 2).
    LongPolling,
    /// One response that never ends (WHATWG HTML, "Server-sent events").
    Sse,
    /// A two-way message channel on an upgraded connection (RFC 6455).
    #[serde(rename = "websocket")]
    WebSocket,
}

/// The schemes of an HTTP URL, without and with TLS.
const HTTP: (&str, &str) = ("http", "https");

/// The constant properties of a transport.
struct Properties {
    id: &'static str,
    label: &'static str,
    path: &'static str,
    schemes: (&'static str, &'static str),
    is_push: bool,
}

/// The path at which clients publish, unless they use a WebSocket.
pub const PUBLISH_PATH: &str = "/feed";

/// The query parameter of an endpoint for the last update that a client has received.
pub const AFTER: &str = "after";

/// The query parameter of [`PUBLISH_PATH`] for the transport that the publisher itself receives updates over.
const FROM: &str = "from";

impl Transport {
    /// All four, in the order in which every table and legend lists them.
    pub const ALL: [Self; 4] = [Self::ShortPolling, Self::LongPolling, Self::Sse, Self::WebSocket];

    /// The index in [`Self::ALL`], for tables with a row for each transport.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The constant properties of this transport.
    const fn properties(self) -> Properties {
        let (id, label, path, schemes, is_push) = match self {
            Self::ShortPolling => ("short-polling", "short polling", "/feed/poll", HTTP, false),
            Self::LongPolling => ("long-polling", "long polling", "/feed/long-poll", HTTP, false),
            Self::Sse => ("sse", "SSE", "/feed/sse", HTTP, true),
            Self::WebSocket => ("websocket", "WebSocket", "/feed/ws", ("ws", "wss"), true),
        };
        Properties { id, label, path, schemes, is_push }
    }

    /// The name in files and on the command line.
    #[must_use]
    pub const fn id(self) -> &'static str {
        self.properties().id
    }

    /// The name for people.
    #[must_use]
    pub const fn label(self) -> &'static str {
        self.properties().label
    }

    /// The path of the server's endpoint.
    #[must_use]
    pub const fn path(self) -> &'static str {
        self.properties().path
    }

    /// The transport whose endpoint has this path.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|transport| transport.path() == path)
    }

    /// The query of a publication by a client that receives updates over this transport: its bytes count for that
    /// endpoint.
    #[must_use]
    pub fn publish_query(self) -> String {
        format!("{FROM}={self}")
    }

    /// The transport that the query of a publication names.
    #[must_use]
    pub fn of_publish_query(query: &str) -> Option<Self> {
        let from = |pair: &str| pair.split_once('=').filter(|(name, _)| *name == FROM)?.1.parse().ok();
        query.split('&').find_map(from)
    }

    /// The scheme of the endpoint's URL, with or without TLS.
    #[must_use]
    pub const fn scheme(self, is_secure: bool) -> &'static str {
        let (plain, secure) = self.properties().schemes;
        if is_secure { secure } else { plain }
    }

    /// Whether the server sends without being asked each time.
    #[must_use]
    pub const fn is_push(self) -> bool {
        self.properties().is_push
    }

    /// Whether clients wait at the server for the next update, instead of checking for one.
    #[must_use]
    pub const fn waits(self) -> bool {
        !matches!(self, Self::ShortPolling)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// A name that is not one of the four transports.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown transport `{0}`: it is one of {list}", list = Transport::ALL.map(Transport::id).join(", "))]
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
    fn index_is_the_position_in_all() {
        assert_eq!(Transport::ALL.map(Transport::index), std::array::from_fn(|index| index));
    }

    #[test]
    fn every_name_parses_and_matches_serde() {
        for transport in Transport::ALL {
            assert_eq!(transport.id().parse(), Ok(transport));
            assert_eq!(serde_json::to_value(transport).unwrap(), transport.id());
            assert_eq!(Transport::of_publish_query(&format!("x=1&{}", transport.publish_query())), Some(transport));
        }
        assert!("carrier-pigeon".parse::<Transport>().is_err());
    }
}

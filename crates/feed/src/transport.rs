//! The four transports: their names everywhere (scenario files, JSON, labels) and the paths of their endpoints.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A way for updates to reach a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
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

/// Schemes of a URL, without TLS and with it.
const HTTP: (&str, &str) = ("http", "https");

struct Properties {
    id: &'static str,
    label: &'static str,
    path: &'static str,
    schemes: (&'static str, &'static str),
    is_push: bool,
}

/// The path at which clients publish, over whatever else than a WebSocket they listen.
pub const PUBLISH_PATH: &str = "/feed";

/// The parameter of an endpoint's query that says which update a client has.
pub const AFTER: &str = "after";

/// The parameter of [`PUBLISH_PATH`]'s query that says at which endpoint the publisher listens.
const ENDPOINT: &str = "endpoint";

impl Transport {
    /// All four, in the order in which every table and legend lists them.
    pub const ALL: [Self; 4] = [Self::ShortPolling, Self::LongPolling, Self::Sse, Self::WebSocket];

    /// Its place in [`Self::ALL`], for tables with a row for each.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// What there is to know of each: a row.
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

    /// The transport whose endpoint has a path.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|transport| transport.path() == path)
    }

    /// The query of a publication, as of a client that listens over this transport: what it takes counts for its endpoint.
    #[must_use]
    pub fn publish_query(self) -> String {
        format!("{ENDPOINT}={self}")
    }

    /// The transport that a publication's query names.
    #[must_use]
    pub fn of_publish_query(query: &str) -> Option<Self> {
        let endpoint = |pair: &str| pair.split_once('=').filter(|(name, _)| *name == ENDPOINT)?.1.parse().ok();
        query.split('&').find_map(endpoint)
    }

    /// The scheme of the endpoint's URL, with TLS or without.
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

    /// Whether its clients wait at the server for what comes next, rather than look whether something has come.
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

/// A name that is none of the four.
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
    fn every_name_reads_back_and_serde_agrees() {
        for transport in Transport::ALL {
            assert_eq!(transport.id().parse(), Ok(transport));
            assert_eq!(serde_json::to_value(transport).unwrap(), transport.id());
            assert_eq!(Transport::of_publish_query(&format!("x=1&{}", transport.publish_query())), Some(transport));
        }
        assert!("carrier-pigeon".parse::<Transport>().is_err());
    }
}

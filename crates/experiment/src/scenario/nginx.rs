//! The nginx configuration for contenders that connect through nginx, and how it distributes them over several servers.

use std::time::Duration;

use feedlab_feed::settings::duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The nginx configuration for contenders that connect through nginx.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Nginx {
    /// How long nginx waits between two reads from the server (`proxy_read_timeout`; nginx's default is 60 s).
    #[serde(with = "duration")]
    pub read_timeout: Duration,
    /// The number of servers behind nginx over which connections are distributed, each with the same feed.
    pub upstreams: u32,
    /// How nginx chooses a server for a request.
    #[serde(skip_serializing_if = "Balance::is_default")]
    pub balance: Balance,
    /// How long replaced workers keep their connections (`worker_shutdown_timeout`; nginx has no limit by default).
    #[serde(with = "duration", skip_serializing_if = "is_usual")]
    pub shutdown_timeout: Duration,
}

/// The default of [`Nginx::shutdown_timeout`].
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

fn is_usual(timeout: &Duration) -> bool {
    *timeout == SHUTDOWN_TIMEOUT
}

/// How nginx chooses one of several servers for a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Balance {
    /// Each server in turn.
    #[default]
    RoundRobin,
    /// The server with the fewest connections of this nginx worker (`least_conn`).
    LeastConnections,
    /// The server that the client's address hashes to (`hash $remote_addr consistent`); each client has its own
    /// address.
    Hash,
}

impl Balance {
    /// Returns the name in files and on command lines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RoundRobin => "round-robin",
            Self::LeastConnections => "least-connections",
            Self::Hash => "hash",
        }
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for Nginx {
    fn default() -> Self {
        Self {
            read_timeout: Duration::from_secs(60),
            upstreams: 1,
            balance: Balance::default(),
            shutdown_timeout: SHUTDOWN_TIMEOUT,
        }
    }
}

impl Nginx {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

//! How nginx is set up for the contenders that go through it, and how it spreads them over several servers.

use std::time::Duration;

use feedlab_feed::settings::duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How nginx is set up for the contenders that go through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Nginx {
    /// How long nginx waits between two reads from the server (`proxy_read_timeout`; nginx's default is 60 s).
    #[serde(with = "duration")]
    pub read_timeout: Duration,
    /// Servers behind it that connections are spread over, each with the same feed.
    pub upstreams: u32,
    /// To which of them a request goes.
    #[serde(skip_serializing_if = "Balance::is_default")]
    pub balance: Balance,
    /// How long workers that were replaced keep what they hold (`worker_shutdown_timeout`; by default nginx has none).
    #[serde(with = "duration", skip_serializing_if = "is_usual")]
    pub shutdown_timeout: Duration,
}

/// How long nginx's old workers have, unless a scenario says otherwise.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

fn is_usual(timeout: &Duration) -> bool {
    *timeout == SHUTDOWN_TIMEOUT
}

/// To which of several servers nginx passes a request on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Balance {
    /// Each in turn.
    #[default]
    RoundRobin,
    /// The one that has the fewest connections of this nginx worker (`least_conn`).
    LeastConnections,
    /// The one to which the client's address leads (`hash $remote_addr consistent`); each client has an address of its own.
    Hash,
}

impl Balance {
    /// Its name in files and on command lines.
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

//! The question: what a team needs, as a TOML file, flags or a conversation describe it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use feedlab_feed::settings::duration;
use serde::{Deserialize, Serialize};

use super::amount::{size, whole};
use super::{Between, Criterion, Per, Price};
use crate::scenario::Headers;

/// What a team needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Question {
    /// A name for the files that result, 1 to 64 letters, digits, `-` or `_`.
    pub name: String,
    /// The number of clients that receive the feed.
    pub clients: u64,
    /// Updates per second, the same for every client; in a [`chat`](Self::chat), it follows from `sends`.
    pub rate: f64,
    /// How the updates are distributed over time.
    pub pattern: Pattern,
    /// The payload of an update, bytes.
    #[serde(rename = "payload", with = "size")]
    pub payload_bytes: usize,
    /// How old an update may be when it arrives, at the 99th percentile.
    #[serde(with = "duration")]
    pub budget: Duration,
    /// Whether each update must arrive, or the newest is enough.
    pub delivery: Delivery,
    /// Messages per second that each client sends.
    pub sends: f64,
    /// Whether what a client sends goes to all clients, as in a chat.
    pub chat: bool,
    /// The round-trip time between clients and server.
    #[serde(with = "duration")]
    pub rtt: Duration,
    /// What is between clients and server.
    pub between: Vec<Between>,
    /// Whether the clients are browsers.
    pub browser: bool,
    /// The request headers; by default those of the clients: `browser` for browsers, `bare` for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<Headers>,
    /// Deployments per day, each of which ends every connection once.
    pub deploys_a_day: f64,
    /// A given polling interval; by default the longest that meets the budget.
    #[serde(skip_serializing_if = "Option::is_none", with = "duration::option")]
    pub poll_interval: Option<Duration>,
    /// What matters, the most important first; by default money if there are prices, then bytes, requests, CPU, memory
    /// and age.
    pub cares_about: Vec<Criterion>,
    /// Prices, for the criterion money.
    pub prices: Vec<Price>,
}

impl Default for Question {
    /// A thousand browsers that receive an update a second and may be two seconds behind.
    fn default() -> Self {
        Self {
            name: "choice".to_owned(),
            clients: 1_000,
            rate: 1.0,
            pattern: Pattern::Random,
            payload_bytes: 256,
            budget: Duration::from_secs(2),
            delivery: Delivery::Every,
            sends: 0.0,
            chat: false,
            rtt: Duration::from_millis(40),
            between: Vec::new(),
            browser: true,
            headers: None,
            deploys_a_day: 0.0,
            poll_interval: None,
            cares_about: Vec::new(),
            prices: Vec::new(),
        }
    }
}

impl Question {
    /// Returns the updates per second that a client receives.
    #[must_use]
    pub fn updates_per_s(&self) -> f64 {
        if self.chat { self.sends * self.clients as f64 } else { self.rate }
    }

    /// Returns the criteria, the most important first.
    #[must_use]
    pub fn criteria(&self) -> Vec<Criterion> {
        use Criterion::{Age, Bytes, Cpu, Memory, Money, Requests};
        if !self.cares_about.is_empty() {
            return self.cares_about.clone();
        }
        let money = (!self.prices.is_empty()).then_some(Money);
        money.into_iter().chain([Bytes, Requests, Cpu, Memory, Age]).collect()
    }

    /// Returns the request headers of the clients.
    #[must_use]
    pub fn request_headers(&self) -> Headers {
        self.headers.unwrap_or(if self.browser { Headers::Browser } else { Headers::Bare })
    }

    /// Returns how long a connection may be idle before something in between closes it: the shortest of all.
    #[must_use]
    pub fn idle_timeout(&self) -> Option<Duration> {
        self.between.iter().filter_map(Between::idle_timeout).min()
    }

    /// Whether something is between clients and server.
    #[must_use]
    pub fn has(&self, between: Between) -> bool {
        self.between.contains(&between)
    }

    /// Returns the age that no transport can undercut: one way from the server, and in a chat also one way to it.
    #[must_use]
    pub fn shortest_age(&self) -> Duration {
        if self.chat { self.rtt } else { self.rtt / 2 }
    }

    /// Returns the price per unit; `None` if it is not given.
    #[must_use]
    pub fn price(&self, per: Per) -> Option<f64> {
        self.prices.iter().find(|price| price.per == per).map(|price| price.amount)
    }
}

/// How updates are distributed over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Pattern {
    /// At even intervals.
    Steady,
    /// Independently of each other, like events in the real world.
    Random,
    /// In bursts of this many updates at once; 2 to 10,000.
    Bursts(u32),
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Steady => f.write_str("steady"),
            Self::Random => f.write_str("random"),
            Self::Bursts(size) => write!(f, "bursts of {size}"),
        }
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words = text.trim().to_lowercase();
        match &*words {
            "steady" | "even" => return Ok(Self::Steady),
            "random" => return Ok(Self::Random),
            _ => {}
        }
        let size = words.strip_prefix("bursts").or_else(|| words.strip_prefix("burst")).and_then(|rest| {
            let rest = rest.trim().trim_start_matches("of").trim();
            whole(rest).and_then(|size| u32::try_from(size).ok()).filter(|size| (2..=10_000).contains(size))
        });
        size.map(Self::Bursts).ok_or_else(|| {
            format!("{text:?} is not a pattern; write steady, random, or bursts of N with N from 2 to 10000")
        })
    }
}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.to_string()
    }
}

/// What must arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// Every update.
    Every,
    /// The newest: an older one that is missed does not matter.
    Newest,
}

impl FromStr for Delivery {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match &*text.trim().to_lowercase() {
            "every" | "all" | "each" => Ok(Self::Every),
            "newest" | "latest" => Ok(Self::Newest),
            _ => Err(format!("{text:?} is not a delivery rule; write every or newest")),
        }
    }
}

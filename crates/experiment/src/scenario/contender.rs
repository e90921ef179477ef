//! One line of the comparison: a transport with its options, and what is the contender's own on the way and at the
//! server.

use std::time::Duration;

use feedlab_feed::Transport;
use feedlab_feed::settings::{AgeFrom, Settings, SlowPolicy, duration};
use serde::{Deserialize, Serialize};

/// One transport with its options: one line of the comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contender {
    /// Its name in every table and legend; unique in the scenario.
    pub label: String,
    /// The transport and its options.
    #[serde(flatten)]
    pub options: Options,
    /// From when its ages count.
    #[serde(skip_serializing_if = "AgeFrom::is_due", default)]
    pub age_from: AgeFrom,
    /// How its connections are made.
    #[serde(skip_serializing_if = "is_default", default)]
    pub link: Link,
    /// How its clients come back.
    #[serde(skip_serializing_if = "is_default", default)]
    #[serde(alias = "comeback")]
    pub reconnect: ReconnectPolicy,
    /// What its server does differently.
    #[serde(skip_serializing_if = "is_default", default)]
    pub serving: Serving,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Contender {
    /// A contender with nothing but a transport's options.
    #[must_use]
    pub fn new(label: impl Into<String>, options: Options) -> Self {
        Self {
            label: label.into(),
            options,
            age_from: AgeFrom::default(),
            link: Link::default(),
            reconnect: ReconnectPolicy::default(),
            serving: Serving::default(),
        }
    }

    /// The contender's transport; of `auto` the one that it begins with.
    #[must_use]
    pub const fn transport(&self) -> Transport {
        match self.options {
            Options::ShortPolling { .. } => Transport::ShortPolling,
            Options::LongPolling { .. } => Transport::LongPolling,
            Options::Sse { .. } => Transport::Sse,
            Options::WebSocket { .. } => Transport::WebSocket,
            Options::Auto { first, .. } => first,
        }
    }

    /// What its server is told of it, beside what all contenders have.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let usual = Settings::default();
        let (keepalive, max_hold) = match self.options {
            Options::ShortPolling { .. } => (usual.keepalive, usual.max_hold),
            Options::LongPolling { hold, .. } => (usual.keepalive, hold),
            Options::Sse { keepalive } | Options::WebSocket { keepalive } => (keepalive, usual.max_hold),
            Options::Auto { keepalive, hold, .. } => (keepalive, hold),
        };
        Settings {
            age_from: self.age_from,
            slow_policy: self.serving.slow_policy,
            coalesce: self.serving.coalesce,
            max_connection_age: self.serving.max_connection_age,
            keepalive,
            retry: self.reconnect.after.unwrap_or(usual.retry),
            max_hold,
            ..usual
        }
    }

    /// Whether its clients change their transport when the way breaks it.
    #[must_use]
    pub const fn is_auto(&self) -> bool {
        matches!(self.options, Options::Auto { .. })
    }
}

impl Options {
    /// What a client of a ladder does on one of its rungs.
    #[must_use]
    pub const fn of_rung(transport: Transport, hold: Duration, interval: Duration, keepalive: Duration) -> Self {
        match transport {
            Transport::ShortPolling => Self::ShortPolling { interval, keep_alive: true, conditional: false },
            Transport::LongPolling => Self::LongPolling { hold, keep_alive: true },
            Transport::Sse => Self::Sse { keepalive },
            Transport::WebSocket => Self::WebSocket { keepalive },
        }
    }
}

/// A transport's options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "transport", rename_all = "kebab-case")]
pub enum Options {
    /// Short polling.
    ShortPolling {
        /// Time from one request to the next.
        #[serde(with = "duration")]
        interval: Duration,
        /// Use one connection for all requests.
        keep_alive: bool,
        /// Send `If-None-Match`, so that "nothing new" is a 304.
        conditional: bool,
    },
    /// Long polling.
    LongPolling {
        /// How long the server may hold a request.
        #[serde(with = "duration")]
        hold: Duration,
        /// Use one connection for all requests.
        keep_alive: bool,
    },
    /// Server-Sent Events.
    Sse {
        /// Time between the server's keepalive comments.
        #[serde(with = "duration")]
        keepalive: Duration,
    },
    /// WebSocket.
    #[serde(rename = "websocket")]
    WebSocket {
        /// Time between the server's pings.
        #[serde(with = "duration")]
        keepalive: Duration,
    },
    /// The fallback ladder: begin with a push transport, fall to long polling and then to short polling when the way
    /// breaks it, and climb back.
    Auto {
        /// The first rung: SSE or WebSocket.
        first: Transport,
        /// How long a rung may bring nothing, not even a keepalive, until it counts as broken.
        #[serde(with = "duration")]
        watchdog: Duration,
        /// How long a lower rung is used before the first is tried again.
        #[serde(with = "duration")]
        climb: Duration,
        /// Hold of the middle rung.
        #[serde(with = "duration")]
        hold: Duration,
        /// Interval of the last rung.
        #[serde(with = "duration")]
        interval: Duration,
        /// Time between the server's keepalives on the first rung.
        #[serde(with = "duration")]
        keepalive: Duration,
    },
}

/// How a contender's connections are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Link {
    /// Encrypted, with a certificate that the run makes for itself (TLS 1.3).
    pub tls: bool,
    /// The version of HTTP; 2 without TLS is spoken with prior knowledge (RFC 9113, section 3.3).
    pub http: Http,
    /// Whether clients share connections; only HTTP/2 lets them.
    pub connections: Connections,
    /// Who answers: the server itself, or nginx in front of it.
    pub via: Via,
}

/// The version of HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Http {
    /// HTTP/1.1.
    #[default]
    #[serde(rename = "1.1")]
    V1,
    /// HTTP/2.
    #[serde(rename = "2")]
    V2,
}

/// Whose a connection is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Connections {
    /// Each client has its own.
    #[default]
    PerClient,
    /// Clients are streams of a connection: 100 of them on each, as browsers' and servers' limits have it.
    Shared,
}

/// The way to the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// The server itself.
    #[default]
    Direct,
    /// nginx, set up for streaming: HTTP/1.1 to the server, no buffering, WebSocket upgrades let through.
    Nginx,
    /// nginx as `proxy_pass` alone leaves it: HTTP/1.0 to the server, buffering unless the server asks for none
    /// (`X-Accel-Buffering`), no upgrades.
    NginxDefault,
    /// nginx with HTTP/1.0 to the server that buffers whatever the server asks (`proxy_ignore_headers
    /// X-Accel-Buffering`): the lot of an application that asks for nothing. WebSocket upgrades are let through.
    NginxBuffering,
}

impl Via {
    /// Whether there is an nginx on the way.
    #[must_use]
    pub const fn is_nginx(self) -> bool {
        !matches!(self, Self::Direct)
    }
}

/// How clients come back after a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReconnectPolicy {
    /// The wait before a client connects again; each transport's own without it (the `retry:` of an event stream, an
    /// exponential backoff for the others).
    #[serde(skip_serializing_if = "Option::is_none", with = "duration::option")]
    pub after: Option<Duration>,
    /// Whether waits are spread at random: over 0 to 1 of the wait for a backoff, over 1 to 2 of it for `after`.
    pub jitter: bool,
    /// Whether a client brings its cursor, so that it is given what it missed.
    pub with_cursor: bool,
}

impl Default for ReconnectPolicy {
    fn default() -> Self {
        Self { after: None, jitter: true, with_cursor: true }
    }
}

/// What a contender's server does differently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Serving {
    /// How many updates a client that comes back can be given; the feed's `history` without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<usize>,
    /// What becomes of a stream whose client reads too slowly.
    pub slow_policy: SlowPolicy,
    /// Updates are handed to streams and held polls at most so often, those in between together.
    #[serde(skip_serializing_if = "Option::is_none", with = "duration::option")]
    pub coalesce: Option<Duration>,
    /// Streams are ended gracefully when they are so old, or up to half of it before, at random.
    #[serde(skip_serializing_if = "Option::is_none", with = "duration::option")]
    pub max_connection_age: Option<Duration>,
    /// Size of a WebSocket client's read buffer, bytes: it is allocated at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_buffer_bytes: Option<usize>,
}

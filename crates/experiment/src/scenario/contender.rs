//! A contender: a transport with its options, and with its own settings of connections and server.

use std::time::Duration;

use feedlab_feed::Transport;
use feedlab_feed::settings::{AgeFrom, Settings, SlowPolicy, duration};
use serde::{Deserialize, Serialize};

/// One transport with its options: one line of the comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contender {
    /// The name in tables and legends; unique in the scenario.
    pub label: String,
    /// The transport and its options.
    #[serde(flatten)]
    pub options: Options,
    /// The name of the target that it measures; `None` for feedlab's own server.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<String>,
    /// The moment from which ages count.
    #[serde(skip_serializing_if = "AgeFrom::is_due", default)]
    pub age_from: AgeFrom,
    /// How its connections are made.
    #[serde(skip_serializing_if = "is_default", default)]
    pub link: Link,
    /// How the clients reconnect.
    #[serde(skip_serializing_if = "is_default", default)]
    #[serde(alias = "comeback")] // words: ignore: manifests before 0.1.0
    pub reconnect: ReconnectPolicy,
    /// What the server does differently for this contender.
    #[serde(skip_serializing_if = "is_default", default)]
    pub serving: Serving,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Contender {
    /// Creates a contender with a transport's options and defaults for everything else.
    #[must_use]
    pub fn new(label: impl Into<String>, options: Options) -> Self {
        Self {
            label: label.into(),
            options,
            target: None,
            age_from: AgeFrom::default(),
            link: Link::default(),
            reconnect: ReconnectPolicy::default(),
            serving: Serving::default(),
        }
    }

    /// Returns the contender's transport; for `auto`, the first rung.
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

    /// Returns the server settings of this contender, on top of those that all contenders share.
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

    /// Whether its clients use the fallback ladder.
    #[must_use]
    pub const fn is_auto(&self) -> bool {
        matches!(self.options, Options::Auto { .. })
    }
}

impl Options {
    /// Returns the options of a ladder's client on one of its rungs.
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
    /// The fallback ladder: start with a push transport, fall back to long polling and then to short polling if it does
    /// not work, and climb back.
    Auto {
        /// The first rung: SSE or WebSocket.
        first: Transport,
        /// How long a rung may be silent, without even a keepalive, before it counts as broken.
        #[serde(with = "duration")]
        watchdog: Duration,
        /// How long a lower rung is used before the first is tried again.
        #[serde(with = "duration")]
        climb: Duration,
        /// The hold of the middle rung.
        #[serde(with = "duration")]
        hold: Duration,
        /// The interval of the last rung.
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
    /// Whether connections use TLS 1.3, with a self-signed certificate that the run creates.
    pub tls: bool,
    /// The version of HTTP; HTTP/2 without TLS is used with prior knowledge (RFC 9113, section 3.3).
    pub http: Http,
    /// Whether clients share connections, which requires HTTP/2.
    pub connections: Connections,
    /// Whether clients connect to the server itself or to nginx in front of it.
    pub via: Via,
}

/// The HTTP version.
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

/// How connections are assigned to clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Connections {
    /// Each client has its own connection.
    #[default]
    PerClient,
    /// Clients share connections: each is one of up to 100 streams of a connection, the usual limit of browsers and
    /// servers.
    Shared,
}

/// What clients connect to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// The server itself.
    #[default]
    Direct,
    /// nginx configured for streaming: HTTP/1.1 to the server, no buffering, WebSocket upgrades forwarded.
    Nginx,
    /// nginx with only `proxy_pass`: HTTP/1.0 to the server, buffering unless the server disables it
    /// (`X-Accel-Buffering`), no upgrades.
    NginxDefault,
    /// nginx with HTTP/1.0 to the server that buffers regardless of what the server asks for
    /// (`proxy_ignore_headers X-Accel-Buffering`), as for an application that does not disable buffering. WebSocket
    /// upgrades are forwarded.
    NginxBuffering,
}

impl Via {
    /// Whether nginx is in front of the server.
    #[must_use]
    pub const fn is_nginx(self) -> bool {
        !matches!(self, Self::Direct)
    }
}

/// How clients reconnect after they lose their connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReconnectPolicy {
    /// The wait before a client reconnects; `None` for that of the transport (the `retry:` of an event stream, an
    /// exponential backoff for the others).
    #[serde(skip_serializing_if = "Option::is_none", with = "duration::option")]
    pub after: Option<Duration>,
    /// Whether waits are randomized: to 0 to 1 times the wait for a backoff, to 1 to 2 times the wait for `after`.
    pub jitter: bool,
    /// Whether a client sends its cursor, so that it receives what it missed.
    pub with_cursor: bool,
}

impl Default for ReconnectPolicy {
    fn default() -> Self {
        Self { after: None, jitter: true, with_cursor: true }
    }
}

/// What the server does differently for a contender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Serving {
    /// How many past updates a reconnecting client can receive; `None` for the feed's `history`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<usize>,
    /// What the server does with a stream whose client reads too slowly.
    pub slow_policy: SlowPolicy,
    /// The shortest time between two deliveries to streams and held polls; updates in between are sent together.
    #[serde(skip_serializing_if = "Option::is_none", with = "duration::option")]
    pub coalesce: Option<Duration>,
    /// The age at which streams are closed gracefully: a random one between half of this and all of it.
    #[serde(skip_serializing_if = "Option::is_none", with = "duration::option")]
    pub max_connection_age: Option<Duration>,
    /// The size of a read buffer that each WebSocket client has for itself, bytes, which is allocated in full; without it,
    /// the clients of a thread share one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_buffer_bytes: Option<usize>,
}

//! What a server is told at its start. Every default is safe on a laptop in a café.

use std::time::Duration;

use feedlab_feed::settings::{AgeFrom, SlowPolicy, Stall};
use feedlab_feed::source::SourceConfig;
use feedlab_feed::wire::sse;

use crate::tls::Identity;

/// Updates after which a stream that stands still is ended, unless told otherwise.
const SLOW_LIMIT: u64 = 256;

/// The settings of a server.
#[derive(Clone, Debug)]
pub struct Config {
    /// What is published; `None` leaves publishing to the clients.
    pub source: Option<SourceConfig>,
    /// What the updates of the source say that their time is.
    pub stamp: AgeFrom,
    /// A pause of the source on purpose.
    pub stall: Option<Stall>,
    /// Hold the feed back until `POST /control/start` says when its time begins.
    pub await_start: bool,
    /// When the feed's time began, µs of Unix time, if that was before this server did: it takes over from one that is
    /// gone. Of a source with a schedule, everything that has fallen due since is in the history, with its own time and
    /// `seq`, before the first connection is accepted.
    pub start_at: Option<u64>,
    /// How many updates back a client may go that connects or asks. 0 gives it what is published from then on: a poll
    /// that does not wait gets only gaps.
    pub history: usize,
    /// How many updates are kept to send from, at least [`history`](Self::history): an open stream may be behind by so many.
    pub queue: usize,
    /// What becomes of slow clients.
    pub slow_policy: SlowPolicy,
    /// Updates that may be published since the socket of a stream first took no more, and that it has not caught up with
    /// in between, until [`SlowPolicy::Disconnect`] ends it.
    pub slow_limit: u64,
    /// Hand updates to streams and held polls at most so often, those in between together.
    pub coalesce: Option<Duration>,
    /// The kernel's send buffer of each connection (`SO_SNDBUF`), bytes: a small one lets slowness show early.
    pub send_buffer: Option<usize>,
    /// Time between two keepalives on an open stream.
    pub keepalive: Duration,
    /// What a client of an event stream is told to wait before it comes back.
    pub retry: Duration,
    /// Take updates from clients: `POST /feed` and WebSocket messages.
    pub allow_publish: bool,
    /// Serve over TLS with this certificate, instead of plainly.
    pub tls: Option<Identity>,
    /// Origins besides the server's own whose pages may read the doors, open a WebSocket or publish, as in
    /// `https://example.org`.
    pub allow_origins: Vec<String>,
    /// When set, every request must bring it, as `Authorization: Bearer …` or as the cookie `feedlab_token`.
    pub token: Option<String>,
    /// Connections beyond this many are answered with 503.
    pub max_connections: usize,
    /// The longest hold that a long poll may ask for.
    pub max_hold: Duration,
    /// The largest update that a client may publish, bytes.
    pub max_message_bytes: usize,
    /// How long a graceful shutdown may take.
    pub drain: Duration,
}

impl Config {
    /// Whether the source says the same at the same time in every life, so that its past can be had again.
    pub(crate) const fn has_past(&self) -> bool {
        matches!(
            self.source,
            Some(SourceConfig::Synthetic { .. } | SourceConfig::Replay { .. } | SourceConfig::Recorded { .. })
        )
    }

    /// Whether another server may have this very feed: the same source, begun at a moment that both were told.
    pub(crate) const fn may_have_others(&self) -> bool {
        self.has_past() && (self.await_start || self.start_at.is_some())
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            source: None,
            stamp: AgeFrom::Due,
            stall: None,
            await_start: false,
            start_at: None,
            history: 4096,
            queue: 4096,
            slow_policy: SlowPolicy::Block,
            slow_limit: SLOW_LIMIT,
            coalesce: None,
            send_buffer: None,
            keepalive: Duration::from_secs(15),
            retry: sse::RETRY,
            allow_publish: false,
            tls: None,
            allow_origins: Vec::new(),
            token: None,
            max_connections: 65_536,
            max_hold: Duration::from_secs(60),
            max_message_bytes: 64 << 10,
            drain: Duration::from_secs(5),
        }
    }
}

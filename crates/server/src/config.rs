//! What a server is told at its start: the settings that others share, and what is this server's alone. Every default is
//! safe on a laptop in a café.

use std::time::Duration;

use feedlab_feed::Epoch;
use feedlab_feed::access::{HostName, Origin};
use feedlab_feed::body;
use feedlab_feed::settings::Settings;
use feedlab_feed::source::SourceConfig;
use feedlab_nats::Credentials;

use crate::limits::MAX_MESSAGE_BYTES;
use crate::tls::Identity;

/// What a server is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// What is published, and how it is handed out.
    pub settings: Settings,
    /// Hold the feed back until `POST /control/start` says when its time begins.
    pub await_start: bool,
    /// When the feed's time began, µs of Unix time, if that was before this server did: it takes over from one that is
    /// gone. Of a source with a schedule, everything that has fallen due since is in the history, with its own time and
    /// `seq`, before the first connection is accepted.
    pub start_at: Option<u64>,
    /// The epoch of a feed that is the same in all the servers that are told so; heeded only where it can be. Without one, a
    /// feed that began at [`start_at`](Self::start_at) has that of its source and its start, and any other one of its own.
    pub epoch: Option<Epoch>,
    /// Who this server is to the broker that has the feed, where it lives on one.
    pub credentials: Credentials,
    /// Serve over TLS with this certificate, instead of plainly.
    pub tls: Option<Identity>,
    /// Origins besides the server's own whose pages may read the endpoints, open a WebSocket or publish.
    pub allow_origins: Vec<Origin>,
    /// Names of this machine besides those that it knows, by which a server that has neither a token nor TLS may be asked.
    pub allow_hosts: Vec<HostName>,
    /// When set, every request must bring it, as `Authorization: Bearer …` or as the cookie `feedlab_token`.
    pub token: Option<String>,
    /// The largest update that a client may publish, bytes.
    pub max_message_bytes: usize,
    /// Time for the body of a request, from the moment when it is waited for.
    pub body_timeout: Duration,
    /// How long a graceful shutdown may take.
    pub drain: Duration,
}

impl Config {
    /// Whether the source says the same at the same time in every life, so that its past can be had again.
    pub(crate) const fn has_past(&self) -> bool {
        matches!(
            self.settings.source,
            Some(SourceConfig::Synthetic { .. } | SourceConfig::Replay { .. } | SourceConfig::Recorded { .. })
        )
    }

    /// The epoch of a feed that begins with this. Whoever holds a cursor takes the same epoch for the same updates: so it is
    /// shared only where every process that is told the same makes the same.
    pub(crate) fn epoch_of_feed(&self) -> Epoch {
        let comes_again = self.has_past() && !self.settings.allow_publish;
        let known = || self.epoch.or_else(|| self.epoch_of_schedule());
        comes_again.then(known).flatten().unwrap_or_else(Epoch::random)
    }

    /// The epoch that a source has by itself, with when it began; none without a begin, or if it cannot be written down.
    fn epoch_of_schedule(&self) -> Option<Epoch> {
        let identity = serde_json::to_vec(&(self.settings.source.as_ref()?, self.start_at?));
        identity.ok().map(|identity| Epoch::of(&identity))
    }

    /// Whether another server may have this very feed: the same source, begun at a moment that both were told.
    pub(crate) const fn may_have_others(&self) -> bool {
        self.has_past() && (self.await_start || self.start_at.is_some())
    }
}

impl Default for Config {
    fn default() -> Self {
        Settings::default().into()
    }
}

impl From<Settings> for Config {
    fn from(settings: Settings) -> Self {
        Self {
            settings,
            await_start: false,
            start_at: None,
            epoch: None,
            credentials: Credentials::None,
            tls: None,
            allow_origins: Vec::new(),
            allow_hosts: Vec::new(),
            token: None,
            max_message_bytes: MAX_MESSAGE_BYTES,
            body_timeout: body::TIMEOUT,
            drain: Duration::from_secs(5),
        }
    }
}

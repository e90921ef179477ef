//! The configuration of a server at its start: the settings that others share, and those of this server alone. Every
//! default is safe on a laptop in a café.

use std::time::Duration;

use feedlab_feed::Epoch;
use feedlab_feed::access::{HostName, Origin};
use feedlab_feed::body;
use feedlab_feed::settings::Settings;
use feedlab_feed::source::SourceConfig;
use feedlab_nats::Credentials;

use crate::limits::MAX_MESSAGE_BYTES;
use crate::tls::Identity;

/// The configuration of a server.
#[derive(Clone, Debug)]
pub struct Config {
    /// What is published, and how it is delivered.
    pub settings: Settings,
    /// Whether the feed waits until `POST /control/start` sets its start.
    pub await_start: bool,
    /// When the feed started, µs of Unix time, if that was before this server started: it takes over from one that is
    /// gone. If the source has a schedule, everything that has fallen due since then is in the history, with its own
    /// time and `seq`, before the first connection is accepted.
    pub start_at: Option<u64>,
    /// The epoch of a feed that is the same in all servers with this epoch; ignored if the feed cannot be. Without one,
    /// a feed that started at [`start_at`](Self::start_at) derives its epoch from its source and start, and any other
    /// feed gets a new one.
    pub epoch: Option<Epoch>,
    /// The credentials for the broker, if the feed is on one.
    pub credentials: Credentials,
    /// The certificate for TLS; `None` for plain HTTP.
    pub tls: Option<Identity>,
    /// Other origins whose pages may read the endpoints, open a WebSocket or publish.
    pub allow_origins: Vec<Origin>,
    /// Additional host names that requests may use, for a server with neither a token nor TLS.
    pub allow_hosts: Vec<HostName>,
    /// Whether the live page may also connect to other ports of the host that it was opened at: where labs are open to
    /// other machines.
    pub page_uses_other_ports: bool,
    /// If set, every request must contain it, as `Authorization: Bearer …` or as the cookie `feedlab_token`.
    pub token: Option<String>,
    /// The largest update that a client may publish, bytes.
    pub max_message_bytes: usize,
    /// Time for the body of a request to arrive, from the moment the server waits for it.
    pub body_timeout: Duration,
    /// How long a graceful shutdown may take.
    pub drain: Duration,
}

impl Config {
    /// Whether the source makes the same updates at the same times in every process, so that its past can be
    /// reproduced.
    pub(crate) const fn is_reproducible(&self) -> bool {
        matches!(
            self.settings.source,
            Some(SourceConfig::Synthetic { .. } | SourceConfig::Replay { .. } | SourceConfig::Recorded { .. })
        )
    }

    /// The epoch of a feed that starts with this configuration. To a client with a cursor, the same epoch means the
    /// same updates, so it is shared only if every process with the same configuration makes the same updates.
    pub(crate) fn epoch_of_feed(&self) -> Epoch {
        let is_same = self.is_reproducible() && !self.settings.allow_publish;
        let known = || self.epoch.or_else(|| self.epoch_of_schedule());
        is_same.then(known).flatten().unwrap_or_else(Epoch::random)
    }

    /// The epoch derived from a source and its start; `None` without a start, or if the source cannot be serialized.
    fn epoch_of_schedule(&self) -> Option<Epoch> {
        let identity = serde_json::to_vec(&(self.settings.source.as_ref()?, self.start_at?));
        identity.ok().map(|identity| Epoch::of(&identity))
    }

    /// Whether another server may have the same feed: the same source, started at a time that both were given.
    pub(crate) const fn may_be_shared(&self) -> bool {
        self.is_reproducible() && (self.await_start || self.start_at.is_some())
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
            page_uses_other_ports: false,
            token: None,
            max_message_bytes: MAX_MESSAGE_BYTES,
            body_timeout: body::TIMEOUT,
            drain: Duration::from_secs(5),
        }
    }
}

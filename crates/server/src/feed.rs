//! A feed of this process, which any number of its addresses may serve.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use feedlab_feed::settings::Settings;
use feedlab_feed::source::{SourceConfig, StreamAddress};
use feedlab_feed::{Epoch, clock};
use feedlab_nats::{Missing, Reader, Stream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::ServerError;
use crate::broker::Broker;
use crate::config::Config;
use crate::hub::{Hub, Retention};
use crate::limits::BROKER_PATIENCE;
use crate::publisher::{self, Gate, Pace};
use crate::ring::Snapshot;

/// A feed that is published in this process. [`Server::of`](crate::Server::of) serves it at an address.
///
/// It ends when its last clone is dropped, or when the server that opened it ends.
#[derive(Clone, Debug)]
pub struct Feed(Arc<Core>);

#[derive(Debug)]
struct Core {
    hub: Arc<Hub>,
    gate: Arc<Gate>,
    /// Canceled when the feed fails, with the reason.
    failed: (CancellationToken, Mutex<Option<ServerError>>),
    /// The tasks that end with the feed.
    tasks: Mutex<JoinSet<()>>,
}

impl Feed {
    /// Opens the source and starts the publisher; a feed that started earlier has caught up with its schedule on
    /// return.
    ///
    /// These settings belong to the feed, and those of a server that only serves it are ignored: `source`, `age_from`,
    /// `stall`, `history`, `queue`, `slow_policy`, `slow_limit` and `coalesce`, and when the feed starts.
    ///
    /// # Errors
    /// When the source cannot be opened, or no thread can be started.
    pub async fn open(config: &Config) -> Result<Self, ServerError> {
        Self::open_after(config, Snapshot::none(config.epoch_of_feed())).await
    }

    /// Opens a feed that replaces the one with this snapshot: clients continue with their cursors, in its epoch, and
    /// the first `seq` follows its last.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_after(config: &Config, snapshot: Snapshot) -> Result<Self, ServerError> {
        if let Some(SourceConfig::Stream(address)) = &config.settings.source {
            return Self::open_stream(config, address).await;
        }
        let again = config.start_at.filter(|_| config.is_reproducible());
        let feed = Self::of(Hub::new(Retention::from(config), snapshot, again.map_or(0, |_| clock::unix_us())), config);
        feed.publish(config).await?;
        Ok(feed)
    }

    fn of(hub: Hub, config: &Config) -> Self {
        let coalesce = config.settings.coalesce.filter(|coalesce| !coalesce.is_zero());
        let hub = Arc::new(if coalesce.is_some() { hub.coalescing() } else { hub });
        let mut tasks = JoinSet::new();
        if let Some(coalesce) = coalesce {
            tasks.spawn(coalesced(hub.clone(), coalesce));
        }
        let failed = (CancellationToken::new(), Mutex::default());
        Self(Arc::new(Core { hub, gate: Arc::default(), failed, tasks: Mutex::new(tasks) }))
    }

    /// Opens a feed on a broker, and fills the ring from it before returning.
    async fn open_stream(config: &Config, address: &StreamAddress) -> Result<Self, ServerError> {
        let missing = if config.settings.allow_publish { Missing::Create } else { Missing::Refuse };
        let stream = Stream::open(address, &config.credentials, missing).await?;
        let (first, last) = stream.extent().await?;
        let retention = Retention::from(config);
        let before = first.max((last + 1).saturating_sub(retention.kept() as u64)).saturating_sub(1);
        let mut reader = stream.follow(before);
        let snapshot = Snapshot::before(stream.epoch(), before);
        let feed = Self::of(Hub::on(Broker::new(stream), retention, snapshot), config);
        while feed.hub().head() < last {
            // The stream may have dropped updates since it reported them.
            let Ok(arrival) = tokio::time::timeout(BROKER_PATIENCE, reader.next()).await else { break };
            feed.hub().append(arrival?.update);
        }
        let core = Arc::downgrade(&feed.0);
        feed.0.tasks.lock().unwrap_or_else(PoisonError::into_inner).spawn(follow(core, reader));
        Ok(feed)
    }

    /// Waits until the feed fails.
    pub(crate) async fn failed(&self) {
        self.0.failed.0.cancelled().await;
    }

    /// Takes the reason of the failure.
    pub(crate) fn failure(&self) -> Option<ServerError> {
        self.0.failed.1.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    async fn publish(&self, config: &Config) -> Result<(), ServerError> {
        let Config { start_at, await_start, .. } = *config;
        if !await_start || start_at.is_some() {
            self.gate().open(start_at.unwrap_or_else(clock::unix_us));
        }
        let Settings { source, age_from, stall, .. } = &config.settings;
        let Some(source) = source else { return Ok(()) };
        let pace = Pace { age_from: *age_from, stall: *stall };
        let caught_up = publisher::spawn(source.open()?, pace, self.hub().clone(), self.gate().clone())?;
        if start_at.is_some() && config.is_reproducible() {
            let _ = caught_up.await;
        }
        Ok(())
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.0.hub
    }

    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.0.gate
    }

    /// The epoch of the feed.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.hub().epoch()
    }

    /// The updates that the feed holds, for a feed that replaces it.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.hub().snapshot()
    }

    /// Stops the feed: its source publishes nothing more.
    pub fn stop(&self) {
        self.gate().stop();
    }

    /// When the feed started, µs of Unix time; `None` while it waits for its start.
    #[must_use]
    pub fn began_at(&self) -> Option<u64> {
        self.gate().start()
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.gate.stop();
    }
}

/// Receives updates from the broker, until the feed ends or the stream was replaced.
async fn follow(core: Weak<Core>, mut reader: Reader) {
    loop {
        let next = reader.next().await;
        let Some(core) = core.upgrade() else { return };
        match next {
            Ok(arrival) => {
                core.hub.arrived(arrival);
                core.hub.wake();
            }
            Err(error) => {
                tracing::error!(%error, "the feed cannot continue; this server shuts down, so that clients start over");
                *core.failed.1.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.into());
                core.failed.0.cancel();
                return;
            }
        }
    }
}

/// Announces publications that are to be sent together: after each announcement it sleeps for `coalesce`.
async fn coalesced(hub: Arc<Hub>, coalesce: Duration) {
    loop {
        hub.wait_for_update().await;
        hub.announce();
        tokio::time::sleep(coalesce).await;
    }
}

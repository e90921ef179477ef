//! A feed of this process: what any number of its addresses may serve.

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
/// It ends when nothing holds it any more, or when the server that opened it ends.
#[derive(Clone, Debug)]
pub struct Feed(Arc<Core>);

#[derive(Debug)]
struct Core {
    hub: Arc<Hub>,
    gate: Arc<Gate>,
    /// Cancelled when the feed cannot go on, and why.
    failed: (CancellationToken, Mutex<Option<ServerError>>),
    /// End with the feed.
    tasks: Mutex<JoinSet<()>>,
}

impl Feed {
    /// Opens the source and starts the publisher; a feed that began before is level with its schedule on return.
    ///
    /// Of what a server is told these are the feed's, and those of a server that only serves it do not matter: `source`,
    /// `age_from`, `stall`, `history`, `queue`, `slow_policy`, `slow_limit` and `coalesce`, and when the feed begins.
    ///
    /// # Errors
    /// When the source cannot be opened, or the system gives no thread.
    pub async fn open(config: &Config) -> Result<Self, ServerError> {
        Self::open_after(config, Snapshot::none(config.epoch_of_feed())).await
    }

    /// The same, in the place of a feed that has this snapshot: clients go on with their cursors, in its epoch, and the first
    /// `seq` is one more than the last of that.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_after(config: &Config, snapshot: Snapshot) -> Result<Self, ServerError> {
        if let Some(SourceConfig::Stream(address)) = &config.settings.source {
            return Self::open_stream(config, address).await;
        }
        let again = config.start_at.filter(|_| config.has_past());
        let feed = Self::of(Hub::new(Retention::from(config), snapshot, again.map_or(0, |_| clock::unix_us())), config);
        feed.publish(config).await?;
        Ok(feed)
    }

    fn of(hub: Hub, config: &Config) -> Self {
        let hub = Arc::new(hub);
        let mut tasks = JoinSet::new();
        tasks.spawn(fan_out(hub.clone(), config.settings.coalesce.unwrap_or_default()));
        let failed = (CancellationToken::new(), Mutex::default());
        Self(Arc::new(Core { hub, gate: Arc::default(), failed, tasks: Mutex::new(tasks) }))
    }

    /// Opens a feed that lives on a broker, and has read what the ring holds of it on return.
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
            // What the stream had may be gone since it was asked.
            let Ok(arrival) = tokio::time::timeout(BROKER_PATIENCE, reader.next()).await else { break };
            feed.hub().append(arrival?.update);
        }
        let core = Arc::downgrade(&feed.0);
        feed.0.tasks.lock().unwrap_or_else(PoisonError::into_inner).spawn(follow(core, reader));
        Ok(feed)
    }

    /// When the feed cannot go on.
    pub(crate) async fn failed(&self) {
        self.0.failed.0.cancelled().await;
    }

    /// Why it could not.
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
        let level = publisher::spawn(source.open()?, pace, self.hub().clone(), self.gate().clone())?;
        if start_at.is_some() && config.has_past() {
            let _ = level.await;
        }
        Ok(())
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.0.hub
    }

    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.0.gate
    }

    /// Tells this life of the feed from others.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.hub().epoch()
    }

    /// What it holds of its snapshot.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.hub().snapshot()
    }

    /// Ends it: nothing more is published by its source.
    pub fn stop(&self) {
        self.gate().stop();
    }

    /// When its time began, µs of Unix time; `None` while it waits for that.
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

/// Takes what comes from the broker, until the feed ends or the stream is another.
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
                tracing::error!(%error, "the feed cannot go on; this server ends, so that clients begin again");
                *core.failed.1.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.into());
                core.failed.0.cancel();
                return;
            }
        }
    }
}

/// Wakes the waiting connections at each publication, for ever.
///
/// One task does it for all publishers: what it wakes goes to its worker's own queue, and several publications in a
/// row cost one pass. After each it rests for `coalesce`, so that what is published meanwhile goes out together.
async fn fan_out(hub: Arc<Hub>, coalesce: Duration) {
    loop {
        hub.fresh().await;
        hub.tell();
        if !coalesce.is_zero() {
            tokio::time::sleep(coalesce).await;
        }
    }
}

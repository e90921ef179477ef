//! A feed of this process: what any number of its addresses may serve.

use std::sync::Arc;
use std::time::Duration;

use feedlab_feed::settings::Settings;
use feedlab_feed::{Epoch, clock};
use tokio::task::JoinSet;

use crate::ServerError;
use crate::config::Config;
use crate::hub::{Hub, Terms};
use crate::publisher::{self, Gate, Pace};
use crate::ring::Past;

/// A feed that is published in this process. [`Server::of`](crate::Server::of) serves it at an address.
///
/// It ends when nothing holds it any more, or when the server that opened it ends.
#[derive(Clone, Debug)]
pub struct Feed(Arc<Core>);

#[derive(Debug)]
struct Core {
    hub: Arc<Hub>,
    gate: Arc<Gate>,
    /// Ends with the feed.
    _fan_out: JoinSet<()>,
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
        Self::open_after(config, Past::none(config.epoch_of_feed())).await
    }

    /// The same, in the place of a feed that has this past: clients go on with their cursors, in its epoch, and the first
    /// `seq` is one more than the last of that.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_after(config: &Config, past: Past) -> Result<Self, ServerError> {
        let again = config.start_at.filter(|_| config.has_past());
        let hub = Arc::new(Hub::new(Terms::from(config), past, again.map_or(0, |_| clock::unix_us())));
        let mut fan_outs = JoinSet::new();
        fan_outs.spawn(fan_out(hub.clone(), config.settings.coalesce.unwrap_or_default()));
        let feed = Self(Arc::new(Core { hub, gate: Arc::default(), _fan_out: fan_outs }));
        feed.publish(config).await?;
        Ok(feed)
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

    /// What it holds of its past.
    #[must_use]
    pub fn past(&self) -> Past {
        self.hub().past()
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

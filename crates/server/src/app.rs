//! What every handler shares.

use std::sync::Arc;

use feedlab_feed::{Cursor, clock};

use crate::config::Config;
use crate::hub::{Hub, Terms};
use crate::meter::Meters;
use crate::publisher::Gate;

/// What every handler shares.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) hub: Arc<Hub>,
    pub(crate) meters: Arc<Meters>,
    pub(crate) gate: Arc<Gate>,
    /// Tells this process from the ones before and after it.
    pub(crate) life: u64,
    /// Tells this life of the feed from others, in which the same `seq` is another update. All servers of a feed whose
    /// past can be had again agree on it.
    feed_life: u64,
}

/// The integers that a JavaScript number holds.
const EXACT: u64 = (1 << 53) - 1;

impl App {
    pub(crate) fn new(config: Config) -> Self {
        let again = config.start_at.filter(|_| config.has_past());
        Self {
            hub: Arc::new(Hub::new(Terms::from(&config), again.map_or(0, |_| clock::unix_us()))),
            meters: Arc::default(),
            gate: Arc::default(),
            life: rand::random::<u64>() & EXACT,
            feed_life: again.unwrap_or_else(rand::random),
            config,
        }
    }

    /// The entity tag of everything up to a cursor.
    pub(crate) fn etag(&self, cursor: Cursor) -> String {
        format!("\"{:x}-{cursor}\"", self.feed_life)
    }
}

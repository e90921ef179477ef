//! What every handler shares.

use std::sync::Arc;

use feedlab_feed::Cursor;

use crate::config::Config;
use crate::hub::Hub;
use crate::meter::Meters;
use crate::publisher::Gate;

/// What every handler shares.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) hub: Arc<Hub>,
    pub(crate) meters: Arc<Meters>,
    pub(crate) gate: Arc<Gate>,
    /// Tells this life of the feed from the ones before and after it, in which the same `seq` is another update.
    pub(crate) life: u64,
}

impl App {
    /// The entity tag of everything up to a cursor.
    pub(crate) fn etag(&self, cursor: Cursor) -> String {
        format!("\"{:x}-{cursor}\"", self.life)
    }
}

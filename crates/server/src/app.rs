//! What every handler of an address shares.

use std::sync::Arc;

use crate::body::Bodies;
use crate::config::Config;
use crate::feed::Feed;
use crate::hub::Hub;
use crate::meter::Meters;
use crate::publisher::Gate;
use crate::subscribers::Subscribers;

/// What every handler of an address shares.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) hub: Arc<Hub>,
    /// Those of this address who wait.
    pub(crate) subscribers: Arc<Subscribers>,
    pub(crate) meters: Arc<Meters>,
    pub(crate) gate: Arc<Gate>,
    /// Bodies of requests that are waited for.
    pub(crate) bodies: Bodies,
    /// Tells these counters from the ones before and after them.
    pub(crate) life: u64,
}

/// The integers that a JavaScript number holds.
const EXACT: u64 = (1 << 53) - 1;

impl App {
    pub(crate) fn new(feed: &Feed, config: Config) -> Self {
        let meters = Arc::<Meters>::default();
        Self {
            hub: feed.hub().clone(),
            subscribers: feed.hub().subscribers(),
            bodies: Bodies::new(config.body_timeout, meters.clone()),
            meters,
            gate: feed.gate().clone(),
            life: rand::random::<u64>() & EXACT,
            config,
        }
    }
}

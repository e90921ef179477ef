//! What every handler of an address shares.

use std::sync::Arc;

use crate::body::Bodies;
use crate::config::Config;
use crate::fanout::Fanout;
use crate::feed::Feed;
use crate::hub::Hub;
use crate::meter::Meters;
use crate::publisher::Gate;
use tokio_util::sync::CancellationToken;

/// What every handler of an address shares.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) hub: Arc<Hub>,
    /// The streams of this address.
    pub(crate) fanout: Arc<Fanout>,
    /// Canceled when the server shuts down: polls are answered, and streams end.
    pub(crate) closing: CancellationToken,
    pub(crate) meters: Arc<Meters>,
    pub(crate) gate: Arc<Gate>,
    /// The request bodies that the server waits for.
    pub(crate) bodies: Bodies,
    /// The random number of this process: a different one in `/stats` means that the counters restarted.
    pub(crate) instance: u64,
}

/// The largest integer up to which a JavaScript number is exact.
const EXACT: u64 = (1 << 53) - 1;

impl App {
    pub(crate) fn new(feed: &Feed, config: Config) -> Self {
        let meters = Arc::<Meters>::default();
        let fanout = Arc::<Fanout>::default();
        feed.hub().announce_to(&fanout);
        Self {
            hub: feed.hub().clone(),
            fanout,
            closing: CancellationToken::new(),
            bodies: Bodies::new(config.body_timeout, meters.clone()),
            meters,
            gate: feed.gate().clone(),
            instance: rand::random::<u64>() & EXACT,
            config,
        }
    }
}

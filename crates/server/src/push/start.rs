//! The start of a stream: what a handler of its request leaves for the connection to continue with.

use std::sync::Arc;
use std::time::Duration;

use feedlab_feed::Gap;
use feedlab_feed::stream::BEATS;

use super::{Framing, Outbox};
use crate::app::App;
use crate::hub::{Hub, Position};
use crate::meter::Endpoint;

/// The start of a stream, and the endpoint that it counts for.
pub(crate) struct Start {
    pub(super) framing: Box<dyn Framing>,
    pub(super) hub: Arc<Hub>,
    /// The position of its client.
    position: Position,
    /// The requested updates that are older than the history.
    gap: Option<Gap>,
    /// The `seq` after which the stream continues.
    pub(super) resume: u64,
    /// Beats until the stream reaches its maximum age; `u16::MAX` without one.
    pub(super) beats_left: u16,
    pub(super) endpoint: Arc<Endpoint>,
}

impl Start {
    /// The start of a stream at a position. From here on, the history no longer limits how far it may be behind.
    pub(crate) fn new(app: &App, framing: impl Framing + 'static, position: Position, endpoint: Arc<Endpoint>) -> Self {
        let (gap, resume) = app.hub.begin(position.seq);
        let beats_left = app.config.settings.max_connection_age.map_or(u16::MAX, |age| lifetime(age, app));
        Self { framing: Box::new(framing), hub: app.hub.clone(), position, gap, resume, beats_left, endpoint }
    }

    /// Returns the first messages of the stream: the client's cursor, and the gap if there is one.
    pub(super) fn greeting(&self) -> Outbox {
        let first = match self.position.reset {
            Some(reset) => self.framing.reset(reset),
            None => self.framing.hello(self.hub.cursor(self.position.seq)),
        };
        let gap = self.gap.map(|gap| self.framing.gap(gap, self.hub.cursor(self.resume)));
        self.endpoint.resets.add(u64::from(self.position.reset.is_some()));
        self.endpoint.gaps.add(u64::from(gap.is_some()));
        [Some(first), gap].into_iter().flatten().collect()
    }
}

/// Returns the beats until the end of a stream: between half of the maximum age and all of it, so that streams that
/// started together do not end together. An age beyond the range of the counter (some days, with a keepalive of
/// seconds) is clamped.
fn lifetime(age: Duration, app: &App) -> u16 {
    let beat = app.config.settings.keepalive / u32::from(BEATS);
    let most = age.as_nanos() / beat.as_nanos().max(1);
    let most = u16::try_from(most).unwrap_or(u16::MAX - 1).clamp(1, u16::MAX - 1);
    rand::random_range(most.div_ceil(2)..=most)
}

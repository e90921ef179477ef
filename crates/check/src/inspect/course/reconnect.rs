//! The reconnects of a stream that ends before the time is over.

use std::time::{Duration, Instant};

use feedlab_feed::clock;
use tokio::time::sleep;

use super::{Course, LAST_EVENT_ID, Told};
use crate::inspect::InspectError;
use crate::inspect::dial::Endpoint;
use crate::inspect::exchange::Ask;
use crate::inspect::open::{Opened, open};
use crate::inspect::seen::{Refusal, Seen};
use crate::inspect::watch::watch;

/// Reconnects after the first connection ended.
const RECONNECTS: usize = 3;
/// The longest wait before a reconnect.
const RECONNECT_WAIT: Duration = Duration::from_secs(3);
/// How often an idle stream has to be cut to call it a rule.
const CUTS: usize = 3;
impl Course<'_> {
    /// Reconnects as an `EventSource` does while the stream ends before the time is over.
    pub(super) async fn reconnect(
        &self,
        (endpoint, ask): (&Endpoint, &Ask),
        until: Instant,
        seen: &mut Seen,
        told: &mut Told<'_>,
    ) {
        for _ in 0..RECONNECTS {
            let Some(last) = seen.sessions.last() else { return };
            let is_over = last.record.is_over() || !seen.refusals.is_empty();
            let wait = last.record.framing.retry_ms().map_or(RECONNECT_WAIT, Duration::from_millis).min(RECONNECT_WAIT);
            if !is_over || clock::now() + wait >= until || (self.options.find_timeout && idle_cuts(seen) >= CUTS) {
                return;
            }
            let id = last.record.framing.last_event_id().to_owned();
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = sleep(wait) => {}
            }
            let ask = if id.is_empty() { ask.clone() } else { ask.with(LAST_EVENT_ID, &id) };
            match open(&self.dialer, endpoint, &ask, (self.offer(), until)).await {
                Err(InspectError::Spent) => return,
                Err(error) => seen.refusals.push(Refusal::Unreachable(error.to_string())),
                Ok(Opened { answer: Err(failure), .. }) => {
                    seen.refusals.push(Refusal::Unreachable(failure.to_string()));
                }
                Ok(Opened { answer: Ok(answer), .. }) if !answer.head.is_event_stream() => {
                    seen.refusals.push(Refusal::Answered(answer.head.status));
                }
                Ok(Opened { answer: Ok(answer), .. }) => {
                    seen.sessions.push(watch(answer, until, told, self.stop).await);
                }
            }
        }
    }
}

/// How many sessions were cut in silence.
fn idle_cuts(seen: &Seen) -> usize {
    seen.sessions.iter().filter_map(|session| session.record.cut_in_silence_us()).count()
}

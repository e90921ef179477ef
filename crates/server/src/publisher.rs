//! Publishes a source's updates at the times they are due, on its own thread.
//!
//! A thread, not a task: a runtime's timers tick in milliseconds and share their cores with thousands of connections.
//! The hub records the remaining lag of the publisher.

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use feedlab_feed::clock;
use feedlab_feed::settings::{AgeFrom, Stall};
use feedlab_feed::source::{Due, Source};
use tokio::sync::oneshot;

use crate::hub::Hub;

/// Starts and stops the feed.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// When the feed starts, µs of Unix time.
    start: Option<u64>,
    stopped: bool,
}

impl Gate {
    /// Sets the start of the feed, and returns it; only the first call has an effect.
    pub(crate) fn open(&self, at: u64) -> u64 {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.changed.notify_all();
        *state.start.get_or_insert(at)
    }

    /// When the feed started or will start, µs of Unix time.
    pub(crate) fn start(&self) -> Option<u64> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).start
    }

    /// Ends the feed.
    pub(crate) fn stop(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).stopped = true;
        self.changed.notify_all();
    }

    /// Waits until the start is set; `None` if the feed was stopped first.
    fn started(&self) -> Option<u64> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = self.changed.wait_while(state, |state| state.start.is_none() && !state.stopped);
        let state = wait.unwrap_or_else(PoisonError::into_inner);
        state.start.filter(|_| !state.stopped)
    }

    /// Waits until a time; `None` if the feed was stopped first.
    fn reached(&self, at: u64) -> Option<()> {
        let wait = Duration::from_micros(at.saturating_sub(clock::unix_us()));
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let result = self.changed.wait_timeout_while(state, wait, |state| !state.stopped);
        let (state, _) = result.unwrap_or_else(PoisonError::into_inner);
        (!state.stopped).then_some(())
    }
}

/// Starts the thread. It ends with the source, or when the gate stops it; a live source that is waiting for input
/// keeps its thread until the process ends.
///
/// The returned receiver completes (with an error, which has no meaning) once everything that had fallen due is
/// published.
///
/// # Errors
/// When the thread cannot be started.
pub(crate) fn spawn(
    source: Box<dyn Source>,
    pace: Pace,
    hub: Arc<Hub>,
    gate: Arc<Gate>,
) -> io::Result<oneshot::Receiver<Infallible>> {
    let (behind, caught_up) = oneshot::channel();
    let publisher = move || publish(source, pace, &hub, &gate, behind);
    thread::Builder::new().name("publisher".to_owned()).spawn(publisher)?;
    Ok(caught_up)
}

/// How the times of the source are applied.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    pub(crate) age_from: AgeFrom,
    pub(crate) stall: Option<Stall>,
}

impl Pace {
    /// Returns when an update is published that is due this long after the start.
    fn release(&self, due: Duration) -> Duration {
        self.stall.map_or(due, |stall| stall.release(due))
    }

    /// Returns when an update was due and when to publish it, µs of Unix time.
    fn times(&self, due: Due, start: u64) -> (u64, u64) {
        match due {
            Due::Now => (clock::unix_us(), 0),
            Due::At(offset) => {
                let at = |offset| start.saturating_add(clock::micros(offset));
                (at(offset), at(self.release(offset)))
            }
        }
    }
}

/// The largest number of updates that are published before the first is announced.
const BATCH_LIMIT: u32 = 1024;

/// Publishes the source's updates. The schedule is open loop: a late update is published immediately, and keeps its due
/// time. All updates that fall due together are published before any connection is woken, so that a burst is sent as
/// one and not as a race.
fn publish(
    mut source: Box<dyn Source>,
    pace: Pace,
    hub: &Hub,
    gate: &Gate,
    behind: oneshot::Sender<Infallible>,
) -> Option<()> {
    let mut behind = Some(behind);
    let start = gate.started()?;
    let mut batch = 0;
    let mut next = source.next_due();
    while let Some(due) = next {
        let (due_us, release_us) = pace.times(due, start);
        behind = behind.filter(|_| release_us <= clock::unix_us());
        gate.reached(release_us)?;
        hub.put(due_us, pace.age_from, source.produce());
        batch += 1;
        // A live source blocks until it has its next update.
        if due == Due::Now || batch == BATCH_LIMIT {
            hub.wake();
            batch = 0;
        }
        next = source.next_due();
        let is_due = |next| pace.times(next, start).1 <= clock::unix_us();
        if batch > 0 && !next.is_some_and(is_due) {
            hub.wake();
            batch = 0;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use feedlab_feed::schedule::Schedule;
    use feedlab_feed::settings::SlowPolicy;
    use feedlab_feed::source::SourceConfig;

    use crate::hub::Retention;
    use crate::ring::Snapshot;

    const RETENTION: Retention = Retention {
        history: 1000,
        queue: 1000,
        slow_policy: SlowPolicy::Block,
        disconnect_after: None,
        is_shared: false,
    };

    #[tokio::test]
    async fn updates_carry_their_due_time_and_stop_ends_them() {
        let hub = Arc::new(Hub::new(RETENTION, Snapshot::none(feedlab_feed::Epoch::random()), 0));
        let gate = Arc::new(Gate::default());
        let config =
            SourceConfig::Synthetic { rate: 200.0, schedule: Schedule::Constant, payload_bytes: 8, binary: false };
        drop(spawn(config.open().unwrap(), Pace::default(), hub.clone(), gate.clone()).unwrap());
        let start = clock::unix_us();
        assert_eq!(gate.open(start), start);
        assert_eq!(gate.open(start + 1), start, "a feed starts once");
        while hub.head() < 5 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        gate.stop();
        let batch = hub.held_after(0, 5);
        let due: Vec<u64> = batch.entries.iter().map(|entry| entry.update.at - start).collect();
        assert_eq!(due, [0, 5_000, 10_000, 15_000, 20_000]);
    }

    #[tokio::test]
    async fn a_stall_delays_updates_and_only_the_due_time_shows_it() {
        for (age_from, expected) in [(AgeFrom::Due, 5_000), (AgeFrom::Publication, 40_000)] {
            let (hub, gate) = (
                Arc::new(Hub::new(RETENTION, Snapshot::none(feedlab_feed::Epoch::random()), 0)),
                Arc::new(Gate::default()),
            );
            let config =
                SourceConfig::Synthetic { rate: 200.0, schedule: Schedule::Constant, payload_bytes: 8, binary: false };
            let stall = Stall { after: Duration::from_millis(1), length: Duration::from_millis(39) };
            let pace = Pace { age_from, stall: Some(stall) };
            drop(spawn(config.open().unwrap(), pace, hub.clone(), gate.clone()).unwrap());
            let start = gate.open(clock::unix_us());
            while hub.head() < 2 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            gate.stop();
            let second = hub.held_after(1, 1).entries[0].update.at - start;
            assert!((expected..expected + 30_000).contains(&second), "{age_from:?}: {second}");
            assert!(hub.stats(None, 0).publish_lag_max_us >= 34_000, "lag counts from the due time");
        }
    }
}

//! Publishes the feed of a cell to a target, each update when it is due, on a thread of its own: a runtime's timers tick
//! in milliseconds. As with our own server, the schedule is open loop: a late update is sent immediately, keeps its due
//! time, and its lag is counted.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use feedlab_feed::settings::{Settings, Stall};
use feedlab_feed::source::{Due, Source, SourceConfig};
use feedlab_feed::stats::FeedStats;
use feedlab_feed::{Cursor, Epoch, clock};
use hdrhistogram::Histogram;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::request::{Request, Sender};

/// The last part of a wait, which the thread sleeps by itself: more than a tick of a runtime's timer.
const PRECISE: Duration = Duration::from_millis(3);
/// The largest number of updates that are counted to answer what was due before a time.
const MAX_COUNTED: usize = 1_000_000;

/// The thread that publishes, as seen from outside.
pub(super) struct Publisher {
    shared: Arc<Shared>,
    /// How it ended; `None` if nothing is published.
    end: Option<oneshot::Receiver<anyhow::Result<()>>>,
}

/// What the publisher and the control address share.
#[derive(Debug)]
pub(super) struct Shared {
    /// The source of the schedule; `None` if the target has a feed of its own.
    source: Option<SourceConfig>,
    epoch: Epoch,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When the feed starts, µs of Unix time.
    start: Option<u64>,
    /// Tells the thread when the feed starts.
    starter: Option<oneshot::Sender<u64>>,
    head: u64,
    payload_bytes: u64,
    lag_us: Histogram<u64>,
}

/// Starts the thread, which waits for the start of the feed. Without a request, nothing is published.
pub(super) fn spawn(settings: &Settings, epoch: Epoch, request: Option<Request>) -> anyhow::Result<Publisher> {
    let source = settings.source.clone().filter(|_| request.is_some());
    let lag_us = Histogram::new_with_bounds(1, 3_600_000_000, 2).context("cannot count the publisher's lag")?;
    let (starter, start) = oneshot::channel();
    let state = State { start: None, starter: Some(starter), head: 0, payload_bytes: 0, lag_us };
    let shared = Arc::new(Shared { source, epoch, state: Mutex::new(state) });
    let (Some(config), Some(request)) = (&shared.source, request) else { return Ok(Publisher { shared, end: None }) };
    let (source, stall, state) = (config.open()?, settings.stall, shared.clone());
    let (tell, end) = oneshot::channel();
    let publish = move || drop(tell.send(publish(source, stall, &request, &state, start)));
    thread::Builder::new().name("publisher".to_owned()).spawn(publish).context("cannot start a thread")?;
    Ok(Publisher { shared, end: Some(end) })
}

impl Publisher {
    pub(super) fn shared(&self) -> Arc<Shared> {
        self.shared.clone()
    }

    /// Waits until the target refuses publications, and returns the reason.
    pub(super) async fn failed(self) -> anyhow::Error {
        let end = match self.end {
            Some(end) => end.await,
            None => Ok(Ok(())),
        };
        match end {
            Ok(Err(error)) => error,
            // The feed is over, or there is none.
            Ok(Ok(())) => std::future::pending().await,
            Err(_) => anyhow::anyhow!("the thread that publishes ended"),
        }
    }
}

impl Shared {
    /// Starts the feed at `at`, µs of Unix time, and returns when it started; only the first call has an effect.
    pub(super) fn start(&self, at: u64) -> u64 {
        let mut state = self.state();
        if let Some(starter) = state.starter.take() {
            let _ = starter.send(at);
        }
        *state.start.get_or_insert(at)
    }

    /// Returns the size of an update's text, bytes.
    pub(super) fn payload_bytes(&self) -> usize {
        let size = |config: &SourceConfig| Some(config.open().ok()?.produce().data.len());
        self.source.as_ref().and_then(size).unwrap_or_default()
    }

    /// Returns the feed's figures; `before` asks for the last update that was due before that time.
    pub(super) fn stats(&self, before: Option<u64>) -> FeedStats {
        let before = before.and_then(|at| self.due_before(at));
        let state = self.state();
        FeedStats {
            epoch: Some(self.epoch),
            head: state.head,
            oldest: 1,
            before,
            payload_bytes: state.payload_bytes,
            publish_lag_p99_us: state.lag_us.value_at_quantile(0.99),
            publish_lag_max_us: state.lag_us.max(),
            ..FeedStats::default()
        }
    }

    /// Counts the updates that were due before a time, whether the target has taken them or not; `None` if they are too
    /// many, or the feed is the target's own or has not started.
    fn due_before(&self, at: u64) -> Option<u64> {
        let start = self.state().start?;
        let at = at.min(clock::unix_us());
        let mut source = self.source.as_ref()?.open().ok()?;
        let due = std::iter::from_fn(|| source.next_due());
        let is_before = |due: &Due| matches!(due, Due::At(offset) if start.saturating_add(clock::micros(*offset)) < at);
        let count = due.take_while(is_before).take(MAX_COUNTED).count();
        (count < MAX_COUNTED).then_some(count as u64)
    }

    /// Records that an update is sent now, and returns its number.
    fn sends(&self, due_us: u64, bytes: usize) -> u64 {
        let mut state = self.state();
        state.lag_us.saturating_record(clock::unix_us().saturating_sub(due_us));
        state.payload_bytes += bytes as u64;
        state.head += 1;
        state.head
    }

    // Each method leaves the state consistent, so a panic elsewhere does not make it unusable.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Publishes the source's updates until it ends, or until the target has refused two in a row.
fn publish(
    mut source: Box<dyn Source>,
    stall: Option<Stall>,
    request: &Request,
    shared: &Shared,
    start: oneshot::Receiver<u64>,
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let sender = request.sender()?;
    let Ok(start) = runtime.block_on(start) else { return Ok(()) };
    let mut was_refused = false;
    while let Some(due) = source.next_due() {
        let due_us = match due {
            Due::Now => clock::unix_us(),
            Due::At(offset) => start.saturating_add(clock::micros(offset)),
        };
        let release = |offset| stall.map_or(offset, |stall: Stall| stall.release(offset));
        if let Due::At(offset) = due {
            wait(&runtime, start.saturating_add(clock::micros(release(offset))));
        }
        let bytes = source.produce().data.len();
        let seq = shared.sends(due_us, bytes);
        was_refused = send(&runtime, &sender, Cursor { epoch: Some(shared.epoch), seq }, (due_us, bytes), was_refused)?;
    }
    Ok(())
}

/// Waits until a time, µs of Unix time. The runtime notices meanwhile if the target closes the connection.
fn wait(runtime: &Runtime, at_us: u64) {
    let left = || Duration::from_micros(at_us.saturating_sub(clock::unix_us()));
    if let Some(most) = left().checked_sub(PRECISE).filter(|most| !most.is_zero()) {
        runtime.block_on(async { tokio::time::sleep(most).await });
    }
    thread::sleep(left());
}

/// Sends an update, and returns whether the target has refused it.
///
/// # Errors
/// If it had refused the one before, too.
fn send(
    runtime: &Runtime,
    sender: &Sender,
    cursor: Cursor,
    (due_us, bytes): (u64, usize),
    was_refused: bool,
) -> anyhow::Result<bool> {
    let answer = runtime.block_on(sender.send(cursor, due_us, bytes));
    let is_refused = !answer.is_accepted();
    anyhow::ensure!(!(is_refused && was_refused), "it refuses publications: {answer}");
    Ok(is_refused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use feedlab_feed::schedule::Schedule;

    fn publishing(source: Option<SourceConfig>) -> Arc<Shared> {
        let settings = Settings { source, ..Settings::default() };
        let publish = feedlab_experiment::scenario::Publish {
            method: "POST".to_owned(),
            path: "/".to_owned(),
            headers: Vec::new(),
            body: "$UPDATE".to_owned(),
        };
        let request = Request::new(&"http://127.0.0.1:9".parse().unwrap(), &publish).unwrap();
        spawn(&settings, Epoch::random(), Some(request)).unwrap().shared()
    }

    #[test]
    fn what_was_due_follows_from_the_schedule() {
        let synthetic =
            |rate| SourceConfig::Synthetic { rate, schedule: Schedule::Constant, payload_bytes: 70, binary: false };
        let shared = publishing(Some(synthetic(10.0)));
        assert_eq!((shared.payload_bytes(), shared.stats(Some(5)).before), (70, None), "it has not started");
        // Long ago, so that everything asked for is in the past; the first publications fail, which changes nothing.
        let start = clock::unix_us() - 60_000_000;
        assert_eq!((shared.start(start), shared.start(start + 1)), (start, start), "a feed starts once");
        for (after, due) in [(0, 0), (1, 1), (100_000, 1), (100_001, 2), (1_950_000, 20)] {
            assert_eq!(shared.stats(Some(start + after)).before, Some(due), "{after} µs after the start");
        }
        let now = shared.stats(Some(u64::MAX)).before.unwrap();
        assert!((600..700).contains(&now), "what is due later does not count: {now}");
        let fast = publishing(Some(synthetic(1e6)));
        fast.start(start);
        assert_eq!(fast.stats(Some(u64::MAX)).before, None, "too many to count");
    }

    #[test]
    fn a_target_with_its_own_feed_has_nothing_due() {
        let shared = publishing(None);
        shared.start(1);
        let stats = shared.stats(Some(clock::unix_us()));
        assert_eq!((stats.head, stats.before, shared.payload_bytes()), (0, None, 0));
    }
}

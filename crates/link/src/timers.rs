//! Timers that wake tasks at an exact time.
//!
//! The runtime's own timer counts whole milliseconds and rounds up, twice per round trip; that alone would exceed the
//! promised error of 1 ms. Therefore all timers share one kernel timer, the `system` timer, and a task that wakes the
//! tasks that are due. It never wakes them early.

mod system;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use feedlab_feed::clock;
use tokio::task::AbortHandle;

use system::SystemTimer;

/// All timers. They no longer fire once this is dropped.
#[derive(Debug)]
pub(crate) struct Timers {
    shared: Arc<Shared>,
    task: AbortHandle,
}

/// What the timers and the task that wakes them share.
#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    system: SystemTimer,
}

/// The tasks to wake, by the time at which to wake them. The number tells apart timers that are set to the same time.
#[derive(Debug, Default)]
struct Queue {
    entries: BTreeMap<(Instant, u64), Waker>,
    issued: u64,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the tasks that are due, forever.
    async fn run(&self) {
        let mut due = Vec::new();
        loop {
            self.system.fired().await;
            self.take_due(&mut due);
            due.drain(..).for_each(Waker::wake);
        }
    }

    /// Takes the tasks that are due out of the queue, and sets the system timer for the next one.
    fn take_due(&self, due: &mut Vec<Waker>) {
        let mut queue = self.queue();
        let now = clock::now();
        while let Some(entry) = queue.entries.first_entry() {
            let at = entry.key().0;
            if at > now {
                self.system.set(at);
                return;
            }
            due.push(entry.remove());
        }
    }
}

impl Timers {
    /// Starts the task that wakes the others. Must be called inside a runtime.
    pub(crate) fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared { queue: Mutex::default(), system: SystemTimer::new()? });
        let waking = shared.clone();
        let task = tokio::spawn(async move { waking.run().await }).abort_handle();
        Ok(Self { shared, task })
    }

    /// Creates a timer for one task.
    pub(crate) fn timer(&self) -> Timer {
        let mut queue = self.shared.queue();
        queue.issued += 1;
        Timer { shared: self.shared.clone(), number: queue.issued, set: None }
    }
}

impl Drop for Timers {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The timer of one task, set to one time at a time.
#[derive(Debug)]
pub(crate) struct Timer {
    shared: Arc<Shared>,
    number: u64,
    set: Option<(Instant, Waker)>,
}

impl Timer {
    /// Waits until `at`.
    pub(crate) async fn until(&mut self, at: Instant) {
        poll_fn(|context| self.poll(at, context)).await;
    }

    /// Returns ready from `at` on; the task is woken then.
    pub(crate) fn poll(&mut self, at: Instant, context: &Context<'_>) -> Poll<()> {
        if clock::now() >= at {
            return Poll::Ready(());
        }
        self.set(at, context.waker());
        Poll::Pending
    }

    /// Sets the timer, unless it fires no later than `at` anyway. A task that is woken early looks at the clock and
    /// sets the timer again, which costs less than setting it again for each byte that postpones an idle timeout.
    fn set(&mut self, at: Instant, waker: &Waker) {
        let now = clock::now();
        let fires = |set: &(Instant, Waker)| set.0 > now && set.0 <= at && set.1.will_wake(waker);
        if self.set.as_ref().is_some_and(fires) {
            return;
        }
        let mut queue = self.shared.queue();
        if let Some((before, _)) = self.set.replace((at, waker.clone())) {
            queue.entries.remove(&(before, self.number));
        }
        let is_first = queue.entries.first_key_value().is_none_or(|((first, _), _)| at < *first);
        queue.entries.insert((at, self.number), waker.clone());
        if is_first {
            self.shared.system.set(at);
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some((at, _)) = &self.set {
            self.shared.queue().entries.remove(&(*at, self.number));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn all_timers_fire_and_never_early() {
        let timers = Timers::start().unwrap();
        let began = clock::now();
        let sleep = |ms| {
            let (mut timer, at) = (timers.timer(), began + Duration::from_millis(ms));
            async move {
                timer.until(at).await;
                assert!(clock::now() >= at);
            }
        };
        for task in [30, 10, 20, 10].map(sleep).map(tokio::spawn) {
            task.await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_dropped_timer_leaves_nothing_in_the_queue() {
        let timers = Timers::start().unwrap();
        let mut timer = timers.timer();
        let hour = Duration::from_secs(3600);
        for factor in [2, 1, 3] {
            let waiting = timer.until(clock::now() + hour * factor);
            assert!(tokio::time::timeout(Duration::from_millis(1), waiting).await.is_err());
            assert_eq!(timers.shared.queue().entries.len(), 1);
        }
        drop(timer);
        assert_eq!(timers.shared.queue().entries.len(), 0);
    }
}

//! Wakes tasks at an exact moment.
//!
//! A runtime's own timer counts whole milliseconds and rounds up, twice a round trip; that alone would break the
//! promise of 1 ms. So all alarms share one timer of the kernel's, the `bell`, and a task that wakes those whose moment has
//! come. It never wakes them early.

mod bell;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use feedlab_feed::clock;
use tokio::task::AbortHandle;

use bell::Bell;

/// All alarms. They ring no more when this is dropped.
#[derive(Debug)]
pub(crate) struct Alarms {
    clockwork: Arc<Clockwork>,
    ringer: AbortHandle,
}

#[derive(Debug)]
struct Clockwork {
    book: Mutex<Book>,
    bell: Bell,
}

/// Who is to be woken when. The number tells apart whom the same moment wakes.
#[derive(Debug, Default)]
struct Book {
    entries: BTreeMap<(Instant, u64), Waker>,
    issued: u64,
}

impl Clockwork {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes whoever is due, for ever.
    async fn run(&self) {
        let mut due = Vec::new();
        loop {
            self.bell.rung().await;
            self.take_due(&mut due);
            due.drain(..).for_each(Waker::wake);
        }
    }

    /// Takes those who are due out of the book, and sets the bell for the next.
    fn take_due(&self, due: &mut Vec<Waker>) {
        let mut book = self.book();
        let now = clock::now();
        while let Some(entry) = book.entries.first_entry() {
            let at = entry.key().0;
            if at > now {
                self.bell.set(at);
                return;
            }
            due.push(entry.remove());
        }
    }
}

impl Alarms {
    /// Must be called inside a runtime.
    pub(crate) fn start() -> io::Result<Self> {
        let clockwork = Arc::new(Clockwork { book: Mutex::default(), bell: Bell::new()? });
        let its = clockwork.clone();
        let ringer = tokio::spawn(async move { its.run().await }).abort_handle();
        Ok(Self { clockwork, ringer })
    }

    /// An alarm for one task.
    pub(crate) fn alarm(&self) -> Alarm {
        let mut book = self.clockwork.book();
        book.issued += 1;
        Alarm { clockwork: self.clockwork.clone(), number: book.issued, set: None }
    }
}

impl Drop for Alarms {
    fn drop(&mut self) {
        self.ringer.abort();
    }
}

/// The alarm of one task, set to one moment at a time.
#[derive(Debug)]
pub(crate) struct Alarm {
    clockwork: Arc<Clockwork>,
    number: u64,
    set: Option<(Instant, Waker)>,
}

impl Alarm {
    /// Waits until that moment.
    pub(crate) async fn until(&mut self, at: Instant) {
        poll_fn(|context| self.poll(at, context)).await;
    }

    /// Ready from that moment on; the task is woken then.
    pub(crate) fn poll(&mut self, at: Instant, context: &Context<'_>) -> Poll<()> {
        if clock::now() >= at {
            return Poll::Ready(());
        }
        self.set(at, context.waker());
        Poll::Pending
    }

    /// Sets it, unless it rings no later anyway: whoever is woken early looks at the clock and sets it again, which costs
    /// less than to set it again for each byte that postpones an idle timeout.
    fn set(&mut self, at: Instant, waker: &Waker) {
        let now = clock::now();
        let rings = |set: &(Instant, Waker)| set.0 > now && set.0 <= at && set.1.will_wake(waker);
        if self.set.as_ref().is_some_and(rings) {
            return;
        }
        let mut book = self.clockwork.book();
        if let Some((before, _)) = self.set.replace((at, waker.clone())) {
            book.entries.remove(&(before, self.number));
        }
        let is_first = book.entries.first_key_value().is_none_or(|((first, _), _)| at < *first);
        book.entries.insert((at, self.number), waker.clone());
        if is_first {
            self.clockwork.bell.set(at);
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let Some((at, _)) = &self.set {
            self.clockwork.book().entries.remove(&(*at, self.number));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn alarms_ring_for_everyone_and_never_early() {
        let alarms = Alarms::start().unwrap();
        let began = clock::now();
        let sleep = |ms| {
            let (mut alarm, at) = (alarms.alarm(), began + Duration::from_millis(ms));
            async move {
                alarm.until(at).await;
                assert!(clock::now() >= at);
            }
        };
        for task in [30, 10, 20, 10].map(sleep).map(tokio::spawn) {
            task.await.unwrap();
        }
    }

    #[tokio::test]
    async fn an_alarm_that_is_gone_leaves_nothing_in_the_book() {
        let alarms = Alarms::start().unwrap();
        let mut alarm = alarms.alarm();
        let hour = Duration::from_secs(3600);
        for factor in [2, 1, 3] {
            let waiting = alarm.until(clock::now() + hour * factor);
            assert!(tokio::time::timeout(Duration::from_millis(1), waiting).await.is_err());
            assert_eq!(alarms.clockwork.book().entries.len(), 1);
        }
        drop(alarm);
        assert_eq!(alarms.clockwork.book().entries.len(), 0);
    }
}

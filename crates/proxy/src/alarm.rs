//! Wakes tasks at an exact moment.
//!
//! A runtime's own timer counts whole milliseconds and rounds up, twice a round trip; that alone would break the
//! promise of 1 ms. Here one thread sleeps on a condition variable, whose timeout the kernel keeps to some 50 µs (on
//! Linux to less, when asked), and wakes the tasks whose moment has come. It never wakes them early.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use crate::clock;

/// The thread that wakes. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Alarms {
    clockwork: Arc<Clockwork>,
}

#[derive(Debug, Default)]
struct Clockwork {
    book: Mutex<Book>,
    changed: Condvar,
}

/// Who is to be woken when. The number tells apart whom the same moment wakes.
#[derive(Debug, Default)]
struct Book {
    entries: BTreeMap<(Instant, u64), Waker>,
    issued: u64,
    ended: bool,
}

impl Clockwork {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        be_exact();
        let mut due = Vec::new();
        let mut book = self.book();
        while !book.ended {
            book.take_due(clock::now(), &mut due);
            if !due.is_empty() {
                drop(book);
                due.drain(..).for_each(Waker::wake);
                book = self.book();
                continue;
            }
            book = self.sleep(book);
        }
    }

    /// Sleeps until the next entry is due, or until there is an earlier one.
    fn sleep<'a>(&self, book: MutexGuard<'a, Book>) -> MutexGuard<'a, Book> {
        let next = book.entries.first_key_value().map(|((at, _), _)| *at);
        match next.map(|at| at.saturating_duration_since(clock::now())) {
            Some(time) => self.changed.wait_timeout(book, time).unwrap_or_else(PoisonError::into_inner).0,
            None => self.changed.wait(book).unwrap_or_else(PoisonError::into_inner),
        }
    }
}

impl Book {
    fn take_due(&mut self, now: Instant, due: &mut Vec<Waker>) {
        while let Some(entry) = self.entries.first_entry().filter(|entry| entry.key().0 <= now) {
            due.push(entry.remove());
        }
    }
}

impl Alarms {
    /// Starts the thread.
    pub(crate) fn start() -> io::Result<Self> {
        let clockwork = Arc::new(Clockwork::default());
        let its = clockwork.clone();
        std::thread::Builder::new().name("alarms".to_owned()).spawn(move || its.run())?;
        Ok(Self { clockwork })
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
        self.clockwork.book().ended = true;
        self.clockwork.changed.notify_one();
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
    /// less than to set it anew for each byte that postpones an idle timeout.
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
        drop(book);
        if is_first {
            self.clockwork.changed.notify_one();
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

/// Linux puts wake-ups that are less than 50 µs apart together, to save power (prctl(2), `PR_SET_TIMERSLACK`). Where that
/// cannot be turned off, this thread is so much later.
fn be_exact() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
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

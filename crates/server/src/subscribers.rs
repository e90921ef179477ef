//! The waiting connections: for an update, the next keepalive, or the shutdown.
//!
//! A waiting connection is a waker and a byte of signals. A signal sets a bit and wakes the connection, which takes all
//! bits at once. Nothing is queued, so a slow connection delays no other.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use slab::Slab;

/// What a subscriber is woken for, as a set of bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signals(u8);

impl Signals {
    /// The feed has something new.
    pub(crate) const NEWS: Self = Self(1);
    /// A quarter of a keepalive interval has passed.
    pub(crate) const BEAT: Self = Self(2);
    /// The server shuts down.
    pub(crate) const CLOSING: Self = Self(4);

    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// The number of groups that get a beat one after another, so that not all connections write at the same moment.
pub(crate) const GROUPS: usize = 16;

#[derive(Debug)]
struct Subscriber {
    waker: AtomicWaker,
    signals: AtomicU8,
}

/// The list of waiting connections.
#[derive(Debug, Default)]
pub(crate) struct Subscribers {
    list: RwLock<Slab<Arc<Subscriber>>>,
    closing: AtomicBool,
}

impl Subscribers {
    /// Joins the list. The first poll returns immediately with news, so that no update is missed before it.
    pub(crate) fn join(self: &Arc<Self>) -> Subscription {
        let subscriber = Arc::new(Subscriber { waker: AtomicWaker::new(), signals: AtomicU8::new(Signals::NEWS.0) });
        let key = self.list.write().unwrap_or_else(PoisonError::into_inner).insert(subscriber.clone());
        // After joining: a close before this line did not reach the new subscriber.
        if self.closing.load(Ordering::SeqCst) {
            subscriber.signals.fetch_or(Signals::CLOSING.0, Ordering::Release);
        }
        Subscription { key, subscriber, subscribers: self.clone() }
    }

    /// Signals to all subscribers that there is a new update.
    pub(crate) fn news(&self) {
        self.signal(Signals::NEWS, |_| true);
    }

    /// Signals a beat to one group.
    pub(crate) fn beat(&self, group: usize) {
        self.signal(Signals::BEAT, |key| key % GROUPS == group);
    }

    /// Signals to all subscribers, present and future, that the server shuts down.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        self.signal(Signals::CLOSING, |_| true);
    }

    fn signal(&self, signal: Signals, selects: impl Fn(usize) -> bool) {
        let list = self.list.read().unwrap_or_else(PoisonError::into_inner);
        for (key, subscriber) in list.iter() {
            // A subscriber that already has the signal has been woken for it and has not run yet: no need to wake it
            // again.
            if selects(key) && subscriber.signals.fetch_or(signal.0, Ordering::AcqRel) & signal.0 == 0 {
                subscriber.waker.wake();
            }
        }
    }

    /// The number of subscribers.
    pub(crate) fn len(&self) -> usize {
        self.list.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// An entry in the list, removed on drop.
#[derive(Debug)]
pub(crate) struct Subscription {
    key: usize,
    subscriber: Arc<Subscriber>,
    subscribers: Arc<Subscribers>,
}

impl Subscription {
    /// Takes the pending signals, or waits for one.
    pub(crate) fn poll_signals(&self, cx: &mut Context<'_>) -> Poll<Signals> {
        // Register first: a signal between the check and the registration would be lost.
        self.subscriber.waker.register(cx.waker());
        match self.subscriber.signals.swap(0, Ordering::AcqRel) {
            0 => Poll::Pending,
            bits => Poll::Ready(Signals(bits)),
        }
    }

    /// Waits for a signal.
    pub(crate) async fn signals(&self) -> Signals {
        std::future::poll_fn(|cx| self.poll_signals(cx)).await
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.subscribers.list.write().unwrap_or_else(PoisonError::into_inner).remove(self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn signals_add_up_until_they_are_taken() {
        let subscribers = Arc::new(Subscribers::default());
        let subscription = subscribers.join();
        assert_eq!(subscription.signals().await, Signals::NEWS);
        subscribers.news();
        subscribers.news();
        subscribers.beat(subscription.key % GROUPS);
        let signals = subscription.signals().await;
        assert!(signals.has(Signals::NEWS) && signals.has(Signals::BEAT) && !signals.has(Signals::CLOSING));
        drop(subscription);
        assert_eq!(subscribers.len(), 0);
    }

    #[tokio::test]
    async fn a_late_subscriber_learns_that_the_server_closes() {
        let subscribers = Arc::new(Subscribers::default());
        subscribers.close();
        assert!(subscribers.join().signals().await.has(Signals::CLOSING));
    }
}

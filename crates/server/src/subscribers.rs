//! Everyone who waits for something: news, the next keepalive, the end.
//!
//! A waiting connection is a waker and a byte of signals. Whoever signals sets a bit and wakes; whoever is woken takes
//! all bits at once. Nothing is queued for anybody, so a slow connection holds nobody up.

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
    /// The server goes down.
    pub(crate) const CLOSING: Self = Self(4);

    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// In how many groups a beat is divided, so that not all connections write at the same moment.
pub(crate) const GROUPS: usize = 16;

#[derive(Debug)]
struct Subscriber {
    waker: AtomicWaker,
    signals: AtomicU8,
}

/// The list of those who wait.
#[derive(Debug, Default)]
pub(crate) struct Subscribers {
    list: RwLock<Slab<Arc<Subscriber>>>,
    closing: AtomicBool,
}

impl Subscribers {
    /// Joins the list. The first poll is ready at once with news, so that no update can fall before it.
    pub(crate) fn join(self: &Arc<Self>) -> Subscription {
        let subscriber = Arc::new(Subscriber { waker: AtomicWaker::new(), signals: AtomicU8::new(Signals::NEWS.0) });
        let key = self.list.write().unwrap_or_else(PoisonError::into_inner).insert(subscriber.clone());
        // After joining: a close that ran before this line was not told to the new subscriber.
        if self.closing.load(Ordering::SeqCst) {
            subscriber.signals.fetch_or(Signals::CLOSING.0, Ordering::Release);
        }
        Subscription { key, subscriber, subscribers: self.clone() }
    }

    /// Tells everyone that there is news.
    pub(crate) fn news(&self) {
        self.signal(Signals::NEWS, |_| true);
    }

    /// Tells one group that a beat has passed for it.
    pub(crate) fn beat(&self, group: usize) {
        self.signal(Signals::BEAT, |key| key % GROUPS == group);
    }

    /// Tells everyone, now and from now on, that the server goes down.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        self.signal(Signals::CLOSING, |_| true);
    }

    fn signal(&self, signal: Signals, whom: impl Fn(usize) -> bool) {
        let list = self.list.read().unwrap_or_else(PoisonError::into_inner);
        for (key, subscriber) in list.iter() {
            // Who has the signal already has been woken for it and has not come yet: no need to wake again.
            if whom(key) && subscriber.signals.fetch_or(signal.0, Ordering::AcqRel) & signal.0 == 0 {
                subscriber.waker.wake();
            }
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.list.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// A place in the list, given up on drop.
#[derive(Debug)]
pub(crate) struct Subscription {
    key: usize,
    subscriber: Arc<Subscriber>,
    subscribers: Arc<Subscribers>,
}

impl Subscription {
    /// Takes the signals that have come, or waits for one.
    pub(crate) fn poll_signals(&self, cx: &mut Context<'_>) -> Poll<Signals> {
        // Register first: a signal that comes between a look and a registration would be lost.
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

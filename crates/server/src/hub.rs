//! The feed itself: publishing puts an update into the ring and wakes whoever waits.

use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

use bytes::Bytes;
use feedlab_feed::settings::{AgeFrom, Settings, SlowPolicy};
use feedlab_feed::source::Item;
use feedlab_feed::stats::FeedStats;
use feedlab_feed::{Cursor, Epoch, Reset, Update, clock};
use hdrhistogram::Histogram;
use tokio::sync::Notify;

use crate::config::Config;
use crate::limits::MAX_HISTORY_BYTES;
use crate::ring::{Batch, Past, Ring};
use crate::subscribers::Subscribers;

/// How far one server of a feed may be ahead of another that has the same schedule: they publish at the same moments, each
/// as soon as its thread is woken.
const LEAD: u64 = 64;

/// On which terms the feed is handed out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// How many updates back a client may go that connects or asks.
    pub(crate) history: usize,
    /// Updates that are kept, if the history needs no more.
    pub(crate) queue: usize,
    /// What becomes of slow streams.
    pub(crate) slow_policy: SlowPolicy,
    /// After how many updates, if that is to end them.
    pub(crate) disconnect_after: Option<u64>,
    /// Other servers may have the same feed, with the same start.
    pub(crate) has_others: bool,
}

impl From<&Config> for Terms {
    fn from(config: &Config) -> Self {
        let Settings { history, queue, slow_policy, .. } = config.settings;
        let disconnect_after = config.settings.disconnect_after();
        Self { history, queue, slow_policy, disconnect_after, has_others: config.may_have_others() }
    }
}

/// Where a client that asks is in the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The `seq` that it has everything up to.
    pub(crate) seq: u64,
    /// Its cursor is of another epoch: it has nothing of this one, and must be told.
    pub(crate) reset: Option<Reset>,
}

/// One feed.
#[derive(Debug)]
pub(crate) struct Hub {
    terms: Terms,
    epoch: Epoch,
    ring: RwLock<Ring>,
    published: Mutex<Published>,
    /// When this server began to publish, µs of Unix time: what fell due before is late through no fault of its own.
    since: u64,
    fresh: Notify,
    /// Those who wait, by the address at which they do.
    audiences: RwLock<Vec<Weak<Subscribers>>>,
}

/// What the publisher has done so far.
#[derive(Debug)]
struct Published {
    payload_bytes: u64,
    lag_us: Histogram<u64>,
}

impl Hub {
    /// A feed that goes on from a past, and counts lags of what falls due from `since` on, µs of Unix time.
    pub(crate) fn new(terms: Terms, past: Past, since: u64) -> Self {
        let published = Published { payload_bytes: 0, lag_us: lag_histogram() };
        let ring = Ring::new(terms.queue.max(terms.history), MAX_HISTORY_BYTES, past);
        Self {
            epoch: ring.epoch(),
            ring: RwLock::new(ring.beside_others(if terms.has_others { LEAD } else { 0 })),
            terms,
            published: Mutex::new(published),
            since,
            fresh: Notify::new(),
            audiences: RwLock::default(),
        }
    }

    /// Puts an update that was due at `due_us` into the ring, and returns its `seq`. Never waits for a client; whoever
    /// waits is told by [`Hub::wake`].
    pub(crate) fn put(&self, due_us: u64, age_from: AgeFrom, item: Item) -> u64 {
        let len = item.data.len() as u64;
        let Item { event_type, data } = item;
        let now = clock::unix_us();
        let is_past = due_us < self.since;
        let at = if age_from == AgeFrom::Due || is_past { due_us } else { now };
        let seq = self.ring_mut().push(|seq| Update { seq, at, event_type, data });
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        published.payload_bytes += len;
        if !is_past {
            published.lag_us.saturating_record(now.saturating_sub(due_us));
        }
        seq
    }

    /// Publishes an update that is due now.
    pub(crate) fn publish_now(&self, item: Item) -> u64 {
        let seq = self.put(clock::unix_us(), AgeFrom::Due, item);
        self.wake();
        seq
    }

    /// Lets those who wait know that there is something new.
    pub(crate) fn wake(&self) {
        self.fresh.notify_one();
    }

    /// Waits for something to be published.
    pub(crate) async fn fresh(&self) {
        self.fresh.notified().await;
    }

    /// What becomes of slow streams.
    pub(crate) const fn slow_policy(&self) -> SlowPolicy {
        self.terms.slow_policy
    }

    /// After how many updates a stream that stands still is ended, where that is the policy.
    pub(crate) const fn disconnect_after(&self) -> Option<u64> {
        self.terms.disconnect_after
    }

    /// Where a cursor is in this feed; without one, at its head: from now on. One of another epoch is at the begin of this
    /// one, and that its client is told so is the only way to go on.
    pub(crate) fn place(&self, cursor: Option<Cursor>) -> Place {
        match cursor {
            None => Place { seq: self.head(), reset: None },
            Some(asked) if asked.epoch.is_some_and(|epoch| epoch != self.epoch) => {
                Place { seq: 0, reset: Some(Reset { asked, resume: self.cursor(0) }) }
            }
            Some(Cursor { seq, .. }) => Place { seq, reset: None },
        }
    }

    /// The cursor of a `seq`.
    pub(crate) const fn cursor(&self, seq: u64) -> Cursor {
        Cursor::new(self.epoch, seq)
    }

    /// What a client gets that asks with a place: up to `max` updates, no older than the history.
    pub(crate) fn asked(&self, seq: u64, max: usize) -> Batch {
        self.ring().last(self.terms.history, seq, max)
    }

    /// All that such a client gets of a poll.
    pub(crate) fn asked_whole(&self, seq: u64) -> Batch {
        let ring = self.ring();
        ring.marked(ring.last(self.terms.history, seq, usize::MAX))
    }

    /// All that one gets of a poll that has waited since it asked.
    pub(crate) fn after_whole(&self, seq: u64) -> Batch {
        let ring = self.ring();
        ring.marked(ring.after(seq, usize::MAX))
    }

    /// The JSON of an update that an answer with a bookmark needs; none once it has fallen too far behind.
    pub(crate) fn held(&self, seq: u64) -> Option<Bytes> {
        self.ring().held(seq)
    }

    /// Up to `max` updates after the place of a client that has waited since it asked: however old they are.
    pub(crate) fn after(&self, seq: u64, max: usize) -> Batch {
        self.ring().after(seq, max)
    }

    /// The newest update, if it is after a `seq`.
    pub(crate) fn newest(&self, seq: u64) -> Batch {
        self.ring().last(1, seq, 1)
    }

    /// All that it holds, for another feed to go on from.
    pub(crate) fn past(&self) -> Past {
        self.ring().past()
    }

    /// The life of the feed.
    pub(crate) const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The newest update's `seq`.
    pub(crate) fn head(&self) -> u64 {
        self.ring().head()
    }

    /// A new list of those who wait, for an address that serves this feed.
    pub(crate) fn audience(&self) -> Arc<Subscribers> {
        let audience = Arc::default();
        let mut audiences = self.audiences.write().unwrap_or_else(PoisonError::into_inner);
        audiences.retain(|audience| audience.strong_count() > 0);
        audiences.push(Arc::downgrade(&audience));
        audience
    }

    /// Tells everyone who waits, wherever it is, that there is news.
    pub(crate) fn tell(&self) {
        let audiences = self.audiences.read().unwrap_or_else(PoisonError::into_inner);
        audiences.iter().filter_map(Weak::upgrade).for_each(|audience| audience.news());
    }

    /// The feed's figures, for an address at which so many wait; `before` asks for the last update due before that time.
    pub(crate) fn stats(&self, before: Option<u64>, waiting: u64) -> FeedStats {
        let published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        let ring = self.ring();
        FeedStats {
            epoch: Some(self.epoch),
            head: ring.head(),
            oldest: ring.oldest(),
            before: before.and_then(|at| ring.before(at)),
            waiting,
            payload_bytes: published.payload_bytes,
            publish_lag_p99_us: published.lag_us.value_at_quantile(0.99),
            publish_lag_max_us: published.lag_us.max(),
        }
    }

    // The ring is whole after each of its methods, so a panic elsewhere does not make it unusable.
    fn ring(&self) -> std::sync::RwLockReadGuard<'_, Ring> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring_mut(&self) -> std::sync::RwLockWriteGuard<'_, Ring> {
        self.ring.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 1 µs to 1 h in two digits; `saturating_record` takes what lies beyond.
fn lag_histogram() -> Histogram<u64> {
    #[expect(clippy::expect_used, reason = "constant bounds that the constructor accepts")]
    Histogram::new_with_bounds(1, 3_600_000_000, 2).expect("valid bounds")
}

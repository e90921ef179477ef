//! The feed itself: publishing puts an update into the ring and wakes whoever waits.

use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::task::{Context, Poll};

use bytes::Bytes;
use feedlab_feed::settings::{AgeFrom, Settings, SlowPolicy};
use feedlab_feed::source::Item;
use feedlab_feed::stats::{FeedStats, HopStats};
use feedlab_feed::{Cursor, Epoch, Gap, Reset, Update, clock};
use feedlab_nats::Arrival;
use hdrhistogram::Histogram;
use tokio::sync::Notify;

use crate::broker::Broker;
use crate::config::Config;
use crate::limits::MAX_HISTORY_BYTES;
use crate::rejection::Rejection;
use crate::ring::{Batch, Ring, Snapshot};
use crate::subscribers::Subscribers;

/// How far one server of a feed may be ahead of another that has the same schedule: they publish at the same moments, each
/// as soon as its thread is woken.
const LEAD: u64 = 64;

/// On which retention the feed is handed out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retention {
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

impl Retention {
    /// Updates that the ring keeps.
    pub(crate) fn kept(&self) -> usize {
        self.queue.max(self.history)
    }
}

impl From<&Config> for Retention {
    fn from(config: &Config) -> Self {
        let Settings { history, queue, slow_policy, .. } = config.settings;
        let disconnect_after = config.settings.disconnect_after();
        Self { history, queue, slow_policy, disconnect_after, has_others: config.may_have_others() }
    }
}

/// Where a client that asks is in the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// The `seq` that it has everything up to.
    pub(crate) seq: u64,
    /// Its cursor is of another epoch: it has nothing of this one, and must be told.
    pub(crate) reset: Option<Reset>,
}

/// One feed.
#[derive(Debug)]
pub(crate) struct Hub {
    retention: Retention,
    epoch: Epoch,
    ring: RwLock<Ring>,
    published: Mutex<Published>,
    /// When this server began to publish, µs of Unix time: what fell due before is late through no fault of its own.
    since: u64,
    fresh: Notify,
    /// Where the feed lives, if not here.
    broker: Option<Broker>,
    /// Those who wait, by the address at which they do.
    subscriber_lists: RwLock<Vec<Weak<Subscribers>>>,
}

/// What the publisher has done so far.
#[derive(Debug)]
struct Published {
    payload_bytes: u64,
    lag_us: Histogram<u64>,
    hops: HopStats,
}

impl Hub {
    /// A feed that lives on a broker, of which the ring is to hold what follows a snapshot. It goes back as far as the broker
    /// does, and any other server may be ahead of this one.
    pub(crate) fn on(broker: Broker, retention: Retention, snapshot: Snapshot) -> Self {
        let hub = Self::new(retention, snapshot, 0);
        hub.ring_mut().allow_lead(u64::MAX);
        Self { broker: Some(broker), retention: Retention { history: usize::MAX, ..retention }, ..hub }
    }

    /// A feed that goes on from a snapshot, and counts lags of what falls due from `since` on, µs of Unix time.
    pub(crate) fn new(retention: Retention, snapshot: Snapshot, since: u64) -> Self {
        let published = Published { payload_bytes: 0, lag_us: lag_histogram(), hops: HopStats::default() };
        let mut ring = Ring::new(retention.kept(), MAX_HISTORY_BYTES, snapshot);
        ring.allow_lead(if retention.has_others { LEAD } else { 0 });
        Self {
            epoch: ring.epoch(),
            ring: RwLock::new(ring),
            retention,
            published: Mutex::new(published),
            since,
            fresh: Notify::new(),
            broker: None,
            subscriber_lists: RwLock::default(),
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

    /// Publishes an update that is due now: its `seq`, once the feed has it.
    pub(crate) async fn publish(&self, item: Item) -> Result<u64, Rejection> {
        match &self.broker {
            Some(broker) => broker.publish(item).await,
            None => Ok(self.publish_now(item)),
        }
    }

    /// The same where the feed lives here.
    pub(crate) fn publish_now(&self, item: Item) -> u64 {
        let seq = self.put(clock::unix_us(), AgeFrom::Due, item);
        self.wake();
        seq
    }

    /// Takes an update from the broker. Those between the last and this one, if any, nobody has any more.
    pub(crate) fn append(&self, update: Update) {
        let len = update.data.len() as u64;
        let mut ring = self.ring_mut();
        if update.seq != ring.head() + 1 {
            ring.skip_to(update.seq - 1);
        }
        ring.push(|_| update);
        drop(ring);
        self.published.lock().unwrap_or_else(PoisonError::into_inner).payload_bytes += len;
    }

    /// Takes one as it is published, and counts what its way took.
    pub(crate) fn arrived(&self, Arrival { update, stored_at }: Arrival) {
        let between = |from: u64, to: u64| (to as i64).saturating_sub(from as i64); // anybody may have sent it
        let (to_broker_us, to_server_us) = (between(update.at, stored_at), between(stored_at, clock::unix_us()));
        self.append(update);
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        published.hops += HopStats { updates: 1, to_broker_us, to_server_us };
    }

    /// Where the feed lives, if not here.
    pub(crate) const fn broker(&self) -> Option<&Broker> {
        self.broker.as_ref()
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
        self.retention.slow_policy
    }

    /// After how many updates a stream that stands still is ended, where that is the policy.
    pub(crate) const fn disconnect_after(&self) -> Option<u64> {
        self.retention.disconnect_after
    }

    /// Where a cursor is in this feed; without one, at its head: from now on. One of another epoch is at the start of this
    /// one, and that its client is told so is the only way to go on.
    pub(crate) fn position(&self, cursor: Option<Cursor>) -> Position {
        match cursor {
            None => Position { seq: self.head(), reset: None },
            Some(asked) if asked.epoch.is_some_and(|epoch| epoch != self.epoch) => {
                Position { seq: 0, reset: Some(Reset { asked, resume: self.cursor(0) }) }
            }
            Some(Cursor { seq, .. }) => Position { seq, reset: None },
        }
    }

    /// The cursor of a `seq`.
    pub(crate) const fn cursor(&self, seq: u64) -> Cursor {
        Cursor::new(self.epoch, seq)
    }

    /// All that a client gets of a poll that asks with a place, no older than the history. Of a feed on a broker it may take
    /// some time.
    pub(crate) async fn all_in_history_after(&self, seq: u64) -> Batch {
        std::future::poll_fn(|cx| self.poll_all(cx, seq, |ring| ring.last(self.retention.history, seq, usize::MAX)))
            .await
    }

    /// All that one gets of a poll that has waited since it asked: however old it is.
    pub(crate) async fn all_after(&self, seq: u64) -> Batch {
        std::future::poll_fn(|cx| self.poll_all(cx, seq, |ring| ring.after(seq, usize::MAX))).await
    }

    fn poll_all(&self, cx: &Context<'_>, seq: u64, held: impl Fn(&Ring) -> Batch) -> Poll<Batch> {
        let ring = self.ring();
        let batch = ring.with_bookmark(held(&ring));
        drop(ring);
        self.or_from_broker(cx, batch, seq, usize::MAX).map(Batch::short_of_another_page)
    }

    /// The JSON of an update that an answer with a bookmark needs; none once it has fallen too far behind.
    pub(crate) fn held(&self, seq: u64) -> Option<Bytes> {
        self.ring().held(seq)
    }

    /// Up to `max` updates after the place of a stream: however old they are.
    pub(crate) fn poll_after(&self, cx: &Context<'_>, seq: u64, max: usize) -> Poll<Batch> {
        self.or_from_broker(cx, self.ring().after(seq, max), seq, max)
    }

    #[cfg(test)]
    pub(crate) fn after(&self, seq: u64, max: usize) -> Batch {
        self.ring().after(seq, max)
    }

    /// What the ring no longer has may still be on the broker.
    fn or_from_broker(&self, cx: &Context<'_>, batch: Batch, seq: u64, max: usize) -> Poll<Batch> {
        match &self.broker {
            Some(broker) if batch.gap.is_some() => broker.poll_after(cx, seq, max).map(|older| older.unwrap_or(batch)),
            _ => Poll::Ready(batch),
        }
    }

    /// Whether a client of a feed on a broker, which is given old updates by the page, has more to come.
    pub(crate) fn is_behind(&self, seq: u64) -> bool {
        self.broker.is_some() && seq < self.head()
    }

    /// Where a stream goes on that is asked for with a place, and what is lost to it.
    pub(crate) fn begin(&self, seq: u64) -> (Option<Gap>, u64) {
        if self.broker.is_some() {
            return (None, seq);
        }
        let Batch { gap, resume, .. } = self.ring().last(self.retention.history, seq, 0);
        (gap, resume)
    }

    /// The newest update, if it is after a `seq`.
    pub(crate) fn newest(&self, seq: u64) -> Batch {
        self.ring().last(1, seq, 1)
    }

    /// All that it holds, for another feed to go on from.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.ring().snapshot()
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
    pub(crate) fn subscribers(&self) -> Arc<Subscribers> {
        let subscribers = Arc::default();
        let mut subscriber_lists = self.subscriber_lists.write().unwrap_or_else(PoisonError::into_inner);
        subscriber_lists.retain(|subscribers| subscribers.strong_count() > 0);
        subscriber_lists.push(Arc::downgrade(&subscribers));
        subscribers
    }

    /// Tells everyone who waits, wherever it is, that there is news.
    pub(crate) fn tell(&self) {
        let subscriber_lists = self.subscriber_lists.read().unwrap_or_else(PoisonError::into_inner);
        subscriber_lists.iter().filter_map(Weak::upgrade).for_each(|subscribers| subscribers.news());
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
            broker: self.broker.as_ref().map(Broker::state),
            hops: self.broker.as_ref().map(|_| published.hops),
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

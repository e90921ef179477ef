//! The feed itself: publishing puts an update into the ring and announces it.
//!
//! An announcement goes to the shards of all addresses (`fanout.rs`), which send the update to their streams and answer
//! the polls that they hold, and to the requests that wait in the HTTP library (`transport/long_polling.rs`).

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
use tokio::sync::futures::Notified;

use crate::broker::Broker;
use crate::config::Config;
use crate::fanout::{Fanout, Mailbox};
use crate::limits::MAX_HISTORY_BYTES;
use crate::rejection::Rejection;
use crate::ring::{Batch, Ring, Snapshot};

/// How many updates one server of a feed may be ahead of another with the same schedule: they publish at the same
/// times, each as soon as its thread is woken.
const LEAD: u64 = 64;

/// How much of the feed is kept, and how slow streams are handled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retention {
    /// How many past updates a connecting or polling client may ask for.
    pub(crate) history: usize,
    /// How many updates are kept, unless the history needs more.
    pub(crate) queue: usize,
    /// What to do with slow streams.
    pub(crate) slow_policy: SlowPolicy,
    /// The number of updates after which a stalled stream is ended, if that is the policy.
    pub(crate) disconnect_after: Option<u64>,
    /// Whether other servers may have the same feed, with the same start.
    pub(crate) is_shared: bool,
}

impl Retention {
    /// The number of updates that the ring keeps.
    pub(crate) fn kept(&self) -> usize {
        self.queue.max(self.history)
    }
}

impl From<&Config> for Retention {
    fn from(config: &Config) -> Self {
        let Settings { history, queue, slow_policy, .. } = config.settings;
        let disconnect_after = config.settings.disconnect_after();
        Self { history, queue, slow_policy, disconnect_after, is_shared: config.may_be_shared() }
    }
}

/// The position of a client in the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// The `seq` up to which it has received everything.
    pub(crate) seq: u64,
    /// Set if its cursor is of another epoch: it has nothing of this one, and must be informed.
    pub(crate) reset: Option<Reset>,
}

/// One feed.
#[derive(Debug)]
pub(crate) struct Hub {
    retention: Retention,
    epoch: Epoch,
    ring: RwLock<Ring>,
    published: Mutex<Published>,
    /// When this server started to publish, µs of Unix time: the lag of updates due earlier is not its fault.
    since: u64,
    /// Notifies the task that announces updates together, if there is one.
    coalescer: Option<Notify>,
    /// Notifies the polls that wait in the HTTP library.
    announced: Notify,
    /// The broker that stores the feed, if it is not in this process.
    broker: Option<Broker>,
    /// The shards that serve streams, of all addresses.
    shards: RwLock<Vec<Weak<Mailbox>>>,
}

/// The figures of the publisher so far.
#[derive(Debug)]
struct Published {
    payload_bytes: u64,
    lag_us: Histogram<u64>,
    hops: HopStats,
}

impl Hub {
    /// Creates a feed on a broker, whose ring holds what follows a snapshot. Clients may ask for everything that the
    /// broker has, and any other server may be ahead of this one.
    pub(crate) fn on(broker: Broker, retention: Retention, snapshot: Snapshot) -> Self {
        let hub = Self::new(retention, snapshot, 0);
        hub.ring_mut().allow_lead(u64::MAX);
        Self { broker: Some(broker), retention: Retention { history: usize::MAX, ..retention }, ..hub }
    }

    /// Creates a feed that continues from a snapshot, and records the lag of updates due from `since`, µs of Unix time.
    pub(crate) fn new(retention: Retention, snapshot: Snapshot, since: u64) -> Self {
        let published = Published { payload_bytes: 0, lag_us: lag_histogram(), hops: HopStats::default() };
        let mut ring = Ring::new(retention.kept(), MAX_HISTORY_BYTES, snapshot);
        ring.allow_lead(if retention.is_shared { LEAD } else { 0 });
        Self {
            epoch: ring.epoch(),
            ring: RwLock::new(ring),
            retention,
            published: Mutex::new(published),
            since,
            coalescer: None,
            announced: Notify::new(),
            broker: None,
            shards: RwLock::default(),
        }
    }

    /// Puts an update that was due at `due_us` into the ring, and returns its `seq`. Never waits for a client;
    /// [`Hub::wake`] announces it.
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

    /// Publishes an update that is due now, and returns its `seq` once the feed has stored it.
    pub(crate) async fn publish(&self, item: Item) -> Result<u64, Rejection> {
        match &self.broker {
            Some(broker) => broker.publish(item).await,
            None => Ok(self.publish_now(item)),
        }
    }

    /// Publishes an update that is due now to a feed in this process.
    pub(crate) fn publish_now(&self, item: Item) -> u64 {
        let seq = self.put(clock::unix_us(), AgeFrom::Due, item);
        self.wake();
        seq
    }

    /// Appends an update from the broker. Those between the last and this one, if any, no longer exist.
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

    /// Appends an update from the broker as it is published, and records how long its hops took.
    pub(crate) fn arrived(&self, Arrival { update, stored_at }: Arrival) {
        let between = |from: u64, to: u64| (to as i64).saturating_sub(from as i64); // clocks may differ
        let (to_broker_us, to_server_us) = (between(update.at, stored_at), between(stored_at, clock::unix_us()));
        self.append(update);
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        published.hops += HopStats { updates: 1, to_broker_us, to_server_us };
    }

    /// The broker that stores the feed, if it is not in this process.
    pub(crate) const fn broker(&self) -> Option<&Broker> {
        self.broker.as_ref()
    }

    /// Leaves it to a task to announce updates: see [`wait_for_update`](Self::wait_for_update).
    pub(crate) fn coalescing(self) -> Self {
        Self { coalescer: Some(Notify::new()), ..self }
    }

    /// Announces a new update, or leaves that to the task that announces several together.
    pub(crate) fn wake(&self) {
        match &self.coalescer {
            Some(coalescer) => coalescer.notify_one(),
            None => self.announce(),
        }
    }

    /// Waits for an update to announce.
    pub(crate) async fn wait_for_update(&self) {
        if let Some(coalescer) = &self.coalescer {
            coalescer.notified().await;
        }
    }

    /// What to do with slow streams.
    pub(crate) const fn slow_policy(&self) -> SlowPolicy {
        self.retention.slow_policy
    }

    /// The number of updates after which a stalled stream is ended, if that is the policy.
    pub(crate) const fn disconnect_after(&self) -> Option<u64> {
        self.retention.disconnect_after
    }

    /// Returns the position of a cursor in this feed; without a cursor, the head. A cursor of another epoch is at the
    /// start of this one, with a reset that its client must be sent.
    pub(crate) fn position(&self, cursor: Option<Cursor>) -> Position {
        match cursor {
            None => Position { seq: self.head(), reset: None },
            Some(asked) if asked.epoch.is_some_and(|epoch| epoch != self.epoch) => {
                Position { seq: 0, reset: Some(Reset { asked, resume: self.cursor(0) }) }
            }
            Some(Cursor { seq, .. }) => Position { seq, reset: None },
        }
    }

    /// Returns the cursor of a `seq`.
    pub(crate) const fn cursor(&self, seq: u64) -> Cursor {
        Cursor::new(self.epoch, seq)
    }

    /// Returns everything that a new poll from a position gets, no older than the history. With a feed on a broker,
    /// this may take some time.
    pub(crate) async fn all_in_history_after(&self, seq: u64) -> Batch {
        std::future::poll_fn(|cx| self.poll_all(cx, seq, |ring| ring.last(self.retention.history, seq, usize::MAX)))
            .await
    }

    /// Returns everything that a poll gets that has been waiting at a position, however old it is.
    pub(crate) async fn all_after(&self, seq: u64) -> Batch {
        std::future::poll_fn(|cx| self.poll_all(cx, seq, |ring| ring.after(seq, usize::MAX))).await
    }

    fn poll_all(&self, cx: &Context<'_>, seq: u64, held: impl Fn(&Ring) -> Batch) -> Poll<Batch> {
        let ring = self.ring();
        let batch = ring.with_bookmark(held(&ring));
        drop(ring);
        self.or_from_broker(cx, batch, seq, usize::MAX).map(Batch::limited_to_a_page)
    }

    /// Returns the JSON of an update that a response with a bookmark needs; `None` once it has fallen too far behind.
    pub(crate) fn held(&self, seq: u64) -> Option<Bytes> {
        self.ring().held(seq)
    }

    /// Returns up to `max` updates after the position of a stream, however old they are.
    pub(crate) fn poll_after(&self, cx: &Context<'_>, seq: u64, max: usize) -> Poll<Batch> {
        self.or_from_broker(cx, self.held_after(seq, max), seq, max)
    }

    /// Returns up to `max` updates after a `seq` that are in the ring.
    pub(crate) fn held_after(&self, seq: u64, max: usize) -> Batch {
        self.ring().after(seq, max)
    }

    /// Returns the batch, or the older updates from the broker if the ring no longer has them.
    fn or_from_broker(&self, cx: &Context<'_>, batch: Batch, seq: u64, max: usize) -> Poll<Batch> {
        match &self.broker {
            Some(broker) if batch.gap.is_some() => broker.poll_after(cx, seq, max).map(|older| older.unwrap_or(batch)),
            _ => Poll::Ready(batch),
        }
    }

    /// Whether a client of a feed on a broker, which gets old updates page by page, has more to come.
    pub(crate) fn is_behind(&self, seq: u64) -> bool {
        self.broker.is_some() && seq < self.head()
    }

    /// Returns what is lost to a stream that starts at a position, and the `seq` after which it continues.
    pub(crate) fn begin(&self, seq: u64) -> (Option<Gap>, u64) {
        if self.broker.is_some() {
            return (None, seq);
        }
        let Batch { gap, resume, .. } = self.ring().last(self.retention.history, seq, 0);
        (gap, resume)
    }

    /// Returns the newest update, if it is after a `seq`.
    pub(crate) fn newest(&self, seq: u64) -> Batch {
        self.ring().last(1, seq, 1)
    }

    /// Returns everything that the ring holds, for another feed to continue from.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.ring().snapshot()
    }

    /// The epoch of the feed.
    pub(crate) const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The `seq` of the newest update.
    pub(crate) fn head(&self) -> u64 {
        self.ring().head()
    }

    /// From now on, announces publications to these shards.
    pub(crate) fn announce_to(&self, fanout: &Fanout) {
        let mut shards = self.shards.write().unwrap_or_else(PoisonError::into_inner);
        shards.retain(|shard| shard.strong_count() > 0);
        shards.extend(fanout.mailboxes().map(Arc::downgrade));
    }

    /// Announces that there is an update, at all addresses.
    pub(crate) fn announce(&self) {
        let shards = self.shards.read().unwrap_or_else(PoisonError::into_inner);
        shards.iter().filter_map(Weak::upgrade).for_each(|shard| shard.news());
        self.announced.notify_waiters();
    }

    /// Waits for the next announcement. It is not missed once the future exists.
    pub(crate) fn announced(&self) -> Notified<'_> {
        self.announced.notified()
    }

    /// Returns the feed's figures, for an address with `waiting` connections; `before` asks for the last update due
    /// before that time.
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

    // The ring is consistent after each of its methods, so a panic elsewhere does not make it unusable.
    fn ring(&self) -> std::sync::RwLockReadGuard<'_, Ring> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring_mut(&self) -> std::sync::RwLockWriteGuard<'_, Ring> {
        self.ring.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Creates a histogram from 1 µs to 1 h with two digits; `saturating_record` clamps values beyond.
fn lag_histogram() -> Histogram<u64> {
    #[expect(clippy::expect_used, reason = "constant bounds that the constructor accepts")]
    Histogram::new_with_bounds(1, 3_600_000_000, 2).expect("valid bounds")
}

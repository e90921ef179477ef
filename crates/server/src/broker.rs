//! A feed on a broker: the updates that the ring no longer has, in pages that all clients share, and publishing to the
//! broker.
//!
//! A client that asks for older updates gets the page that contains them, and all clients that ask meanwhile wait for
//! the same page: a thousand clients that reconnect at once, far behind, cost the broker as much as one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use feedlab_feed::source::Item;
use feedlab_feed::stats::BrokerStats;
use feedlab_feed::{Gap, clock};
use feedlab_nats::{Error, Stream};

use crate::entry::Entry;
use crate::limits::{MAX_PAGES, MAX_PAGES_LOADING};
use crate::rejection::Rejection;
use crate::ring::Batch;

/// Pages start after multiples of this, so that clients at different positions share them.
const STEP: u64 = 128;
/// Pause before a page is requested again after a failure.
const PAUSE: Duration = Duration::from_millis(500);

/// Consecutive updates.
type Page = Arc<[Arc<Entry>]>;

/// A feed on a broker. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Broker(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    stream: Stream,
    pages: Mutex<Pages>,
}

/// The pages, by the `seq` before their first update.
#[derive(Debug, Default)]
struct Pages {
    pages: HashMap<u64, Slot>,
    /// Readers of pages that cannot be loaded yet, because too many others are being loaded.
    waiting_for_room: Waiting,
    /// The number of requests for a page so far, which orders the pages by their last use.
    uses: u64,
}

#[derive(Debug)]
enum Slot {
    Loading(Waiting),
    Loaded { page: Page, used: u64 },
}

impl Broker {
    pub(crate) fn new(stream: Stream) -> Self {
        Self(Arc::new(Shared { stream, pages: Mutex::default() }))
    }

    /// The state of the connection.
    pub(crate) fn state(&self) -> BrokerStats {
        self.0.stream.state()
    }

    /// Publishes an update that is due now, and returns its `seq` once the stream has stored it.
    pub(crate) async fn publish(&self, item: Item) -> Result<u64, Rejection> {
        let published = self.0.stream.publish(item, clock::unix_us()).await;
        published
            .map_err(|error: Error| Rejection::unavailable(format!("the update may not have been published: {error}")))
    }

    /// Returns up to `max` updates after a `seq` that the ring no longer has; `None` if the stream does not have them
    /// either.
    pub(crate) fn poll_after(&self, cx: &Context<'_>, seq: u64, max: usize) -> Poll<Option<Batch>> {
        let mut start = seq / STEP * STEP;
        loop {
            let Some(page) = self.page(cx, start) else { return Poll::Pending };
            let Some(last) = page.last() else {
                self.forget(start);
                return Poll::Ready(None);
            };
            if last.update.seq > seq {
                return Poll::Ready(Some(batch(&page, seq, max)));
            }
            start = last.update.seq;
        }
    }

    /// Forgets an empty page, which may get updates later.
    fn forget(&self, start: u64) {
        self.0.pages.lock().unwrap_or_else(PoisonError::into_inner).pages.remove(&start);
    }

    /// Returns the page after a `seq` if it is loaded; otherwise the reader is woken when it is.
    fn page(&self, cx: &Context<'_>, start: u64) -> Option<Page> {
        let mut pages = self.0.pages.lock().unwrap_or_else(PoisonError::into_inner);
        pages.uses += 1;
        let now = pages.uses;
        let is_full = pages.loading() >= MAX_PAGES_LOADING;
        match pages.pages.get_mut(&start) {
            Some(Slot::Loaded { page, used }) => {
                *used = now;
                return Some(page.clone());
            }
            Some(Slot::Loading(waiting)) => join(waiting, cx),
            None if is_full => join(&mut pages.waiting_for_room, cx),
            None => {
                let mut waiting = Waiting::new();
                join(&mut waiting, cx);
                pages.pages.insert(start, Slot::Loading(waiting));
                tokio::spawn(self.clone().load(start));
            }
        }
        None
    }

    /// Loads the page from the broker, however long that takes.
    async fn load(self, start: u64) {
        let updates = loop {
            match self.0.stream.page(start).await {
                Ok(updates) => break updates,
                Err(error) => tracing::debug!(%error, start, "cannot load a page of older updates; retrying"),
            }
            tokio::time::sleep(PAUSE).await;
        };
        let first = updates.first().map_or(0, |update| update.seq);
        // Updates after a hole belong to another page.
        let consecutive = updates.into_iter().zip(first..).take_while(|(update, seq)| update.seq == *seq);
        let epoch = self.0.stream.epoch();
        let page = consecutive.map(|(update, _)| Arc::new(Entry::new(epoch, update))).collect();
        self.loaded(start, page);
    }

    fn loaded(&self, start: u64, page: Page) {
        let mut pages = self.0.pages.lock().unwrap_or_else(PoisonError::into_inner);
        let used = pages.uses;
        let slot = pages.pages.insert(start, Slot::Loaded { page, used });
        pages.drop_least_used();
        let waiting_for_room = std::mem::take(&mut pages.waiting_for_room);
        drop(pages);
        let waiting = if let Some(Slot::Loading(waiting)) = slot { waiting } else { Waiting::new() };
        waiting.into_values().chain(waiting_for_room.into_values()).for_each(Waker::wake);
    }
}

/// The wakers of waiting tasks, each once: by the address of the task.
type Waiting = HashMap<usize, Waker>;

fn join(waiting: &mut Waiting, cx: &Context<'_>) {
    waiting.insert(cx.waker().data().addr(), cx.waker().clone());
}

impl Pages {
    fn loading(&self) -> usize {
        self.pages.values().filter(|slot| matches!(slot, Slot::Loading(_))).count()
    }

    fn drop_least_used(&mut self) {
        let loaded = |slot: &Slot| match slot {
            Slot::Loaded { used, .. } => Some(*used),
            Slot::Loading(_) => None,
        };
        while self.pages.values().filter_map(loaded).count() > MAX_PAGES {
            let least = self.pages.iter().filter_map(|(start, slot)| Some((loaded(slot)?, *start))).min();
            let Some((_, start)) = least else { return };
            self.pages.remove(&start);
        }
    }
}

/// Returns what a page contains after a `seq` that is before its last.
fn batch(page: &Page, seq: u64, max: usize) -> Batch {
    let first = page.first().map_or(seq + 1, |entry| entry.update.seq);
    let gap = (first > seq + 1).then(|| Gap { from: seq + 1, to: first - 1 });
    let resume = gap.map_or(seq, |gap| gap.to);
    let skip = usize::try_from(resume + 1 - first).unwrap_or(usize::MAX);
    Batch { gap, entries: page.iter().skip(skip).take(max).cloned().collect(), resume, bookmark: None }
}

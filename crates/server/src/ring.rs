//! The feed's bounded history: history, send queue and gap detector in one.
//!
//! A client's position in it is only a cursor. A client that falls behind the oldest update gets a gap from
//! [`Ring::after`]; nothing is kept for it. What a long response still needs is kept a while longer, within a limit.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use feedlab_feed::{Epoch, Gap, Update};

use crate::bookmarks::{Bookmark, Bookmarks};
use crate::entry::Entry;
use crate::limits::{MAX_PIECE_BYTES, MAX_RETIRED_BYTES};

/// Payload bytes of the newest updates, whose encodings for streams are kept, because thousands of connections send the
/// same bytes.
const RECENT_BYTES: usize = 8 << 20;

/// The updates that follow a position in the feed.
#[derive(Debug)]
pub(crate) struct Batch {
    /// The requested updates that are lost.
    pub(crate) gap: Option<Gap>,
    /// The updates, oldest first.
    pub(crate) entries: Vec<Arc<Entry>>,
    /// The `seq` before the first of `entries`: the requested one, moved past the gap.
    pub(crate) resume: u64,
    /// Keeps `entries` available for a long response, even after they have left the history.
    pub(crate) bookmark: Option<Bookmark>,
}

impl Batch {
    /// The `seq` of the last of `entries`.
    pub(crate) fn next(&self) -> u64 {
        self.resume + self.entries.len() as u64
    }

    /// Limits updates that are not in the ring to what a poll gets at a time, because nothing keeps them for a long
    /// response: the next request gets the rest.
    pub(crate) fn limited_to_a_page(mut self) -> Self {
        let mut bytes = 0;
        let fits = |entry: &&Arc<Entry>| {
            bytes += entry.update.data.len();
            bytes <= MAX_PIECE_BYTES
        };
        if self.bookmark.is_none() {
            let count = self.entries.iter().take_while(fits).count();
            self.entries.truncate(count.max(1));
        }
        self
    }

    /// Whether the body of a poll may be longer than a piece. JSON escapes some bytes as six, and adds less than 128
    /// bytes, apart from the type.
    fn may_be_long(&self) -> bool {
        let bytes = |entry: &Arc<Entry>| 6 * (entry.update.data.len() + entry.update.event_type.as_str().len()) + 128;
        self.entries.iter().map(bytes).sum::<usize>() > MAX_PIECE_BYTES
    }
}

/// The updates that a feed holds: a feed that replaces it continues from here, in the same epoch, so that cursors stay
/// valid.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(crate) epoch: Epoch,
    entries: VecDeque<Arc<Entry>>,
    head: u64,
}

impl Snapshot {
    /// The empty snapshot of a new feed.
    pub(crate) const fn none(epoch: Epoch) -> Self {
        Self::before(epoch, 0)
    }

    /// A snapshot without any of the updates up to a `seq`.
    pub(crate) const fn before(epoch: Epoch, seq: u64) -> Self {
        Self { epoch, entries: VecDeque::new(), head: seq }
    }
}

/// The last updates of a feed, bounded in number and in payload bytes.
#[derive(Debug)]
pub(crate) struct Ring {
    epoch: Epoch,
    entries: VecDeque<Arc<Entry>>,
    head: u64,
    capacity: usize,
    bytes: usize,
    max_bytes: usize,
    /// The number of recent updates, whose encodings are kept, and their payload bytes.
    recent: usize,
    recent_bytes: usize,
    /// How many updates another server of the same feed may be ahead.
    lead: u64,
    /// The positions of long responses that are being sent.
    bookmarks: Arc<Bookmarks>,
    /// The JSON of dropped updates that some of them still need, without holes up to the oldest entry.
    retired: VecDeque<Bytes>,
    retired_bytes: usize,
}

impl Ring {
    /// Creates a ring for `capacity` updates, at least one, and `max_bytes` of payload in total, for a feed that
    /// continues from a snapshot.
    pub(crate) fn new(capacity: usize, max_bytes: usize, snapshot: Snapshot) -> Self {
        let Snapshot { epoch, entries, head } = snapshot;
        let bytes = entries.iter().map(|entry| entry.len()).sum();
        let mut ring = Self {
            epoch,
            recent: entries.len(),
            recent_bytes: bytes,
            entries,
            head,
            capacity: capacity.max(1),
            bytes,
            max_bytes,
            lead: 0,
            bookmarks: Arc::default(),
            retired: VecDeque::new(),
            retired_bytes: 0,
        };
        ring.trim();
        ring
    }

    /// Allows other servers of the same feed to be `lead` updates ahead.
    pub(crate) const fn allow_lead(&mut self, lead: u64) {
        self.lead = lead;
    }

    /// Returns everything that the ring holds.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot { epoch: self.epoch, entries: self.entries.clone(), head: self.head }
    }

    /// The epoch of the feed.
    pub(crate) const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The `seq` of the newest update.
    pub(crate) const fn head(&self) -> u64 {
        self.head
    }

    /// The `seq` of the oldest update that is still held; one more than the head if none is.
    pub(crate) fn oldest(&self) -> u64 {
        self.head + 1 - self.entries.len() as u64
    }

    /// Continues after a `seq`: everything up to there is lost, including what was held.
    pub(crate) fn skip_to(&mut self, seq: u64) {
        self.entries.clear();
        self.retired.clear();
        (self.head, self.bytes, self.retired_bytes) = (seq, 0, 0);
        (self.recent, self.recent_bytes) = (0, 0);
    }

    /// Appends the update that `make` builds for its `seq`, and drops what no longer fits. The newest is always kept.
    pub(crate) fn push(&mut self, make: impl FnOnce(u64) -> Update) -> u64 {
        self.head += 1;
        let entry = Arc::new(Entry::new(self.epoch, make(self.head)));
        self.bytes += entry.len();
        self.recent_bytes += entry.len();
        self.recent += 1;
        self.entries.push_back(entry);
        self.trim();
        self.head
    }

    fn trim(&mut self) {
        while self.entries.len() > 1 && (self.entries.len() > self.capacity || self.bytes > self.max_bytes) {
            if let Some(dropped) = self.entries.pop_front() {
                self.bytes -= dropped.len();
                if self.recent > self.entries.len() {
                    self.recent -= 1;
                    self.recent_bytes -= dropped.len();
                }
                self.retire(&dropped);
            }
        }
        self.drop_unneeded();
        self.drop_old_encodings();
    }

    /// Releases the stream encodings of updates that are no longer recent; streams that start that far back encode them
    /// again, once for all. The newest update is always recent, whatever its size.
    fn drop_old_encodings(&mut self) {
        while self.recent_bytes > RECENT_BYTES && self.recent > 1 {
            let oldest = self.entries.len() - self.recent;
            let entry = Arc::make_mut(&mut self.entries[oldest]); // copies it if a response is being made of it
            entry.drop_stream_encodings();
            self.recent_bytes -= entry.len();
            self.recent -= 1;
        }
    }

    fn retire(&mut self, dropped: &Entry) {
        if self.bookmarks.first() <= dropped.update.seq {
            let json = dropped.json().clone();
            self.retired_bytes += json.len();
            self.retired.push_back(json);
        }
    }

    /// Drops what no response needs any more, and the oldest beyond the limit. A response that still needs it fails.
    fn drop_unneeded(&mut self) {
        let (oldest, first) = (self.oldest(), self.bookmarks.first());
        while self.retired_bytes > MAX_RETIRED_BYTES || first > oldest - self.retired.len() as u64 {
            let Some(json) = self.retired.pop_front() else { return };
            self.retired_bytes -= json.len();
        }
    }

    /// Adds a bookmark to a batch if its response may be long. Call it before the ring changes.
    pub(crate) fn with_bookmark(&self, batch: Batch) -> Batch {
        let bookmark = batch.may_be_long().then(|| self.bookmarks.put(batch.resume + 1));
        Batch { bookmark, ..batch }
    }

    /// Returns the JSON of an update, if it is in the history or kept for a response.
    pub(crate) fn held(&self, seq: u64) -> Option<Bytes> {
        let oldest = self.oldest();
        match seq.checked_sub(oldest) {
            Some(index) => self.entries.get(index as usize).map(|entry| entry.json().clone()),
            None => self.retired.get(self.retired.len().checked_sub((oldest - seq) as usize)?).cloned(),
        }
    }

    /// Returns up to `max` updates after a `seq`.
    pub(crate) fn after(&self, seq: u64, max: usize) -> Batch {
        self.since(self.oldest(), seq, max)
    }

    /// Returns up to `max` of the last `count` updates, after a `seq`.
    pub(crate) fn last(&self, count: usize, seq: u64, max: usize) -> Batch {
        self.since(self.oldest().max((self.head + 1).saturating_sub(count as u64)), seq, max)
    }

    /// Returns up to `max` updates after a `seq`, none before `oldest`, which is held or the next to be published.
    ///
    /// This feed has not reached a `seq` beyond the head (from a client that named no epoch): the client gets a gap
    /// from the head to there, and continues from the head. Unless other servers have the same feed: then a `seq`
    /// slightly ahead comes from a server that published a moment earlier, and its client waits until this one has
    /// caught up.
    fn since(&self, oldest: u64, seq: u64, max: usize) -> Batch {
        if seq > self.head && seq - self.head <= self.lead {
            return Batch { gap: None, entries: Vec::new(), resume: seq, bookmark: None };
        }
        if seq > self.head {
            let gap = Gap { from: self.head + 1, to: seq };
            return Batch { gap: Some(gap), entries: Vec::new(), resume: self.head, bookmark: None };
        }
        let gap = (seq + 1 < oldest).then(|| Gap { from: seq + 1, to: oldest - 1 });
        let resume = gap.map_or(seq, |gap| gap.to);
        let skip = (resume + 1 - self.oldest()) as usize;
        let entries = self.entries.range(skip..).take(max).cloned().collect();
        Batch { gap, entries, resume, bookmark: None }
    }

    /// Returns the `seq` of the last update that was due before a time; `None` if that update is no longer held.
    /// Assumes that due times never decrease, like those of a schedule.
    pub(crate) fn before(&self, at: u64) -> Option<u64> {
        let count = self.entries.partition_point(|entry| entry.update.at < at) as u64;
        let oldest = self.oldest();
        (count > 0 || oldest == 1).then_some(oldest + count - 1)
    }
}

#[cfg(test)]
mod tests;

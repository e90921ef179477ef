//! The feed's bounded snapshot: history, send queue and gap detector in one.
//!
//! A client's place in it is only a cursor. A client that falls behind the oldest update learns so from the gap that
//! [`Ring::after`] returns; nothing is kept for it. What a long answer still needs is kept a while longer, within a bound.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use feedlab_feed::{Epoch, Gap, Update};

use crate::bookmarks::{Bookmark, Bookmarks};
use crate::entry::Entry;
use crate::limits::{MAX_PIECE_BYTES, MAX_RETIRED_BYTES};

/// Payload bytes of the newest updates, whose encodings for streams are kept, because thousands of connections send the same bytes.
const RECENT_BYTES: usize = 8 << 20;

/// What a place in the feed is answered with.
#[derive(Debug)]
pub(crate) struct Batch {
    /// What was asked for and is lost.
    pub(crate) gap: Option<Gap>,
    /// What follows, oldest first.
    pub(crate) entries: Vec<Arc<Entry>>,
    /// The `seq` before the first of `entries`: the one asked with, moved over the gap.
    pub(crate) resume: u64,
    /// Where `entries` begin, for as long as they may be needed although the history has moved on.
    pub(crate) bookmark: Option<Bookmark>,
}

impl Batch {
    /// The `seq` of the last of `entries`.
    pub(crate) fn next(&self) -> u64 {
        self.resume + self.entries.len() as u64
    }

    /// As many of the first as a poll is given at a time that are not in the ring, which keeps what is on the way to others:
    /// who asks again gets the rest.
    pub(crate) fn short_of_another_page(mut self) -> Self {
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

    /// Whether the body of a poll may be longer than a piece. JSON makes six bytes of some, and puts less than 128 around
    /// them but for the type.
    fn may_be_long(&self) -> bool {
        let bytes = |entry: &Arc<Entry>| 6 * (entry.update.data.len() + entry.update.event_type.as_str().len()) + 128;
        self.entries.iter().map(bytes).sum::<usize>() > MAX_PIECE_BYTES
    }
}

/// What a feed holds of its snapshot: another that takes its place goes on from here, in the same epoch, so that cursors
/// outlive the change.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(crate) epoch: Epoch,
    entries: VecDeque<Arc<Entry>>,
    head: u64,
}

impl Snapshot {
    /// None yet: of a feed that begins.
    pub(crate) const fn none(epoch: Epoch) -> Self {
        Self::before(epoch, 0)
    }

    /// None of what there was up to a `seq`.
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
    /// How many of the newest are recent, and their payload bytes.
    recent: usize,
    recent_bytes: usize,
    /// How far another server of the same feed may be ahead, updates.
    lead: u64,
    /// Answers that are being sent.
    bookmarks: Arc<Bookmarks>,
    /// The JSON that some of them still need of what was dropped, without holes up to the oldest entry.
    retired: VecDeque<Bytes>,
    retired_bytes: usize,
}

impl Ring {
    /// A ring for `capacity` updates, at least one, of `max_bytes` of payload together, for a feed that goes on from a
    /// snapshot.
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

    /// Other servers of the same feed may be so many updates ahead.
    pub(crate) const fn allow_lead(&mut self, lead: u64) {
        self.lead = lead;
    }

    /// All that it holds.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot { epoch: self.epoch, entries: self.entries.clone(), head: self.head }
    }

    /// The life of the feed whose updates these are.
    pub(crate) const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The newest update's `seq`.
    pub(crate) const fn head(&self) -> u64 {
        self.head
    }

    /// The `seq` of the oldest update that is still held; one more than the head when none is.
    pub(crate) fn oldest(&self) -> u64 {
        self.head + 1 - self.entries.len() as u64
    }

    /// Goes on after a `seq`: what was to come up to there is lost, and so is what was held.
    pub(crate) fn skip_to(&mut self, seq: u64) {
        self.entries.clear();
        self.retired.clear();
        (self.head, self.bytes, self.retired_bytes) = (seq, 0, 0);
        (self.recent, self.recent_bytes) = (0, 0);
    }

    /// Appends the update that `make` builds around its `seq`, and drops what no longer fits. The newest always fits.
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
        self.age();
    }

    /// Lets go of what streams were sent of updates that are no longer recent; a stream that begins so far back has it encoded
    /// again, for all that do. The newest update is recent, whatever its size.
    fn age(&mut self) {
        while self.recent_bytes > RECENT_BYTES && self.recent > 1 {
            let oldest = self.entries.len() - self.recent;
            let entry = Arc::make_mut(&mut self.entries[oldest]); // a copy, if an answer is being made of it
            entry.forget_what_streams_send();
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

    /// Drops what no answer needs any more, and the oldest of what is too much. An answer that needed it cannot go on.
    fn drop_unneeded(&mut self) {
        let (oldest, first) = (self.oldest(), self.bookmarks.first());
        while self.retired_bytes > MAX_RETIRED_BYTES || first > oldest - self.retired.len() as u64 {
            let Some(json) = self.retired.pop_front() else { return };
            self.retired_bytes -= json.len();
        }
    }

    /// The same batch with a bookmark, if a poll that is answered with it may be long. To be asked for before the ring moves on.
    pub(crate) fn with_bookmark(&self, batch: Batch) -> Batch {
        let bookmark = batch.may_be_long().then(|| self.bookmarks.put(batch.resume + 1));
        Batch { bookmark, ..batch }
    }

    /// The JSON of an update, if it is in the history or kept for an answer.
    pub(crate) fn held(&self, seq: u64) -> Option<Bytes> {
        let oldest = self.oldest();
        match seq.checked_sub(oldest) {
            Some(index) => self.entries.get(index as usize).map(|entry| entry.json().clone()),
            None => self.retired.get(self.retired.len().checked_sub((oldest - seq) as usize)?).cloned(),
        }
    }

    /// Up to `max` updates after a `seq`.
    pub(crate) fn after(&self, seq: u64, max: usize) -> Batch {
        self.since(self.oldest(), seq, max)
    }

    /// Up to `max` of the last `count` updates, after a `seq`.
    pub(crate) fn last(&self, count: usize, seq: u64, max: usize) -> Batch {
        self.since(self.oldest().max((self.head + 1).saturating_sub(count as u64)), seq, max)
    }

    /// Up to `max` updates after a `seq`, none before `oldest`, which is held or the next to come.
    ///
    /// A `seq` beyond the head is one that this feed has not reached (of a client that named no epoch): its owner is told
    /// so by a gap from the head to there, and goes on from the head. Unless other servers have the same feed: then one
    /// that is a little ahead comes from a server that published a moment earlier, and its owner waits until this one has
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

    /// The `seq` of the last update that was due before a time; `None` when that update is no longer held. Takes
    /// for granted that due times do not decrease, as those of a schedule do not.
    pub(crate) fn before(&self, at: u64) -> Option<u64> {
        let count = self.entries.partition_point(|entry| entry.update.at < at) as u64;
        let oldest = self.oldest();
        (count > 0 || oldest == 1).then_some(oldest + count - 1)
    }
}

#[cfg(test)]
mod tests;

//! The feed's bounded past: history, send queue and gap detector in one.
//!
//! A client's place in it is only a cursor. A client that falls behind the oldest update learns so from the gap that
//! [`Ring::after`] returns; nothing is kept for it. What a long answer still needs is kept a while longer, within a bound.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use feedlab_feed::wire::{sse, update_json, websocket};
use feedlab_feed::{Epoch, Gap, Update};

use crate::bookmarks::{Bookmark, Bookmarks};
use crate::limits::{MAX_PIECE_BYTES, MAX_RECENT_BYTES, MAX_RETIRED_BYTES};

/// An update, and how each transport writes it: encoded at most once each, by the first connection that needs it, for as long
/// as the update is recent.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    epoch: Epoch,
    pub(crate) update: Update,
    json: OnceLock<Bytes>,
    /// What streams send; none of an update that is not recent: few streams begin so far back.
    streamed: Option<Streamed>,
}

#[derive(Clone, Debug, Default)]
struct Streamed {
    sse_chunk: OnceLock<Bytes>,
    frame: OnceLock<Bytes>,
}

impl Entry {
    pub(crate) fn new(epoch: Epoch, update: Update) -> Self {
        Self { epoch, update, json: OnceLock::new(), streamed: Some(Streamed::default()) }
    }

    /// The JSON object of the polling doors.
    pub(crate) fn json(&self) -> &Bytes {
        self.json.get_or_init(|| update_json(&self.update).into_boxed_str().into_boxed_bytes().into())
    }

    /// The event, as one chunk of a chunked body.
    pub(crate) fn sse_chunk(&self) -> Bytes {
        let encode = || sse::chunk(sse::update_event(self.epoch, &self.update).as_bytes());
        self.streamed.as_ref().map_or_else(encode, |streamed| streamed.sse_chunk.get_or_init(encode).clone())
    }

    /// The WebSocket frame.
    pub(crate) fn frame(&self) -> Bytes {
        let encode = || websocket::update_frame(&self.update);
        self.streamed.as_ref().map_or_else(encode, |streamed| streamed.frame.get_or_init(encode).clone())
    }

    fn len(&self) -> usize {
        self.update.data.len()
    }
}

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

    /// Whether the body of a poll may be longer than a piece. JSON makes six bytes of some, and puts less than 128 around
    /// them but for the type.
    fn may_be_long(&self) -> bool {
        let bytes = |entry: &Arc<Entry>| 6 * (entry.update.data.len() + entry.update.event_type.as_str().len()) + 128;
        self.entries.iter().map(bytes).sum::<usize>() > MAX_PIECE_BYTES
    }
}

/// What a feed holds of its past: another that takes its place goes on from here, in the same epoch, so that cursors
/// outlive the change.
#[derive(Clone, Debug)]
pub struct Past {
    pub(crate) epoch: Epoch,
    entries: VecDeque<Arc<Entry>>,
    head: u64,
}

impl Past {
    /// None yet: of a feed that begins.
    pub(crate) const fn none(epoch: Epoch) -> Self {
        Self { epoch, entries: VecDeque::new(), head: 0 }
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
    /// past.
    pub(crate) fn new(capacity: usize, max_bytes: usize, past: Past) -> Self {
        let Past { epoch, entries, head } = past;
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
        ring.drop_what_does_not_fit();
        ring
    }

    /// The same, beside other servers of the same feed that may be so many updates ahead.
    pub(crate) fn beside_others(self, lead: u64) -> Self {
        Self { lead, ..self }
    }

    /// All that it holds.
    pub(crate) fn past(&self) -> Past {
        Past { epoch: self.epoch, entries: self.entries.clone(), head: self.head }
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

    /// Appends the update that `make` builds around its `seq`, and drops what no longer fits. The newest always fits.
    pub(crate) fn push(&mut self, make: impl FnOnce(u64) -> Update) -> u64 {
        self.head += 1;
        let entry = Arc::new(Entry::new(self.epoch, make(self.head)));
        self.bytes += entry.len();
        self.recent_bytes += entry.len();
        self.recent += 1;
        self.entries.push_back(entry);
        self.drop_what_does_not_fit();
        self.head
    }

    fn drop_what_does_not_fit(&mut self) {
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
        self.let_go();
        self.age();
    }

    /// Lets go of what streams were sent of updates that are no longer recent. Of the newest it stays.
    fn age(&mut self) {
        while self.recent_bytes > MAX_RECENT_BYTES && self.recent > 1 {
            let oldest = self.entries.len() - self.recent;
            let entry = Arc::make_mut(&mut self.entries[oldest]); // a copy, if a slow stream still has it to send
            entry.streamed = None;
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
    fn let_go(&mut self) {
        let (oldest, first) = (self.oldest(), self.bookmarks.first());
        while self.retired_bytes > MAX_RETIRED_BYTES || first > oldest - self.retired.len() as u64 {
            let Some(json) = self.retired.pop_front() else { return };
            self.retired_bytes -= json.len();
        }
    }

    /// The same batch with a bookmark, if a poll that is answered with it may be long. To be asked for before the ring moves on.
    pub(crate) fn marked(&self, batch: Batch) -> Batch {
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
mod tests {
    use super::*;
    use feedlab_feed::{Data, EventType};
    use proptest::prelude::*;

    fn update(seq: u64, len: usize) -> Update {
        Update { seq, at: seq * 10, event_type: EventType::default(), data: Data::Text("x".repeat(len)) }
    }

    fn ring(capacity: usize, max_bytes: usize, lens: &[usize]) -> Ring {
        let mut ring = Ring::new(capacity, max_bytes, Past::none(Epoch::random()));
        for len in lens {
            ring.push(|seq| update(seq, *len));
        }
        ring
    }

    fn seqs(batch: &Batch) -> Vec<u64> {
        batch.entries.iter().map(|entry| entry.update.seq).collect()
    }

    #[test]
    fn a_cursor_gets_what_follows_it() {
        let ring = ring(10, 1000, &[1; 5]);
        let batch = ring.after(2, 2);
        assert_eq!((seqs(&batch), batch.gap, batch.next()), (vec![3, 4], None, 4));
        assert!(ring.after(5, 9).entries.is_empty());
    }

    #[test]
    fn a_cursor_that_is_too_old_is_told_its_gap() {
        let batch = ring(3, 1000, &[1; 9]).after(2, 9);
        assert_eq!((seqs(&batch), batch.gap), (vec![7, 8, 9], Some(Gap { from: 3, to: 6 })));
    }

    #[test]
    fn the_last_may_be_fewer_than_are_held_or_none() {
        let ring = ring(9, 1000, &[1; 9]);
        let batch = ring.last(2, 4, 9);
        assert_eq!((seqs(&batch), batch.gap), (vec![8, 9], Some(Gap { from: 5, to: 7 })));
        let batch = ring.last(2, 8, 9);
        assert_eq!((seqs(&batch), batch.gap), (vec![9], None));
        let batch = ring.last(0, 4, 9);
        assert_eq!((seqs(&batch), batch.gap, batch.next()), (vec![], Some(Gap { from: 5, to: 9 }), 9));
        assert_eq!(ring.last(0, 9, 9).gap, None);
        assert_eq!(ring.last(0, 10, 9).gap, Some(Gap { from: 10, to: 10 }));
        assert_eq!(ring.last(100, 0, 99).entries.len(), 9);
    }

    #[test]
    fn a_seq_that_was_never_reached_goes_on_from_the_head() {
        let batch = ring(3, 1000, &[1; 4]).after(90, 9);
        assert_eq!((batch.gap, batch.next()), (Some(Gap { from: 5, to: 90 }), 4));
    }

    #[test]
    fn a_cursor_that_another_server_has_led_ahead_waits() {
        let ring = ring(3, 1000, &[1; 4]).beside_others(8);
        let batch = ring.after(12, 9);
        assert_eq!((seqs(&batch), batch.gap, batch.next()), (vec![], None, 12));
        assert_eq!(ring.after(13, 9).gap, Some(Gap { from: 5, to: 13 }), "beyond what a moment makes");
    }

    #[test]
    fn bytes_bound_the_ring_too_but_the_newest_stays() {
        assert_eq!(ring(10, 100, &[40, 40, 40]).oldest(), 2);
        assert_eq!(ring(10, 100, &[1, 500]).oldest(), 2);
    }

    #[test]
    fn r3_what_a_long_answer_needs_is_kept_within_a_bound_and_no_longer_than_it_needs_it() {
        const LEN: usize = 1 << 20;
        let mut ring = ring(2, usize::MAX, &[LEN; 2]);
        let mut mark = ring.marked(ring.after(0, 9)).bookmark.unwrap();
        let push = |ring: &mut Ring, count| {
            for _ in 0..count {
                ring.push(|seq| update(seq, LEN));
            }
        };
        push(&mut ring, 5);
        assert_eq!([0, 1, 5, 6, 7, 8].map(|seq| ring.held(seq).is_some()), [false, true, true, true, true, false]);
        assert!(ring.held(3).unwrap().starts_with(b"{\"seq\":3,"));
        mark.move_to(4);
        push(&mut ring, 1);
        assert_eq!([3, 4].map(|seq| ring.held(seq).is_some()), [false, true]);
        push(&mut ring, 20);
        assert!(ring.held(4).is_none() && ring.retired_bytes <= MAX_RETIRED_BYTES, "{}", ring.retired_bytes);
        assert!(ring.held(ring.oldest() - 1).is_some());
        drop(mark);
        push(&mut ring, 1);
        assert!(ring.retired.is_empty() && ring.retired_bytes == 0);
        assert!(ring.marked(ring.after(29, 9)).bookmark.is_none(), "nothing is a short answer");
    }

    #[test]
    fn what_streams_send_is_kept_of_recent_updates_alone_and_is_the_same_of_all() {
        const LEN: usize = MAX_RECENT_BYTES / 4;
        let ring = ring(9, usize::MAX, &[LEN; 6]);
        let kept = |entry: &Arc<Entry>| entry.sse_chunk().as_ptr() == entry.sse_chunk().as_ptr();
        assert_eq!(ring.entries.iter().map(kept).collect::<Vec<_>>(), [false, false, true, true, true, true]);
        let (aged, recent) = (&ring.entries[0], Entry::new(ring.epoch, update(1, LEN)));
        assert_eq!((aged.sse_chunk(), aged.frame()), (recent.sse_chunk(), recent.frame()));
        let ring = Ring::new(2, usize::MAX, ring.past());
        assert_eq!((ring.recent, ring.recent_bytes), (2, 2 * LEN), "what a past holds counts as well");
        let ring = Ring::new(1, usize::MAX, ring.past());
        assert_eq!((ring.recent, ring.recent_bytes), (1, LEN));
    }

    #[test]
    fn before_counts_what_was_due() {
        let full = ring(10, 1000, &[1; 5]);
        assert_eq!([5, 10, 11, 50, 51].map(|at| full.before(at)), [Some(0), Some(0), Some(1), Some(4), Some(5)]);
        let short = ring(2, 1000, &[1; 5]);
        assert_eq!([40, 41].map(|at| short.before(at)), [None, Some(4)]);
        assert_eq!(ring(1, 1, &[]).before(7), Some(0));
    }

    proptest! {
        /// What a cursor is given, and what it is told is lost, is together everything after it.
        #[test]
        fn gap_and_updates_are_all_there_is(
            capacity in 1usize..20, max_bytes in 1usize..100,
            lens in proptest::collection::vec(0usize..30, 0..40), cursor in 0u64..50, max in 1usize..30,
            last in proptest::option::of(0usize..25),
        ) {
            let ring = ring(capacity, max_bytes, &lens);
            let head = lens.len() as u64;
            let batch = match last {
                Some(count) => ring.last(count, cursor, max),
                None => ring.after(cursor, max),
            };
            prop_assert!(batch.entries.len() <= last.unwrap_or(usize::MAX));
            prop_assert!(ring.head + 1 - ring.oldest() <= capacity as u64);
            if cursor > head {
                prop_assert_eq!(batch.gap, Some(Gap { from: head + 1, to: cursor }));
                prop_assert_eq!(batch.next(), head);
            } else {
                let lost: Vec<u64> = batch.gap.map_or(vec![], |gap| (gap.from..=gap.to).collect());
                let seen: Vec<u64> = lost.into_iter().chain(seqs(&batch)).collect();
                prop_assert_eq!(&seen, &(cursor + 1..=batch.next()).collect::<Vec<_>>());
                prop_assert!(batch.next() == head || batch.entries.len() == max);
            }
        }
    }
}

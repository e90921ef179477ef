//! The body of a poll's answer. A short one is made at once. A long one is made piece by piece as the client takes it, from what
//! the ring holds: what it has not taken is no memory of its own but a place in the feed.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use feedlab_feed::wire::poll;
use hyper::body::{Body, Frame, SizeHint};

use crate::bookmarks::Bookmark;
use crate::entry::Entry;
use crate::hub::Hub;
use crate::limits::MAX_PIECE_BYTES;
use crate::meter::Endpoint;
use crate::ring::Batch;

/// The body around some updates.
pub(crate) struct Updates {
    /// What is ready to go: all of a short answer, the start of a long one.
    ready: Vec<u8>,
    /// What is to come of a long one.
    rest: Option<Rest>,
    /// Bytes to come, of both.
    left: usize,
    endpoint: Arc<Endpoint>,
}

/// Updates that are still to be copied, and what stands behind them.
struct Rest {
    hub: Arc<Hub>,
    /// The update that is to be copied next, and how much of it has been.
    at: Bookmark,
    copied: usize,
    /// The last of them.
    last: u64,
    closing: String,
    room: Room,
}

/// How long the next piece of a long answer may be, for who sends it and knows: bytes.
#[derive(Clone, Debug)]
pub(crate) struct Room(Arc<AtomicUsize>);

impl Room {
    pub(crate) fn set(&self, bytes: usize) {
        self.0.store(bytes, Ordering::Relaxed);
    }

    fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed).clamp(1, MAX_PIECE_BYTES)
    }
}

/// The answer took so long that the feed has moved on beyond what is kept for it. Its client sees it end early, asks again with
/// the cursor that it has, and is told of a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer fell too far behind the feed")]
pub(crate) struct FellBehind;

impl Updates {
    /// One that ends with `closing`.
    pub(crate) fn new(batch: Batch, closing: String, (hub, endpoint): (&Arc<Hub>, &Arc<Endpoint>)) -> Self {
        let last = batch.next();
        let Batch { entries, bookmark, .. } = batch;
        let updates: usize = entries.iter().map(|entry| entry.json().len()).sum();
        let commas = entries.len().saturating_sub(1);
        let left = poll::OPENING.len() + updates + commas + closing.len();
        let (ready, rest) = match bookmark.filter(|_| left > MAX_PIECE_BYTES) {
            None => (whole(&entries, &closing, left), None),
            Some(at) => {
                let room = Room(Arc::new(AtomicUsize::new(MAX_PIECE_BYTES)));
                (poll::OPENING.to_vec(), Some(Rest { hub: hub.clone(), at, copied: 0, last, closing, room }))
            }
        };
        Self { ready, rest, left, endpoint: endpoint.clone() }
    }

    /// All bytes of the body.
    pub(crate) const fn len(&self) -> usize {
        self.left
    }

    /// That of a long one.
    pub(crate) fn room(&self) -> Option<Room> {
        self.rest.as_ref().map(|rest| rest.room.clone())
    }

    fn piece(&mut self) -> Result<Bytes, FellBehind> {
        let mut piece = std::mem::take(&mut self.ready);
        if let Some(rest) = &mut self.rest {
            piece.reserve_exact(rest.room.get());
            let is_last = rest.fill(&mut piece)?;
            if is_last {
                self.rest = None;
            }
        }
        Ok(piece.into())
    }
}

fn whole(entries: &[Arc<Entry>], closing: &str, len: usize) -> Vec<u8> {
    let mut body = Vec::with_capacity(len);
    body.extend_from_slice(poll::OPENING);
    for (index, entry) in entries.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        body.extend_from_slice(entry.json());
    }
    body.extend_from_slice(closing.as_bytes());
    body
}

impl Rest {
    /// Copies what there is room for; whether it was the last.
    fn fill(&mut self, piece: &mut Vec<u8>) -> Result<bool, FellBehind> {
        let most = self.room.get().max(piece.len() + 1);
        let mut seq = self.at.seq();
        while piece.len() < most && seq <= self.last {
            let json = self.hub.held(seq).ok_or(FellBehind)?;
            let is_whole = copy(&json, &mut self.copied, piece, most);
            // The comma behind it is copied with it, or next time.
            let needs_comma = seq < self.last;
            if is_whole && (piece.len() < most || !needs_comma) {
                piece.extend_from_slice(if needs_comma { b"," } else { b"" });
                seq += 1;
                self.copied = 0;
            }
        }
        self.at.move_to(seq);
        Ok(seq > self.last && copy(self.closing.as_bytes(), &mut self.copied, piece, most))
    }
}

/// Copies what is left of something, as far as a piece may go; whether that was all of it.
fn copy(whole: &[u8], copied: &mut usize, piece: &mut Vec<u8>, most: usize) -> bool {
    let left = &whole[*copied..];
    let len = left.len().min(most - piece.len());
    piece.extend_from_slice(&left[..len]);
    *copied += len;
    len == left.len()
}

impl Body for Updates {
    type Data = Bytes;
    type Error = FellBehind;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, FellBehind>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let piece = self.piece().inspect_err(|_| self.endpoint.slow_disconnected.add(1));
        Poll::Ready(Some(piece.map(|piece| {
            self.left -= piece.len();
            Frame::data(piece)
        })))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use feedlab_feed::settings::{AgeFrom, SlowPolicy};
    use feedlab_feed::source::Item;
    use feedlab_feed::{Data, Epoch, EventType};
    use futures_util::FutureExt as _;
    use proptest::prelude::*;

    use crate::hub::Retention;
    use crate::ring::Snapshot;

    fn hub(history: usize, lens: &[usize]) -> Arc<Hub> {
        let retention =
            Retention { history, queue: 1, slow_policy: SlowPolicy::Block, disconnect_after: None, has_others: false };
        let hub = Arc::new(Hub::new(retention, Snapshot::none(Epoch::random()), 0));
        lens.iter().for_each(|len| publish(&hub, *len));
        hub
    }

    fn publish(hub: &Hub, len: usize) {
        let data = Data::Text("x".repeat(len));
        hub.put(0, AgeFrom::Due, Item { event_type: EventType::default(), data });
    }

    fn updates(hub: &Arc<Hub>) -> Updates {
        let batch = hub.all_in_history_after(0).now_or_never().unwrap();
        Updates::new(batch, "], the end".to_owned(), (hub, &Arc::default()))
    }

    fn next(updates: &mut Updates) -> Option<Result<Bytes, FellBehind>> {
        match Pin::new(updates).poll_frame(&mut Context::from_waker(std::task::Waker::noop())) {
            Poll::Ready(frame) => frame.map(|frame| frame.map(|frame| frame.into_data().unwrap())),
            Poll::Pending => panic!("it never waits"),
        }
    }

    proptest! {
        #[test]
        fn the_pieces_are_the_body(
            lens in proptest::collection::vec(0usize..40_000, 0..12), rooms in proptest::collection::vec(0usize..20_000, 1..5),
        ) {
            let hub = hub(100, &lens);
            let json: Vec<_> = (1..=lens.len() as u64).map(|seq| hub.held(seq).unwrap()).collect();
            let expected = [poll::OPENING, &json.join(&b","[..]), b"], the end"].concat();
            let mut updates = updates(&hub);
            prop_assert_eq!(updates.len(), expected.len());
            let mut body = Vec::new();
            for room in rooms.iter().cycle() {
                if let Some(told) = updates.room() {
                    told.set(*room);
                }
                let Some(piece) = next(&mut updates) else { break };
                let piece = piece.unwrap();
                prop_assert!(!piece.is_empty() && piece.len() <= MAX_PIECE_BYTES);
                body.extend_from_slice(&piece);
            }
            prop_assert_eq!(body, expected);
            prop_assert!(updates.is_end_stream());
        }
    }

    #[test]
    fn r3_a_long_answer_holds_no_update_and_ends_when_the_feed_has_moved_too_far_ahead() {
        let hub = hub(2, &[1 << 20; 2]);
        let (mut read, mut unread) = (updates(&hub), updates(&hub));
        for _ in 0..5 {
            publish(&hub, 1 << 20);
        }
        let mut len = 0;
        while let Some(piece) = next(&mut read) {
            len += piece.unwrap().len();
        }
        assert!(len > 2 << 20, "what is no more in the history is kept for a while: {len}");
        for _ in 0..20 {
            publish(&hub, 1 << 20);
        }
        assert_eq!(next(&mut unread), Some(Err(FellBehind)));
        assert_eq!(unread.endpoint.slow_disconnected.get(), 1);
    }
}

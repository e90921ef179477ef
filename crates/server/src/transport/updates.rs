//! The body of a poll's response. A short body is made at once. A long one is made piece by piece as the client reads
//! it, from what the ring holds: the unread part takes no memory of its own, only a position in the feed.

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
    /// The bytes that are ready: the head of the response if it is written here, then all of a short body, or the start
    /// of a long one.
    ready: Vec<u8>,
    /// The rest of a long body.
    rest: Option<Rest>,
    /// The number of bytes still to come, of all of these.
    left: usize,
    endpoint: Arc<Endpoint>,
}

/// Updates that are still to be copied, and the text after them.
struct Rest {
    hub: Arc<Hub>,
    /// The next update to copy, and how many of its bytes have been copied.
    at: Bookmark,
    copied: usize,
    /// The `seq` of the last update.
    last: u64,
    closing: String,
    room: Room,
}

/// The largest size of the next piece of a long body, bytes, set by the code that sends it.
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

/// The response took so long that what is kept for it is no longer enough. Its client sees it end early, asks again
/// with its old cursor, and gets a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the response fell too far behind the feed")]
pub(crate) struct FellBehind;

impl Updates {
    /// Creates a body that ends with `closing`, after the head that `head` writes for the body's length; empty where
    /// the HTTP library writes the head.
    pub(crate) fn after_head(
        head: impl FnOnce(usize) -> Vec<u8>,
        batch: Batch,
        closing: String,
        (hub, endpoint): (&Arc<Hub>, &Arc<Endpoint>),
    ) -> Self {
        let last = batch.next();
        let Batch { entries, bookmark, .. } = batch;
        let updates: usize = entries.iter().map(|entry| entry.json().len()).sum();
        let commas = entries.len().saturating_sub(1);
        let len = poll::OPENING.len() + updates + commas + closing.len();
        let mut ready = head(len);
        let left = ready.len() + len;
        let rest = match bookmark.filter(|_| len > MAX_PIECE_BYTES) {
            None => {
                ready.reserve_exact(len);
                push_whole(&mut ready, &entries, &closing);
                None
            }
            Some(at) => {
                ready.extend_from_slice(poll::OPENING);
                let room = Room(Arc::new(AtomicUsize::new(MAX_PIECE_BYTES)));
                Some(Rest { hub: hub.clone(), at, copied: 0, last, closing, room })
            }
        };
        Self { ready, rest, left, endpoint: endpoint.clone() }
    }

    /// Returns the next piece; `None` after the last.
    pub(crate) fn next_piece(&mut self) -> Option<Result<Bytes, FellBehind>> {
        if self.left == 0 {
            return None;
        }
        let piece = self.piece().inspect_err(|_| self.endpoint.slow_disconnected.add(1));
        Some(piece.inspect(|piece| self.left -= piece.len()))
    }

    /// Whether there is nothing more to come.
    pub(crate) const fn is_complete(&self) -> bool {
        self.left == 0
    }

    /// The size of the next piece, if the body is long.
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

fn push_whole(body: &mut Vec<u8>, entries: &[Arc<Entry>], closing: &str) {
    body.extend_from_slice(poll::OPENING);
    for (index, entry) in entries.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        body.extend_from_slice(entry.json());
    }
    body.extend_from_slice(closing.as_bytes());
}

impl Rest {
    /// Copies as much as there is room for, and returns whether that was the last.
    fn fill(&mut self, piece: &mut Vec<u8>) -> Result<bool, FellBehind> {
        let most = self.room.get().max(piece.len() + 1);
        let mut seq = self.at.seq();
        while piece.len() < most && seq <= self.last {
            let json = self.hub.held(seq).ok_or(FellBehind)?;
            let is_whole = copy(&json, &mut self.copied, piece, most);
            // The comma after it is copied with it, or next time.
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

/// Copies the rest of `whole`, as far as it fits into the piece, and returns whether that was all of it.
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
        Poll::Ready(self.next_piece().map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.is_complete()
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
            Retention { history, queue: 1, slow_policy: SlowPolicy::Block, disconnect_after: None, is_shared: false };
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
        Updates::after_head(|_| Vec::new(), batch, "], the end".to_owned(), (hub, &Arc::default()))
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
            prop_assert_eq!(updates.left, expected.len());
            let mut body = Vec::new();
            for room in rooms.iter().cycle() {
                if let Some(next) = updates.room() {
                    next.set(*room);
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
        assert!(len > 2 << 20, "what has left the history is kept for a while: {len}");
        for _ in 0..20 {
            publish(&hub, 1 << 20);
        }
        assert_eq!(next(&mut unread), Some(Err(FellBehind)));
        assert_eq!(unread.endpoint.slow_disconnected.get(), 1);
    }
}

//! The body of a poll's answer, made as the client takes it: what it has not taken are references to the ring's updates, which
//! all polls share, and no copy of them.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::vec::IntoIter;

use bytes::Bytes;
use feedlab_feed::wire::poll;
use hyper::body::{Body, Frame, SizeHint};

use crate::limits::MAX_PIECE_BYTES;
use crate::ring::Entry;

/// The body around some updates.
pub(crate) struct Updates {
    entries: IntoIter<Arc<Entry>>,
    has_begun: bool,
    /// An update went out, and a comma is due before the next.
    has_comma_due: bool,
    closing: String,
    /// Bytes to come.
    left: usize,
}

impl Updates {
    /// One that ends with `closing`.
    pub(crate) fn new(entries: Vec<Arc<Entry>>, closing: String) -> Self {
        let updates: usize = entries.iter().map(|entry| entry.json().len()).sum();
        let commas = entries.len().saturating_sub(1);
        let left = poll::OPENING.len() + updates + commas + closing.len();
        Self { entries: entries.into_iter(), has_begun: false, has_comma_due: false, closing, left }
    }

    /// All bytes of the body.
    pub(crate) const fn len(&self) -> usize {
        self.left
    }

    /// The next bytes: small updates together, a large one as it is.
    fn piece(&mut self) -> Bytes {
        let mut piece = Vec::new();
        if !std::mem::replace(&mut self.has_begun, true) {
            piece.extend_from_slice(poll::OPENING);
        }
        while let Some(entry) = self.entries.as_slice().first() {
            let json = entry.json();
            if piece.is_empty() && !self.has_comma_due && json.len() > MAX_PIECE_BYTES {
                let shared = json.clone();
                self.has_comma_due = true;
                self.entries.next();
                return shared;
            }
            if !piece.is_empty() && piece.len() + json.len() >= MAX_PIECE_BYTES {
                return piece.into();
            }
            if std::mem::replace(&mut self.has_comma_due, false) {
                piece.push(b',');
                continue;
            }
            piece.extend_from_slice(json);
            self.has_comma_due = true;
            self.entries.next();
        }
        piece.extend_from_slice(self.closing.as_bytes());
        piece.into()
    }
}

impl Body for Updates {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let piece = self.piece();
        self.left -= piece.len();
        Poll::Ready(Some(Ok(Frame::data(piece))))
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
    use feedlab_feed::{Data, Epoch, EventType, Update};
    use proptest::prelude::*;

    fn entries(lens: &[usize]) -> Vec<Arc<Entry>> {
        let epoch = Epoch::random();
        let entry = |(index, len): (usize, &usize)| {
            let data = Data::Text("x".repeat(*len));
            Arc::new(Entry::new(epoch, Update { seq: index as u64 + 1, at: 0, event_type: EventType::default(), data }))
        };
        lens.iter().enumerate().map(entry).collect()
    }

    fn pieces(entries: Vec<Arc<Entry>>) -> (usize, Vec<Bytes>) {
        let mut updates = Updates::new(entries, "], the end".to_owned());
        let len = updates.len();
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut pieces = Vec::new();
        while let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut updates).poll_frame(&mut cx) {
            pieces.push(frame.into_data().unwrap());
        }
        assert!(updates.is_end_stream());
        (len, pieces)
    }

    proptest! {
        #[test]
        fn the_pieces_are_the_body(lens in proptest::collection::vec(0usize..40_000, 0..12)) {
            let entries = entries(&lens);
            let json: Vec<_> = entries.iter().map(|entry| entry.json().clone()).collect();
            let expected = [poll::OPENING, &json.join(&b","[..]), b"], the end"].concat();
            let (len, pieces) = pieces(entries);
            prop_assert_eq!(len, expected.len());
            prop_assert!(pieces.iter().all(|piece| piece.len() <= MAX_PIECE_BYTES || json.contains(piece)));
            prop_assert_eq!(pieces.concat(), expected);
        }
    }

    #[test]
    fn r3_a_large_update_is_shared_and_not_copied() {
        let entries = entries(&[100_000, 100_000]);
        let json = entries[1].json().as_ptr();
        let (_, pieces) = pieces(entries);
        assert!(pieces.iter().any(|piece| piece.as_ptr() == json));
    }
}

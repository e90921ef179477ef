//! The positions of long responses that are being sent: the [`Ring`](crate::ring::Ring) keeps what they still need for
//! a while after it has left the history.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The positions of all long responses.
#[derive(Debug)]
pub(crate) struct Bookmarks {
    /// The number of responses at each `seq`.
    positions: Mutex<BTreeMap<u64, usize>>,
    /// The lowest of these `seq`s, readable without the lock; [`u64::MAX`] if there is none.
    first: AtomicU64,
}

/// The position of one response: the `seq` of the update that it needs next.
#[derive(Debug)]
pub(crate) struct Bookmark {
    all: Arc<Bookmarks>,
    seq: u64,
}

impl Default for Bookmarks {
    fn default() -> Self {
        Self { positions: Mutex::default(), first: AtomicU64::new(u64::MAX) }
    }
}

impl Bookmarks {
    pub(crate) fn put(self: &Arc<Self>, seq: u64) -> Bookmark {
        self.change(|positions| *positions.entry(seq).or_default() += 1);
        Bookmark { all: self.clone(), seq }
    }

    /// The `seq` before which no response needs anything.
    pub(crate) fn first(&self) -> u64 {
        self.first.load(Ordering::Relaxed)
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<u64, usize>)) {
        let mut positions = self.positions.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut positions);
        self.first.store(positions.first_key_value().map_or(u64::MAX, |(seq, _)| *seq), Ordering::Relaxed);
    }
}

fn remove(positions: &mut BTreeMap<u64, usize>, seq: u64) {
    if let Some(count) = positions.get_mut(&seq) {
        *count -= 1;
        if *count == 0 {
            positions.remove(&seq);
        }
    }
}

impl Bookmark {
    pub(crate) const fn seq(&self) -> u64 {
        self.seq
    }

    pub(crate) fn move_to(&mut self, seq: u64) {
        let before = std::mem::replace(&mut self.seq, seq);
        self.all.change(|positions| {
            *positions.entry(seq).or_default() += 1;
            remove(positions, before);
        });
    }
}

impl Drop for Bookmark {
    fn drop(&mut self) {
        self.all.change(|positions| remove(positions, self.seq));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_the_position_of_the_slowest_response() {
        let all = Arc::new(Bookmarks::default());
        assert_eq!(all.first(), u64::MAX);
        let (mut one, other) = (all.put(3), all.put(3));
        one.move_to(9);
        assert_eq!((one.seq(), all.first()), (9, 3));
        drop(other);
        assert_eq!(all.first(), 9);
        drop(one);
        assert_eq!(all.first(), u64::MAX);
    }
}

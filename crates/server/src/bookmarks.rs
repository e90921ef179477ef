//! Where the long answers are that are being sent: what they still need, the [`Ring`](crate::ring::Ring) keeps for a while when
//! it has dropped it from the history.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The places of all of them.
#[derive(Debug)]
pub(crate) struct Bookmarks {
    /// How many are at each `seq`.
    places: Mutex<BTreeMap<u64, usize>>,
    /// The first of these, to be read without the lock; [`u64::MAX`] when there is none.
    first: AtomicU64,
}

/// The place of one: the `seq` of the update that it needs next.
#[derive(Debug)]
pub(crate) struct Bookmark {
    all: Arc<Bookmarks>,
    seq: u64,
}

impl Default for Bookmarks {
    fn default() -> Self {
        Self { places: Mutex::default(), first: AtomicU64::new(u64::MAX) }
    }
}

impl Bookmarks {
    pub(crate) fn put(self: &Arc<Self>, seq: u64) -> Bookmark {
        self.change(|places| *places.entry(seq).or_default() += 1);
        Bookmark { all: self.clone(), seq }
    }

    /// No answer needs anything before this `seq`.
    pub(crate) fn first(&self) -> u64 {
        self.first.load(Ordering::Relaxed)
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<u64, usize>)) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut places);
        self.first.store(places.first_key_value().map_or(u64::MAX, |(seq, _)| *seq), Ordering::Relaxed);
    }
}

fn remove(places: &mut BTreeMap<u64, usize>, seq: u64) {
    if let Some(count) = places.get_mut(&seq) {
        *count -= 1;
        if *count == 0 {
            places.remove(&seq);
        }
    }
}

impl Bookmark {
    pub(crate) const fn seq(&self) -> u64 {
        self.seq
    }

    pub(crate) fn move_to(&mut self, seq: u64) {
        let before = std::mem::replace(&mut self.seq, seq);
        self.all.change(|places| {
            *places.entry(seq).or_default() += 1;
            remove(places, before);
        });
    }
}

impl Drop for Bookmark {
    fn drop(&mut self) {
        self.all.change(|places| remove(places, self.seq));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_that_of_the_answer_that_is_furthest_behind() {
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

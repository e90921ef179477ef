//! Exercise 4, `ids-and-replay`, solved.
//!
//! Numbers without holes reduce all of it to arithmetic: the oldest update is `newest + 1 - len`, and the gap and the
//! replayed updates together are everything after the client's id. But numbers of two feeds cannot be compared,
//! although they look as if they could; so an id names its feed.

use std::collections::VecDeque;

/// What a reconnecting client gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// The id is of another epoch: the client has nothing of this one, and must learn that before anything else.
    pub reset: bool,
    /// The first and the last number that are lost.
    pub gap: Option<(u64, u64)>,
    /// The updates that follow, oldest first: number and data.
    pub updates: Vec<(u64, String)>,
}

/// `Last-Event-ID` is not the id of an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAnId;

/// The last updates of a feed.
#[derive(Debug)]
pub struct History {
    epoch: String,
    capacity: usize,
    /// The number of the newest update. It keeps growing when updates are dropped; the length does not.
    newest: u64,
    updates: VecDeque<(u64, String)>,
}

impl History {
    /// Creates an empty history for `capacity` updates, at least one, of a feed in this epoch.
    #[must_use]
    pub fn new(epoch: &str, capacity: usize) -> Self {
        Self { epoch: epoch.to_owned(), capacity, newest: 0, updates: VecDeque::new() }
    }

    /// Appends an update and returns its number.
    pub fn push(&mut self, data: &str) -> u64 {
        self.newest += 1;
        self.updates.push_back((self.newest, data.to_owned()));
        if self.updates.len() > self.capacity.max(1) {
            self.updates.pop_front();
        }
        self.newest
    }

    /// Returns how many updates are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.updates.len()
    }

    /// Returns whether no update is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.updates.is_empty()
    }

    /// Returns what a client gets that reconnects with this `Last-Event-ID`.
    ///
    /// # Errors
    /// When the id is not an epoch and a number.
    pub fn replay(&self, last_event_id: Option<&str>) -> Result<Replay, NotAnId> {
        // A stream sends an empty id to make its client forget the last one: the same as none.
        let Some(id) = last_event_id.filter(|id| !id.is_empty()) else { return Ok(Replay::default()) };
        let (epoch, number) = id.split_once('.').ok_or(NotAnId)?;
        let number: u64 = number.parse().map_err(|_| NotAnId)?;
        // A number of another feed means nothing here: this client has nothing of this feed.
        let reset = epoch != self.epoch;
        let id = if reset { 0 } else { number };
        let oldest = self.newest + 1 - self.updates.len() as u64;
        // `id + 1` is the first update that the client lacks. If that one is still kept, nothing is lost.
        let gap = (id + 1 < oldest).then(|| (id + 1, oldest - 1));
        let updates = self.updates.iter().filter(|(number, _)| *number > id).cloned().collect();
        Ok(Replay { reset, gap, updates })
    }
}

//! Exercise 4, `ids-and-replay`, solved.
//!
//! Numbers without holes make all of it arithmetic: the oldest is `newest + 1 - len`, and what a client is told is lost and
//! what it is given are together everything after its id. But numbers of two feeds cannot be compared, and look as if they
//! could: so an id says which feed it counts.

use std::collections::VecDeque;

/// What a client that comes back is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// The id is of another epoch: the client has nothing of this one, and must be told before anything else.
    pub reset: bool,
    /// The first and the last number that are lost.
    pub gap: Option<(u64, u64)>,
    /// What follows, oldest first: numbers and data.
    pub updates: Vec<(u64, String)>,
}

/// `Last-Event-ID` is no id of an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAnId;

/// The last updates of a feed.
#[derive(Debug)]
pub struct History {
    epoch: String,
    capacity: usize,
    /// The number of the newest update. It goes on when updates are dropped; a length does not.
    newest: u64,
    updates: VecDeque<(u64, String)>,
}

impl History {
    /// An empty history for `capacity` updates, at least one, of a feed in this epoch.
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

    /// How many updates are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.updates.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.updates.is_empty()
    }

    /// What a client is given that comes with this `Last-Event-ID`.
    ///
    /// # Errors
    /// When the id is no epoch and number.
    pub fn replay(&self, last_event_id: Option<&str>) -> Result<Replay, NotAnId> {
        // An empty id is what a stream sends to make its client forget: the same as none.
        let Some(id) = last_event_id.filter(|id| !id.is_empty()) else { return Ok(Replay::default()) };
        let (epoch, number) = id.split_once('.').ok_or(NotAnId)?;
        let number: u64 = number.parse().map_err(|_| NotAnId)?;
        // Of another feed its number says nothing here: this client has nothing of this one.
        let reset = epoch != self.epoch;
        let id = if reset { 0 } else { number };
        let oldest = self.newest + 1 - self.updates.len() as u64;
        // `id + 1` is the first that the client lacks. If that one is still there, nothing is lost.
        let gap = (id + 1 < oldest).then(|| (id + 1, oldest - 1));
        let updates = self.updates.iter().filter(|(number, _)| *number > id).cloned().collect();
        Ok(Replay { reset, gap, updates })
    }
}

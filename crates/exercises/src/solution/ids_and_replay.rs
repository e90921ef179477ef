//! Exercise 4, `ids-and-replay`, solved.
//!
//! Numbers without holes make all of it arithmetic: the oldest is `newest + 1 - len`, and what a client is told is lost and
//! what it is given are together everything after its id.

use std::collections::VecDeque;

/// What a client that comes back is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// The first and the last number that are lost.
    pub gap: Option<(u64, u64)>,
    /// What follows, oldest first: numbers and data.
    pub updates: Vec<(u64, String)>,
}

/// `Last-Event-ID` is no number of an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAnId;

/// The last updates of a feed.
#[derive(Debug)]
pub struct History {
    capacity: usize,
    /// The number of the newest update. It goes on when updates are dropped; a length does not.
    newest: u64,
    updates: VecDeque<(u64, String)>,
}

impl History {
    /// An empty history for `capacity` updates, at least one.
    #[must_use]
    pub const fn new(capacity: usize) -> Self {
        Self { capacity, newest: 0, updates: VecDeque::new() }
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
    /// When the id is no number.
    pub fn replay(&self, last_event_id: Option<&str>) -> Result<Replay, NotAnId> {
        // An empty id is what a stream sends to make its client forget: the same as none.
        let Some(id) = last_event_id.filter(|id| !id.is_empty()) else { return Ok(Replay::default()) };
        let id: u64 = id.parse().map_err(|_| NotAnId)?;
        if id > self.newest {
            return Ok(Replay { gap: Some((self.newest + 1, id)), updates: Vec::new() });
        }
        let oldest = self.newest + 1 - self.updates.len() as u64;
        // `id + 1` is the first that the client lacks. If that one is still there, nothing is lost.
        let gap = (id + 1 < oldest).then(|| (id + 1, oldest - 1));
        let updates = self.updates.iter().filter(|(number, _)| *number > id).cloned().collect();
        Ok(Replay { gap, updates })
    }
}

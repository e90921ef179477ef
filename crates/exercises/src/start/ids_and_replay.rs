//! Exercise 4, `ids-and-replay`: what a reconnecting client gets.
//!
//! **Build** the bounded history of a feed. A client that was cut off sends `Last-Event-ID`, the id of the last update
//! that it received, and gets what it missed.
//!
//! - Numbers are 1, 2, 3, … without holes. At most `capacity` updates are kept: the newest.
//! - An id is the feed's epoch, a dot and a number: `k3f9.7`. A server that restarts has another epoch.
//! - Without an id, or with an empty one, a client gets only what is published from now on. With an id, it gets
//!   everything after it that is kept, in order, each update once.
//! - Updates that are no longer kept are reported as a gap: the first and the last number that are lost.
//! - An id of another epoch belongs to a feed that has ended, whatever its number. That client gets a reset, and then
//!   everything that is kept of this feed, after a gap from 1 on if the beginning is gone.
//! - Anything else is not an id, and is an error.
//!
//! **Both halves in feedlab**: `crates/server/src/ring.rs` (`since`) and `hub.rs` (`place`) with `cursor` in
//! `crates/server/src/transport/sse.rs`, and `crates/loadgen/src/audit.rs`, where each client compares what it receives
//! with what it has received before.

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
    updates: VecDeque<(u64, String)>,
}

impl History {
    /// Creates an empty history for `capacity` updates, at least one, of a feed in this epoch.
    #[must_use]
    pub fn new(epoch: &str, capacity: usize) -> Self {
        Self { epoch: epoch.to_owned(), capacity, updates: VecDeque::new() }
    }

    /// Appends an update and returns its number.
    pub fn push(&mut self, data: &str) -> u64 {
        // Your turn: the capacity is ignored; once you keep it, the length no longer gives the number.
        let _ = self.capacity;
        let id = self.updates.len() as u64 + 1;
        self.updates.push_back((id, data.to_owned()));
        id
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
        // Your turn: this replays everything to everybody.
        let _ = (last_event_id, &self.epoch);
        Ok(Replay { reset: false, gap: None, updates: self.updates.iter().cloned().collect() })
    }
}

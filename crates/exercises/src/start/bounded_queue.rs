//! Exercise 7, `bounded-queue`: what to do with a client that reads too slowly.
//!
//! **Build** the queue between a feed and one client. It holds at most `bound` updates, whatever the client does. The
//! policy decides what happens when it is full:
//!
//! - `Block`: the update is not accepted (`Offer::Full`). The caller keeps it and offers it again; nothing is lost.
//! - `Latest`: the queued updates are dropped to make room for the newest. The client receives the dropped ones as one
//!   gap, before the update that follows them.
//! - `Disconnect`: the client is disconnected (`Offer::Gone`). Its queue is empty from then on, and accepts nothing
//!   more.
//!
//! Updates are offered in order: 1, 2, 3, …. A client that keeps up sees no difference between the three.
//!
//! **Both halves in feedlab**: `SlowPolicy` in `crates/feed/src/settings.rs`, `next` and `check_pace` in
//! `crates/server/src/push.rs` (where the feed's ring is the queue of all clients), and slow readers in
//! `crates/loadgen/src/transport/pace.rs`.

use std::collections::VecDeque;

/// What to do when the queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The feed waits for the client.
    Block,
    /// The client gets the newest update, and learns which ones it lost.
    Latest,
    /// The client is disconnected.
    Disconnect,
}

/// The result of offering an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// The update is in the queue.
    Taken,
    /// There is no room: offer it again later.
    Full,
    /// The client has been disconnected.
    Gone,
}

/// What a client receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// An update.
    Update(u64),
    /// The first and the last update that were dropped.
    Gap(u64, u64),
}

/// The queue of one client.
#[derive(Debug)]
pub struct Queue {
    policy: Policy,
    bound: usize,
    updates: VecDeque<u64>,
}

impl Queue {
    /// Creates an empty queue for `bound` updates, at least one.
    #[must_use]
    pub const fn new(policy: Policy, bound: usize) -> Self {
        Self { policy, bound, updates: VecDeque::new() }
    }

    /// Puts an update into the queue, if the policy allows it.
    pub fn offer(&mut self, update: u64) -> Offer {
        // Your turn: there is no bound and no policy. It works until the first client goes to sleep with its connection
        // open.
        let _ = (self.policy, self.bound);
        self.updates.push_back(update);
        Offer::Taken
    }

    /// Returns what the client receives next; `None` if there is nothing.
    pub fn take(&mut self) -> Option<Message> {
        self.updates.pop_front().map(Message::Update)
    }

    /// Returns how many updates are queued.
    #[must_use]
    pub fn len(&self) -> usize {
        self.updates.len()
    }

    /// Returns whether no update is queued.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.updates.is_empty()
    }
}

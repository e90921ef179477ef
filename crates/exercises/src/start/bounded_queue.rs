//! Exercise 7, `bounded-queue`: what to do with a client that reads too slowly.
//!
//! **Build** the queue between a feed and one client. It holds at most `bound` updates, whatever the client does. What happens
//! when it is full is the policy:
//!
//! - `Block`: the update is not taken (`Offer::Full`). Whoever offers it keeps it and offers it again; nothing is lost.
//! - `Latest`: what is queued gives way to the newest update. The client is told those that were dropped as one gap,
//!   before the update that follows them.
//! - `Disconnect`: the client is given up (`Offer::Gone`). Its queue is empty from then on, and takes nothing more.
//!
//! Updates are offered in order, 1, 2, 3 …. A client that keeps up sees no difference between the three.
//!
//! **Both halves in feedlab**: `SlowPolicy` in `crates/feed/src/settings.rs`, `next` and `check_pace` in `crates/server/src/push.rs`
//! (where the ring of the feed is everybody's queue), and slow readers in `crates/loadgen/src/transport/pace.rs`.

use std::collections::VecDeque;

/// What is done when the queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The feed waits for the client.
    Block,
    /// The client gets the newest, and is told what it lost.
    Latest,
    /// The client has to go.
    Disconnect,
}

/// What became of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// The queue has it.
    Taken,
    /// There is no room: offer it again later.
    Full,
    /// The client has been given up.
    Gone,
}

/// What a client gets.
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
    /// An empty queue for `bound` updates, at least one.
    #[must_use]
    pub const fn new(policy: Policy, bound: usize) -> Self {
        Self { policy, bound, updates: VecDeque::new() }
    }

    /// Puts an update into the queue, if the policy has it so.
    pub fn offer(&mut self, update: u64) -> Offer {
        // Your turn: no bound, no policy. It works until the first client goes to sleep with its connection open.
        let _ = (self.policy, self.bound);
        self.updates.push_back(update);
        Offer::Taken
    }

    /// What the client gets next; `None` when there is nothing.
    pub fn take(&mut self) -> Option<Message> {
        self.updates.pop_front().map(Message::Update)
    }

    /// How many updates are queued.
    #[must_use]
    pub fn len(&self) -> usize {
        self.updates.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.updates.is_empty()
    }
}

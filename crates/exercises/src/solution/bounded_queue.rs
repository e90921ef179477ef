//! Exercise 7, `bounded-queue`, solved.
//!
//! There is no fourth policy. A server that does not wait, does not drop and does not disconnect has an unbounded
//! queue, and the slowest client decides how much memory it uses. A drop is reported, so that the client can tell a
//! hole from silence.

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
    /// The updates dropped since the last `take`; always before everything that is queued.
    gap: Option<(u64, u64)>,
    is_gone: bool,
}

impl Queue {
    /// Creates an empty queue for `bound` updates, at least one.
    #[must_use]
    pub const fn new(policy: Policy, bound: usize) -> Self {
        Self { policy, bound, updates: VecDeque::new(), gap: None, is_gone: false }
    }

    /// Puts an update into the queue, if the policy allows it.
    pub fn offer(&mut self, update: u64) -> Offer {
        if self.is_gone {
            return Offer::Gone;
        }
        if self.updates.len() >= self.bound.max(1) {
            match self.policy {
                Policy::Block => return Offer::Full,
                Policy::Latest => self.drop_queued(),
                Policy::Disconnect => {
                    // A new queue, not `clear`, which would keep the memory of a client that is gone.
                    self.updates = VecDeque::new();
                    self.is_gone = true;
                    return Offer::Gone;
                }
            }
        }
        self.updates.push_back(update);
        Offer::Taken
    }

    /// Two numbers, however much is dropped: a list of what was lost would be an unbounded queue again.
    fn drop_queued(&mut self) {
        if let (Some(first), Some(last)) = (self.updates.front(), self.updates.back()) {
            let first = self.gap.map_or(*first, |(first, _)| first);
            self.gap = Some((first, *last));
        }
        self.updates.clear();
    }

    /// Returns what the client receives next; `None` if there is nothing.
    pub fn take(&mut self) -> Option<Message> {
        if let Some((first, last)) = self.gap.take() {
            return Some(Message::Gap(first, last));
        }
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

//! Exercise 7, `bounded-queue`, solved.
//!
//! There is no fourth policy: who does not wait, does not drop and does not disconnect has an unbounded queue, and with it a
//! server whose memory the slowest client decides. What is dropped is told, so that the client can tell a hole from silence.

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
    /// What was dropped since the client last got something: always before everything that is queued.
    gap: Option<(u64, u64)>,
    is_gone: bool,
}

impl Queue {
    /// An empty queue for `bound` updates, at least one.
    #[must_use]
    pub const fn new(policy: Policy, bound: usize) -> Self {
        Self { policy, bound, updates: VecDeque::new(), gap: None, is_gone: false }
    }

    /// Puts an update into the queue, if the policy has it so.
    pub fn offer(&mut self, update: u64) -> Offer {
        if self.is_gone {
            return Offer::Gone;
        }
        if self.updates.len() >= self.bound.max(1) {
            match self.policy {
                Policy::Block => return Offer::Full,
                Policy::Latest => self.drop_queued(),
                Policy::Disconnect => {
                    // A new queue, and not `clear`: that would keep the memory of a client that is gone.
                    self.updates = VecDeque::new();
                    self.is_gone = true;
                    return Offer::Gone;
                }
            }
        }
        self.updates.push_back(update);
        Offer::Taken
    }

    /// Two numbers, however much is dropped: a list of what is lost would be a queue without a bound again.
    fn drop_queued(&mut self) {
        if let (Some(first), Some(last)) = (self.updates.front(), self.updates.back()) {
            let first = self.gap.map_or(*first, |(first, _)| first);
            self.gap = Some((first, *last));
        }
        self.updates.clear();
    }

    /// What the client gets next; `None` when there is nothing.
    pub fn take(&mut self) -> Option<Message> {
        if let Some((first, last)) = self.gap.take() {
            return Some(Message::Gap(first, last));
        }
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

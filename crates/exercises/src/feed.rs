//! The feed of the exercises. Its updates are just numbers: 1, 2, 3, … without holes.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

type Interruption = Box<dyn FnOnce(&Feed) + Send>;

/// A feed that keeps everything.
pub struct Feed {
    head: watch::Sender<u64>,
    after_look: Mutex<Option<Interruption>>,
}

impl Default for Feed {
    fn default() -> Self {
        Self { head: watch::Sender::new(0), after_look: Mutex::new(None) }
    }
}

impl Feed {
    /// Publishes the next update and wakes all subscribers.
    pub fn publish(&self) {
        self.head.send_modify(|head| *head += 1);
    }

    /// Subscribes to the feed: `changed()` of the receiver completes as soon as something is published after this call.
    /// What was published before does not count.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    /// Looks at the feed: returns the updates after a cursor that exist at this moment.
    #[must_use]
    pub fn after(&self, cursor: u64) -> Vec<u64> {
        let head = *self.head.borrow();
        let interruption = self.after_look.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(interruption) = interruption {
            interruption(self);
        }
        (cursor..head).map(|before| before + 1).collect()
    }

    /// For tests: runs `what` right after the next look, as another thread could do at just that moment.
    pub fn right_after_the_next_look(&self, what: impl FnOnce(&Self) + Send + 'static) {
        *self.after_look.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(what));
    }

    /// Returns the number of active subscriptions.
    #[must_use]
    pub fn subscribers(&self) -> usize {
        self.head.receiver_count()
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("head", &self.head).finish_non_exhaustive()
    }
}

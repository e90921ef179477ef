//! What one open connection is told: the settings, and what is done to it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use crate::clock;
use crate::settings::Settings;

/// How a connection is ended from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// FIN to both sides, after what is on its way.
    Cut,
    /// RST to both sides.
    Reset,
}

/// What holds for a connection now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Orders {
    pub(crate) settings: Settings,
    /// Nothing passes until then.
    pub(crate) hole_until: Option<Instant>,
    pub(crate) ending: Option<Ending>,
    /// Where it stands among all connections, at least 0 and below 1: those below the share of slow readers are slow.
    pub(crate) place: f64,
}

/// The line from the lab to one connection.
#[derive(Debug)]
pub(crate) struct Line {
    orders: Mutex<Orders>,
    changed: Notify,
}

impl Line {
    pub(crate) fn new(orders: Orders) -> Self {
        Self { orders: Mutex::new(orders), changed: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What holds now.
    pub(crate) fn orders(&self) -> Orders {
        *self.lock()
    }

    /// Changes what holds, and wakes the connection.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Orders)) {
        change(&mut self.lock());
        self.changed.notify_one();
    }

    /// Waits for a change; one that nobody waited for counts.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Waits until the connection is to be ended.
    pub(crate) async fn ended(&self) -> Ending {
        loop {
            if let Some(ending) = self.orders().ending {
                return ending;
            }
            self.changed().await;
        }
    }
}

impl Orders {
    /// How fast the server is read, where that is slow, bytes a second.
    pub(crate) fn reads_per_s(&self) -> Option<u64> {
        self.settings.reader_bytes_per_s.filter(|_| self.place < self.settings.reader_share)
    }

    /// The end of the hole, if there is one now.
    pub(crate) fn hole(&self) -> Option<Instant> {
        self.hole_until.filter(|until| *until > clock::now())
    }
}

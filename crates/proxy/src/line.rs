//! What one open connection is told: the settings, and what is done to it.

use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Instant;

use feedlab_feed::clock;

use crate::settings::LinkSettings;

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
    pub(crate) settings: LinkSettings,
    /// Nothing passes until then.
    pub(crate) hole_until: Option<Instant>,
    pub(crate) ending: Option<Ending>,
    /// Where it stands among all connections, at least 0 and below 1: those below the share of slow readers are slow.
    pub(crate) place: f64,
}

impl Orders {
    /// How fast the server is read, where that is slow, bytes per second.
    pub(crate) fn reads_per_s(&self) -> Option<u64> {
        self.settings.reader_bytes_per_s.filter(|_| self.place < self.settings.reader_share)
    }

    /// The end of the hole, if there is one now.
    pub(crate) fn hole(&self) -> Option<Instant> {
        self.hole_until.filter(|until| *until > clock::now())
    }
}

/// The line from the lab to one connection. The connection's task is the only one that listens.
#[derive(Debug)]
pub(crate) struct Line(Mutex<State>);

#[derive(Debug)]
struct State {
    orders: Orders,
    listener: Option<Waker>,
}

impl Line {
    pub(crate) const fn new(orders: Orders) -> Self {
        Self(Mutex::new(State { orders, listener: None }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What holds now.
    pub(crate) fn orders(&self) -> Orders {
        self.lock().orders
    }

    /// What holds now; the task is woken when that changes.
    pub(crate) fn listen(&self, task: &Waker) -> Orders {
        let mut state = self.lock();
        if !state.listener.as_ref().is_some_and(|listener| listener.will_wake(task)) {
            state.listener = Some(task.clone());
        }
        state.orders
    }

    /// Changes what holds, and wakes the connection.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Orders)) {
        let mut state = self.lock();
        change(&mut state.orders);
        let listener = state.listener.take();
        drop(state);
        if let Some(listener) = listener {
            listener.wake();
        }
    }

    /// Waits until the connection is to be ended.
    pub(crate) async fn ended(&self) -> Ending {
        poll_fn(|context| self.listen(context.waker()).ending.map_or(Poll::Pending, Poll::Ready)).await
    }
}

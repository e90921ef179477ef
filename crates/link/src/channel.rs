//! The channel from the lab to one open connection: the link settings, and the faults that hit the connection.

use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use feedlab_feed::clock;
use feedlab_feed::link::{Network, RAMP_FACTOR};

use crate::settings::LinkSettings;

/// How the proxy ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Sends a FIN to both sides, after the bytes in flight.
    Cut,
    /// Sends an RST to both sides.
    Reset,
}

/// A period in which the round trip grows evenly, to ten times what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ramp {
    pub(crate) from: Instant,
    pub(crate) until: Instant,
}

impl Ramp {
    /// Returns the round-trip time at `now`; `usual` is the one without a ramp.
    fn rtt(self, usual: Duration, now: Instant) -> Duration {
        if now < self.from || self.until <= now {
            return usual;
        }
        let length = self.until - self.from;
        let share = (now - self.from).as_secs_f64() / length.as_secs_f64();
        usual + (usual * (RAMP_FACTOR - 1)).mul_f64(share)
    }
}

/// The current orders for a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Orders {
    /// The link settings.
    pub(crate) settings: LinkSettings,
    /// When the black hole ends, if there was one: nothing passes before.
    pub(crate) black_hole_until: Option<Instant>,
    /// The last ramp of the delay, if there was one.
    pub(crate) ramp: Option<Ramp>,
    /// How to end the connection, if it is to be ended.
    pub(crate) ending: Option<Ending>,
    /// A random number from 0 to below 1, drawn once per connection. The connection reads slowly if it is below the
    /// share of slow readers.
    pub(crate) draw: f64,
}

impl Orders {
    /// Returns how fast the server is read, bytes per second; `None` if this connection does not read slowly.
    pub(crate) fn reads_per_s(&self) -> Option<u64> {
        self.settings.reader_bytes_per_s.filter(|_| self.draw < self.settings.reader_share)
    }

    /// Returns the network as it is at `now`.
    pub(crate) fn network(&self, now: Instant) -> Network {
        let network = self.settings.network;
        Network { rtt: self.ramp.map_or(network.rtt, |ramp| ramp.rtt(network.rtt, now)), ..network }
    }

    /// Returns when the black hole ends, if one is active.
    pub(crate) fn black_hole(&self) -> Option<Instant> {
        self.black_hole_until.filter(|until| *until > clock::now())
    }
}

/// The channel from the lab to one connection. Only the connection's task listens to it.
#[derive(Debug)]
pub(crate) struct OrderChannel(Mutex<State>);

#[derive(Debug)]
struct State {
    orders: Orders,
    listener: Option<Waker>,
}

impl OrderChannel {
    pub(crate) const fn new(orders: Orders) -> Self {
        Self(Mutex::new(State { orders, listener: None }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the current orders.
    pub(crate) fn orders(&self) -> Orders {
        self.lock().orders
    }

    /// Returns the current orders, and wakes the task when they change.
    pub(crate) fn listen(&self, task: &Waker) -> Orders {
        let mut state = self.lock();
        if !state.listener.as_ref().is_some_and(|listener| listener.will_wake(task)) {
            state.listener = Some(task.clone());
        }
        state.orders
    }

    /// Changes the orders, and wakes the connection.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Orders)) {
        let mut state = self.lock();
        change(&mut state.orders);
        let listener = state.listener.take();
        drop(state);
        if let Some(listener) = listener {
            listener.wake();
        }
    }

    /// Waits until the connection is ordered to end.
    pub(crate) async fn ended(&self) -> Ending {
        poll_fn(|context| self.listen(context.waker()).ending.map_or(Poll::Pending, Poll::Ready)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_multiplies_the_round_trip_evenly_until_it_ends() {
        let (from, second) = (clock::now(), Duration::from_secs(1));
        let ramp = Ramp { from, until: from + 9 * second };
        let rtt = |at: u32| ramp.rtt(Duration::from_millis(20), from + at * second).as_millis();
        assert_eq!([0, 1, 3, 8, 9, 10].map(rtt), [20, 40, 80, 180, 20, 20]);
        assert_eq!(ramp.rtt(second, from.checked_sub(second).unwrap()), second, "not before it begins");
    }
}

//! Exercise 6, `reconnect`: reconnect without overrunning a server that has just restarted.
//!
//! **Build** how long a client waits before its next try: exponential backoff with full jitter (Brooker, "Exponential
//! Backoff And Jitter", AWS Architecture Blog, 2015).
//!
//! - The ceiling of the first wait is `base`; it doubles with every failure and never exceeds `cap`.
//! - A wait is uniformly distributed between zero and its ceiling: that is full jitter.
//! - A stream may set its reconnection time (`retry:`). From then on, every wait is that time plus the jittered one.
//! - A response may have `Retry-After`. The next wait, and only the next, is at least that plus the jittered one. If
//!   there are both, the longer one counts.
//! - A try that works resets the failures. The reconnection time stays.
//!
//! The random generator is seeded, so that a test (or a simulation) can be repeated.
//!
//! **Both halves in feedlab**: `crates/loadgen/src/backoff.rs` is the client's; `Events::close_message` in
//! `crates/server/src/transport/sse.rs` spreads the clients of a server that shuts down.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// The backoff state of one client.
#[derive(Debug)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    rng: StdRng,
}

impl Backoff {
    /// Creates the backoff of a client that has not failed yet.
    #[must_use]
    pub fn new(base: Duration, cap: Duration, seed: u64) -> Self {
        Self { base, cap, rng: StdRng::seed_from_u64(seed) }
    }

    /// Records a failed try and returns how long to wait before the next.
    pub fn next_wait(&mut self) -> Duration {
        // Your turn: this never waits longer, however often it fails. And half a wait of jitter is not full jitter.
        let _ = self.cap;
        self.base.mul_f64(0.5 + 0.5 * self.rng.random::<f64>())
    }

    /// Records a try that worked.
    pub fn succeeded(&mut self) {}

    /// Records the reconnection time that the stream set.
    pub fn set_retry(&mut self, retry: Duration) {
        let _ = retry;
    }

    /// Records the `Retry-After` of the last response.
    pub fn set_retry_after(&mut self, retry_after: Duration) {
        let _ = retry_after;
    }
}

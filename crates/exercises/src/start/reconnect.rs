//! Exercise 6, `reconnect`: reconnect without overrunning a server that has just restarted.
//!
//! **Build** how long a client waits before its next try: exponential backoff with full jitter (Brooker, "Exponential Backoff
//! And Jitter", AWS Architecture Blog, 2015).
//!
//! - The ceiling of the first wait is `base`; it doubles with every failure and is never above `cap`.
//! - A wait is evenly distributed from nothing to its ceiling: that is full jitter.
//! - A stream may set its reconnection time (`retry:`): from then on every wait is that time plus the jittered one.
//! - An answer may say `Retry-After`: the next wait is at least that, plus the jittered one, and only the next.
//!   If there is both, the longer one counts.
//! - A try that works begins the failures again. The reconnection time stays.
//!
//! The generator is seeded, so that a test (or a simulation) can be repeated.
//!
//! **Both halves in feedlab**: `crates/loadgen/src/backoff.rs` is the client's; `Events::close_message` in
//! `crates/server/src/transport/sse.rs` spreads the clients of a server that goes down.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// The waits of one client.
#[derive(Debug)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    rng: StdRng,
}

impl Backoff {
    /// A client that has not failed yet.
    #[must_use]
    pub fn new(base: Duration, cap: Duration, seed: u64) -> Self {
        Self { base, cap, rng: StdRng::seed_from_u64(seed) }
    }

    /// A try failed: how long to wait before the next.
    pub fn next_wait(&mut self) -> Duration {
        // Your turn: this never waits longer, however often it fails. Half a wait of jitter is not full jitter either.
        let _ = self.cap;
        self.base.mul_f64(0.5 + 0.5 * self.rng.random::<f64>())
    }

    /// A try worked.
    pub fn succeeded(&mut self) {}

    /// The stream set its reconnection time.
    pub fn set_retry(&mut self, retry: Duration) {
        let _ = retry;
    }

    /// The answer to the last try said `Retry-After`.
    pub fn set_retry_after(&mut self, retry_after: Duration) {
        let _ = retry_after;
    }
}

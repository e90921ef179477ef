//! Exercise 6, `reconnect`, solved.
//!
//! Ten thousand clients lose their server at one instant. Without jitter they come back at one instant too, and again, and
//! again. With full jitter they come evenly over the whole wait, and the waits grow until all of them have found room.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// The waits of one client.
#[derive(Debug)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    rng: StdRng,
    failures: u32,
    /// What the stream asked for; it stays.
    retry: Duration,
    /// What the last answer asked for; it counts once.
    retry_after: Option<Duration>,
}

impl Backoff {
    /// A client that has not failed yet.
    #[must_use]
    pub fn new(base: Duration, cap: Duration, seed: u64) -> Self {
        let rng = StdRng::seed_from_u64(seed);
        Self { base, cap, rng, failures: 0, retry: Duration::ZERO, retry_after: None }
    }

    /// A try failed: how long to wait before the next.
    pub fn next_wait(&mut self) -> Duration {
        // Saturating on both sides: who fails for a day must not overflow in the night.
        let doubled = self.base.saturating_mul(2_u32.saturating_pow(self.failures));
        self.failures = self.failures.saturating_add(1);
        let jittered = doubled.min(self.cap).mul_f64(self.rng.random::<f64>());
        // Jitter on top, not instead: all clients were told the same time.
        let asked_for = self.retry.max(self.retry_after.take().unwrap_or_default());
        asked_for.saturating_add(jittered)
    }

    /// A try worked.
    pub fn succeeded(&mut self) {
        self.failures = 0;
        self.retry_after = None;
    }

    /// The stream set its reconnection time.
    pub const fn set_retry(&mut self, retry: Duration) {
        self.retry = retry;
    }

    /// The answer to the last try said `Retry-After`.
    pub const fn set_retry_after(&mut self, retry_after: Duration) {
        self.retry_after = Some(retry_after);
    }
}

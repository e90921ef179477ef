//! Exercise 6, `reconnect`, solved.
//!
//! Ten thousand clients lose their server at one instant. Without jitter they all return at one instant, again and
//! again. With full jitter their returns are spread evenly over the whole wait, and the waits grow until there is room
//! for all of them.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// The backoff state of one client.
#[derive(Debug)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    rng: StdRng,
    failures: u32,
    /// The reconnection time that the stream set; it stays.
    retry: Duration,
    /// The wait that the last response asked for; it counts once.
    retry_after: Option<Duration>,
}

impl Backoff {
    /// Creates the backoff of a client that has not failed yet.
    #[must_use]
    pub fn new(base: Duration, cap: Duration, seed: u64) -> Self {
        let rng = StdRng::seed_from_u64(seed);
        Self { base, cap, rng, failures: 0, retry: Duration::ZERO, retry_after: None }
    }

    /// Records a failed try and returns how long to wait before the next.
    pub fn next_wait(&mut self) -> Duration {
        // Both saturate: a client that fails for a whole day must not overflow.
        let doubled = self.base.saturating_mul(2_u32.saturating_pow(self.failures));
        self.failures = self.failures.saturating_add(1);
        let jittered = doubled.min(self.cap).mul_f64(self.rng.random::<f64>());
        // Jitter is added, because all clients were given the same time.
        let asked_for = self.retry.max(self.retry_after.take().unwrap_or_default());
        asked_for.saturating_add(jittered)
    }

    /// Records a try that worked.
    pub fn succeeded(&mut self) {
        self.failures = 0;
        self.retry_after = None;
    }

    /// Records the reconnection time that the stream set.
    pub const fn set_retry(&mut self, retry: Duration) {
        self.retry = retry;
    }

    /// Records the `Retry-After` of the last response.
    pub const fn set_retry_after(&mut self, retry_after: Duration) {
        self.retry_after = Some(retry_after);
    }
}

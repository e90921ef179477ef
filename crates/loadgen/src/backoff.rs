//! How long a client waits before it tries again: exponential, with full jitter.
//!
//! Full jitter spreads a fleet that lost its server at one instant over the whole wait instead of letting it return
//! in step (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).

use std::time::Duration;

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

/// The ceiling of the first wait.
const BASE: Duration = Duration::from_millis(100);
/// No wait is longer.
const CAP: Duration = Duration::from_secs(10);

/// The waits of one client.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The next wait: evenly distributed from nothing to a ceiling that doubles with each failure.
    pub(crate) fn delay(&mut self, rng: &mut ChaCha8Rng) -> Duration {
        let ceiling = BASE.saturating_mul(1 << self.failures.min(16)).min(CAP);
        self.failures = self.failures.saturating_add(1);
        ceiling.mul_f64(rng.random::<f64>())
    }

    /// It worked: the next failure starts from the base again.
    pub(crate) const fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;

    fn longest_of(failures: u32) -> Duration {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        (0..1_000).map(|_| Backoff { failures }.delay(&mut rng)).max().unwrap()
    }

    #[test]
    fn the_ceiling_doubles_up_to_the_cap() {
        for (failures, ceiling_ms) in [(0, 100), (1, 200), (3, 800), (7, 10_000), (u32::MAX, 10_000)] {
            let longest = longest_of(failures);
            let ceiling = Duration::from_millis(ceiling_ms);
            assert!(longest <= ceiling && longest > ceiling.mul_f64(0.98), "{failures}: {longest:?}");
        }
    }

    #[test]
    fn success_starts_over() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut backoff = Backoff { failures: 9 };
        backoff.reset();
        assert!(backoff.delay(&mut rng) <= BASE);
    }
}

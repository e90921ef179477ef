//! How long a client waits before it tries again: exponential backoff with full jitter, or as the scenario says.
//!
//! Full jitter spreads a fleet that lost its server at one instant over the whole wait, so that the clients do not
//! return in step (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).

use std::time::Duration;

use feedlab_experiment::clients::{BACKOFF_BASE, BACKOFF_CAP};
use feedlab_experiment::scenario::ReconnectPolicy;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use crate::observer::Observer;

/// The backoff state of one client.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backoff {
    reconnect: ReconnectPolicy,
    failures: u32,
}

impl Backoff {
    pub(crate) const fn new(reconnect: ReconnectPolicy) -> Self {
        Self { reconnect, failures: 0 }
    }

    /// Returns the next wait. If the scenario fixes the wait, it is always that long, and jitter adds up to the same
    /// again. Otherwise the wait is uniform between zero and a ceiling that doubles with each failure; without jitter
    /// it is the ceiling.
    pub(crate) fn delay(&mut self, rng: &mut ChaCha8Rng) -> Duration {
        let ceiling = BACKOFF_BASE.saturating_mul(1 << self.failures.min(16)).min(BACKOFF_CAP);
        self.failures = self.failures.saturating_add(1);
        let chance = if self.reconnect.jitter { Some(rng.random::<f64>()) } else { None };
        match self.reconnect.after {
            Some(after) => after + after.mul_f64(chance.unwrap_or(0.0)),
            None => ceiling.mul_f64(chance.unwrap_or(1.0)),
        }
    }

    /// Returns the next wait of a stream that has its own reconnection time, which is added to the wait unless the
    /// scenario fixes it. Without jitter, the first retry waits exactly that time.
    pub(crate) fn delay_beyond(&mut self, reconnection: Duration, rng: &mut ChaCha8Rng) -> Duration {
        let is_exact = !self.reconnect.jitter && self.failures == 0;
        let more = self.delay(rng);
        match self.reconnect.after {
            Some(_) => more,
            None if is_exact => reconnection,
            None => reconnection + more,
        }
    }

    /// Records a success: the next failure starts from the base again.
    pub(crate) const fn reset(&mut self) {
        self.failures = 0;
    }
}

/// Waits before the next try and reports the loss to the observer.
pub(crate) async fn pause(wait: Duration, observer: &mut dyn Observer) {
    observer.lost(wait);
    tokio::time::sleep(wait).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;

    fn longest_of(failures: u32) -> Duration {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        (0..1_000).map(|_| Backoff { failures, ..Backoff::default() }.delay(&mut rng)).max().unwrap()
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
        let mut backoff = Backoff { failures: 9, ..Backoff::default() };
        backoff.reset();
        assert!(backoff.delay(&mut rng) <= BACKOFF_BASE);
    }

    #[test]
    fn without_jitter_waits_are_exact() {
        let (mut rng, ms) = (ChaCha8Rng::seed_from_u64(1), Duration::from_millis);
        let mut backoff = Backoff::new(ReconnectPolicy { jitter: false, ..ReconnectPolicy::default() });
        assert_eq!([(); 3].map(|()| backoff.delay(&mut rng)), [ms(100), ms(200), ms(400)]);
        backoff.reset();
        assert_eq!([(); 2].map(|()| backoff.delay_beyond(ms(3_000), &mut rng)), [ms(3_000), ms(3_200)]);
    }

    #[test]
    fn a_wait_fixed_by_the_scenario_replaces_every_other() {
        let (mut rng, ms) = (ChaCha8Rng::seed_from_u64(1), Duration::from_millis);
        let reconnect = ReconnectPolicy { after: Some(ms(700)), jitter: false, with_cursor: true };
        let mut backoff = Backoff::new(reconnect);
        assert_eq!([(); 3].map(|()| backoff.delay(&mut rng)), [ms(700); 3]);
        assert_eq!(backoff.delay_beyond(ms(3_000), &mut rng), ms(700));
        let mut backoff = Backoff::new(ReconnectPolicy { jitter: true, ..reconnect });
        let waits: Vec<_> = (0..1_000).map(|_| backoff.delay(&mut rng)).collect();
        assert!(waits.iter().all(|wait| (ms(700)..ms(1_400)).contains(wait)));
        assert!(waits.iter().max().unwrap().saturating_sub(*waits.iter().min().unwrap()) > ms(650));
    }
}

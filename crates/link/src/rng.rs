//! Random numbers that are reproducible from a seed.

use std::time::Duration;

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014): it takes eight
/// bytes per connection, and is good enough for jitter and for choosing connections.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a uniformly distributed number, at least 0 and below 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what a f64 holds")]
    pub(crate) const fn draw(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Returns a uniformly distributed duration of at most `most`.
    pub(crate) fn up_to(&mut self, most: Duration) -> Duration {
        if most.is_zero() { most } else { most.mul_f64(self.draw()) }
    }

    /// Returns an exponentially distributed duration with this mean: the time between independent events.
    pub(crate) fn wait(&mut self, mean: Duration) -> Duration {
        mean.mul_f64(-(1.0 - self.draw()).ln())
    }

    /// Picks `count` of the items without repetition (the first steps of a Fisher–Yates shuffle).
    pub(crate) fn pick<T>(&mut self, mut from: Vec<T>, count: usize) -> Vec<T> {
        let count = count.min(from.len());
        for index in 0..count {
            let rest = (from.len() - index) as u64;
            let other = index + usize::try_from(self.next() % rest).unwrap_or(0);
            from.swap(index, other);
        }
        from.truncate(count);
        from
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_reference_implementation() {
        // https://prng.di.unimi.it/splitmix64.c with the state 1234567.
        let mut rng = Rng::new(1_234_567);
        assert_eq!([rng.next(), rng.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn draws_are_uniform_and_waits_have_their_mean() {
        let (mut rng, n) = (Rng::new(7), 20_000);
        let mean = (0..n).map(|_| rng.draw()).sum::<f64>() / f64::from(n);
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
        let second = Duration::from_secs(1);
        let mean = (0..n).map(|_| rng.wait(second).as_secs_f64()).sum::<f64>() / f64::from(n);
        assert!((mean - 1.0).abs() < 0.05, "{mean}");
        assert!((0..n).all(|_| rng.up_to(second) <= second));
    }

    #[test]
    fn a_pick_has_no_repetition_and_follows_the_seed() {
        let pick = |seed| Rng::new(seed).pick((0..100).collect::<Vec<_>>(), 30);
        let mut sorted = pick(1);
        assert_eq!(sorted, pick(1));
        assert_ne!(sorted, pick(2));
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), 30);
        assert_eq!(Rng::new(1).pick(vec![1, 2], 5).len(), 2);
    }
}

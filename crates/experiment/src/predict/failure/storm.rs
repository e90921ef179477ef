//! Peaks of reconnects (E19).

use super::{NotPredicted, Wait};
use crate::metric::RECONNECTS_BIN;
use crate::scenario::Fault;

/// Returns the largest number of clients that reconnect within a tenth of a second. Without jitter, all reconnect at
/// once. Spread evenly over `J` seconds, there are `N·0.1/J` per tenth on average; by chance the fullest bin has more:
/// the largest of as many Poisson counts with that mean as there are bins. If the spread covers only a few bins, the
/// result depends on where the bins start.
pub(super) fn peak(wait: &Wait, breaks: &[(f64, Fault)], clients: f64, repetitions: u32) -> Result<f64, NotPredicted> {
    const FEW: f64 = 5.0;
    let share = breaks.iter().map(|(_, fault)| fault.share).fold(0.0, f64::max);
    let most = clients * share;
    if wait.spread == 0.0 {
        return Ok(most);
    }
    let bins = wait.spread / RECONNECTS_BIN.as_secs_f64();
    let counts = bins * breaks.len() as f64 * f64::from(repetitions);
    if bins >= FEW { Ok(largest_of(counts, most / bins)) } else { Err(NotPredicted::Chance) }
}

/// Returns the expected maximum of `k` Poisson counts with a given mean: `Σ (1 − F(x)^k)`, where `F` is the
/// distribution of one count.
fn largest_of(counts: f64, mean: f64) -> f64 {
    // Larger counts have negligible probability.
    let end = mean + 12.0 * mean.sqrt() + 30.0;
    let (mut probability, mut below, mut sum) = ((-mean).exp(), 0.0, 0.0);
    if probability == 0.0 {
        // The mean is too large for the sum: the maximum of k normal deviates is near √(2 ln k).
        return mean + mean.sqrt() * (2.0 * counts.max(1.0).ln()).sqrt();
    }
    let mut x = 0.0;
    while x < end {
        below += probability;
        sum += 1.0 - below.min(1.0).powf(counts);
        x += 1.0;
        probability *= mean / x;
    }
    sum
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rand::{RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::scenario::{FaultKind, LinkFault};

    fn cut() -> [(f64, Fault); 1] {
        let (at, every) = (Duration::from_secs(1), None);
        [(1.0, Fault { kind: FaultKind::Link(LinkFault::Cut), at, every, length: Duration::ZERO, share: 1.0, node: 1 })]
    }

    #[test]
    fn without_jitter_all_reconnect_at_once_and_with_it_the_fullest_bin_counts() {
        let at_once = Wait { least: 1.0, spread: 0.0, more: 0.0 };
        assert_eq!(peak(&at_once, &cut(), 500.0, 3), Ok(500.0));
        let spread = Wait { least: 2.0, spread: 2.0, more: 0.0 };
        let found = peak(&spread, &cut(), 500.0, 1).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut storm = || {
            let mut bins = [0u32; 20];
            (0..500).for_each(|_| bins[(rng.random::<f64>() * 20.0) as usize] += 1);
            f64::from(*bins.iter().max().unwrap())
        };
        let simulated = (0..2_000).map(|_| storm()).sum::<f64>() / 2_000.0;
        assert!((found / simulated - 1.0).abs() < 0.03, "{found} {simulated}");
        assert!(found > 25.0, "N·0.1/J is the mean");
        let short = Wait { least: 0.0, spread: 0.1, more: 0.0 };
        assert_eq!(peak(&short, &cut(), 500.0, 1), Err(NotPredicted::Chance));
    }

    #[test]
    fn a_large_storm_has_a_finite_peak() {
        let peak = largest_of(20.0, 5_000.0);
        assert!(peak > 5_000.0 && peak < 5_400.0, "{peak}");
    }
}

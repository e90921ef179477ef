//! The effect of jitter on pushed updates: each takes up to `jitter` longer, without reordering.

use super::feed_model::Arrivals;

/// The number of quantiles that represent the distribution.
const STEPS: u32 = 512;

/// Returns the extra delays of updates beyond the minimum delay of the path, ascending, s. `jitter` is the largest
/// extra delay of a single update, uniformly distributed and independent of the others.
///
/// Because order is kept, an update also waits for all earlier ones: its extra delay is at most `x` if its own jitter
/// is at most `x` and that of every update sent `s` earlier is at most `x + s`. With an update every `p` s
///
/// ```text
/// P(longer by at most x) = Π (x + kp)/j   over k = 0, 1, … while x + kp < j
/// ```
///
/// and with independent arrivals, of which those that are too late form a thinned Poisson process,
/// `x/j · e^(−λ(j−x)²/2j)`. Updates published at the same time travel together; a recorded feed is treated as if its
/// updates were far apart.
pub(crate) fn extra(jitter: f64, arrivals: &Arrivals) -> Vec<f64> {
    let share = |x: f64| match *arrivals {
        Arrivals::Poisson(rate) => x / jitter * (-rate * (jitter - x).powi(2) / (2.0 * jitter)).exp(),
        Arrivals::Constant(period) => in_order(x, jitter, period),
        Arrivals::DueTimes(_) => x / jitter,
    };
    (0..STEPS).map(|step| inverse(share, (f64::from(step) + 0.5) / f64::from(STEPS), jitter)).collect()
}

/// Returns the product above; with many factors it is approximated by the integral of their logarithms and half of the
/// first (Euler–Maclaurin).
fn in_order(x: f64, jitter: f64, period: f64) -> f64 {
    const MANY: f64 = 1_000.0;
    if (jitter - x) / period > MANY {
        let share = x / jitter;
        return ((share - 1.0 - share * share.ln()) * jitter / period + share.ln() / 2.0).exp();
    }
    let earlier = (0..=MANY as u32).map(|k| (x + f64::from(k) * period) / jitter);
    earlier.take_while(|share| *share < 1.0).product()
}

/// Finds by bisection where a function that rises from 0 to 1 on `[0, most]` takes a value.
fn inverse(of: impl Fn(f64) -> f64, value: f64, most: f64) -> f64 {
    let (mut low, mut high) = (0.0, most);
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        if of(middle) < value {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use feedlab_feed::schedule::Schedule;
    use rand::{RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Simulates updates on a path that draws a jitter for each and keeps their order.
    fn simulated(jitter: f64, rate: f64, schedule: Schedule) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut last: f64 = 0.0;
        let due = schedule.due_times(rate).skip(1).take(40_000).map(|due| due.as_secs_f64());
        let mut extra: Vec<f64> = due
            .map(|due| {
                last = last.max(due + jitter * rng.random::<f64>());
                last - due
            })
            .collect();
        extra.sort_by(f64::total_cmp);
        extra
    }

    #[test]
    fn the_approximation_equals_the_product() {
        for x in [0.0997, 0.0999] {
            let product: f64 =
                (0..).map(|k| (x + f64::from(k) * 1e-8) / 0.1).take_while(|share| *share < 1.0).product();
            assert!((in_order(x, 0.1, 1e-8) / product - 1.0).abs() < 1e-3, "{x}: {product}");
        }
    }

    #[test]
    fn the_formula_matches_the_simulation() {
        for (jitter, rate) in [(0.02, 1.0), (0.02, 100.0), (0.1, 300.0), (0.05, 7.0)] {
            for (schedule, arrivals) in [
                (Schedule::Poisson { seed: 3 }, Arrivals::Poisson(rate)),
                (Schedule::Constant, Arrivals::Constant(1.0 / rate)),
            ] {
                let (formula, simulated) = (extra(jitter, &arrivals), simulated(jitter, rate, schedule));
                let of = |all: &[f64], share: f64| all[(share * all.len() as f64) as usize];
                for share in [0.05, 0.5, 0.9, 0.99] {
                    let (a, b) = (of(&formula, share), of(&simulated, share));
                    assert!((a - b).abs() < 0.02 * jitter, "{schedule:?} j={jitter} λ={rate} {share}: {a} {b}");
                }
            }
        }
    }
}

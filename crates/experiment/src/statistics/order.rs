//! Whether the order of repetitions matters: a trend, and dependence of each on the one before it.
//!
//! Lancet tests the same two assumptions before it reports an interval (Kogias, Mallon and Bugnion, "Lancet: a
//! self-correcting latency measuring tool", USENIX ATC 2019, section 3): stationarity with the augmented Dickey–Fuller
//! test, and independence with Spearman's correlation of neighbors. It has thousands of latencies per run. Here the sample
//! is one figure per repetition, 10 to 40 of them, and the null hypothesis of Dickey and Fuller is that the series is *not*
//! stationary: with so few values it is hardly ever rejected, whatever they do. So a rank test is used whose null
//! hypothesis is that the order does not matter: Mann–Kendall (Mann, "Nonparametric tests against trend", 1945), which
//! needs no distribution and has power from about ten values. Its size is Theil and Sen's median slope (Sen, "Estimates of
//! the regression coefficient based on Kendall's tau", 1968). Kalibera and Jones ("Rigorous benchmarking in reasonable
//! time", ISMM 2013, section 4) look at lag plots for the second question; Spearman's correlation of each value with the
//! next is the number for it.
//!
//! Both chances come from permutations, which are exact for any distribution and for ties: if the order does not matter,
//! every order is equally likely (Good, "Permutation, parametric and bootstrap tests of hypotheses", 2005, chapter 3).

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

/// The number of permutations: the smallest chance that they can show is a tenth of the ones that matter.
const PERMUTATIONS: u32 = 4_000;
/// With fewer values than this, no order is improbable enough to matter.
const FEWEST: usize = 8;

/// A trend of values in the order in which they were measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trend {
    /// How often chance alone produces as strong a trend, in either direction: from 0 to 1.
    pub chance: f64,
    /// The change from the first value to the last, in the values' unit.
    pub change: f64,
    /// The median of the values.
    pub median: f64,
}

impl Trend {
    /// Returns the change as a share of the median.
    #[must_use]
    pub fn share_of_median(self) -> f64 {
        if self.change == 0.0 { 0.0 } else { self.change / self.median.abs() }
    }
}

/// The dependence of each value on the one before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dependence {
    /// How often chance alone produces as strong a correlation: from 0 to 1. Only a positive correlation counts, because a
    /// negative one makes intervals too wide, not too narrow.
    pub chance: f64,
    /// Spearman's correlation of each value with the next.
    pub correlation: f64,
}

/// Tests for a trend; `None` with fewer than eight values. `seed` is the random seed of the permutations.
#[must_use]
pub fn trend(values: &[f64], seed: u64) -> Option<Trend> {
    if values.len() < FEWEST {
        return None;
    }
    let ranks = ranks(values);
    let chance = chance(&ranks, (seed, PERMUTATIONS), |order| concordance(order).abs());
    let slopes = slopes(values);
    Some(Trend { chance, change: median(slopes) * (values.len() - 1) as f64, median: median(values.to_vec()) })
}

/// Tests for dependence; `None` with fewer than eight values, or if all are equal.
#[must_use]
pub fn dependence(values: &[f64], seed: u64) -> Option<Dependence> {
    let ranks = ranks(values);
    let is_constant = ranks.iter().all(|rank| *rank == ranks[0]);
    if values.len() < FEWEST || is_constant {
        return None;
    }
    Some(Dependence { chance: chance(&ranks, (seed, PERMUTATIONS), of_neighbors), correlation: of_neighbors(&ranks) })
}

/// Returns the share of random orders in which a statistic is at least as large as in this one, which counts as one of
/// them.
fn chance(ranks: &[f64], (seed, permutations): (u64, u32), statistic: impl Fn(&[f64]) -> f64) -> f64 {
    let observed = statistic(ranks);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut order = ranks.to_vec();
    let mut as_large = 1;
    for _ in 0..permutations {
        order.shuffle(&mut rng);
        // Rounding must not decide between equal orders.
        as_large += u32::from(statistic(&order) >= observed - 1e-9);
    }
    f64::from(as_large) / f64::from(permutations + 1)
}

/// Mann and Kendall's S: the pairs that rise minus those that fall.
fn concordance(values: &[f64]) -> f64 {
    let rises = |(index, first): (usize, &f64)| -> f64 {
        values[index + 1..].iter().map(|later| f64::from(i8::from(later > first) - i8::from(later < first))).sum()
    };
    values.iter().enumerate().map(rises).sum()
}

/// Returns the correlation of each rank with the next: Spearman's, over all neighbors.
fn of_neighbors(ranks: &[f64]) -> f64 {
    let count = ranks.len() as f64 - 1.0;
    let (first, next) = (&ranks[..ranks.len() - 1], &ranks[1..]);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / count;
    let (a, b) = (mean(first), mean(next));
    let product: f64 = first.iter().zip(next).map(|(x, y)| (x - a) * (y - b)).sum();
    let square = |values: &[f64], mean: f64| values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    let scale = (square(first, a) * square(next, b)).sqrt();
    if scale > 0.0 { product / scale } else { 0.0 }
}

/// Returns the rank of each value, from 1; equal values share the mean of their ranks.
fn ranks(values: &[f64]) -> Vec<f64> {
    let rank = |value: &f64| {
        let below = values.iter().filter(|other| *other < value).count() as f64;
        let equal = values.iter().filter(|other| *other == value).count() as f64;
        below + f64::midpoint(equal, 1.0)
    };
    values.iter().map(rank).collect()
}

/// Returns the slope of each pair of values, per repetition.
fn slopes(values: &[f64]) -> Vec<f64> {
    let pairs = values.iter().enumerate().flat_map(|(at, first)| {
        values[at + 1..].iter().zip(1..).map(move |(later, distance)| (later - first) / f64::from(distance))
    });
    pairs.collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let (left, right) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
    f64::midpoint(left, right)
}

#[cfg(test)]
mod tests {
    use rand::RngExt as _;

    use super::*;

    const RISING: [f64; 12] = [10.0, 10.4, 10.2, 10.9, 11.1, 11.0, 11.7, 12.0, 11.8, 12.5, 12.4, 13.0];

    #[test]
    fn a_rise_is_found_with_its_size_and_shuffled_it_is_not() {
        let found = trend(&RISING, 1).unwrap();
        assert!(found.chance < 0.001, "{found:?}");
        assert!((found.change - 3.0).abs() < 0.3 && (found.share_of_median() - 0.26).abs() < 0.04, "{found:?}");
        let falling: Vec<f64> = RISING.iter().rev().copied().collect();
        assert!(trend(&falling, 1).unwrap().change < -2.5);
        let mixed = [12.4, 10.9, 11.0, 10.4, 12.0, 13.0, 10.0, 11.8, 10.2, 12.5, 11.1, 11.7];
        assert!(trend(&mixed, 1).unwrap().chance > 0.1, "{:?}", trend(&mixed, 1));
    }

    #[test]
    fn slow_waves_depend_on_each_other_and_alternation_does_not_count() {
        let wave: Vec<f64> = (0..24).map(|n| (f64::from(n) * std::f64::consts::TAU / 12.0).sin()).collect();
        let found = dependence(&wave, 1).unwrap();
        assert!(found.chance < 0.001 && found.correlation > 0.7, "{found:?}");
        assert!(trend(&wave, 1).unwrap().chance > 0.01, "a wave has no trend");
        let alternating: Vec<f64> = (0..24).map(|n| f64::from(n % 2)).collect();
        assert!(dependence(&alternating, 1).unwrap().chance > 0.9);
    }

    #[test]
    fn few_or_equal_values_show_nothing() {
        assert_eq!((trend(&RISING[..7], 1), dependence(&RISING[..7], 1)), (None, None));
        assert_eq!(dependence(&[3.0; 12], 1), None);
        let constant = trend(&[3.0; 12], 1).unwrap();
        assert_eq!((constant.chance, constant.share_of_median()), (1.0, 0.0));
    }

    #[test]
    fn ties_share_their_rank() {
        assert_eq!(ranks(&[5.0, 1.0, 5.0, 9.0]), [2.5, 1.0, 2.5, 4.0]);
    }

    /// If the order does not matter, 5 of 100 series have a chance below 5%, whatever their distribution.
    #[test]
    fn chance_alone_is_found_as_often_as_it_says() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let (mut trends, mut dependences) = (0, 0);
        for seed in 0..1_000 {
            let skewed: Vec<f64> = (0..12).map(|_| -rng.random::<f64>().ln()).collect();
            let ranks = ranks(&skewed);
            trends += u32::from(chance(&ranks, (seed, 200), |order| concordance(order).abs()) < 0.05);
            dependences += u32::from(chance(&ranks, (seed, 200), of_neighbors) < 0.05);
        }
        // Three standard deviations of 5% of 1,000 are 21.
        assert!((29..=71).contains(&trends) && (29..=71).contains(&dependences), "{trends}, {dependences}");
    }
}

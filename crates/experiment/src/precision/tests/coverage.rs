//! How often the intervals cover the true value, by simulation: runs whose true value is known.
//!
//! The rule is the one of `precision/look.rs`, with Student's standard error and the skewness of the repetitions in place of
//! the bootstrap's, which a second test compares. All runs are seeded, so the test passes or fails every time.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::super::{FEWEST, LOOKS};
use super::cells;
use crate::statistics::{Sample, stopping_factor, student_reach};
use crate::{Metric, fixture};

/// Runs per case: the standard error of a coverage of 95% is then 0.34%.
const RUNS: u32 = 4_000;
/// The repetitions after which a run gives up.
const MOST: u32 = 400;
const COVERED: std::ops::RangeInclusive<f64> = 0.93..=0.97;

/// A distribution whose mean is 1, and its coefficient of variation.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Normal,
    LogNormal,
    /// The mean of four exponential times: skewness 1.
    Skewed,
    /// One exponential time: skewness 2.
    Exponential,
}

fn draw(shape: Shape, variation: f64, rng: &mut ChaCha8Rng) -> f64 {
    let mut uniform = || 1.0 - rng.random::<f64>();
    let mut normal = || (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos();
    match shape {
        Shape::Normal => 1.0 + variation * normal(),
        Shape::LogNormal => {
            let sigma = variation.mul_add(variation, 1.0).ln().sqrt();
            (sigma * normal() - sigma * sigma / 2.0).exp()
        }
        Shape::Skewed => {
            let mean: f64 = (0..4).map(|_| -uniform().ln()).sum::<f64>() / 4.0;
            2.0f64.mul_add(variation * (mean - 1.0), 1.0)
        }
        Shape::Exponential => variation.mul_add(-uniform().ln() - 1.0, 1.0),
    }
}

/// Returns the mean and the reach of Student's interval.
fn interval(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, student_reach(variance / count, values.len()))
}

/// Returns the skewness of the mean of values.
fn skewness_of_mean(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let moment = |power| values.iter().map(|value| (value - mean).powi(power)).sum::<f64>() / count;
    moment(3) / moment(2).powf(1.5) / count.sqrt()
}

/// Returns the share of runs of a fixed length whose interval covers the true value.
fn of_fixed(shape: Shape, repetitions: u32, seed: u64) -> f64 {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut covers = || {
        let values: Vec<f64> = (0..repetitions).map(|_| draw(shape, 0.2, &mut rng)).collect();
        let (mean, reach) = interval(&values);
        (mean - 1.0).abs() <= reach
    };
    f64::from((0..RUNS).map(|_| u32::from(covers())).sum::<u32>()) / f64::from(RUNS)
}

/// Returns the same for runs that stop when the interval has been narrow in several looks.
fn of_rule(shape: Shape, variation: f64, asked: f64, rule: Rule, seed: u64) -> f64 {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut covers = || {
        let (mut values, mut narrow) = (Vec::new(), 0);
        loop {
            values.push(draw(shape, variation, &mut rng));
            let count = values.len() as u32;
            if count + rule.looks <= rule.fewest {
                continue;
            }
            let (mean, reach) = interval(&values);
            let reach = reach * (rule.factor)(&values);
            narrow = if reach <= asked * mean { narrow + 1 } else { 0 };
            if count >= rule.fewest && narrow >= rule.looks || count == MOST {
                return (mean - 1.0).abs() <= reach;
            }
        }
    };
    f64::from((0..RUNS).map(|_| u32::from(covers())).sum::<u32>()) / f64::from(RUNS)
}

/// When a run stops, and by how much its interval is wider than Student's.
#[derive(Clone, Copy, Debug)]
struct Rule {
    fewest: u32,
    looks: u32,
    factor: fn(&[f64]) -> f64,
}

const RULE: Rule =
    Rule { fewest: FEWEST, looks: LOOKS, factor: |values| stopping_factor(skewness_of_mean(values), values.len()) };

const SHAPES: [Shape; 3] = [Shape::Normal, Shape::LogNormal, Shape::Skewed];

#[test]
fn intervals_of_fixed_repetitions_cover_the_true_value() {
    for shape in SHAPES {
        for repetitions in [10, 20, 40] {
            let covered = of_fixed(shape, repetitions, 1);
            assert!(COVERED.contains(&covered), "{shape:?}, {repetitions} repetitions: {covered:.4}");
        }
    }
}

#[test]
fn intervals_of_the_stopping_rule_cover_the_true_value() {
    for shape in [Shape::Normal, Shape::LogNormal, Shape::Skewed, Shape::Exponential] {
        for (variation, asked) in [(0.05, 0.05), (0.1, 0.05), (0.2, 0.1), (0.15, 0.05), (0.3, 0.1)] {
            let covered = of_rule(shape, variation, asked, RULE, 1);
            assert!(COVERED.contains(&covered), "{shape:?}, {variation} to {asked}: {covered:.4}");
        }
    }
}

/// The corrections are needed: without them, the interval covers too little.
#[test]
fn without_the_corrections_too_few_would() {
    let students = |_: &[f64]| 1.0;
    for shape in SHAPES {
        let covered = of_rule(shape, 0.1, 0.05, Rule { fewest: 5, looks: 1, factor: students }, 1);
        assert!(covered < 0.93, "{shape:?}: {covered:.4}");
    }
    let covered = of_rule(Shape::Exponential, 0.15, 0.05, Rule { factor: students, ..RULE }, 1);
    assert!(covered < 0.91, "{covered:.4}");
}

#[test]
fn the_interval_of_the_bootstrap_is_students() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for repetitions in [12, 30] {
        let values: Vec<f64> = (0..repetitions).map(|_| draw(Shape::LogNormal, 0.2, &mut rng)).collect();
        let cells = cells(Metric::SocketBytesPerUpdate, &values);
        let sample = Sample::new(cells.iter().collect(), &[]);
        let estimate = sample.estimate(Metric::SocketBytesPerUpdate, 1).unwrap();
        let (mean, reach) = interval(&values);
        assert!((estimate.value - mean).abs() < 1e-9, "{estimate:?}");
        let ratio = (estimate.high.unwrap() - estimate.value) / reach;
        // The spread of 1,000 resamples is known to 2.2%; three times that.
        assert!((ratio - 1.0).abs() < 0.07, "{ratio}");
        let wider = sample.stopping_estimate(Metric::SocketBytesPerUpdate, 1).unwrap();
        let factor = (wider.high.unwrap() - wider.value) / (estimate.high.unwrap() - estimate.value);
        let expected = stopping_factor(skewness_of_mean(&values), values.len());
        // The skewness of 1,000 resamples is known to 0.08.
        assert!((factor - expected).abs() < 0.1 && factor >= 1.03, "{factor} {expected}");
    }
}

/// A percentile is pooled from histograms, so its interval is the bootstrap's own. Each repetition is slower or faster as a
/// whole; its ages are exponential, and the true 99th percentile is that of the mixture.
#[test]
fn the_interval_of_a_percentile_covers_its_true_value() {
    const AGES: usize = 400;
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut repetition = |ages: usize| -> Vec<u64> {
        let scale = draw(Shape::LogNormal, 0.15, &mut rng);
        (0..ages).map(|_| (-(1.0 - rng.random::<f64>()).ln() * scale * 10_000.0) as u64).collect()
    };
    let mut many: Vec<u64> = (0..4_000).flat_map(|_| repetition(50)).collect();
    many.sort_unstable();
    let truth = many[many.len() * 99 / 100] as f64;
    let records = cells(Metric::UpdatesReceived, &[AGES as f64; 16]);
    let mut covers = |seed| {
        let ages: Vec<_> = (0..16).map(|_| fixture::histogram(repetition(AGES))).collect();
        let estimate = Sample::new(records.iter().collect(), &ages).estimate(Metric::AgeP99, seed).unwrap();
        (estimate.low.unwrap()..=estimate.high.unwrap()).contains(&truth)
    };
    let runs = 300;
    let covered = f64::from((0..runs).map(|seed| u32::from(covers(seed))).sum::<u32>()) / runs as f64;
    // The standard error of a coverage of 95% of 300 runs is 1.3%.
    assert!((0.92..=0.98).contains(&covered), "{covered:.4}");
}

//! The width of an interval from few repetitions: Student's t.
//!
//! The percentiles of a bootstrap are too narrow for few repetitions: with three, the resamples never leave the range,
//! and their spread is the uncorrected one of the sample (Hesterberg, "What teachers should know about the bootstrap",
//! 2015, section 4.1). So the bootstrap provides the standard error, corrected by n/(n−1), and Student's distribution
//! determines how many standard errors make a 95% interval (Efron and Tibshirani, "An introduction to the bootstrap",
//! 1993, section 12.2).

/// The 97.5th percentile of Student's t with 1 to 10 degrees of freedom, then with 12, 15, 20, 30, 60, 120 and
/// infinitely many (NIST/SEMATECH e-Handbook of statistical methods, section 1.3.6.7.2).
const TABLE: [(f64, f64); 17] = [
    (1.0, 12.706),
    (2.0, 4.303),
    (3.0, 3.182),
    (4.0, 2.776),
    (5.0, 2.571),
    (6.0, 2.447),
    (7.0, 2.365),
    (8.0, 2.306),
    (9.0, 2.262),
    (10.0, 2.228),
    (12.0, 2.179),
    (15.0, 2.131),
    (20.0, 2.086),
    (30.0, 2.042),
    (60.0, 2.000),
    (120.0, 1.980),
    (f64::INFINITY, 1.960),
];

/// Returns the number of standard errors on either side of a value that make a 95% interval, with `freedom` degrees of
/// freedom (at least 1; between rows of the table, interpolated by their reciprocals).
pub(super) fn t(freedom: f64) -> f64 {
    let above = TABLE.iter().position(|(line, _)| *line >= freedom).unwrap_or(TABLE.len() - 1);
    let (right, high) = TABLE[above];
    let Some(&(left, low)) = above.checked_sub(1).map(|below| &TABLE[below]) else { return high };
    let share = (1.0 / left - 1.0 / freedom) / (1.0 / left - 1.0 / right);
    low + share * (high - low)
}

/// The contribution of one side to the variance of a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spread {
    /// The variance of the value, in its unit squared.
    variance: f64,
    /// The degrees of freedom: the repetitions minus one.
    freedom: f64,
}

impl Spread {
    /// Returns the spread of the resamples of a bootstrap over `repetitions`, which must be at least two.
    pub(super) fn of(resamples: &[f64], repetitions: usize) -> Self {
        let (count, n) = (resamples.len() as f64, repetitions as f64);
        let mean = resamples.iter().sum::<f64>() / count;
        let variance = resamples.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        Self { variance: variance * n / (n - 1.0), freedom: n - 1.0 }
    }

    /// Returns the spread of the difference of two independent values (Welch, "The generalization of Student's
    /// problem", 1947).
    pub(super) fn and(self, other: Self) -> Self {
        let variance = self.variance + other.variance;
        let parts = self.variance.powi(2) / self.freedom + other.variance.powi(2) / other.freedom;
        let freedom = if parts > 0.0 { variance.powi(2) / parts } else { self.freedom + other.freedom };
        Self { variance, freedom }
    }

    /// Half the width of the 95 % interval.
    pub(super) fn reach(self) -> f64 {
        self.variance.sqrt() * t(self.freedom)
    }
}

/// Returns the skewness of the resamples of a bootstrap: that of the repetitions, divided by the square root of their
/// number.
pub(super) fn skewness(resamples: &[f64]) -> f64 {
    let count = resamples.len() as f64;
    let mean = resamples.iter().sum::<f64>() / count;
    let moment = |power| resamples.iter().map(|value| (value - mean).powi(power)).sum::<f64>() / count;
    let deviation = moment(2).sqrt();
    if deviation > 0.0 { moment(3) / deviation.powi(3) } else { 0.0 }
}

/// By how much an interval is wider than Student's because it is looked at repeatedly.
const REPEATED: f64 = 1.03;
/// By how much it is wider for the square of the skewness of its value. Where single repetitions are far off, Student's
/// interval covers too little by a term in the square of the skewness over the number of repetitions (Hall, "The bootstrap
/// and Edgeworth expansion", 1992, section 2.6), whose factor is about 1.1 for a known skewness and a fixed number. A run
/// stops earlier when neither the spread nor the skewness has shown itself, so the factor is that of the simulations in
/// `precision/tests/coverage.rs`.
const SKEWED: f64 = 4.0;
/// The most that skewness adds: with one repetition that is far off among equal ones, which happened once and could be
/// expected up to 5.6 times (the 95% interval of a Poisson mean, Garwood, "Fiducial limits for the Poisson distribution",
/// 1936), the value could be 4.6 times its share higher, and Student's interval reaches 2 times.
const MOST: f64 = 2.3;

/// Returns by how much the interval of a value is wider than Student's if it decides when a run stops. `skewness` is that of
/// the value, not of one repetition.
pub(crate) fn stopping_factor(skewness: f64, repetitions: usize) -> f64 {
    let n = repetitions as f64;
    // Few repetitions look less skewed than they are.
    let unbiased = if n > 2.0 { skewness * skewness * n * (n - 1.0) / (n - 2.0).powi(2) } else { 0.0 };
    REPEATED * (1.0 + SKEWED * unbiased).min(MOST)
}

/// Returns the reach of the interval of a value with this variance, for tests that know the variance.
#[cfg(test)]
pub(crate) fn student_reach(variance: f64, repetitions: usize) -> f64 {
    Spread { variance, freedom: repetitions as f64 - 1.0 }.reach()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_at_and_between_its_lines() {
        for (freedom, expected) in [(1.0, 12.706), (4.0, 2.776), (25.0, 2.060), (40.0, 2.021), (1e9, 1.960)] {
            assert!((t(freedom) - expected).abs() < 0.002, "{freedom}: {}", t(freedom));
        }
        assert_eq!(t(0.5), 12.706, "less freedom than that there is not");
    }

    #[test]
    fn a_skewed_value_has_a_wider_interval_up_to_a_limit() {
        let mut resamples = vec![0.0; 900];
        assert_eq!(skewness(&resamples), 0.0);
        resamples.extend([1.0; 100]);
        // A Bernoulli variable: (1 − 2p) / √(p (1 − p)).
        assert!((skewness(&resamples) - 0.8 / 0.3).abs() < 1e-9);
        assert!((stopping_factor(0.0, 12) - 1.03).abs() < 1e-9);
        assert!((stopping_factor(0.1, 1_000_000) - 1.03 * 1.04).abs() < 1e-4);
        assert!((stopping_factor(5.0, 12) - 1.03 * 2.3).abs() < 1e-9);
        assert!((stopping_factor(1.0, 2) - 1.03).abs() < 1e-9);
    }

    #[test]
    fn equal_spreads_add_their_freedom_and_a_larger_one_keeps_its_own() {
        let spread = |variance| Spread { variance, freedom: 4.0 };
        assert!((spread(1.0).and(spread(1.0)).freedom - 8.0).abs() < 1e-9);
        assert!((spread(1.0).and(spread(1e-9)).freedom - 4.0).abs() < 1e-6);
        assert!(spread(0.0).and(spread(0.0)).reach() == 0.0);
    }
}

//! The slope of a cost over a number: what one more takes, free of what the first one took.

/// Counts that a slope needs: two make a difference, which nothing confirms.
const COUNTS: usize = 3;

/// The least-squares slope of points `(count, amount)`; `None` with fewer than three different counts.
pub(super) fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let mut counts: Vec<f64> = points.iter().map(|(count, _)| *count).collect();
    counts.sort_by(f64::total_cmp);
    counts.dedup();
    if counts.len() < COUNTS {
        return None;
    }
    let n = points.len() as f64;
    let (sum_x, sum_y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
    let (mean_x, mean_y) = (sum_x / n, sum_y / n);
    let covariance: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let variance: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    Some(covariance / variance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_cost_is_no_part_of_the_slope() {
        let points = [(10.0, 5_100.0), (20.0, 5_200.0), (40.0, 5_400.0)];
        assert!((slope(&points).unwrap() - 10.0).abs() < 1e-9);
    }

    #[test]
    fn two_counts_are_not_enough_however_often_they_are_seen() {
        assert_eq!(slope(&[(1.0, 1.0), (2.0, 2.0), (2.0, 2.1), (1.0, 0.9)]), None);
    }
}

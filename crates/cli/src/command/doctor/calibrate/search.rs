//! The search for one limit: ever larger loads until one is too large, then one between the last two. A load that is too
//! large must be so twice, because another program may have been busy.

use super::rounded;
use crate::calibration::Limit;

/// The factor from one load to the next.
const FACTOR: f64 = 4.0;

/// A search for the largest load that is handled on time.
#[derive(Clone, Debug)]
pub(super) struct Search {
    next: f64,
    most: f64,
    /// The largest load on time.
    good: Option<f64>,
    /// The smallest load that was late.
    bad: Option<f64>,
    /// The loads that were late once.
    suspect: Option<f64>,
    /// How often the range was halved.
    halved: u32,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    /// Try a load.
    Try(f64),
    /// Nothing is left to try.
    Done,
}

impl Search {
    pub(super) const fn new(first: f64, most: f64) -> Self {
        Self { next: first, most, good: None, bad: None, suspect: None, halved: 0 }
    }

    /// Returns the next load.
    pub(super) fn next(&self) -> Step {
        let is_done = self.halved > 1 || self.good.is_some_and(|good| good >= self.most) || self.next < 1.0;
        if is_done { Step::Done } else { Step::Try(self.next) }
    }

    /// Adds the result of a load.
    pub(super) fn add(&mut self, amount: f64, is_on_time: bool) {
        match is_on_time {
            true => self.good = Some(self.good.unwrap_or(amount).max(amount)),
            false if self.suspect == Some(amount) => self.bad = Some(amount),
            // Once more.
            false => {
                self.suspect = Some(amount);
                return;
            }
        }
        self.next = match (self.good, self.bad) {
            (Some(good), None) => (good * FACTOR).min(self.most),
            (None, Some(bad)) => rounded(bad / FACTOR),
            (Some(good), Some(bad)) => {
                self.halved += 1;
                rounded((good * bad).sqrt())
            }
            (None, None) => self.next,
        };
    }

    /// Whether it knows anything yet.
    pub(super) const fn has_result(&self) -> bool {
        self.good.is_some()
    }

    /// Returns the limit as far as it is known.
    pub(super) fn limit(&self) -> Limit {
        let most = self.good.unwrap_or_else(|| self.bad.map_or(self.next, |bad| rounded(bad / FACTOR)));
        Limit { most, is_reached: self.bad.is_some() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn searched(first: f64, most: f64, is_on_time: impl Fn(f64) -> bool) -> (Limit, usize) {
        let (mut search, mut steps) = (Search::new(first, most), 0);
        while let Step::Try(amount) = search.next() {
            search.add(amount, is_on_time(amount));
            steps += 1;
            assert!(steps < 30, "{search:?}");
        }
        (search.limit(), steps)
    }

    #[test]
    fn the_limit_is_found_within_a_factor_of_two() {
        for limit in [300.0, 4_000.0, 5_000.0, 30_000.0, 90_000.0, 250_000.0] {
            let (found, steps) = searched(4_000.0, 4e6, |amount| amount <= limit);
            assert!(found.is_reached && found.most <= limit && found.most > limit / 2.1, "{limit}: {found:?}");
            assert!(steps <= 9, "{limit}: {steps}");
        }
    }

    #[test]
    fn a_limit_beyond_what_can_be_tried_is_not_reached() {
        assert_eq!(searched(500.0, 1_000.0, |_| true).0, Limit { most: 1_000.0, is_reached: false });
        assert!(searched(500.0, 1_000.0, |_| false).0.is_reached);
    }

    #[test]
    fn one_late_step_is_tried_again() {
        let mut search = Search::new(4_000.0, 4e6);
        search.add(4_000.0, false);
        assert_eq!(search.next(), Step::Try(4_000.0));
        search.add(4_000.0, true);
        assert_eq!(search.next(), Step::Try(16_000.0));
        assert_eq!(search.limit(), Limit { most: 4_000.0, is_reached: false });
    }
}

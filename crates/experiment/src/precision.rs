//! Precision instead of a number of repetitions: cells repeat in turn until the 95% interval of each named metric is as
//! narrow as asked, or the run says why that cannot be measured here.
//!
//! `scenario` reads the [`Precision`], `feedlab run` asks [`look`] after each round which points need another repetition,
//! and the summary keeps the [`Outcome`]s.
//!
//! Looking after each repetition and stopping at the first narrow interval covers the true value less often than 95%: an
//! interval is narrow more often when the spread is underestimated (Anscombe, "Large-sample theory of sequential
//! estimation", 1952; Simons, "On the cost of not knowing the variance when making a fixed-width confidence interval for
//! the mean", 1968, adds repetitions after the first narrow one). Three corrections bring the coverage back: a minimum of
//! repetitions ([`FEWEST`]), several narrow looks in a row ([`LOOKS`]), and an interval that is wider than Student's, all the
//! more the more skewed the value is. `precision/tests/coverage.rs` simulates the rule: it covers the true value in 93% to 97%
//! of the runs, for normal, log-normal and exponential metrics.

use std::time::Duration;

use feedlab_feed::settings::duration;
use serde::{Deserialize, Serialize};

mod goal;
mod look;
mod obstacle;
mod outcome;

pub use goal::{Goal, GoalError};
pub use look::{Look, Progress, When, look, next_round};
pub use obstacle::{Kind, Obstacle};
pub use outcome::{Outcome, lines, outcomes, reasons, widest};

/// The fewest repetitions with which an interval counts as narrow.
pub const FEWEST: u32 = 12;
/// How many looks in a row, one per repetition, must find the interval narrow.
pub const LOOKS: u32 = 3;
/// The most metrics that a scenario can name: each is estimated after each repetition.
pub const MOST_GOALS: usize = 8;
/// The default cap, unless the first repetitions alone take a third of it.
pub const USUAL_CAP: Duration = Duration::from_secs(600);

/// The precision that a scenario asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Precision {
    /// The metrics, each with its share: at least one.
    pub goals: Vec<Goal>,
    /// The time after which no further repetition starts.
    #[serde(with = "duration")]
    pub cap: Duration,
}

#[cfg(test)]
mod tests;

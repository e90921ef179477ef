//! Ages by second: one cell of each contender.

use feedlab_experiment::record::Second;
use feedlab_experiment::results::Results;

use super::ages::cells;
use super::{Row, Series};

/// Updates in a second for its median to be told, and for its 99th percentile: ten beyond it, as everywhere.
const ENOUGH_FOR_MEDIAN: u64 = 20;
const ENOUGH_FOR_P99: u64 = 1_000;

/// Ages over the measured time, the same two figures for every contender.
#[derive(Debug)]
pub(crate) struct Timelines {
    /// Whether the middle of a second is its median; with few updates a second it is the mean.
    pub(crate) has_median: bool,
    /// Whether the edge is the 99th percentile; with few updates it is the oldest one.
    pub(crate) has_p99: bool,
    /// One for each contender.
    pub(crate) lines: Vec<Timeline>,
}

/// Ages over the measured time of one repetition. Percentiles of several repetitions cannot be averaged, and laying
/// them over each other would hide what happened in each.
#[derive(Debug)]
pub(crate) struct Timeline {
    /// Whose ages.
    pub(crate) series: Series,
    /// Which repetition; `None` if no cell was measured.
    pub(crate) repetition: Option<u32>,
    /// The seconds with updates, in order.
    pub(crate) moments: Vec<Moment>,
}

/// Ages in one second, µs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Moment {
    /// Second of the measured time, counted from 0.
    pub(crate) second: u32,
    /// Median or mean.
    pub(crate) middle: f64,
    /// 99th percentile or maximum.
    pub(crate) edge: f64,
}

impl Timelines {
    pub(super) fn new(rows: &[Row], results: &Results) -> Self {
        let of = |row: &Row| -> (Option<u32>, Vec<&Second>) {
            let cell = cells(row, results).min_by_key(|cell| cell.repetition);
            let seconds = results.seconds.iter().filter(|second| Some(&second.cell) == cell.map(|cell| &cell.cell));
            (cell.map(|cell| cell.repetition), seconds.filter(|second| second.updates > 0).collect())
        };
        let found: Vec<_> = rows.iter().map(of).collect();
        let fewest = found.iter().flat_map(|(_, seconds)| seconds).map(|second| second.updates).min().unwrap_or(0);
        let (has_median, has_p99) = (fewest >= ENOUGH_FOR_MEDIAN, fewest >= ENOUGH_FOR_P99);
        let line = |(row, (repetition, seconds)): (&Row, (Option<u32>, Vec<&Second>))| {
            let mut moments: Vec<_> = seconds.into_iter().filter_map(|s| moment(s, has_median, has_p99)).collect();
            moments.sort_by_key(|moment| moment.second);
            Timeline { series: row.series.clone(), repetition, moments }
        };
        Self { has_median, has_p99, lines: rows.iter().zip(found).map(line).collect() }
    }

    /// What is drawn as the middle, and what as the edge.
    pub(crate) fn names(&self) -> [&'static str; 2] {
        [
            if self.has_median { "median" } else { "mean" },
            if self.has_p99 { "99th percentile" } else { "oldest update" },
        ]
    }
}

fn moment(second: &Second, has_median: bool, has_p99: bool) -> Option<Moment> {
    let middle = if has_median { second.age_p50_us.map(|us| us as f64) } else { second.age_mean_us };
    let edge = if has_p99 { second.age_p99_us } else { second.age_max_us };
    Some(Moment { second: second.second, middle: middle?, edge: edge? as f64 })
}

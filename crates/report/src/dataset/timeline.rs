//! Ages by second: one cell of each contender, and what broke meanwhile.

use std::time::Duration;

use feedlab_experiment::record::Second;
use feedlab_experiment::results::Results;
use feedlab_experiment::scenario::Fault;
use feedlab_experiment::statistics::SAMPLES_BEYOND;
use feedlab_experiment::summary::Loss;
use feedlab_experiment::{Metric, Scenario};

use super::SummaryRow;
use super::ages::cells;
use crate::prediction::MACHINE_TIME;
use crate::series::Series;
use crate::{fault, human};

/// Updates in a second for its median to be told, and for its 99th percentile: ten beyond it, as everywhere.
const ENOUGH_FOR_MEDIAN: u64 = 2 * SAMPLES_BEYOND;
const ENOUGH_FOR_P99: u64 = 100 * SAMPLES_BEYOND;

/// Ages over the measured time, the same two figures for every contender.
#[derive(Debug)]
pub(crate) struct Timelines {
    /// Whether the middle of a second is its median; with few updates per second it is the mean.
    pub(crate) has_median: bool,
    /// Whether the edge is the 99th percentile; with few updates it is the oldest one.
    pub(crate) has_p99: bool,
    /// One for each contender.
    pub(crate) lines: Vec<Timeline>,
    /// How long was measured, s.
    pub(crate) measured: f64,
    /// What broke in it, a few words each.
    pub(crate) faults: Vec<String>,
}

/// Ages over the measured time of one repetition. Percentiles of several repetitions cannot be averaged, and laying
/// them over each other would hide what happened in each.
#[derive(Debug)]
pub(crate) struct Timeline {
    /// Whose ages.
    pub(crate) series: Series,
    /// What its clients were not given.
    pub(crate) loss: Option<Loss>,
    /// Which repetition; `None` if no cell was measured.
    pub(crate) repetition: Option<u32>,
    /// The seconds with updates, in order.
    pub(crate) moments: Vec<Moment>,
    /// What is predicted for the middle of all seconds together, µs; nothing where it is the machine's own time.
    pub(crate) predicted: Option<f64>,
    /// When something broke that concerns it, in order.
    pub(crate) marks: Vec<Mark>,
}

/// One time at which something broke.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mark {
    /// When, s of the measured time.
    pub(crate) at: f64,
    /// For how long, s; 0 for what happens in a moment.
    pub(crate) length: f64,
    /// What.
    pub(crate) name: &'static str,
    /// What stands beside it; only where a series of the same begins.
    pub(crate) label: Option<String>,
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
    pub(super) fn new(rows: &[SummaryRow], results: &Results) -> Self {
        let of = |row: &SummaryRow| -> (Option<u32>, Vec<&Second>) {
            let cell = cells(row, results).min_by_key(|cell| cell.repetition);
            let seconds = results.seconds.iter().filter(|second| Some(&second.cell) == cell.map(|cell| &cell.cell));
            (cell.map(|cell| cell.repetition), seconds.filter(|second| second.updates > 0).collect())
        };
        let found: Vec<_> = rows.iter().map(of).collect();
        let fewest = found.iter().flat_map(|(_, seconds)| seconds).map(|second| second.updates).min().unwrap_or(0);
        let (has_median, has_p99) = (fewest >= ENOUGH_FOR_MEDIAN, fewest >= ENOUGH_FOR_P99);
        let line = |(row, (repetition, seconds)): (&SummaryRow, (Option<u32>, Vec<&Second>))| {
            let mut moments: Vec<_> = seconds.into_iter().filter_map(|s| moment(s, has_median, has_p99)).collect();
            moments.sort_by_key(|moment| moment.second);
            let marks = marks(&results.manifest.scenario, &row.series.label);
            let predicted = row.predicted(if has_median { Metric::AgeP50 } else { Metric::AgeMean });
            let predicted = predicted.filter(|&us| us >= MACHINE_TIME);
            Timeline { series: row.series.clone(), loss: row.entry.loss(), repetition, moments, predicted, marks }
        };
        let scenario = &results.manifest.scenario;
        Self {
            has_median,
            has_p99,
            lines: rows.iter().zip(found).map(line).collect(),
            measured: scenario.measure.duration.as_secs_f64(),
            faults: scenario.faults.iter().map(fault::brief).collect(),
        }
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

/// The faults that concern a contender, each time that they come.
fn marks(scenario: &Scenario, label: &str) -> Vec<Mark> {
    let contender = scenario.contenders.iter().find(|contender| contender.label == label);
    let concerns = |fault: &&Fault| contender.is_none_or(|contender| fault::concerns(fault.kind, contender));
    let measured = scenario.measure.duration;
    let mut marks: Vec<Mark> =
        scenario.faults.iter().filter(concerns).flat_map(|fault| times(fault, measured)).collect();
    marks.sort_by(|a, b| a.at.total_cmp(&b.at));
    marks
}

/// One fault, each time that it comes.
fn times(fault: &Fault, measured: Duration) -> impl Iterator<Item = Mark> {
    let (name, length) = (fault::name(fault.kind), fault.length.as_secs_f64());
    let series = match fault.every {
        Some(every) => format!("{name} every {}", human::duration(every)),
        None => name.to_owned(),
    };
    fault.times(measured).enumerate().map(move |(index, at)| Mark {
        at: at.as_secs_f64(),
        length,
        name,
        label: (index == 0).then(|| series.clone()),
    })
}

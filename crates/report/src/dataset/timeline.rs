//! Ages over the measured time: one cell of each contender, in bins of one or more seconds, with the faults during that
//! time.

use std::num::NonZeroU32;
use std::time::Duration;

use feedlab_experiment::record::{CellRecord, Second};
use feedlab_experiment::results::{Results, ResultsError};
use feedlab_experiment::scenario::Fault;
use feedlab_experiment::statistics::SAMPLES_BEYOND;
use feedlab_experiment::summary::Loss;
use feedlab_experiment::{Metric, Scenario};

use super::SummaryRow;
use super::ages::cells;
use crate::prediction::MACHINE_TIME;
use crate::series::Series;
use crate::{fault, human};

/// The fewest updates in a bin for its median and for its 99th percentile: ten beyond the percentile, as everywhere.
const ENOUGH_FOR_MEDIAN: u64 = 2 * SAMPLES_BEYOND;
const ENOUGH_FOR_P99: u64 = 100 * SAMPLES_BEYOND;

/// The lengths of a bin, s. Ages are recorded by the second, so no bin is shorter.
const BINS: [u32; 9] = [1, 2, 5, 10, 20, 30, 60, 120, 300];
/// The most bins that a reader distinguishes in a panel.
const MOST_BINS: u32 = 120;
/// A run that is shorter has one point, which is no course over time.
const ENOUGH_SECONDS: f64 = 2.0;
/// Fewer points are not connected: the line would show a course that nobody measured.
const ENOUGH_FOR_LINE: usize = 8;

/// Ages over the measured time, with the same two figures for every contender.
#[derive(Debug)]
pub(crate) struct Timelines {
    /// The length of a bin, s.
    pub(crate) bin: u32,
    /// Whether the middle figure is the median; with few updates per bin it is the mean.
    pub(crate) has_median: bool,
    /// Whether the edge figure is the 99th percentile; with few updates per bin it is the oldest update.
    pub(crate) has_p99: bool,
    /// One timeline per contender.
    pub(crate) lines: Vec<Timeline>,
    /// The length of the measured time, s.
    pub(crate) measured: f64,
    /// Short descriptions of the faults.
    pub(crate) faults: Vec<String>,
}

/// Ages over the measured time of one repetition. Percentiles of several repetitions cannot be averaged, and overlaying
/// them would hide what happened in each.
#[derive(Debug)]
pub(crate) struct Timeline {
    /// The contender.
    pub(crate) series: Series,
    /// The updates and clients that it lost, if any.
    pub(crate) loss: Option<Loss>,
    /// The repetition that is shown; `None` if no cell was measured.
    pub(crate) repetition: Option<u32>,
    /// The bins with updates, in order.
    pub(crate) moments: Vec<Moment>,
    /// The predicted middle over all seconds, µs; `None` if it is so small that it is the machine's own time.
    pub(crate) predicted: Option<f64>,
    /// The faults that affect the contender, in order.
    pub(crate) marks: Vec<Mark>,
}

/// One occurrence of a fault.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mark {
    /// The time of the fault, s from the start of the measured time.
    pub(crate) at: f64,
    /// The length, s; 0 for an instantaneous fault.
    pub(crate) length: f64,
    /// The name of the fault.
    pub(crate) name: &'static str,
    /// The label next to the mark; only at the first occurrence of a fault.
    pub(crate) label: Option<String>,
}

/// The ages in one bin, µs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Moment {
    /// The first second of the bin in the measured time, counted from 0.
    pub(crate) second: u32,
    /// The median or the mean, µs.
    pub(crate) middle: f64,
    /// The 99th percentile or the maximum, µs.
    pub(crate) edge: f64,
}

impl Timelines {
    pub(super) fn new(rows: &[SummaryRow], results: &Results) -> Result<Self, ResultsError> {
        let scenario = &results.manifest.scenario;
        let measured = scenario.measure.duration.as_secs_f64();
        let bin = bin(measured);
        let of = |row: &SummaryRow| -> Result<(Option<u32>, Vec<Second>), ResultsError> {
            let Some(cell) = cells(row, results).min_by_key(|cell| cell.repetition) else {
                return Ok((None, Vec::new()));
            };
            let seconds = if bin == 1 { seconds(cell, results) } else { binned(cell, results, bin)? };
            Ok((Some(cell.repetition), seconds))
        };
        let found = rows.iter().map(of).collect::<Result<Vec<_>, _>>()?;
        let fewest = found.iter().flat_map(|(_, seconds)| seconds).map(|second| second.updates).min().unwrap_or(0);
        let (has_median, has_p99) = (fewest >= ENOUGH_FOR_MEDIAN, fewest >= ENOUGH_FOR_P99);
        let line = |(row, (repetition, seconds)): (&SummaryRow, (Option<u32>, Vec<Second>))| {
            let mut moments: Vec<_> = seconds.iter().filter_map(|s| moment(s, has_median, has_p99)).collect();
            moments.sort_by_key(|moment| moment.second);
            let marks = marks(&results.manifest.scenario, &row.series.label);
            let predicted = row.predicted(if has_median { Metric::AgeP50 } else { Metric::AgeMean });
            let predicted = predicted.filter(|&us| us >= MACHINE_TIME);
            Timeline { series: row.series.clone(), loss: row.entry.loss(), repetition, moments, predicted, marks }
        };
        Ok(Self {
            bin,
            has_median,
            has_p99,
            lines: rows.iter().zip(found).map(line).collect(),
            measured,
            faults: scenario.faults.iter().map(fault::brief).collect(),
        })
    }

    /// Whether the run is long enough for a course over time.
    pub(crate) fn is_long_enough(&self) -> bool {
        self.measured >= ENOUGH_SECONDS
    }

    /// Whether there are so few bins that each is a point of its own.
    pub(crate) fn is_few(&self) -> bool {
        self.lines.iter().all(|line| line.moments.len() < ENOUGH_FOR_LINE)
    }

    /// The name of a bin in a sentence: `second`, `interval of 5 s`.
    pub(crate) fn bin_name(&self) -> String {
        if self.bin == 1 { "second".to_owned() } else { format!("interval of {}", self.bin_length()) }
    }

    /// The length of a bin, with its unit.
    pub(crate) fn bin_length(&self) -> String {
        human::time(f64::from(self.bin) * 1e6)
    }

    /// The names of the middle and the edge figure.
    pub(crate) fn names(&self) -> [&'static str; 2] {
        [
            if self.has_median { "median" } else { "mean" },
            if self.has_p99 { "99th percentile" } else { "oldest update" },
        ]
    }
}

/// The length of the bins of a run of `measured` seconds.
fn bin(measured: f64) -> u32 {
    let fits = |bin: &u32| measured <= f64::from(bin * MOST_BINS);
    BINS.into_iter().find(fits).unwrap_or(BINS[BINS.len() - 1])
}

/// The seconds of a cell that have updates.
fn seconds(cell: &CellRecord, results: &Results) -> Vec<Second> {
    let its_own = |second: &&Second| second.cell == cell.cell && second.updates > 0;
    results.seconds.iter().filter(its_own).cloned().collect()
}

/// The same in bins of several seconds: their histograms are merged, because percentiles cannot be averaged.
fn binned(cell: &CellRecord, results: &Results, bin: u32) -> Result<Vec<Second>, ResultsError> {
    let bin = NonZeroU32::new(bin).unwrap_or(NonZeroU32::MIN);
    let bins = results.histograms_in_bins(cell, bin)?.into_iter().filter(|(_, ages)| !ages.is_empty());
    let summarized = bins.map(|(second, ages)| Second {
        cell: cell.cell.clone(),
        second,
        updates: ages.len(),
        age_mean_us: Some(ages.mean()),
        age_p50_us: Some(ages.value_at_quantile(0.5)),
        age_p99_us: Some(ages.value_at_quantile(0.99)),
        age_max_us: Some(ages.max()),
    });
    Ok(summarized.collect())
}

fn moment(second: &Second, has_median: bool, has_p99: bool) -> Option<Moment> {
    let middle = if has_median { second.age_p50_us.map(|us| us as f64) } else { second.age_mean_us };
    let edge = if has_p99 { second.age_p99_us } else { second.age_max_us };
    Some(Moment { second: second.second, middle: middle?, edge: edge? as f64 })
}

/// Every occurrence of the faults that affect a contender.
fn marks(scenario: &Scenario, label: &str) -> Vec<Mark> {
    let contender = scenario.contenders.iter().find(|contender| contender.label == label);
    let concerns = |fault: &&Fault| contender.is_none_or(|contender| fault::concerns(fault.kind, contender));
    let measured = scenario.measure.duration;
    let mut marks: Vec<Mark> =
        scenario.faults.iter().filter(concerns).flat_map(|fault| times(fault, measured)).collect();
    marks.sort_by(|a, b| a.at.total_cmp(&b.at));
    marks
}

/// Every occurrence of a fault.
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

//! The checks: every threshold of the scenario, applied to every contender that it covers, and the result.
//!
//! The page shows them as a table, the chart as strips. [`feedlab_experiment::threshold`] decides what is compared with
//! what; this module formats the result.

use feedlab_experiment::metric::Unit;
use feedlab_experiment::results::Results;
use feedlab_experiment::summary::{Entry, Estimate};
use feedlab_experiment::threshold::{self, Check};
use feedlab_experiment::verdict::Status;

use crate::human::{self, ABSENT};
use crate::series::row_name;
use crate::wording;

/// The most checks that the page shows unfolded.
const MOST_OPEN: usize = 12;

/// The checks of a run, for the page.
#[derive(Debug)]
pub(crate) struct Checks {
    /// One sentence that says how many checks passed.
    pub(crate) total: String,
    /// The checks that are always visible, the failed ones first.
    pub(crate) open: Vec<CheckRow>,
    /// The checks that are folded away: either all of them passed, or none is judged.
    pub(crate) folded: Vec<CheckRow>,
    /// The heading of the folded checks.
    pub(crate) folded_as: String,
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The figure meets the threshold.
    Passed,
    /// The figure does not meet the threshold.
    Failed,
    /// The measurement is invalid, so the check is not judged.
    Unjudged,
}

impl Outcome {
    /// Returns the outcome of a check that was `met` or not.
    pub(crate) const fn of(met: bool, is_invalid: bool) -> Self {
        match (is_invalid, met) {
            (true, _) => Self::Unjudged,
            (false, true) => Self::Passed,
            (false, false) => Self::Failed,
        }
    }

    /// A symbol and a word, which can be read without color.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Passed => "✓ passed",
            Self::Failed => "✗ failed",
            Self::Unjudged => "– not judged",
        }
    }

    /// The CSS class of the table cell.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Unjudged => "unjudged",
        }
    }
}

/// One row of the table of checks.
#[derive(Debug)]
pub(crate) struct CheckRow {
    /// The result.
    pub(crate) outcome: Outcome,
    /// The contender's label, with its client count and payload in a sweep.
    pub(crate) name: String,
    /// The label of the metric.
    pub(crate) metric: &'static str,
    /// What is required, as written in the scenario.
    pub(crate) required: String,
    /// The required figure in a readable unit, if the scenario gives it in µs or bytes and it is large.
    pub(crate) readable: Option<String>,
    /// The predicted value, or the other contender's measured value.
    pub(crate) reference: String,
    /// The band in which the figure has to lie.
    pub(crate) band: Option<String>,
    /// The measured value, with its interval.
    pub(crate) measured: String,
}

/// Returns the checks of a run, or `None` if its scenario has no thresholds.
pub(crate) fn of(results: &Results) -> Option<Checks> {
    let is_invalid = results.summary.verdict.status == Status::Invalid;
    let all = all(results);
    let rows = all.iter().map(|(check, entry)| CheckRow::new(check, entry, results, is_invalid));
    let (failed, others): (Vec<CheckRow>, Vec<CheckRow>) = rows.partition(|row| row.outcome == Outcome::Failed);
    let is_long = failed.len() + others.len() > MOST_OPEN;
    let folded_as = format!("{} that {}", checks(others.len()), if is_invalid { "are not judged" } else { "passed" });
    let total = total(failed.len(), others.len(), is_invalid);
    let (open, folded) = match is_long {
        true => (failed, others),
        false => (failed.into_iter().chain(others).collect(), Vec::new()),
    };
    (!all.is_empty()).then_some(Checks { total, open, folded, folded_as })
}

/// Returns every check with the summary entry that it applies to.
pub(crate) fn all(results: &Results) -> Vec<(Check, &Entry)> {
    let entries = &results.summary.contenders;
    let entry = |check: &Check| {
        entries.iter().find(|entry| {
            entry.label == check.label && entry.clients == check.clients && entry.payload_bytes == check.payload_bytes
        })
    };
    let checks = threshold::checks(&results.manifest.scenario, entries);
    checks.into_iter().filter_map(|check| Some((entry(&check)?, check)).map(|(entry, check)| (check, entry))).collect()
}

fn total(failed: usize, others: usize, is_invalid: bool) -> String {
    match (failed, others) {
        (_, 1) if is_invalid => "The measurement is invalid, so its one check is not judged.".to_owned(),
        (_, all) if is_invalid => format!("The measurement is invalid, so none of its {} is judged.", checks(all)),
        (0, 1) => "The one check passed.".to_owned(),
        (0, all) => format!("All {} passed.", checks(all)),
        (1, 0) => "The one check failed.".to_owned(),
        (all, 0) => format!("All {} failed.", checks(all)),
        (failed, passed) => {
            format!(
                "{} of {} passed, {} failed.",
                human::count(passed as f64),
                checks(failed + passed),
                human::count(failed as f64)
            )
        }
    }
}

fn checks(number: usize) -> String {
    wording::counted(number as f64, "check", "checks")
}

impl CheckRow {
    fn new(check: &Check, entry: &Entry, results: &Results, is_invalid: bool) -> Self {
        let unit = check.metric.row().unit;
        let estimate = entry.metrics.get(&check.metric);
        Self {
            outcome: Outcome::of(check.met, is_invalid),
            name: row_name(entry, &results.summary.contenders),
            metric: check.metric.row().label,
            required: check.requirement.clone(),
            readable: readable(check),
            reference: reference(check),
            band: check.band.map(|band| self::band(band, unit)),
            measured: estimate.map_or("not measured".to_owned(), |&estimate| measured(estimate, unit) + of_what(check)),
        }
    }
}

/// What follows an age that is not judged because updates or clients were lost.
const fn of_what(check: &Check) -> &'static str {
    if check.lost.is_some() { ", of the updates that arrived" } else { "" }
}

/// The value with its interval; an interval of zero width is left out.
fn measured(estimate: Estimate, unit: Unit) -> String {
    match estimate.low == estimate.high {
        true => human::value(estimate.value, unit),
        false => human::estimate(estimate, unit),
    }
}

fn reference(check: &Check) -> String {
    let value = |value: f64| human::value(value, check.metric.row().unit);
    match (&check.than, check.reference, check.predicted) {
        (Some(label), Some(reference), _) => format!("{label}: {}", value(reference)),
        (Some(label), None, _) => format!("{label}: not measured"),
        (None, _, Some(predicted)) => format!("predicted {}", value(predicted)),
        (None, ..) if check.comparison.is_distance() => "no prediction".to_owned(),
        (None, ..) => ABSENT.to_owned(),
    }
}

/// `24 … 28 ms`. No measured value is negative, so a band that starts below zero is shown from zero.
pub(crate) fn band((low, high): (f64, f64), unit: Unit) -> String {
    let [high, low] = human::together([high, low.max(0.0)], unit);
    format!("{low} … {high}")
}

/// `500 ms`, for `<= 500000` of a time.
fn readable(check: &Check) -> Option<String> {
    let unit = check.metric.row().unit;
    let figure = check.requirement.strip_prefix(check.comparison.symbol())?.trim().parse().ok()?;
    (unit != Unit::Count && figure >= 1000.0).then(|| human::value(figure, unit))
}

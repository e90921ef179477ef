//! What was expected, and what came out: every demand of the scenario on every row that it concerns.
//!
//! The page shows it as a table, the chart as strips. What is compared with what is [`feedlab_experiment::threshold`]'s
//! business; here it is put into words.

use feedlab_experiment::metric::Unit;
use feedlab_experiment::results::Results;
use feedlab_experiment::summary::{Entry, Estimate};
use feedlab_experiment::threshold::{self, Check};
use feedlab_experiment::verdict::Status;

use crate::human::{self, ABSENT};
use crate::series::row_name;
use crate::wording;

/// More passed checks than these are folded away.
const MOST_OPEN: usize = 12;

/// The checks of a run, for the page.
#[derive(Debug)]
pub(crate) struct Checks {
    /// How many passed, in one sentence.
    pub(crate) total: String,
    /// Those that are to be seen at once: the failed ones first.
    pub(crate) open: Vec<CheckRow>,
    /// Those that are folded away: all of them passed, or none is judged.
    pub(crate) folded: Vec<CheckRow>,
    /// What is written over the folded ones.
    pub(crate) folded_as: String,
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// What was required is so.
    Passed,
    /// It is not.
    Failed,
    /// The measurement is invalid.
    Unjudged,
}

impl Outcome {
    /// What is required was met or not, unless the measurement is invalid.
    pub(crate) const fn of(met: bool, is_invalid: bool) -> Self {
        match (is_invalid, met) {
            (true, _) => Self::Unjudged,
            (false, true) => Self::Passed,
            (false, false) => Self::Failed,
        }
    }

    /// A sign and a word: neither needs a color.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Passed => "✓ passed",
            Self::Failed => "✗ failed",
            Self::Unjudged => "– not judged",
        }
    }

    /// The class of its cell.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Unjudged => "unjudged",
        }
    }
}

/// A check in words.
#[derive(Debug)]
pub(crate) struct CheckRow {
    /// How it went.
    pub(crate) outcome: Outcome,
    /// The contender, with its client count and payload in a sweep.
    pub(crate) name: String,
    /// What is checked.
    pub(crate) metric: &'static str,
    /// What was required, as the scenario writes it.
    pub(crate) demand: String,
    /// The required figure for people, where the scenario's is in a unit that nobody reads.
    pub(crate) readable: Option<String>,
    /// What is predicted, or what another contender measured.
    pub(crate) reference: String,
    /// From where to where the figure had to be.
    pub(crate) band: Option<String>,
    /// What was measured, with its interval.
    pub(crate) measured: String,
}

/// The checks of a run; nothing if its scenario requires nothing.
pub(crate) fn of(results: &Results) -> Option<Checks> {
    let is_invalid = results.summary.verdict.status == Status::Invalid;
    let all = all(results);
    let rows = all.iter().map(|(check, entry)| CheckRow::new(check, entry, results, is_invalid));
    let (failed, others): (Vec<CheckRow>, Vec<CheckRow>) = rows.partition(|row| row.outcome == Outcome::Failed);
    let is_long = failed.len() + others.len() > MOST_OPEN;
    let folded_as =
        format!("The {} that {}", checks(others.len()), if is_invalid { "are not judged" } else { "passed" });
    let total = total(failed.len(), others.len(), is_invalid);
    let (open, folded) = match is_long {
        true => (failed, others),
        false => (failed.into_iter().chain(others).collect(), Vec::new()),
    };
    (!all.is_empty()).then_some(Checks { total, open, folded, folded_as })
}

/// Every check with the entry that it is about.
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
        (_, all) if is_invalid => format!("The measurement is invalid, so that none of its {} is judged.", checks(all)),
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
            demand: check.demand.clone(),
            readable: readable(check),
            reference: reference(check),
            band: check.band.map(|band| self::band(band, unit)),
            measured: estimate.map_or("not measured".to_owned(), |&estimate| measured(estimate, unit)) + of_what(check),
        }
    }
}

/// What stands behind an age that is compared with nothing, because it is that of what was left.
const fn of_what(check: &Check) -> &'static str {
    if check.lost.is_some() { ", of what arrived alone" } else { "" }
}

/// An interval that has no extent says nothing.
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
        (None, ..) if check.comparison.is_distance() => "nothing is predicted".to_owned(),
        (None, ..) => ABSENT.to_owned(),
    }
}

/// `24 … 28 ms`. Nothing that is measured is below zero, so that a band that begins there begins at zero.
pub(crate) fn band((low, high): (f64, f64), unit: Unit) -> String {
    let [high, low] = human::together([high, low.max(0.0)], unit);
    format!("{low} … {high}")
}

/// `500 ms`, for `<= 500000` of a time.
fn readable(check: &Check) -> Option<String> {
    let unit = check.metric.row().unit;
    let figure = check.demand.strip_prefix(check.comparison.symbol())?.trim().parse().ok()?;
    (unit != Unit::Count && figure >= 1000.0).then(|| human::value(figure, unit))
}

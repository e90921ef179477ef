//! What a comparison of two runs found about one figure, in words: the command line, the page of two runs, and its
//! summary say it alike.

use std::ops::Neg as _;

use feedlab_experiment::compare::{Finding, MetricComparison, Point};
use feedlab_experiment::metric::{Group, Unit};

use crate::human;

/// Returns a sentence such as `SSE, 50 clients: age_p99_us: no difference shown, B is 0.3 ms slower (−0.4 … 1)`.
#[must_use]
pub fn sentence(point: &Point, row: &MetricComparison, tolerance: f64) -> String {
    format!("{}: {}: {}", point.name, metric(row), reading(row, tolerance))
}

/// Returns the id of the metric, and whether it is given per repetition.
#[must_use]
pub fn metric(row: &MetricComparison) -> String {
    format!("{}{}", row.metric, if row.per_repetition { " (per repetition)" } else { "" })
}

/// Describes the finding about one metric.
#[must_use]
pub fn reading(row: &MetricComparison, tolerance: f64) -> String {
    let Some((a, difference)) = row.a.zip(row.difference) else {
        return match (row.a, row.b) {
            (Some(_), None) => "not measured in B".to_owned(),
            (None, Some(_)) => "not measured in A".to_owned(),
            _ => "not measured".to_owned(),
        };
    };
    let distance = distance(row, difference);
    let share = if a == 0.0 { "from zero".to_owned() } else { human::percent((difference / a).abs()) };
    match row.finding {
        Finding::NotMeasured => "not measured".to_owned(),
        Finding::NoDifferenceShown if row.low == row.high => "the same in both".to_owned(),
        Finding::NoDifferenceShown => format!("no difference shown, {distance}"),
        Finding::MeasuredOnce => format!("{distance}, {share}; measured only once, so it may be chance"),
        Finding::NotEverythingArrived => format!("{distance}; not compared because not everything arrived"),
        Finding::WithinTolerance => format!("{distance}, within {}", human::percent(tolerance)),
        Finding::Better => format!("{distance}: better, {share}"),
        Finding::Changed => format!("{distance}: different value, {share}"),
        Finding::Regression => format!("{distance}: REGRESSION, {share}"),
    }
}

/// Returns a text such as `B is 0.3 ms slower (−0.4 … 1)`, phrased so that the figure is positive.
fn distance(row: &MetricComparison, difference: f64) -> String {
    let unit = row.metric.row().unit;
    let (low, high) = row.low.zip(row.high).unzip();
    let (size, interval) = if difference < 0.0 {
        (-difference, high.map(f64::neg).zip(low.map(f64::neg)))
    } else {
        (difference, low.zip(high))
    };
    let (size, interval) = match interval {
        Some((low, high)) => {
            let [size, low, high] = human::together([size, low, high], unit);
            (size, format!(" ({low} … {high})"))
        }
        None => (human::value(size, unit), String::new()),
    };
    if difference == 0.0 {
        format!("B differs by {size}{interval}")
    } else {
        format!("B is {size} {}{interval}", how(row, difference > 0.0))
    }
}

fn how(row: &MetricComparison, more: bool) -> &'static str {
    let kind = row.metric.row();
    match (kind.group, kind.unit, more) {
        (Group::Freshness, _, true) => "slower",
        (Group::Freshness, _, false) => "faster",
        (Group::ConnectionCost | Group::Recovery, Unit::Microseconds, true) => "longer",
        (Group::ConnectionCost | Group::Recovery, Unit::Microseconds, false) => "shorter",
        (_, _, true) => "higher",
        (_, _, false) => "lower",
    }
}

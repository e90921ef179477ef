//! A comparison in words: a sentence a metric, and the page of them that `compare` prints.

use std::fmt::Write as _;
use std::ops::Neg as _;

use comfy_table::{CellAlignment, ContentArrangement, Table, TableStyle};
use feedlab_experiment::compare::{Comparison, Finding, Point, Row, Setting, Side};
use feedlab_experiment::metric::{Group, Unit};
use feedlab_experiment::verdict::Status;
use feedlab_report::human;
use serde_json::{Value, json};

/// With fewer repetitions than this a reader is told how little they can show.
const ENOUGH: usize = 5;

/// What stands before a table, whose columns have a space on both sides.
const INDENT: &str = " ";

/// The whole comparison for people. Whatever takes the ground from under the figures comes first.
pub(super) fn text(comparison: &Comparison) -> String {
    let mut text = String::new();
    for (letter, side) in sides(comparison) {
        text += &run(letter, side);
    }
    text += &environment(&comparison.environment);
    for name in &comparison.only_in_one {
        let _ = writeln!(text, "\nonly in one of the runs: {name}");
    }
    for point in &comparison.points {
        let _ = writeln!(text, "\n{}{}\n{}", point.name, repetitions(point), table(point, comparison.tolerance));
    }
    text + "\n" + &conclusion(comparison)
}

/// The comparison for programs: the figures, and the sentence of each.
pub(super) fn json(comparison: &Comparison) -> anyhow::Result<Value> {
    let mut value = serde_json::to_value(comparison)?;
    for (point, told) in comparison.points.iter().zip(value["points"].as_array_mut().into_iter().flatten()) {
        for (row, told) in point.rows.iter().zip(told["rows"].as_array_mut().into_iter().flatten()) {
            told["sentence"] = json!(sentence(point, row, comparison.tolerance));
        }
    }
    Ok(value)
}

/// `SSE, 50 clients: age_p99_us: no difference shown, B is later by 0.3 ms (−0.4 … 1)`.
pub(super) fn sentence(point: &Point, row: &Row, tolerance: f64) -> String {
    format!("{}: {}: {}", point.name, metric(row), reading(row, tolerance))
}

/// What speaks against a run, a line a reason; nothing for a valid one.
pub(super) fn doubts(letter: char, side: &Side) -> Vec<String> {
    let reasons = side.verdict.reasons.iter();
    reasons.map(|reason| format!("{letter}: {}: {}: {}", reason.status, reason.what, reason.advice)).collect()
}

/// Both runs, with the letters that the text calls them by.
pub(super) fn sides(comparison: &Comparison) -> [(char, &Side); 2] {
    [('A', &comparison.a), ('B', &comparison.b)]
}

fn run(letter: char, side: &Side) -> String {
    let warning =
        if side.verdict.status == Status::Invalid { "; its figures do not measure the transports" } else { "" };
    let mut text = format!("{letter}  {}  {}{warning}\n", side.run, side.verdict.status);
    for reason in &side.verdict.reasons {
        let _ = writeln!(text, "     {}: {}", reason.what, reason.advice);
    }
    text
}

fn environment(differences: &[Setting]) -> String {
    if differences.is_empty() {
        return "\nthe runs were made alike: same version, machine, limits and seed\n".to_owned();
    }
    let rows = differences.iter().map(|setting| vec![setting.name.clone(), setting.a.clone(), setting.b.clone()]);
    let head = ["what differs around them", "A", "B"].map(str::to_owned);
    format!("\n{}\n", columns(head.into(), rows.collect(), &[]))
}

fn repetitions(point: &Point) -> String {
    match point.repetitions {
        (a, b) if a == b => String::new(),
        (a, b) => format!(" ({a} repetitions in A, {b} in B)"),
    }
}

fn table(point: &Point, tolerance: f64) -> String {
    let value = |row: &Row, value: Option<f64>| {
        value.map_or_else(|| human::ABSENT.to_owned(), |value| human::value(value, row.metric.row().unit))
    };
    let line = |row: &Row| vec![metric(row), value(row, row.a), value(row, row.b), reading(row, tolerance)];
    let rows = point.rows.iter().map(line).collect();
    columns(["", "A", "B", ""].map(str::to_owned).into(), rows, &[1, 2])
}

fn columns(head: Vec<String>, rows: Vec<Vec<String>>, figures: &[usize]) -> String {
    let mut table = Table::new();
    table.load_style(TableStyle::new()).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(head).add_rows(rows);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_cell_alignment(if figures.contains(&index) { CellAlignment::Right } else { CellAlignment::Left });
    }
    table.lines().map(|line| format!("{INDENT}{}", line.trim_end())).collect::<Vec<_>>().join("\n")
}

fn metric(row: &Row) -> String {
    format!("{}{}", row.metric, if row.per_repetition { " (per repetition)" } else { "" })
}

/// What may be said of one metric.
fn reading(row: &Row, tolerance: f64) -> String {
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
        Finding::MeasuredOnce => format!("{distance}, {share}; measured once, so that it may be chance"),
        Finding::NotEverythingArrived => format!("{distance}; not compared, for not everything arrived"),
        Finding::WithinTolerance => format!("{distance}, within {}", human::percent(tolerance)),
        Finding::Better => format!("{distance}: better, {share}"),
        Finding::Changed => format!("{distance}: another value, {share}"),
        Finding::Regression => format!("{distance}: REGRESSION, {share}"),
    }
}

/// `B is later by 0.3 ms (−0.4 … 1)`: seen from the side from which it is a positive figure.
fn distance(row: &Row, difference: f64) -> String {
    let unit = row.metric.row().unit;
    let (low, high) = row.low.zip(row.high).unzip();
    let (size, interval) = if difference < 0.0 {
        (-difference, high.map(f64::neg).zip(low.map(f64::neg)))
    } else {
        (difference, low.zip(high))
    };
    let text = match interval {
        Some((low, high)) => {
            let [size, low, high] = human::together([size, low, high], unit);
            format!("{size} ({low} … {high})")
        }
        None => human::value(size, unit),
    };
    if difference == 0.0 {
        format!("B less A is {text}")
    } else {
        format!("B is {} by {text}", how(row, difference > 0.0))
    }
}

fn how(row: &Row, more: bool) -> &'static str {
    let kind = row.metric.row();
    match (kind.group, kind.unit, more) {
        (Group::Freshness, _, true) => "later",
        (Group::Freshness, _, false) => "earlier",
        (Group::ConnectionCost | Group::Recovery, Unit::Microseconds, true) => "longer",
        (Group::ConnectionCost | Group::Recovery, Unit::Microseconds, false) => "shorter",
        (_, _, true) => "higher",
        (_, _, false) => "lower",
    }
}

/// What the number of repetitions allows to be said.
fn certainty(repetitions: usize) -> String {
    match repetitions {
        0 | 1 => {
            "one repetition cannot tell chance from change: set `repetitions` in the scenario, or merge more runs\n"
                .to_owned()
        }
        2..ENOUGH => format!(
            "{repetitions} repetitions are few: the intervals are wide, and only large changes show; {ENOUGH} or more \
             tell more\n"
        ),
        _ => String::new(),
    }
}

fn conclusion(comparison: &Comparison) -> String {
    let tolerance = human::percent(comparison.tolerance);
    let mut text = String::new();
    text += &certainty(comparison.fewest_repetitions());
    for (point, row) in comparison.regressions() {
        let _ = writeln!(text, "{}", sentence(point, row, comparison.tolerance));
    }
    if comparison.regressions().next().is_none() {
        let _ = writeln!(text, "no regression beyond {tolerance}");
    }
    for (letter, side) in sides(comparison).into_iter().filter(|(_, side)| side.verdict.status == Status::Invalid) {
        let _ = writeln!(text, "{letter} ({}) is invalid: none of this can be relied on", side.run);
    }
    text
}

#[cfg(test)]
mod tests;

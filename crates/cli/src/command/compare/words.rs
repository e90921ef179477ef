//! A comparison in words: the page that `compare` prints, with one line per metric.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, ContentArrangement, Table, TableStyle};
use feedlab_experiment::compare::{Comparison, MetricComparison, Point, Setting, Side};
use feedlab_experiment::verdict::Status;
pub(super) use feedlab_report::difference::sentence;
use feedlab_report::difference::{metric, reading};
use feedlab_report::human;
use serde_json::{Value, json};

/// With fewer repetitions than this, the output warns that they show only large changes.
const ENOUGH: usize = 5;

/// The indent of a table, whose columns have a space on both sides.
const INDENT: &str = " ";

/// Returns the whole comparison for people. What invalidates the figures comes first.
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

/// Returns the comparison for programs: the figures, each with its sentence.
pub(super) fn json(comparison: &Comparison) -> anyhow::Result<Value> {
    let mut value = serde_json::to_value(comparison)?;
    for (point, out) in comparison.points.iter().zip(value["points"].as_array_mut().into_iter().flatten()) {
        for (row, out) in point.rows.iter().zip(out["rows"].as_array_mut().into_iter().flatten()) {
            out["sentence"] = json!(sentence(point, row, comparison.tolerance));
        }
    }
    Ok(value)
}

/// Returns the reasons for a run's verdict, one per line; none for a valid run.
pub(super) fn doubts(letter: char, side: &Side) -> Vec<String> {
    let reasons = side.verdict.reasons.iter();
    reasons.map(|reason| format!("{letter}: {}: {}: {}", reason.status, reason.what, reason.advice)).collect()
}

/// Returns both runs, with their letters in the text.
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
        return "\nthe runs have the same conditions: version, machine, limits and seed\n".to_owned();
    }
    let rows = differences.iter().map(|setting| vec![setting.name.clone(), setting.a.clone(), setting.b.clone()]);
    let head = ["different conditions", "A", "B"].map(str::to_owned);
    format!("\n{}\n", columns(head.into(), rows.collect(), &[]))
}

fn repetitions(point: &Point) -> String {
    match point.repetitions {
        (a, b) if a == b => String::new(),
        (a, b) => format!(" ({a} repetitions in A, {b} in B)"),
    }
}

fn table(point: &Point, tolerance: f64) -> String {
    let value = |row: &MetricComparison, value: Option<f64>| {
        value.map_or_else(|| human::ABSENT.to_owned(), |value| human::value(value, row.metric.row().unit))
    };
    let line =
        |row: &MetricComparison| vec![metric(row), value(row, row.a), value(row, row.b), reading(row, tolerance)];
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

/// Returns a warning if there are few repetitions.
fn certainty(repetitions: usize) -> String {
    match repetitions {
        0 | 1 => {
            "one repetition cannot distinguish change from chance: set `repetitions` in the scenario, or merge more runs\n"
                .to_owned()
        }
        2..ENOUGH => format!(
            "with {repetitions} repetitions, the intervals are wide and only large changes show; use {ENOUGH} or more\n"
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
        let _ = writeln!(text, "{letter} ({}) is invalid: do not rely on these figures", side.run);
    }
    text
}

#[cfg(test)]
mod tests;

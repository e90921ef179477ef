//! A report as Markdown, for a pull request: what the run shows, its table, what limits it, and how to repeat it, on
//! about forty lines. GitHub renders it; text that people wrote is escaped, so that it stays text.

use std::fmt::Write as _;

use feedlab_experiment::compare::{Comparison, MetricComparison, Point, Side};
use feedlab_experiment::record::Manifest;
use feedlab_experiment::results::Results;
use feedlab_experiment::verdict::{Status, Verdict};

use crate::dataset::Dataset;
use crate::error::ReportError;
use crate::table::Table;
use crate::{difference, finding, human, page, pair, table};

mod escape;

use escape::text;

/// The most rows of a table, sentences of a list, and columns; the page has all of them.
const MOST_ROWS: usize = 12;
const MOST_SENTENCES: usize = 6;
const MOST_COLUMNS: usize = 9;
/// The conditions that decide whether a run can be compared with another.
const CONDITIONS: [&str; 10] =
    ["changed", "feed", "clients", "measured", "network", "faults", "machine", "system", "TCP", "feedlab"];

/// Renders the summary of a run.
///
/// # Errors
/// When a histogram of the run cannot be read.
pub fn summary(results: &Results) -> Result<String, ReportError> {
    let finding = finding::of(results, &Dataset::new(results)?);
    let (manifest, summary) = (&results.manifest, &results.summary);
    let mut out = format!("### {}\n\n**{}**\n", text(&manifest.scenario.question), text(&finding.headline));
    list(&mut out, "", &finding.more);
    if summary.verdict.status == Status::Invalid {
        out.push_str("\nThe figures are left out: they do not compare the transports.\n");
    } else {
        figures(&mut out, &table::rows(summary));
    }
    let _ = write!(out, "\nVerdict: **{}**", summary.verdict.status);
    reasons(&mut out, &summary.verdict);
    list(&mut out, "What limits these claims", &finding.caveats);
    let conditions = page::conditions(manifest).into_iter().filter(|(name, _)| CONDITIONS.contains(name));
    let conditions: Vec<String> = conditions.map(|(name, value)| format!("{name}: {value}")).collect();
    list(&mut out, "Conditions", &conditions);
    again(&mut out, manifest);
    Ok(out)
}

/// Renders the summary of two runs of one scenario.
///
/// # Errors
/// When the runs cannot be compared, or a histogram cannot be read.
pub fn pair_summary(a: &Results, b: &Results) -> Result<String, ReportError> {
    let comparison = pair::compared(a, b)?;
    let mut out = format!("### {}\n\n", text(&b.manifest.scenario.question));
    for (letter, side) in [('A', &comparison.a), ('B', &comparison.b)] {
        of_side(&mut out, letter, side);
    }
    let _ = write!(out, "\n**{}**\n", text(&pair::headline(&comparison)));
    list(&mut out, "", &pair::sentences(&comparison));
    let differ = pair::conditions([a, b], &comparison).into_iter();
    let differ: Vec<String> = differ.map(|it| format!("{}: {} in A, {} in B", it.name, it.a, it.b)).collect();
    list(&mut out, "How the conditions differ", &differ);
    if !pair::is_invalid(&comparison) {
        differences(&mut out, &comparison);
    }
    list(&mut out, "What limits this comparison", &pair::certainty(&comparison).into_iter().collect::<Vec<_>>());
    let _ = write!(out, "\n```sh\nfeedlab report {} {}\n```\n", comparison.a.run, comparison.b.run);
    Ok(out)
}

/// Writes a list below a title, if it has any item.
fn list(out: &mut String, title: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    out.push('\n');
    if !title.is_empty() {
        let _ = writeln!(out, "{title}:\n");
    }
    for item in items.iter().take(MOST_SENTENCES.max(CONDITIONS.len())) {
        let _ = writeln!(out, "- {}", text(item));
    }
}

/// Writes the table with its first columns.
fn figures(out: &mut String, table: &Table) {
    let columns = table.columns.len().min(MOST_COLUMNS);
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let head = table.columns.iter().map(|column| match column.unit.as_str() {
        "" => text(&column.label),
        unit => format!("{} ({})", text(&column.label), text(unit)),
    });
    let rule = table.columns.iter().map(|column| if column.numeric { "--:" } else { "---" }.to_owned());
    let _ = write!(out, "\n{}{}", line(head.take(columns).collect()), line(rule.take(columns).collect()));
    for row in table.rows.iter().take(MOST_ROWS) {
        out.push_str(&line(row.iter().take(columns).map(|cell| text(cell)).collect()));
    }
    if table.rows.len() > MOST_ROWS {
        let _ = writeln!(out, "\nThe report has {} more rows.", human::word(table.rows.len() - MOST_ROWS));
    }
}

/// Writes the compared figures, the most important ones if there are many.
fn differences(out: &mut String, comparison: &Comparison) {
    let rows = || comparison.points.iter().flat_map(|point| point.rows.iter().map(move |row| (point, row)));
    out.push_str("\n| | figure | A | B | difference |\n| --- | --- | --: | --: | --- |\n");
    let mut shown: Vec<(&Point, &MetricComparison)> = rows().collect();
    // Findings are declared from the least to the most important.
    shown.sort_by_key(|(_, row)| std::cmp::Reverse(row.finding as u8));
    for (point, row) in shown.iter().take(MOST_ROWS) {
        let unit = row.metric.row().unit;
        let figure = |value: Option<f64>| value.map_or(human::ABSENT.to_owned(), |value| human::value(value, unit));
        let reading = difference::reading(row, comparison.tolerance).replace("REGRESSION", "worse");
        let (name, metric) = (text(&point.name), row.metric.row().label);
        let _ = writeln!(out, "| {name} | {metric} | {} | {} | {} |", figure(row.a), figure(row.b), text(&reading));
    }
    if shown.len() > MOST_ROWS {
        let _ = writeln!(out, "\nThe page of both runs has {} more figures.", human::word(shown.len() - MOST_ROWS));
    }
}

fn of_side(out: &mut String, letter: char, side: &Side) {
    let _ = write!(out, "- {letter}: `{}`, {}", side.run, side.verdict.status);
    reasons(out, &side.verdict);
}

/// Writes the reasons for a verdict after it, and ends the line.
fn reasons(out: &mut String, verdict: &Verdict) {
    let reasons: Vec<String> = verdict.reasons.iter().take(MOST_SENTENCES).map(|reason| text(&reason.what)).collect();
    let before = if reasons.is_empty() { "" } else { ": " };
    let _ = writeln!(out, "{before}{}", reasons.join("; "));
}

/// Writes how to repeat a run.
fn again(out: &mut String, manifest: &Manifest) {
    let revision = manifest.git_revision.as_ref().map_or(String::new(), |revision| format!(", revision `{revision}`"));
    let _ = write!(
        out,
        "\nRun `{}` of feedlab {}{revision}. To repeat it, with `scenario.toml` from its folder:\n\n\
         ```sh\nfeedlab run scenario.toml --seed {}\n```\n",
        manifest.run, manifest.feedlab_version, manifest.seed
    );
}

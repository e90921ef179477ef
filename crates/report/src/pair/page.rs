//! The page of two runs, rendered from `templates/pair.html`: what changed, how the conditions differ, the charts of
//! both, and every compared figure.

use askama::Template;
use feedlab_experiment::compare::{Comparison, Finding, MetricComparison, Point, Setting, Side};
use feedlab_experiment::metric::{self, MetricInfo};
use feedlab_experiment::results::Results;

use super::words;
use crate::chart::Chart;
use crate::dataset::Dataset;
use crate::error::ReportError;
use crate::page::{Switch, when};
use crate::palette::{self, Look};
use crate::{difference, human};

/// The values of the template, in the order of the page.
#[derive(Template)]
#[template(path = "pair.html")]
struct Page<'a> {
    question: &'a str,
    sides: [Head<'a>; 2],
    headline: String,
    more: Vec<String>,
    conditions: Vec<Setting>,
    is_invalid: bool,
    switches: Vec<Switch>,
    answer: Option<&'a Chart>,
    caveats: Vec<String>,
    points: Vec<Table>,
    charts: &'a [Chart],
    tolerance: String,
    glossary: Vec<&'static MetricInfo>,
    palette: String,
}

/// One of the two runs.
struct Head<'a> {
    letter: char,
    side: &'a Side,
    started: String,
}

/// The compared figures of one contender.
struct Table {
    name: String,
    /// The numbers of repetitions, if they differ.
    repetitions: Option<String>,
    rows: Vec<Row>,
}

/// One compared figure.
struct Row {
    metric: String,
    a: String,
    b: String,
    reading: String,
    /// The CSS class of the finding.
    class: &'static str,
}

/// Renders the page.
pub(super) fn html(
    runs: [&Results; 2],
    comparison: &Comparison,
    data: &Dataset,
    charts: &[Chart],
) -> Result<String, ReportError> {
    let is_invalid = super::is_invalid(comparison);
    let (answer, charts) = charts.split_first().map_or((None, charts), |(first, rest)| (Some(first), rest));
    let head = |letter, run: &Results, side| Head { letter, side, started: when(&run.manifest.started) };
    Page {
        question: &runs[1].manifest.scenario.question,
        sides: [head('A', runs[0], &comparison.a), head('B', runs[1], &comparison.b)],
        headline: words::headline(comparison),
        more: words::sentences(comparison),
        conditions: super::conditions(runs, comparison),
        is_invalid,
        switches: switches(data, is_invalid)?,
        answer,
        caveats: caveats(comparison),
        points: comparison.points.iter().map(table).collect(),
        charts,
        tolerance: super::tolerance(),
        glossary: glossary(comparison),
        palette: palette::css(),
    }
    .render()
    .map_err(ReportError::Page)
}

/// The contenders of both runs as buttons, in the order of their indexes.
fn switches(data: &Dataset, invalid: bool) -> Result<Vec<Switch>, ReportError> {
    let mut found: Vec<(String, Look)> = Vec::new();
    for series in data.requests.iter().map(|bar| &bar.series) {
        if found.iter().all(|(_, look)| look.contender != series.look.contender) {
            found.push((series.label.clone(), series.look));
        }
    }
    found.into_iter().map(|(label, look)| Switch::new(label, look, invalid)).collect()
}

/// What limits the comparison.
fn caveats(comparison: &Comparison) -> Vec<String> {
    let only = comparison.only_in_one.iter().map(|name| format!("Only in one of the runs: {name}."));
    words::certainty(comparison).into_iter().chain(only).collect()
}

fn table(point: &Point) -> Table {
    let (a, b) = point.repetitions;
    Table {
        name: point.name.clone(),
        repetitions: (a != b).then(|| format!("{a} repetitions in A, {b} in B")),
        rows: point.rows.iter().map(row).collect(),
    }
}

fn row(row: &MetricComparison) -> Row {
    let unit = row.metric.row().unit;
    let figure = |value: Option<f64>| value.map_or(human::ABSENT.to_owned(), |value| human::value(value, unit));
    let per_repetition = if row.per_repetition { ", per repetition" } else { "" };
    Row {
        metric: format!("{}{per_repetition}", row.metric.row().label),
        a: figure(row.a),
        b: figure(row.b),
        reading: difference::reading(row, super::TOLERANCE).replace("REGRESSION", "worse"),
        class: match row.finding {
            Finding::Regression => "failed",
            Finding::Better => "passed",
            _ => "unjudged",
        },
    }
}

/// The metrics that the page compares or draws.
fn glossary(comparison: &Comparison) -> Vec<&'static MetricInfo> {
    let rows = || comparison.points.iter().flat_map(|point| &point.rows);
    metric::TABLE.iter().filter(|info| rows().any(|row| row.metric == info.metric)).collect()
}

//! The page: one self-contained HTML document, rendered from `templates/report.html`.

use std::borrow::Cow;
use std::ffi::OsStr;

use askama::Template;
use feedlab_experiment::metric::{self, MetricInfo};
use feedlab_experiment::record::Manifest;
use feedlab_experiment::results::Results;
use feedlab_experiment::scenario::Source;
use feedlab_experiment::verdict::{Status, Verdict};

use crate::chart::{self, Chart};
use crate::check::{self, Checks};
use crate::class::Section;
use crate::dataset::Dataset;
use crate::error::ReportError;
use crate::failure::{self, Failure};
use crate::finding::Finding;
use crate::nodes::{self, Nodes};
use crate::palette;
use crate::prediction::{self, Prediction};
use crate::table::{self, Table};

mod conditions;
mod script;
mod switch;

use conditions::Condition;
pub(crate) use conditions::when;
pub(crate) use script::SCRIPT;
pub use script::SCRIPT_SOURCE;
pub(crate) use switch::Switch;

/// The values of the template, in the order of the page.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    question: &'a str,
    run: &'a str,
    started: String,
    finding: &'a Finding,
    verdict: &'a Verdict,
    is_invalid: bool,
    /// What a class expected, if its votes were given.
    class: Option<&'a Section>,
    checks: Option<Checks>,
    /// The chart of the checks, if the run has one.
    strips: &'a [Chart],
    table: Table,
    has_intervals: bool,
    failure: Option<Failure>,
    nodes: Option<Nodes>,
    /// The contenders, which a script can switch off.
    switches: Vec<Switch>,
    /// The chart of what the headline says.
    answer: Option<&'a Chart>,
    /// The charts after it.
    charts: &'a [Chart],
    prediction: Option<Prediction>,
    conditions: Vec<Condition>,
    /// The text of the scenario file; `None` in folders from before it was kept.
    scenario_file: Option<&'a str>,
    /// The name of the recording that the run replays, which is not in the folder.
    recording: Option<Cow<'a, str>>,
    /// The number of runs that were merged into this one; 0 for a run that was measured directly.
    merged: usize,
    revision: Option<&'a str>,
    /// Whether the source had uncommitted changes.
    is_dirty: bool,
    files: &'static [(&'static str, &'static str)],
    glossary: Vec<&'static MetricInfo>,
    palette: String,
}

/// The files of a results folder next to the page; older folders lack the first.
const FILES: &[(&str, &str)] = &[
    ("scenario.toml", "the scenario file as it was run, byte for byte"),
    ("manifest.json", "the scenario as resolved, the seed, versions, the machine, and the verdict with its reasons"),
    ("summary.json", "the figures of the table above and more, with their intervals"),
    ("cells.ndjson", "one line per measured cell, in the order of measurement"),
    ("timeseries.ndjson", "ages and numbers of updates per second and cell"),
    ("histograms/*.hlog", "all ages, as HdrHistogram interval logs, one per cell"),
    ("charts/*.svg", "the charts above with their titles, for slides"),
];

/// The suffix of a revision with uncommitted changes in a manifest.
const DIRTY: &str = "-dirty";

/// Renders the page.
pub(crate) fn html(
    results: &Results,
    finding: &Finding,
    charts: &[Chart],
    class: Option<&Section>,
) -> Result<String, ReportError> {
    let (manifest, summary) = (&results.manifest, &results.summary);
    let (strips, charts) = charts.split_at(charts.iter().take_while(|chart| chart.id == chart::CHECKS).count());
    let (answer, charts) = charts.split_first().map_or((None, charts), |(first, rest)| (Some(first), rest));
    let revision = manifest.git_revision.as_deref();
    let scenario_file = results.scenario_file.as_deref();
    let estimates = || summary.contenders.iter().flat_map(|entry| entry.metrics.values());
    Page {
        question: &manifest.scenario.question,
        run: &manifest.run,
        started: when(&manifest.started),
        finding,
        verdict: &summary.verdict,
        is_invalid: summary.verdict.status == Status::Invalid,
        class,
        checks: check::of(results),
        strips,
        table: table::rows(summary),
        has_intervals: estimates().any(|estimate| estimate.low.is_some()),
        failure: failure::of(results),
        nodes: nodes::of(results),
        switches: switch::all(&summary.contenders, summary.verdict.status == Status::Invalid)?,
        answer,
        charts,
        prediction: prediction::of(summary),
        conditions: conditions::of(manifest),
        scenario_file,
        recording: recording(&manifest.scenario.feed.source),
        merged: manifest.merged_from.len(),
        revision: revision.map(|revision| revision.trim_end_matches(DIRTY)),
        is_dirty: revision.is_some_and(|revision| revision.ends_with(DIRTY)),
        files: if scenario_file.is_some() { FILES } else { &FILES[1..] },
        glossary: glossary(results),
        palette: palette::css(),
    }
    .render()
    .map_err(ReportError::Page)
}

/// The names and values of the conditions of a run.
pub(crate) fn conditions(manifest: &Manifest) -> Vec<(&'static str, String)> {
    conditions::of(manifest).into_iter().map(|condition| (condition.name, condition.value)).collect()
}

/// The file name of the recording that a run replays.
fn recording(source: &Source) -> Option<Cow<'_, str>> {
    match source {
        Source::Replay { file, .. } => file.file_name().map(OsStr::to_string_lossy),
        _ => None,
    }
}

/// The metrics that the page shows and the run measured, in the order of the metric table.
fn glossary(results: &Results) -> Vec<&'static MetricInfo> {
    let is_predicted = results.summary.contenders.iter().any(|entry| entry.predicted.is_some());
    let has_failure = failure::of(results).is_some();
    let is_shown = |row: &&MetricInfo| {
        let metric = row.metric;
        table::METRICS.contains(&metric)
            || Dataset::shows(metric)
            || is_predicted && prediction::shows(metric)
            || has_failure && failure::shows(metric)
            || nodes::shows(metric)
            || results.manifest.scenario.thresholds.iter().any(|threshold| threshold.metric == metric)
    };
    let is_measured =
        |row: &&MetricInfo| results.summary.contenders.iter().any(|e| e.metrics.contains_key(&row.metric));
    metric::TABLE.iter().filter(is_shown).filter(is_measured).collect()
}

//! The whole report: rendered in memory, or written into the folder of its run.

use std::fs;
use std::path::{Path, PathBuf};

use feedlab_experiment::class::{Questions, Vote};
use feedlab_experiment::results::Results;
use feedlab_experiment::verdict::Status;

use crate::class::{self, Class};
use crate::dataset::Dataset;
use crate::error::ReportError;
use crate::{chart, finding, page};

/// A report in memory.
#[derive(Clone, Debug)]
pub struct Report {
    /// The page: one self-contained HTML document.
    pub html: String,
    /// The file names and contents of the charts, each an SVG document that includes its title.
    pub charts: Vec<(String, String)>,
    /// What the run shows, in one or two sentences.
    pub headline: String,
}

/// Renders the report of a run.
///
/// # Errors
/// When a histogram of the run cannot be read, or a picture cannot be drawn.
pub fn render(results: &Results) -> Result<Report, ReportError> {
    render_with(results, None)
}

/// Renders the report of a run with what a class expected of it: the questions that this run measures, with their
/// votes. Votes on other questions are left out.
///
/// # Errors
/// As [`render`].
pub fn render_with_votes(results: &Results, questions: &Questions, votes: &[Vote]) -> Result<Report, ReportError> {
    render_with(results, Some(Class { questions, votes }))
}

fn render_with(results: &Results, class: Option<Class<'_>>) -> Result<Report, ReportError> {
    let data = Dataset::new(results)?;
    let finding = finding::of(results, &data);
    let invalid = results.summary.verdict.status == Status::Invalid;
    let charts = chart::all(&data, &finding.source, invalid)?;
    let class = class.map(|class| class::of(results, class, &finding.source)).transpose()?;
    let html = page::html(results, &finding, &charts, class.as_ref())?;
    let asked = class.into_iter().flat_map(|section| section.answered).map(|asked| asked.chart);
    let charts = charts.into_iter().chain(asked).map(|chart| (format!("{}.svg", chart.id), chart.standalone)).collect();
    Ok(Report { html, charts, headline: finding.headline })
}

impl Report {
    /// Writes `report.html` and `charts/*.svg` into a folder, and returns the path of the page.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, dir: &Path) -> Result<PathBuf, ReportError> {
        let charts = dir.join("charts");
        fs::create_dir_all(&charts).map_err(|error| ReportError::Write { file: charts.clone(), error })?;
        for (name, svg) in &self.charts {
            put(&charts.join(name), svg)?;
        }
        let page = dir.join("report.html");
        put(&page, &self.html)?;
        Ok(page)
    }
}

fn put(file: &Path, text: &str) -> Result<(), ReportError> {
    fs::write(file, text).map_err(|error| ReportError::Write { file: file.to_owned(), error })
}

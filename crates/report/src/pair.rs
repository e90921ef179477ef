//! Two runs of one scenario side by side: one page with the charts of both on the same axes, and what the comparison of
//! their figures found. `feedlab report A B` writes it.
//!
//! [`feedlab_experiment::compare`] decides what differs and what cannot be compared; this module only shows it.

use std::fs;
use std::path::{Path, PathBuf};

use feedlab_experiment::compare::{self, Comparison, Finding};
use feedlab_experiment::results::Results;
use feedlab_experiment::verdict::Status;

use crate::chart;
use crate::error::ReportError;
use crate::human;

mod both;
mod conditions;
mod page;
mod words;

/// A deterioration by more than this share of A's value is a regression, as in `feedlab compare`.
const TOLERANCE: f64 = 0.05;

/// The page of two runs.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The page: one self-contained HTML document.
    pub html: String,
    /// Its file name, which has the name of the other run.
    pub name: String,
    /// The folder of the second run, in which it belongs.
    folder: PathBuf,
}

/// Renders the page of two runs.
///
/// # Errors
/// When the runs cannot be compared, a histogram cannot be read, or a picture cannot be drawn.
pub fn render_pair(a: &Results, b: &Results) -> Result<Pair, ReportError> {
    let comparison = compare::compare(a, b, &[], TOLERANCE)?;
    let data = both::dataset([a, b])?;
    let source = format!("A: {} · B: {}", comparison.a.run, comparison.b.run);
    let charts = chart::both(&data, &source, is_invalid(&comparison))?;
    let html = page::html([a, b], &comparison, &data, &charts)?;
    let name = format!("report-with-{}.html", comparison.a.run);
    Ok(Pair { html, name, folder: b.folder.clone() })
}

impl Pair {
    /// Writes the page into the folder of the second run, and returns its path.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self) -> Result<PathBuf, ReportError> {
        let file = self.folder.join(Path::new(&self.name));
        fs::write(&file, &self.html).map_err(|error| ReportError::Write { file: file.clone(), error })?;
        Ok(file)
    }
}

pub(crate) fn tolerance() -> String {
    human::percent(TOLERANCE)
}

/// Compares two runs as the page does, for a summary.
pub(crate) fn compared(a: &Results, b: &Results) -> Result<Comparison, ReportError> {
    Ok(compare::compare(a, b, &[], TOLERANCE)?)
}

/// Whether one of the runs measured nothing about the transports.
pub(crate) fn is_invalid(comparison: &Comparison) -> bool {
    [&comparison.a, &comparison.b].iter().any(|side| side.verdict.status == Status::Invalid)
}

/// The number of figures with one of some findings.
fn count(comparison: &Comparison, findings: &[Finding]) -> usize {
    let rows = comparison.points.iter().flat_map(|point| &point.rows);
    rows.filter(|row| findings.contains(&row.finding)).count()
}

pub(crate) use conditions::of as conditions;
pub(crate) use words::{certainty, headline, sentences};

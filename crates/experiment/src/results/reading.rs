//! Reading results folders.

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use hdrhistogram::Histogram;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{CELLS, MANIFEST, ResultsError, SCENARIO, SECONDS, SUMMARY, hlog_path};
use crate::record::{CellRecord, Manifest, SCHEMA, Second};
use crate::summary::Summary;
use crate::verdict::judge_run;
use crate::{hlog, predict, scenario, statistics};
use feedlab_feed::bounded;
use feedlab_feed::text::visible;
use feedlab_feed::wire::error_in_line;

/// All results of a run except the histograms, which are read on demand.
#[derive(Clone, Debug, PartialEq)]
pub struct Results {
    /// The manifest: scenario, place and time.
    pub manifest: Manifest,
    /// The scenario file as it was run (for merged runs, that of the first); `None` in an older folder that does not
    /// contain it.
    pub scenario_file: Option<String>,
    /// The pooled results.
    pub summary: Summary,
    /// The cells, in the order in which they were measured.
    pub cells: Vec<CellRecord>,
    /// The seconds of the cells.
    pub seconds: Vec<Second>,
    /// The folder from which the results were read.
    pub folder: PathBuf,
}

impl Results {
    /// Reads a folder.
    ///
    /// # Errors
    /// If it is not the folder of a finished run, has an unknown format, or contains a damaged file; the message names
    /// the file and, if it has lines, the line.
    pub fn read(folder: &Path) -> Result<Self, ResultsError> {
        Ok(Self {
            manifest: read_json(folder, MANIFEST)?,
            scenario_file: read_scenario(folder)?,
            summary: read_json(folder, SUMMARY)?,
            cells: read_lines(folder, CELLS)?,
            seconds: read_lines(folder, SECONDS)?,
            folder: folder.to_owned(),
        })
    }

    /// Reads the folder of an interrupted or unfinished run from its finished cells and computes the results of the
    /// whole run from them. A finished folder is read as it is.
    ///
    /// # Errors
    /// As [`read`](Self::read), and if no cell is finished.
    pub fn read_partial(folder: &Path) -> Result<Self, ResultsError> {
        if folder.join(SUMMARY).exists() {
            return Self::read(folder);
        }
        let mut manifest: Manifest = read_json(folder, MANIFEST)?;
        let cells: Vec<CellRecord> = read_lines(folder, CELLS)?;
        if cells.is_empty() {
            return Err(ResultsError::Nothing { folder: folder.to_owned() });
        }
        manifest.cells_measured = cells.len();
        manifest.verdict = judge_run(&cells, manifest.cells_planned);
        let mut contenders =
            statistics::pool(&manifest.scenario, &cells, |cell| hlog::read(&hlog_path(folder, &cell.cell)))?;
        predict::fill_measured(&manifest.scenario, &cells, &mut contenders);
        let (run, verdict) = (manifest.run.clone(), manifest.verdict.clone());
        let mut seconds: Vec<Second> = read_lines(folder, SECONDS)?;
        // The seconds of a cell are written before the cell.
        seconds.retain(|second| cells.iter().any(|cell| cell.cell == second.cell));
        Ok(Self {
            manifest,
            scenario_file: read_scenario(folder)?,
            summary: Summary { schema: SCHEMA, run, verdict, contenders, precision: Vec::new() },
            cells,
            seconds,
            folder: folder.to_owned(),
        })
    }

    /// Whether it contains every planned cell.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.cells.len() >= self.manifest.cells_planned
    }

    /// Returns the ages of a cell, µs.
    ///
    /// # Errors
    /// If its file cannot be read.
    pub fn histogram(&self, cell: &CellRecord) -> Result<Histogram<u64>, ResultsError> {
        hlog::read(&self.hlog_path(cell))
    }

    /// Returns the ages of a cell, µs, in bins of some seconds; the keys are the first seconds of the bins.
    ///
    /// # Errors
    /// If its file cannot be read.
    pub fn histograms_in_bins(
        &self,
        cell: &CellRecord,
        seconds: NonZeroU32,
    ) -> Result<BTreeMap<u32, Histogram<u64>>, ResultsError> {
        hlog::read_in_bins(&self.hlog_path(cell), seconds)
    }

    /// Returns the path of a cell's ages.
    #[must_use]
    pub fn hlog_path(&self, cell: &CellRecord) -> PathBuf {
        hlog_path(&self.folder, &cell.cell)
    }
}

pub(super) fn read_scenario(folder: &Path) -> Result<Option<String>, ResultsError> {
    let file = folder.join(SCENARIO);
    match scenario::read(&file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ResultsError::read(&file, error)),
    }
}

pub(super) fn read_text(folder: &Path, name: &'static str) -> Result<String, ResultsError> {
    let file = folder.join(name);
    bounded::read_text(&file, bounded::RESULTS_BYTES).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            ResultsError::NotResults { folder: folder.to_owned(), missing: name }
        }
        _ => ResultsError::read(&file, error),
    })
}

/// The field that is read first: the meaning of the rest depends on it.
#[derive(Deserialize)]
struct Versioned {
    schema: serde_json::Value,
}

pub(super) fn read_json<T: DeserializeOwned>(folder: &Path, name: &'static str) -> Result<T, ResultsError> {
    let text = read_text(folder, name)?;
    let file = folder.join(name);
    let malformed = |error: serde_json::Error| ResultsError::Malformed {
        file: file.clone(),
        problem: visible(&error.to_string()).into_owned(),
    };
    let Versioned { schema } = serde_json::from_str(&text).map_err(malformed)?;
    if schema != SCHEMA {
        return Err(ResultsError::Schema { file, found: visible(&schema.to_string()).into_owned() });
    }
    serde_json::from_str(&text).map_err(malformed)
}

fn read_lines<T: DeserializeOwned>(folder: &Path, name: &'static str) -> Result<Vec<T>, ResultsError> {
    parse_lines(folder, name, &read_text(folder, name)?)
}

/// Returns the values in the lines of a file's text.
pub(super) fn parse_lines<T: DeserializeOwned>(
    folder: &Path,
    name: &'static str,
    text: &str,
) -> Result<Vec<T>, ResultsError> {
    let parse = |(index, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| ResultsError::Line {
            file: folder.join(name),
            line: index + 1,
            problem: visible(&error_in_line(&error)).into_owned(),
        })
    };
    text.lines().enumerate().map(parse).collect()
}

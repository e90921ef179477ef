//! A finished results folder, read back.

use std::io;
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
use feedlab_feed::wire::error_in_line;

/// Everything that a run found, but for the histograms, which are read when they are asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Results {
    /// What was asked, where and when.
    pub manifest: Manifest,
    /// The scenario's file as it was run, of merged runs that of the first; `None` in a folder that was made before it was
    /// kept.
    pub scenario_file: Option<String>,
    /// The pooled results.
    pub summary: Summary,
    /// The cells, in the order in which they were measured.
    pub cells: Vec<CellRecord>,
    /// Their seconds.
    pub seconds: Vec<Second>,
    /// The folder that all of this was read from.
    pub folder: PathBuf,
}

impl Results {
    /// Reads a folder.
    ///
    /// # Errors
    /// When it is not the folder of a finished run, was written in an unknown format, or a file in it is damaged; the
    /// message names the file and, where there are lines, the line.
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

    /// Reads the folder of a run that was cut off, or that goes on, from the cells that are done: what a finished one keeps of
    /// the whole run is made again. A finished folder is read as it is.
    ///
    /// # Errors
    /// As [`read`](Self::read), and when no cell is done.
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
            summary: Summary { schema: SCHEMA, run, verdict, contenders },
            cells,
            seconds,
            folder: folder.to_owned(),
        })
    }

    /// Whether it holds every cell that was planned.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.cells.len() >= self.manifest.cells_planned
    }

    /// The ages of a cell, µs.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub fn histogram(&self, cell: &CellRecord) -> Result<Histogram<u64>, ResultsError> {
        hlog::read(&self.hlog_path(cell))
    }

    /// Where they are kept.
    #[must_use]
    pub fn hlog_path(&self, cell: &CellRecord) -> PathBuf {
        hlog_path(&self.folder, &cell.cell)
    }
}

fn read_scenario(folder: &Path) -> Result<Option<String>, ResultsError> {
    let file = folder.join(SCENARIO);
    match scenario::read(&file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ResultsError::read(&file, error)),
    }
}

fn read_text(folder: &Path, name: &'static str) -> Result<String, ResultsError> {
    let file = folder.join(name);
    bounded::read_text(&file, bounded::RESULTS_BYTES).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            ResultsError::NotResults { folder: folder.to_owned(), missing: name }
        }
        _ => ResultsError::read(&file, error),
    })
}

/// The one field that is read before all others: what the rest means depends on it.
#[derive(Deserialize)]
struct Versioned {
    schema: serde_json::Value,
}

fn read_json<T: DeserializeOwned>(folder: &Path, name: &'static str) -> Result<T, ResultsError> {
    let text = read_text(folder, name)?;
    let file = folder.join(name);
    let malformed =
        |error: serde_json::Error| ResultsError::Malformed { file: file.clone(), problem: error.to_string() };
    let Versioned { schema } = serde_json::from_str(&text).map_err(malformed)?;
    if schema != SCHEMA {
        return Err(ResultsError::Schema { file, found: schema.to_string() });
    }
    serde_json::from_str(&text).map_err(malformed)
}

fn read_lines<T: DeserializeOwned>(folder: &Path, name: &'static str) -> Result<Vec<T>, ResultsError> {
    let parse = |(index, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| ResultsError::Line {
            file: folder.join(name),
            line: index + 1,
            problem: error_in_line(&error),
        })
    };
    read_text(folder, name)?.lines().enumerate().map(parse).collect()
}

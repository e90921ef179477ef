//! The results folder: written during a run, read by reports and comparisons.
//!
//! A run writes into `<UTC time>-<scenario name>.partial/` and renames the folder at its end, so a folder without this
//! suffix is finished. Nothing is ever overwritten: if a name is taken, a number is appended.

use std::path::{Path, PathBuf};

mod error;
mod reading;
mod resume;
mod run_folder;

pub use error::ResultsError;
pub use reading::Results;
pub use resume::{ResumeError, Unfinished};
pub use run_folder::RunFolder;

const MANIFEST: &str = "manifest.json";
const SCENARIO: &str = "scenario.toml";
const SUMMARY: &str = "summary.json";
const CELLS: &str = "cells.ndjson";
const SECONDS: &str = "timeseries.ndjson";
const HISTOGRAMS: &str = "histograms";

/// Returns the path of a cell's ages.
fn hlog_path(folder: &Path, cell_id: &str) -> PathBuf {
    folder.join(HISTOGRAMS).join(format!("{cell_id}.hlog"))
}

#[cfg(test)]
mod tests;

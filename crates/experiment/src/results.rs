//! The results folder: written while a run goes on, read by reports and comparisons.
//!
//! A run writes into `<UTC time>-<scenario name>.partial/` and renames it at its end, so that a folder without that
//! ending is whole. Nothing is ever overwritten: a name that is taken gets a number.

use std::path::{Path, PathBuf};

mod error;
mod reading;
mod run_folder;

pub use error::ResultsError;
pub use reading::Results;
pub use run_folder::RunFolder;

const MANIFEST: &str = "manifest.json";
const SCENARIO: &str = "scenario.toml";
const SUMMARY: &str = "summary.json";
const CELLS: &str = "cells.ndjson";
const SECONDS: &str = "timeseries.ndjson";
const HISTOGRAMS: &str = "histograms";

/// Where the ages of a cell are kept.
fn hlog_path(folder: &Path, cell_id: &str) -> PathBuf {
    folder.join(HISTOGRAMS).join(format!("{cell_id}.hlog"))
}

#[cfg(test)]
mod tests;

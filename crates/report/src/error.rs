//! Why there is no report: what every part of it may fail with.

use std::io;
use std::path::PathBuf;

use feedlab_experiment::results::ResultsError;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The results cannot be read.
    #[error(transparent)]
    Results(#[from] ResultsError),
    /// A chart cannot be drawn.
    #[error("chart {chart} cannot be drawn: {reason}")]
    Chart {
        /// Its name.
        chart: String,
        /// What went wrong.
        reason: String,
    },
    /// The page cannot be put together.
    #[error("the page cannot be put together: {0}")]
    Page(#[from] askama::Error),
    /// A file of the report cannot be written.
    #[error("cannot write {}: {error}; make room, or give a folder that can be written", .file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

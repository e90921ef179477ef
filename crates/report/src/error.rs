//! The errors of this crate.

use std::io;
use std::path::PathBuf;

use feedlab_experiment::compare::CompareError;
use feedlab_experiment::results::ResultsError;

/// Why a report cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The results cannot be read.
    #[error(transparent)]
    Results(#[from] ResultsError),
    /// Two runs cannot be compared.
    #[error(transparent)]
    Compare(#[from] CompareError),
    /// A chart cannot be drawn.
    #[error("cannot draw the chart {chart}: {reason}")]
    Chart {
        /// The name of the chart.
        chart: String,
        /// The reason.
        reason: String,
    },
    /// The page cannot be rendered.
    #[error("cannot render the page: {0}")]
    Page(#[from] askama::Error),
    /// A file of the report cannot be written.
    #[error("cannot write {}: {error}; free some space, or choose a folder that you can write to", .file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
}

//! Errors of results folders, with their remedies.

use std::io;
use std::path::{Path, PathBuf};

/// Why results cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// A folder without one of the files that a finished run has.
    #[error(
        "{} is not a results folder: it has no {missing}; give a folder that `feedlab run` finished (a name that ends \
         in .partial is an unfinished run: `feedlab report` shows what it measured, `feedlab run --resume` measures the rest)", .folder.display()
    )]
    NotResults {
        /// The folder.
        folder: PathBuf,
        /// The missing file.
        missing: &'static str,
    },
    /// A run without a finished cell.
    #[error("{} has no finished cell: there is nothing to report", .folder.display())]
    Nothing {
        /// The folder.
        folder: PathBuf,
    },
    /// A format that this version does not support.
    #[error(
        "{} has schema {found}, but this version of feedlab reads schema {}; use the version that wrote it",
        .file.display(), crate::record::SCHEMA
    )]
    Schema {
        /// The file.
        file: PathBuf,
        /// The schema version in the file.
        found: String,
    },
    /// A malformed line: truncated, or edited.
    #[error("{}, line {line}: {problem}; remove the line, or repeat the run", .file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The problem.
        problem: String,
    },
    /// A malformed file.
    #[error("{} cannot be understood: {problem}; repeat the run", .file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// The problem.
        problem: String,
    },
    /// The disk is full, or the quota is exceeded.
    #[error(
        "no space left to write {}; the results so far are kept in its folder: free some space, or choose another \
         place with --out", .file.display()
    )]
    Full {
        /// The file that could not be written.
        file: PathBuf,
    },
    /// A file that cannot be written for another reason.
    #[error("cannot write {}: {error}; choose another place with --out", .file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// A file that cannot be read.
    #[error("cannot read {}: {error}; give the complete folder of a run whose files you may read", .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's error.
        error: io::Error,
    },
}

impl ResultsError {
    /// Returns the error for a file that could not be written; a full disk has its own variant.
    #[must_use]
    pub fn write(file: &Path, error: io::Error) -> Self {
        let file = file.to_owned();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { file },
            _ => Self::Write { file, error },
        }
    }

    /// Returns the error for a file that could not be read.
    #[must_use]
    pub fn read(file: &Path, error: io::Error) -> Self {
        Self::Read { file: file.to_owned(), error }
    }
}

//! What can be wrong with a results folder, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// Why results cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// A folder without one of the files that a run leaves behind.
    #[error(
        "{} is not a results folder: it has no {missing}; give a folder that `feedlab run` finished (a name that ends \
         in .partial is an interrupted run: `feedlab report` shows what it measured)", .folder.display()
    )]
    NotResults {
        /// The folder.
        folder: PathBuf,
        /// The file that is not there.
        missing: &'static str,
    },
    /// A run that has measured nothing yet.
    #[error("{} has no finished cell: there is nothing to report", .folder.display())]
    Nothing {
        /// The folder.
        folder: PathBuf,
    },
    /// A format that this version does not know.
    #[error(
        "{} has schema {found}, but this version of feedlab reads schema {}; use the version that wrote it",
        .file.display(), crate::record::SCHEMA
    )]
    Schema {
        /// The file.
        file: PathBuf,
        /// What it says.
        found: String,
    },
    /// A line that is not what it should be: cut off, or edited.
    #[error("{}, line {line}: {problem}; remove the line, or repeat the run", .file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A file that is not what it should be.
    #[error("{} cannot be understood: {problem}; repeat the run", .file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The disk is full, or the quota used up.
    #[error(
        "no space left to write {}; the results so far are kept in its folder: free some space, or choose another \
         place with --out", .file.display()
    )]
    Full {
        /// The file that did not fit.
        file: PathBuf,
    },
    /// A file that cannot be written for another reason.
    #[error("cannot write {}: {error}; choose another place with --out", .file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A file that cannot be read.
    #[error("cannot read {}: {error}; give the complete folder of a run whose files you may read", .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

impl ResultsError {
    /// Says which file could not be written, and tells a full disk from the rest.
    #[must_use]
    pub fn write(file: &Path, error: io::Error) -> Self {
        let file = file.to_owned();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { file },
            _ => Self::Write { file, error },
        }
    }

    /// Says which file could not be read.
    #[must_use]
    pub fn read(file: &Path, error: io::Error) -> Self {
        Self::Read { file: file.to_owned(), error }
    }
}

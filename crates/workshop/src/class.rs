//! A class: the pages that ask it questions, its votes as they arrive, and the results.
//!
//! In reading order: `routes` are the pages, their API, and which requests may change something; `evidence` is what is
//! known about an answer; `runs` measures. [`feedlab_experiment::class`] defines what a vote is, where votes are stored
//! and how they are counted; the report crate draws them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::http::StatusCode;
use feedlab_experiment::class::{self, Questions, Vote, VotesFile};
use feedlab_server::Rejection;
use tokio_util::sync::CancellationToken;

use crate::chapter;

mod routes;

mod evidence;
mod recorded;
mod runs;

use evidence::Evidence;
use runs::Runs;

/// The settings of a class.
#[derive(Clone, Debug)]
pub struct ClassSettings {
    /// The file of its votes; created if it does not exist.
    pub votes: PathBuf,
    /// The folder for the results folders of its runs. Earlier results are read from there too.
    pub out: PathBuf,
    /// The program that measures: the feedlab binary.
    pub binary: PathBuf,
    /// Stops a running measurement gracefully when it is cancelled.
    pub stop: CancellationToken,
}

/// Why a class cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ClassError {
    /// The questions in the binary cannot be parsed.
    #[error("{0}")]
    Questions(String),
    /// The file of votes cannot be used.
    #[error(transparent)]
    Votes(#[from] class::ClassError),
    /// The scenarios in the binary cannot be written to a temporary folder.
    #[error("cannot write the scenarios to a folder below {}: {problem}; set TMPDIR to another folder", .path.display())]
    Scenarios {
        /// The folder for temporary files.
        path: PathBuf,
        /// The error from the operating system.
        problem: String,
    },
}

impl From<ClassError> for Rejection {
    /// The cause is in the server's own files, which only the person who runs it can repair.
    fn from(error: ClassError) -> Self {
        tracing::warn!("{error}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

/// An open class.
#[derive(Clone, Debug)]
pub struct Class {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    questions: Questions,
    votes: Mutex<VotesFile>,
    evidence: Evidence,
    runs: Arc<Runs>,
}

impl Class {
    /// Opens the file of votes and reads the questions.
    ///
    /// # Errors
    /// When either cannot be parsed, or the file of votes cannot be opened.
    pub fn open(settings: ClassSettings) -> Result<Self, ClassError> {
        let questions = chapter::questions().map_err(ClassError::Questions)?;
        Self::with_questions(questions, settings)
    }

    /// Opens the file of votes, with other questions than those in the binary.
    ///
    /// # Errors
    /// When the file of votes cannot be opened or parsed.
    pub fn with_questions(questions: Questions, settings: ClassSettings) -> Result<Self, ClassError> {
        let votes = Mutex::new(VotesFile::open(&settings.votes)?);
        let evidence = Evidence::new(settings.out.clone())?;
        Ok(Self { inner: Arc::new(Inner { questions, votes, evidence, runs: Runs::new(settings) }) })
    }

    /// Returns the workshop's routes, all below `/workshop`.
    pub fn router(&self) -> Router {
        routes::router(self.inner.clone())
    }

    /// Waits until a running measurement has ended; to stop it, cancel the `stop` token of the settings.
    pub async fn close(&self) {
        self.inner.runs.close().await;
    }
}

impl Inner {
    fn votes(&self) -> MutexGuard<'_, VotesFile> {
        self.votes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns all votes so far.
    fn all_votes(&self) -> Result<Vec<Vote>, ClassError> {
        Ok(self.votes().all()?.to_vec())
    }
}

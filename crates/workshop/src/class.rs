//! A class that is held: pages that ask it, its votes as they come in, and what came out.
//!
//! In reading order: `routes` are the pages and what they ask for, and whose requests may change something; `evidence` is
//! what is known about an answer, and `runs` measures. What a vote is, where it is kept and how votes are counted is
//! [`feedlab_experiment::class`]'s; how they look is the report's.

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

/// What a class needs.
#[derive(Clone, Debug)]
pub struct ClassSettings {
    /// The file of its votes; begun if it is not there.
    pub votes: PathBuf,
    /// The folder in which runs leave their results folders, and in which earlier ones are found.
    pub out: PathBuf,
    /// The program that measures: feedlab's own binary.
    pub binary: PathBuf,
    /// Ends a measurement gracefully.
    pub stop: CancellationToken,
}

/// Why a class cannot be held.
#[derive(Debug, thiserror::Error)]
pub enum ClassError {
    /// The questions that the binary carries cannot be understood.
    #[error("{0}")]
    Questions(String),
    /// The file of the votes cannot be used.
    #[error(transparent)]
    Votes(#[from] class::ClassError),
    /// There is no place for the scenarios that the binary carries.
    #[error("cannot put the scenarios into a folder of their own below {}: {problem}; set TMPDIR", .path.display())]
    Scenarios {
        /// The folder for temporary files.
        path: PathBuf,
        /// What the system said.
        problem: String,
    },
}

impl From<ClassError> for Rejection {
    /// The server's own files are at fault, and only whoever runs it can mend them.
    fn from(error: ClassError) -> Self {
        tracing::warn!("{error}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

/// A class that is being held.
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
    /// Opens the votes and reads the questions.
    ///
    /// # Errors
    /// When one of the two cannot be understood, or the votes' file cannot be opened.
    pub fn open(settings: ClassSettings) -> Result<Self, ClassError> {
        let questions = chapter::questions().map_err(ClassError::Questions)?;
        Self::with_questions(questions, settings)
    }

    /// As [`Self::open`], with questions of one's own.
    ///
    /// # Errors
    /// When the votes' file cannot be opened or understood.
    pub fn with_questions(questions: Questions, settings: ClassSettings) -> Result<Self, ClassError> {
        let votes = Mutex::new(VotesFile::open(&settings.votes)?);
        let evidence = Evidence::new(settings.out.clone())?;
        Ok(Self { inner: Arc::new(Inner { questions, votes, evidence, runs: Runs::new(settings) }) })
    }

    /// The workshop's pages, all below `/workshop`.
    pub fn router(&self) -> Router {
        routes::router(self.inner.clone())
    }

    /// Waits until a measurement that goes on has ended; the settings' `stop` asks it to.
    pub async fn close(&self) {
        self.inner.runs.close().await;
    }
}

impl Inner {
    fn votes(&self) -> MutexGuard<'_, VotesFile> {
        self.votes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All votes of now.
    fn said(&self) -> Result<Vec<Vote>, ClassError> {
        Ok(self.votes().all()?.to_vec())
    }
}

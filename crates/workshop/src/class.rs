//! A class: the pages that ask it questions, its votes as they arrive, and the results.
//!
//! In reading order: `routes` are the pages, their API, and which requests may change something; `held` folds what gives
//! an answer away; `gate` knows the instructor, `people` knows who is here; `evidence` is what is known about an answer;
//! `runs` measures. [`feedlab_experiment::class`] defines what a vote is, when it counts, where votes and the steps of the
//! instructor are stored, and how they are counted; the report crate draws them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::http::StatusCode;
use feedlab_experiment::class::{self, Lesson, Question, Questions, Shown, Vote, VotesFile};
use feedlab_feed::clock;
use feedlab_server::Rejection;
use tokio_util::sync::CancellationToken;

use crate::chapter;

mod routes;

mod held;

mod gate;
mod people;

mod evidence;
mod recorded;
mod runs;

pub use gate::Token;

use evidence::Evidence;
use gate::Gate;
use people::People;
use runs::Runs;

/// Who can take part in a class, and who leads it.
#[derive(Clone, Debug, Default)]
pub struct Audience {
    /// The instructor's token. Without one, nobody can lead.
    pub token: Token,
    /// Whether other machines can reach the class. Then only the instructor may measure.
    pub is_open: bool,
    /// The addresses of the page on which learners join, the best one first.
    pub join: Vec<String>,
}

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
    /// Who can take part, and who leads.
    pub audience: Audience,
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
    audience: Audience,
    gate: Gate,
    people: People,
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
        let audience = settings.audience.clone();
        let gate = Gate::new(audience.token.clone());
        let runs = Runs::new(settings);
        let inner = Inner { questions, votes, audience, gate, people: People::default(), evidence, runs };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Returns up to `most` votes from the one with this number, counted from 0, each with its number: for a laptop
    /// that sends its votes to the class's server.
    ///
    /// # Errors
    /// When the file of votes cannot be read.
    pub fn votes_from(&self, number: usize, most: usize) -> Result<Vec<(usize, Vote)>, ClassError> {
        let mut votes = self.inner.votes();
        let all = votes.all()?.iter().enumerate().skip(number);
        Ok(all.take(most).map(|(number, vote)| (number, vote.clone())).collect())
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

    /// Returns where the instructor is, and the time.
    fn lesson(&self) -> Result<(Lesson, u64), ClassError> {
        Ok((self.votes().lesson()?.clone(), clock::unix_us()))
    }

    /// Whether a request must bring the instructor's token to measure, or to see everything.
    fn needs_token(&self, lesson: &Lesson, now: u64) -> bool {
        self.audience.is_open || lesson.current(now).is_some()
    }

    /// Returns the scenarios whose runs answer a question that the instructor has not revealed yet.
    fn held_scenarios(&self) -> Result<BTreeSet<&str>, ClassError> {
        let (lesson, now) = self.lesson()?;
        let is_held =
            |question: &&Question| lesson.shown(&question.id, now).is_some_and(|shown| shown != Shown::Answer);
        let held = self.questions.question.iter().filter(is_held);
        Ok(held.filter_map(|question| Some(question.measured.as_ref()?.scenario.as_str())).collect())
    }

    /// Whether the instructor leads, and has not revealed everything yet.
    fn holds_anything_back(&self) -> Result<bool, ClassError> {
        let (lesson, now) = self.lesson()?;
        let is_held = |question: &Question| lesson.shown(&question.id, now).is_some_and(|shown| shown != Shown::Answer);
        Ok(self.questions.question.iter().any(is_held))
    }

    /// Whether a run of this scenario has such answers.
    fn holds_back(&self, scenario: &str) -> Result<bool, ClassError> {
        Ok(self.held_scenarios()?.contains(scenario))
    }

    /// Returns all votes so far.
    fn all_votes(&self) -> Result<Vec<Vote>, ClassError> {
        Ok(self.votes().all()?.to_vec())
    }
}

//! What came out of a check: a verdict for each case, and the trace of what failed.

use std::time::Duration;

use serde::Serialize;

use crate::contract::{Level, Profile};
use crate::trace::Trace;

/// Why a case was not tried that the user did not choose.
pub const NOT_CHOSEN: &str = "not chosen";

/// Why a server cannot be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// What the user gave cannot be used. Holds what is wrong and the remedy, in one line.
    #[error("{0}")]
    BadInput(String),
    /// The server cannot be reached or gives no answer. Holds the reason and the remedy, in one line.
    #[error("{0}")]
    Unreachable(String),
}

/// The verdicts on one server, in the order of the contract.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The URL that was judged, without user, password and query.
    pub url: String,
    /// What kind of server it was judged as.
    pub profile: Profile,
    /// Why it was judged as that kind.
    pub profile_reason: String,
    /// How updates were published; `None` if there was no way.
    pub publisher: Option<String>,
    /// The stages that have a case for this profile.
    pub stages: Vec<StageResult>,
    /// Whether the check was interrupted, so that the remaining cases were not tried.
    pub interrupted: bool,
}

/// The verdicts of a stage.
#[derive(Clone, Debug, Serialize)]
pub struct StageResult {
    /// Its number.
    pub stage: u8,
    /// Its title.
    pub title: String,
    /// The question asked before it.
    pub question: String,
    /// Its cases.
    pub cases: Vec<CaseResult>,
}

/// The verdict of a case.
#[derive(Clone, Debug, Serialize)]
pub struct CaseResult {
    /// The case's name.
    pub id: String,
    /// What is required.
    pub rule: String,
    /// Where that is written.
    pub source: String,
    /// The address of the source.
    pub url: String,
    /// What to change in a server that fails.
    pub fix: String,
    /// What a failure means.
    pub level: Level,
    /// How long it took, ms.
    pub took_ms: u64,
    /// What came out.
    pub verdict: Verdict,
}

/// What came out of a case.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// The rule holds.
    Passed,
    /// It does not.
    Failed(Box<Failure>),
    /// It could not be tried.
    NotTried {
        /// Why, and how it could be.
        reason: String,
    },
}

/// Why a case failed.
#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    /// What was expected, as in `update a, once`.
    pub expected: String,
    /// What came instead, as in `update a twice: 12 ms and 13 ms after it was published`.
    pub came: String,
    /// The number of the failing step, from 1.
    pub step: usize,
    /// What was sent and received until then.
    pub trace: Trace,
}

impl CaseResult {
    /// Whether the case failed and its rule is a must.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        self.level == Level::Must && matches!(self.verdict, Verdict::Failed(_))
    }

    /// Whether the case was to be tried.
    #[must_use]
    pub fn is_chosen(&self) -> bool {
        !matches!(&self.verdict, Verdict::NotTried { reason } if reason == NOT_CHOSEN)
    }

    /// Whether the case failed and its rule is advice.
    #[must_use]
    pub fn is_advice(&self) -> bool {
        self.level == Level::Should && matches!(self.verdict, Verdict::Failed(_))
    }
}

impl Report {
    /// All cases, in order.
    pub fn cases(&self) -> impl Iterator<Item = &CaseResult> {
        self.stages.iter().flat_map(|stage| &stage.cases)
    }
}

/// Receives the progress of a check.
pub trait Progress {
    /// What will be judged, and how, is known; the report has no stages yet.
    fn begins(&mut self, report: &Report) {
        let _ = report;
    }
    /// A stage starts.
    fn stage(&mut self, stage: u8, title: &str, question: &str, cases: usize);
    /// A case has its verdict.
    fn case(&mut self, result: &CaseResult);
    /// Something is waited for that takes long, as in `restarting the server`.
    fn waiting(&mut self, what: &str, at_most: Duration);
}

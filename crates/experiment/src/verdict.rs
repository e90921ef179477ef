//! The verdict: whether a run's figures can be trusted.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod judge;

pub use judge::{CellFacts, GENERATOR_SHARE, LAG_SUSPECT_US, judge_cell, judge_run};

/// Whether figures are valid, suspect or invalid, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// The worst status of its reasons.
    pub status: Status,
    /// The problems found; empty for a valid run.
    pub reasons: Vec<Reason>,
}

/// How far the figures can be trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// No problem was found.
    #[default]
    Valid,
    /// There is a problem; interpret the figures with care.
    Suspect,
    /// The figures do not measure the transports.
    Invalid,
}

/// One problem with the figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// How severe the problem is.
    pub status: Status,
    /// What was observed, with its figure.
    pub what: String,
    /// What to do about it.
    pub advice: String,
}

impl Reason {
    /// Creates a reason.
    #[must_use]
    pub fn new(status: Status, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { status, what: what.into(), advice: advice.into() }
    }
}

impl Verdict {
    /// Adds a reason, unless an equal one is already present.
    pub fn add(&mut self, reason: Reason) {
        self.status = self.status.max(reason.status);
        if !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Valid => "valid",
            Self::Suspect => "suspect",
            Self::Invalid => "invalid",
        })
    }
}

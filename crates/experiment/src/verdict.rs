//! What a run may claim.

use std::fmt;

use serde::{Deserialize, Serialize};

mod judge;

pub use judge::{CellFacts, judge_cell, judge_run};

/// Valid, suspect or invalid, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The worst of its reasons.
    pub status: Status,
    /// What speaks against the figures; empty for a valid run.
    pub reasons: Vec<Reason>,
}

/// How far figures can be trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Nothing speaks against them.
    #[default]
    Valid,
    /// Something does; read with care.
    Suspect,
    /// They do not measure the transports.
    Invalid,
}

/// One thing that speaks against the figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// How much it weighs.
    pub status: Status,
    /// What was seen, with its figure.
    pub what: String,
    /// What to do about it.
    pub advice: String,
}

impl Reason {
    /// Puts a reason together.
    #[must_use]
    pub fn new(status: Status, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { status, what: what.into(), advice: advice.into() }
    }
}

impl Verdict {
    /// Adds a reason. The same reason is kept once.
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

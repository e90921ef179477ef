//! A baseline: the cases that are known to fail. An entry that no longer fails is stale, and a failure itself; otherwise
//! the list would outlive its reasons.

use std::collections::BTreeMap;
use std::fmt;

use crate::contract::Contract;
use crate::outcome::{CaseResult, Report, Verdict};

/// The cases that are expected to fail, each with the number of its line.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    entries: BTreeMap<String, usize>,
}

/// A line of a baseline that is not the name of a case.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: write one case name per line, as in `resume-once`; comments start with #")]
pub struct BaselineError {
    /// The number of the line.
    pub line: usize,
}

/// An entry that must be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// The number of its line.
    pub line: usize,
    /// The case.
    pub id: String,
    /// Whether the contract has such a case, which then passed.
    pub is_known: bool,
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, id, is_known } = self;
        let why = if *is_known { "passes now" } else { "is not a case of the contract" };
        write!(f, "line {line}: {id} {why}: remove the line")
    }
}

impl Baseline {
    /// Reads a baseline: the name of a case per line; `#` starts a comment.
    ///
    /// # Errors
    /// When a line has more than a name.
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        let mut entries = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let id = line.split('#').next().unwrap_or_default().trim();
            if !id.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-') {
                return Err(BaselineError { line: index + 1 });
            }
            if !id.is_empty() {
                entries.insert(id.to_owned(), index + 1);
            }
        }
        Ok(Self { entries })
    }

    /// The cases, in order of their names.
    #[must_use]
    pub fn ids(&self) -> Vec<&str> {
        self.entries.keys().map(String::as_str).collect()
    }

    /// Whether the case is expected to fail.
    #[must_use]
    pub fn contains(&self, id: &str) -> bool {
        self.entries.contains_key(id)
    }

    /// Whether the case failed although it should not.
    #[must_use]
    pub fn is_surprise(&self, case: &CaseResult) -> bool {
        case.is_failure() && !self.contains(&case.id)
    }

    /// Returns the entries that passed or that the contract does not have, in the order of their lines. One that was not
    /// tried is not stale.
    #[must_use]
    pub fn stale(&self, report: &Report, contract: &Contract) -> Vec<Stale> {
        let passed = |id: &str| report.cases().any(|case| case.id == id && matches!(case.verdict, Verdict::Passed));
        let known = |id: &str| contract.stages.iter().flat_map(|stage| &stage.cases).any(|case| case.id == id);
        let stale = |(id, line): (&String, &usize)| Stale { line: *line, id: id.clone(), is_known: known(id) };
        let mut all: Vec<Stale> =
            self.entries.iter().map(stale).filter(|entry| !entry.is_known || passed(&entry.id)).collect();
        all.sort_by_key(|entry| entry.line);
        all
    }
}

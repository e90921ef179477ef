//! What a class is asked, and what it answered: questions with their votes before and after a measurement.
//!
//! All that is known of votes is here: `questions` reads and checks the file of the questions, `votes` says what can be
//! voted and whose turn it is, `file` keeps the votes, and `tally` counts and judges them. The report draws a [`Tally`], the
//! workshop serves it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::Metric;

mod file;
mod questions;
mod tally;
mod votes;

pub use file::{MAX_FILE_BYTES, VotesFile};
pub use tally::{FACTOR, Side, Tally, right_choice};
pub use votes::{Ballot, BallotError, HANDS, MAX_COUNT, MAX_NAME, MAX_VOTES, answer_of, name};

/// All questions of a workshop, as written in `docs/workshop/questions.toml`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Questions {
    /// In the order in which they are asked.
    pub question: Vec<Question>,
}

/// One question. Its answer is a choice or a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Names it: in a chapter, in a vote, in an address.
    pub id: String,
    /// The chapter that asks it: the name of its file without `.md`.
    pub chapter: String,
    /// The question itself, one sentence.
    pub text: String,
    /// What may be chosen; empty if a number is asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// The unit of the number that is asked for, as people write it ("ms", "B", "requests"); with choices that of their
    /// `from` and `below`, if it is not the metric's own for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Where the answer comes from, if it is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
    /// Why the answer is what it is, with its source: one or two sentences, shown after the vote.
    pub because: String,
}

/// One of the answers that may be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Names it in a vote.
    pub id: String,
    /// What it says.
    pub text: String,
    /// The right one, where no measurement decides: what a standard says.
    #[serde(default)]
    pub right: bool,
    /// The measured number decides for this choice from this value on, in the question's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<f64>,
    /// … and below this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
}

/// Where a run says the answer: the value is `metrics[metric] / per` of the contender, so that µs become ms with 1,000.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// The scenario's path from the root of the repository.
    pub scenario: String,
    /// The contender's label, as reports show it.
    pub contender: String,
    /// The metric.
    pub metric: Metric,
    /// What the metric's value is divided by.
    pub per: f64,
}

/// When a vote was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Round {
    /// Before anything was shown.
    Before,
    /// After it.
    After,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// A number in the question's unit.
    Number(f64),
    /// The id of a choice.
    Choice(String),
}

/// One line of a class's file: what somebody predicted, or how many raised their hands for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vote {
    /// The question's id.
    pub question: String,
    /// Before or after.
    pub round: Round,
    /// Who, as they call themselves; the last vote of one person in one round counts.
    pub who: String,
    /// What they say.
    pub answer: Answer,
    /// How many people say it: more than one where hands were counted.
    #[serde(default = "one")]
    pub count: u32,
    /// When, µs of Unix time.
    pub at: u64,
}

const fn one() -> u32 {
    1
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Choice(id) => id.fmt(f),
        }
    }
}

/// Why the questions or the votes of a class cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClassError {
    /// The questions say something that cannot be understood or asked; whoever read them puts the file's name before it.
    #[error("line {line}, column {column}: {problem}")]
    Questions {
        /// The line, counted from 1.
        line: usize,
        /// The column in characters, counted from 1.
        column: usize,
        /// What is wrong, and after a semicolon the remedy.
        problem: String,
    },
    /// A text of votes says something that nobody can have voted; whoever read it puts the file's name before it.
    #[error("line {line}: {problem}")]
    Vote {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong, and after a semicolon the remedy.
        problem: String,
    },
    /// A line of the votes file is no vote.
    #[error("{}, line {line}: {problem}; a line must be {expected}; or choose another file with --class", .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
        /// What it should look like.
        expected: &'static str,
    },
    /// The votes file is as large as it may be.
    #[error("{} is full ({MAX_FILE_BYTES} bytes or {MAX_VOTES} votes): start another file with --class", .path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// Another server has the votes file.
    #[error("another server is using {} for votes: stop it, or start another file with --class", .path.display())]
    Shared {
        /// The file.
        path: PathBuf,
    },
    /// The votes file was removed, moved or replaced.
    #[error("{} was removed or replaced: the vote was not saved; restore the file, or restart the workshop", .path.display())]
    Gone {
        /// The file.
        path: PathBuf,
    },
    /// The votes file cannot be read or written.
    #[error("cannot use {}: {problem}; choose another place for the votes with --class", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        problem: String,
    },
}

#[cfg(test)]
mod tests;

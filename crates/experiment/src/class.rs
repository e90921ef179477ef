//! Questions to a class, with their votes before and after a measurement.
//!
//! Everything about votes is here: `questions` reads and validates the questions file, `votes` decides which votes are
//! valid and when, `lesson` knows where an instructor is, `file` stores both, and `tally` counts and judges the votes.
//! The report draws a [`Tally`], and the workshop serves it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::Metric;

mod file;
mod lesson;
mod questions;
mod tally;
mod votes;

pub use file::{MAX_FILE_BYTES, VotesFile};
pub use lesson::{Lesson, Move, Shown, Step};
pub use tally::{FACTOR, Side, Tally, right_choice};
pub use votes::{Ballot, BallotError, HANDS, MAX_COUNT, MAX_NAME, MAX_VOTES, answer_of, name, name_for};

/// All questions of a workshop, as written in `docs/workshop/questions.toml`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Questions {
    /// The questions, in the order in which they are asked.
    pub question: Vec<Question>,
}

/// One question, whose answer is a choice or a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The id: used in chapters, votes and addresses.
    pub id: String,
    /// The chapter that asks it: the file name without `.md`.
    pub chapter: String,
    /// The question itself, one sentence.
    pub text: String,
    /// The choices; empty if the answer is a number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// The unit of the answer as people write it ("ms", "B", "requests"); with choices, the unit of their `from` and
    /// `below` if it is not the metric's usual display unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The source of the answer, if it is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
    /// The explanation of the answer, with its source: one or two sentences, shown after the vote.
    pub because: String,
}

/// One of the possible answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The id, used in votes.
    pub id: String,
    /// The text of the choice.
    pub text: String,
    /// Whether it is the right answer, if no measurement decides but, for example, a standard.
    #[serde(default)]
    pub right: bool,
    /// The choice is right if the measured value is at least this, in the question's unit …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<f64>,
    /// … and below this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
}

/// The source of the answer in a run: the value is `metrics[metric] / per` of the contender; a `per` of 1,000 converts
/// µs to ms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// The scenario's path, relative to the root of the repository.
    pub scenario: String,
    /// The contender's label, as in reports.
    pub contender: String,
    /// The metric.
    pub metric: Metric,
    /// The divisor of the metric's value.
    pub per: f64,
}

/// The round in which a vote was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Round {
    /// Before the results were shown.
    Before,
    /// After the results were shown.
    After,
}

/// An answer to a question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// A number in the question's unit.
    Number(f64),
    /// The id of a choice.
    Choice(String),
}

/// One line of a class's votes file: one person's answer, or the number of raised hands for an answer. The other lines
/// are [`Move`]s.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vote {
    /// The question's id.
    pub question: String,
    /// The round.
    pub round: Round,
    /// The name of the voter; the last vote of a person in a round counts.
    pub who: String,
    /// The answer.
    pub answer: Answer,
    /// The number of people with this answer; more than one if hands were counted.
    #[serde(default = "one")]
    pub count: u32,
    /// The time of the vote, µs of Unix time.
    pub at: u64,
    /// Identifies the vote, so that one that is sent twice counts once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The device that it came from, so that two people with the same name are two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
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

/// Why the questions or votes of a class cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClassError {
    /// The questions file has an error; the caller adds the file name.
    #[error("line {line}, column {column}: {problem}")]
    Questions {
        /// The line, counted from 1.
        line: usize,
        /// The column in characters, counted from 1.
        column: usize,
        /// The problem, and after a semicolon the remedy.
        problem: String,
    },
    /// A votes text contains an invalid vote; the caller adds the file name.
    #[error("line {line}: {problem}")]
    Vote {
        /// The line, counted from 1.
        line: usize,
        /// The problem, and after a semicolon the remedy.
        problem: String,
    },
    /// A line of the votes file is not a vote.
    #[error("{}, line {line}: {problem}; a line must be {expected}; or choose another file with --class", .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The problem.
        problem: String,
        /// An example of a valid line.
        expected: &'static str,
    },
    /// The votes file has reached its maximum size.
    #[error("{} is full ({MAX_FILE_BYTES} bytes or {MAX_VOTES} votes): start another file with --class", .path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// Another server is using the votes file.
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
        /// The system's error.
        problem: String,
    },
}

#[cfg(test)]
mod tests;

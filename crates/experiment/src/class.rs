//! What a class is asked, and what it answered: questions with their votes before and after a measurement.
//!
//! `questions` reads and checks the file of the questions, `votes` that of the votes; `judge` says which answer is
//! right, and `tally` counts.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::Metric;

mod error;
mod judge;
mod questions;
mod tally;
mod votes;

pub use error::ClassError;
pub use judge::{FACTOR, judge, right_choice};
pub use tally::{Side, Tally, tally};
pub use votes::{MAX_COUNT, MAX_NAME, read_votes};

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
    /// The unit of the number that is asked for, as people write it ("ms", "B", "requests").
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

/// The name under which an instructor writes down raised hands, one line for each answer.
pub const HANDS: &str = "hands";

/// The votes that count: of each person, question and round the last. Where hands were counted (the name is [`HANDS`],
/// or a line says more than one), a line stands for one answer only, so that there the last of each answer counts.
#[must_use]
pub fn counted(votes: &[Vote]) -> Vec<&Vote> {
    let whose = |vote: &'_ Vote| (vote.question.clone(), vote.round, vote.who.clone());
    let hands: BTreeSet<_> = votes.iter().filter(|vote| vote.count > 1 || vote.who == HANDS).map(whose).collect();
    let mut last = BTreeMap::new();
    for vote in votes {
        let whose = whose(vote);
        let answer = hands.contains(&whose).then(|| vote.answer.to_string());
        last.insert((whose, answer), vote);
    }
    last.into_values().collect()
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Choice(id) => id.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;

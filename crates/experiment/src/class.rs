//! What a class is asked, and what it answered: questions with their votes before and after a measurement.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Metric;

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

/// The votes that count: of each person, question and round the last.
#[must_use]
pub fn counted(votes: &[Vote]) -> Vec<&Vote> {
    let mut last = BTreeMap::new();
    for vote in votes {
        last.insert((&vote.question, vote.round, &vote.who), vote);
    }
    last.into_values().collect()
}

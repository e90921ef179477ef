//! Which answer is right: what the measurement decides for, or what a standard says.

use super::{Answer, Choice, Measured, Question};
use crate::Scenario;

/// A number is right if it is at most so many times, and at least such a part of, what came out: people guess orders of
/// magnitude, and twice is the same one.
pub const FACTOR: f64 = 2.0;

/// The right choice, if the question has choices and it is known by now: the one that the `value` (in the question's
/// unit, as [`super::Measured`] makes it) decides for, or the one that is right whatever is measured.
#[must_use]
pub fn right_choice(question: &Question, value: Option<f64>) -> Option<&Choice> {
    let decided = question.choices.iter().find(|choice| value.is_some_and(|value| choice.decides(value)));
    decided.or_else(|| question.choices.iter().find(|choice| choice.right))
}

/// Whether an answer is right; `None` if that is not known (nothing was measured), or if the answer is none to this
/// question. A number is right within a factor of [`FACTOR`].
#[must_use]
pub fn judge(question: &Question, answer: &Answer, value: Option<f64>) -> Option<bool> {
    match answer {
        Answer::Choice(id) => {
            question.choices.iter().find(|choice| choice.id == *id)?;
            Some(right_choice(question, value)?.id == *id)
        }
        Answer::Number(_) if !question.choices.is_empty() => None,
        Answer::Number(number) => Some(is_near(*number, value?)),
    }
}

fn is_near(number: f64, value: f64) -> bool {
    number == value || number * value > 0.0 && number / value <= FACTOR && value / number <= FACTOR
}

impl Measured {
    /// Whether the run of this scenario says the answer: the file's name is the scenario's.
    #[must_use]
    pub fn is_of(&self, scenario: &Scenario) -> bool {
        let file = self.scenario.rsplit('/').next().unwrap_or_default();
        file.strip_suffix(".toml").unwrap_or(file) == scenario.name
    }
}

impl Choice {
    /// Whether a measured value, in the question's unit, decides for this choice.
    #[must_use]
    pub fn decides(&self, value: f64) -> bool {
        self.is_a_range() && self.from.is_none_or(|from| value >= from) && self.below.is_none_or(|below| value < below)
    }

    /// Whether a measurement decides for or against it.
    pub(super) const fn is_a_range(&self) -> bool {
        self.from.is_some() || self.below.is_some()
    }
}

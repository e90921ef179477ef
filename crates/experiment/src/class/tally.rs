//! The number of votes for each answer, before and after, and how many are right.

use std::collections::{BTreeMap, BTreeSet};

use super::{Answer, Choice, HANDS, Measured, Question, Round, Vote};
use crate::Scenario;

/// A number is right if it is at most this factor above or below the result: people guess orders of magnitude, and a
/// factor of two is within the same one.
pub const FACTOR: f64 = 2.0;

/// The counted answers to one question.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// The answers before the results were shown.
    pub before: Side,
    /// The answers after the results were shown.
    pub after: Side,
}

/// The counted answers of one round.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Side {
    /// The number of people who answered.
    pub people: u32,
    /// The number of them who are right; `None` if it is not known.
    pub right: Option<u32>,
    /// The number of votes for each choice, in the question's order; empty if the answer is a number.
    pub choices: Vec<u32>,
    /// The numbers, ascending, each with the number of people who gave it; empty if there are choices.
    pub numbers: Vec<(f64, u32)>,
}

impl Tally {
    /// Counts the answers to a question among all votes of a class. `value` is the measured value, in the question's
    /// unit. Answers that do not fit the question are ignored.
    #[must_use]
    pub fn of(question: &Question, votes: &[Vote], value: Option<f64>) -> Self {
        let counted = counted(votes.iter().filter(|vote| vote.question == question.id));
        let side = |round| Side::of(question, counted.iter().filter(|vote| vote.round == round), value);
        Self { before: side(Round::Before), after: side(Round::After) }
    }
}

/// Returns the votes on a question that count: the last of each person and round. If hands were counted (the name is
/// [`HANDS`], or the count of a line is more than one), a line is for one answer only, so the last line of each answer
/// counts.
fn counted<'a>(votes: impl Iterator<Item = &'a Vote> + Clone) -> Vec<&'a Vote> {
    let voter = |vote: &'a Vote| (vote.round, vote.who.as_str());
    let hands: BTreeSet<_> = votes.clone().filter(|vote| vote.count > 1 || vote.who == HANDS).map(voter).collect();
    let mut last = BTreeMap::new();
    for vote in votes {
        let answer = hands.contains(&voter(vote)).then(|| vote.answer.to_string());
        last.insert((voter(vote), answer), vote);
    }
    last.into_values().collect()
}

impl Side {
    fn of<'a>(question: &Question, votes: impl Iterator<Item = &'a &'a Vote>, value: Option<f64>) -> Self {
        let mut side = Self { choices: vec![0; question.choices.len()], ..Self::default() };
        for vote in votes {
            if !side.add(question, vote) {
                continue;
            }
            side.people = side.people.saturating_add(vote.count);
            if let Some(right) = question.judge(&vote.answer, value) {
                side.right = Some(side.right.unwrap_or(0).saturating_add(if right { vote.count } else { 0 }));
            }
        }
        side.numbers.sort_by(|a, b| a.0.total_cmp(&b.0));
        side.numbers.dedup_by(|next, kept| {
            let is_same = next.0 == kept.0;
            kept.1 = kept.1.saturating_add(if is_same { next.1 } else { 0 });
            is_same
        });
        side
    }

    /// Counts an answer, and returns whether it fits the question.
    fn add(&mut self, question: &Question, vote: &Vote) -> bool {
        match &vote.answer {
            Answer::Choice(id) => {
                let Some(place) = question.choices.iter().position(|choice| choice.id == *id) else { return false };
                self.choices[place] = self.choices[place].saturating_add(vote.count);
                true
            }
            Answer::Number(number) if question.choices.is_empty() && number.is_finite() => {
                self.numbers.push((*number, vote.count));
                true
            }
            Answer::Number(_) => false,
        }
    }

    /// Returns the median of the numbers; `None` without numbers.
    #[must_use]
    pub fn median(&self) -> Option<f64> {
        let all: u64 = self.numbers.iter().map(|&(_, count)| u64::from(count)).sum();
        let mut passed = 0;
        let mut is_middle = |count: u32| {
            passed += u64::from(count);
            2 * passed >= all
        };
        self.numbers.iter().find(|&&(_, count)| is_middle(count)).map(|&(number, _)| number)
    }
}

/// Returns the right choice, if the question has choices and it is known: the one whose range contains `value` (in the
/// question's unit, as returned by [`Measured::in_unit`]), or the one that is right regardless of measurements.
#[must_use]
pub fn right_choice(question: &Question, value: Option<f64>) -> Option<&Choice> {
    let decided = question.choices.iter().find(|choice| value.is_some_and(|value| choice.decides(value)));
    decided.or_else(|| question.choices.iter().find(|choice| choice.right))
}

impl Question {
    /// Returns whether an answer is right; `None` if this is not known (nothing was measured), or if the answer does
    /// not fit the question. A number is right within a factor of [`FACTOR`].
    pub(super) fn judge(&self, answer: &Answer, value: Option<f64>) -> Option<bool> {
        match answer {
            Answer::Choice(id) => {
                self.choices.iter().find(|choice| choice.id == *id)?;
                Some(right_choice(self, value)?.id == *id)
            }
            Answer::Number(_) if !self.choices.is_empty() => None,
            Answer::Number(number) => Some(is_near(*number, value?)),
        }
    }
}

fn is_near(number: f64, value: f64) -> bool {
    number == value || number * value > 0.0 && number / value <= FACTOR && value / number <= FACTOR
}

impl Measured {
    /// Whether a run of this scenario has the answer: the file name is the scenario's name.
    #[must_use]
    pub fn is_of(&self, scenario: &Scenario) -> bool {
        let file = self.scenario.rsplit('/').next().unwrap_or_default();
        file.strip_suffix(".toml").unwrap_or(file) == scenario.name
    }

    /// Converts a value of the metric to the question's unit; `None` if the result is not finite.
    #[must_use]
    pub fn in_unit(&self, value: f64) -> Option<f64> {
        Some(value / self.per).filter(|value| value.is_finite())
    }
}

impl Choice {
    /// Whether a measured value, in the question's unit, is in this choice's range.
    #[must_use]
    pub fn decides(&self, value: f64) -> bool {
        self.is_a_range() && self.from.is_none_or(|from| value >= from) && self.below.is_none_or(|below| value < below)
    }

    /// Whether it has a range, so that a measurement decides.
    pub(super) const fn is_a_range(&self) -> bool {
        self.from.is_some() || self.below.is_some()
    }
}

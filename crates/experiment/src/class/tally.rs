//! How many said what, before and after.

use super::{Answer, Question, Round, Vote, judge};

/// The answers to one question.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Before anything was shown.
    pub before: Side,
    /// After it.
    pub after: Side,
}

/// The answers of one round.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Side {
    /// How many people answered.
    pub people: u32,
    /// How many of them are right; `None` if nobody can say.
    pub right: Option<u32>,
    /// How many chose each choice, in the question's order; empty if a number is asked for.
    pub choices: Vec<u32>,
    /// The numbers and how many people said each, ascending; empty if there are choices.
    pub numbers: Vec<(f64, u32)>,
}

/// Counts the answers to a question among `votes`, which are those that count ([`super::counted`]) and may be of other
/// questions too. `value` is what was measured, in the question's unit. Answers that are none to this question are left
/// out.
#[must_use]
pub fn tally(question: &Question, votes: &[&Vote], value: Option<f64>) -> Tally {
    let side = |round| side(question, votes.iter().copied().filter(|vote| vote.round == round), value);
    Tally { before: side(Round::Before), after: side(Round::After) }
}

fn side<'a>(question: &Question, votes: impl Iterator<Item = &'a Vote>, value: Option<f64>) -> Side {
    let mut side = Side { choices: vec![0; question.choices.len()], ..Side::default() };
    for vote in votes.filter(|vote| vote.question == question.id) {
        if !side.add(question, vote) {
            continue;
        }
        side.people = side.people.saturating_add(vote.count);
        if let Some(right) = judge(question, &vote.answer, value) {
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

impl Side {
    /// Whether the answer is one to the question, and counted.
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

    /// The number in the middle of all people's; `None` without one.
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

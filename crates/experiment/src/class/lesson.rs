//! Where a class is: the question that its instructor has opened, and the step of that question.
//!
//! The instructor's steps are lines of the votes file, between the votes, so that a restart forgets neither. The
//! workshop decides with a [`Lesson`] which votes it accepts and what it shows to whom.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{BallotError, Round};

/// An instructor who has not moved for this long is gone, and everybody reads alone again, µs.
const LEADS_FOR_US: u64 = 4 * 3_600 * 1_000_000;

/// A step of the flow that an instructor leads, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Learners join.
    Join,
    /// The question and its choices are shown, and everybody votes.
    Vote,
    /// The votes are shown without the answer, and neighbors discuss them.
    Discuss,
    /// Everybody votes again.
    Again,
    /// The votes are closed, and the class measures.
    Run,
    /// The answer is shown, with its formula and its measurement.
    Reveal,
    /// Nobody leads any more.
    End,
}

/// One step of the instructor: a line of the votes file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Move {
    /// The step.
    pub step: Step,
    /// The question's id; absent in the steps that have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    /// The time of the step, µs of Unix time.
    pub at: u64,
}

/// What a class may see of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shown {
    /// Neither the votes nor the answer.
    Nothing,
    /// The votes.
    Votes,
    /// The votes and the answer.
    Answer,
}

/// The steps of an instructor so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lesson {
    last: Option<Move>,
    revealed: BTreeSet<String>,
}

impl Lesson {
    /// Takes the next step. A vote on a question that was revealed hides its answer again: another class votes.
    pub fn take(&mut self, step: Move) {
        match (step.step, &step.question) {
            (Step::Reveal, Some(question)) => {
                self.revealed.insert(question.clone());
            }
            (Step::Vote, Some(question)) => {
                self.revealed.remove(question);
            }
            _ => {}
        }
        self.last = (step.step != Step::End).then_some(step);
    }

    /// Returns the current step, if somebody leads at `now`, µs of Unix time.
    #[must_use]
    pub fn current(&self, now: u64) -> Option<&Move> {
        self.last.as_ref().filter(|last| now < last.at.saturating_add(LEADS_FOR_US))
    }

    /// Returns the questions whose answers the class has seen.
    #[must_use]
    pub const fn revealed(&self) -> &BTreeSet<String> {
        &self.revealed
    }

    /// Returns what the class may see of a question; `None` if nobody leads.
    #[must_use]
    pub fn shown(&self, question: &str, now: u64) -> Option<Shown> {
        let current = self.current(now)?;
        let is_current = current.question.as_deref() == Some(question);
        Some(match current.step {
            _ if self.revealed.contains(question) => Shown::Answer,
            Step::Discuss | Step::Again | Step::Run if is_current => Shown::Votes,
            _ => Shown::Nothing,
        })
    }

    /// Returns the round in which the class votes on a question; `None` if the vote is closed, or nobody leads.
    #[must_use]
    pub fn round(&self, question: &str, now: u64) -> Option<Round> {
        let current = self.current(now).filter(|current| current.question.as_deref() == Some(question))?;
        current.step.round()
    }

    /// Checks that the class votes on a question in this round, or that nobody leads.
    pub(super) fn check(&self, question: &str, round: Round, now: u64) -> Result<(), BallotError> {
        let closed = |why: &str| Err(BallotError::OutOfTurn(why.to_owned()));
        match (self.current(now), self.round(question, now)) {
            (None, _) => Ok(()),
            (_, Some(open)) if open == round => Ok(()),
            (_, Some(_)) => closed("the class votes in another round now; your page follows in a moment"),
            (_, None) => closed("this vote is closed; the instructor opens it, or the next one"),
        }
    }
}

impl Step {
    /// Returns the round of votes that is open in this step.
    #[must_use]
    pub const fn round(self) -> Option<Round> {
        match self {
            Self::Vote => Some(Round::Before),
            Self::Again => Some(Round::After),
            _ => None,
        }
    }

    /// Whether this step is about a question.
    #[must_use]
    pub const fn has_question(self) -> bool {
        !matches!(self, Self::Join | Self::End)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(steps: &[(Step, &str)]) -> Lesson {
        let mut lesson = Lesson::default();
        for &(step, question) in steps {
            let question = step.has_question().then(|| question.to_owned());
            lesson.take(Move { step, question, at: 10 });
        }
        lesson
    }

    #[test]
    fn w1_an_answer_is_shown_only_after_its_reveal() {
        for (step, shown) in [
            (Step::Vote, Shown::Nothing),
            (Step::Discuss, Shown::Votes),
            (Step::Again, Shown::Votes),
            (Step::Run, Shown::Votes),
            (Step::Reveal, Shown::Answer),
        ] {
            let lesson = after(&[(Step::Join, ""), (step, "q")]);
            assert_eq!((lesson.shown("q", 11), lesson.shown("other", 11)), (Some(shown), Some(Shown::Nothing)));
        }
        let later = after(&[(Step::Reveal, "q"), (Step::Vote, "other")]);
        assert_eq!((later.shown("q", 11), later.shown("other", 11)), (Some(Shown::Answer), Some(Shown::Nothing)));
        assert_eq!(after(&[(Step::Reveal, "q"), (Step::Vote, "q")]).shown("q", 11), Some(Shown::Nothing));
    }

    #[test]
    fn w1_a_vote_counts_only_in_its_step() {
        let lesson = after(&[(Step::Vote, "q")]);
        assert_eq!(lesson.round("q", 11), Some(Round::Before));
        assert!(lesson.check("q", Round::Before, 11).is_ok());
        assert!(lesson.check("q", Round::After, 11).is_err() && lesson.check("other", Round::Before, 11).is_err());
        assert_eq!(after(&[(Step::Again, "q")]).round("q", 11), Some(Round::After));
        assert!(after(&[(Step::Discuss, "q")]).check("q", Round::Before, 11).is_err());
    }

    #[test]
    fn nobody_leads_after_the_end_or_hours_without_a_step() {
        for (lesson, now) in [
            (Lesson::default(), 11),
            (after(&[(Step::Vote, "q"), (Step::End, "")]), 11),
            (after(&[(Step::Vote, "q")]), 11 + LEADS_FOR_US),
        ] {
            assert_eq!((lesson.current(now), lesson.shown("q", now)), (None, None));
            assert!(lesson.check("q", Round::After, now).is_ok());
        }
    }
}

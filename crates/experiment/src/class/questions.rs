//! The questions file, and the rules for valid questions.

use std::collections::BTreeSet;
use std::ops::Range;

use feedlab_feed::text::is_hidden;
use serde::Deserialize;
use toml::Spanned;

use super::{Choice, ClassError, Question, Questions};
use crate::scenario::{plain_message, position};

/// The maximum lengths of ids and texts, characters.
const MAX_ID: usize = 60;
const MAX_TEXT: usize = 600;

/// The maximum number of questions, and of choices of a question: more do not fit on a screen.
const MAX_QUESTIONS: usize = 200;
const MAX_CHOICES: usize = 8;

/// The file, with the position of each question.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    question: Vec<Spanned<Question>>,
}

/// A problem with its position, in bytes of the text.
type LocatedProblem = (Range<usize>, String);

impl Questions {
    /// Parses and validates a questions file.
    ///
    /// # Errors
    /// If it cannot be parsed, or a question in it is invalid. The message names line and column, the problem, and the
    /// remedy.
    pub fn parse(text: &str) -> Result<Self, ClassError> {
        read(text).map_err(|(span, problem)| {
            let (line, column) = position(text, span.start);
            ClassError::Questions { line, column, problem: problem.replace(is_hidden, " ") }
        })
    }

    /// Returns the question with an id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Question> {
        self.question.iter().find(|question| question.id == id)
    }
}

fn read(text: &str) -> Result<Questions, LocatedProblem> {
    let written: Written =
        toml::from_str(text).map_err(|error| (error.span().unwrap_or_default(), plain_message(error.message())))?;
    let count = written.question.len();
    if !(1..=MAX_QUESTIONS).contains(&count) {
        return Err((0..0, format!("there are {count} questions; write 1 to {MAX_QUESTIONS} tables `[[question]]`")));
    }
    let mut ids = BTreeSet::new();
    let mut questions = Questions::default();
    for question in written.question {
        let span = question.span();
        let question = question.into_inner();
        let wrong = |problem: String| (span.clone(), format!("question `{}`: {problem}", question.id));
        question.check_form().map_err(wrong)?;
        if !ids.insert(question.id.clone()) {
            return Err(wrong("another question has this id; give each its own".to_owned()));
        }
        questions.question.push(question);
    }
    Ok(questions)
}

impl Question {
    /// Checks that it can be asked and judged; the error has the problem and the remedy.
    fn check_form(&self) -> Result<(), String> {
        let texts = [("text", &self.text), ("because", &self.because)];
        let texts = texts.into_iter().chain(self.choices.iter().map(|choice| ("text", &choice.text)));
        for (key, text) in texts {
            check_text(key, text)?;
        }
        check_id(&self.id)?;
        check_id(&self.chapter)?;
        match &self.unit {
            None if self.choices.is_empty() => {
                return Err("it has neither choices nor a unit; add `choices`, or the `unit` of a number".to_owned());
            }
            unit => unit.iter().try_for_each(|unit| check_text("unit", unit))?,
        }
        if !self.choices.is_empty() {
            self.check_choices()?;
        }
        self.check_measured()
    }

    fn check_measured(&self) -> Result<(), String> {
        let Some(measured) = &self.measured else {
            let is_judged = self.choices.iter().any(|choice| choice.right);
            return if is_judged {
                Ok(())
            } else {
                Err("nothing determines the right answer; add `measured`".to_owned())
            };
        };
        if !(measured.per.is_finite() && measured.per > 0.0) {
            return Err(format!("`per` is {}; give a number above 0", measured.per));
        }
        check_text("scenario", &measured.scenario)?;
        check_text("contender", &measured.contender)
    }

    fn check_choices(&self) -> Result<(), String> {
        let count = self.choices.len();
        if !(2..=MAX_CHOICES).contains(&count) {
            return Err(format!("it has {count} choices; give 2 to {MAX_CHOICES}"));
        }
        let ids: BTreeSet<&str> = self.choices.iter().map(|choice| choice.id.as_str()).collect();
        if ids.len() < count {
            return Err("two choices have the same id; give each its own".to_owned());
        }
        ids.into_iter().try_for_each(check_id)?;
        if self.choices.iter().any(Choice::is_a_range) { self.check_ranges() } else { self.check_right() }
    }

    /// If no measurement decides, exactly one choice must be right.
    fn check_right(&self) -> Result<(), String> {
        match self.choices.iter().filter(|choice| choice.right).count() {
            1 => Ok(()),
            right => Err(format!(
                "{right} choices are right; write `right = true` in one of them, or `from` and `below` in each if a \
                 measurement decides"
            )),
        }
    }

    /// If a measurement decides, every possible value must belong to exactly one choice.
    fn check_ranges(&self) -> Result<(), String> {
        if self.measured.is_none() {
            return Err("its choices have `from` and `below`, but nothing is measured; add `measured`".to_owned());
        }
        if self.choices.iter().any(|choice| choice.right) {
            return Err("the measurement decides; remove `right`".to_owned());
        }
        let mut choices: Vec<&Choice> = self.choices.iter().collect();
        choices.sort_by(|a, b| a.start().total_cmp(&b.start()));
        let mut reached = f64::NEG_INFINITY;
        for (index, choice) in choices.iter().enumerate() {
            let (from, below) = (choice.start(), choice.below.unwrap_or(f64::INFINITY));
            // Measured values are never below zero.
            let is_adjacent = from == reached || index == 0 && from <= 0.0;
            if !is_adjacent {
                let how = if from < reached { "overlaps the choice before it" } else { "leaves a gap before it" };
                return Err(format!(
                    "`{}` {how}; the first choice has no `from`, and each following one starts where the previous one \
                     ends",
                    choice.id
                ));
            }
            if from.partial_cmp(&below) != Some(std::cmp::Ordering::Less) {
                return Err(format!("`{}` ends before it starts; `below` must be greater than `from`", choice.id));
            }
            reached = below;
        }
        if reached < f64::INFINITY {
            return Err(format!("no choice covers values from {reached}; remove `below` from the last choice"));
        }
        Ok(())
    }
}

impl Choice {
    fn start(&self) -> f64 {
        self.from.unwrap_or(f64::NEG_INFINITY)
    }
}

/// Checks an id, which is used in addresses and file names.
fn check_id(id: &str) -> Result<(), String> {
    let good = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    if id.is_empty() || id.len() > MAX_ID || !id.chars().all(good) {
        return Err(format!("{id:?} cannot be an id; use 1 to {MAX_ID} letters, digits, `-` and `_`"));
    }
    Ok(())
}

fn check_text(key: &str, text: &str) -> Result<(), String> {
    let length = text.chars().count();
    if text.trim().is_empty() || length > MAX_TEXT {
        return Err(format!("`{key}` has {length} characters; write 1 to {MAX_TEXT}"));
    }
    Ok(())
}

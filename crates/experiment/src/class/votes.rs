//! The file of the votes: a line of JSON for each, appended as they come.

use super::{Answer, ClassError, Question, Questions, Vote};
use crate::nearest::near;
use crate::scenario::in_our_words;

/// The longest name of somebody who votes, characters.
pub const MAX_NAME: usize = 60;

/// The most people for whom one line may stand.
pub const MAX_COUNT: u32 = 1_000;

/// The most lines that a file may have: some classes of a hundred, with many changes of mind.
const MAX_VOTES: usize = 100_000;

/// Reads a file of votes; empty lines are none.
///
/// # Errors
/// When a line is not a vote, or none that somebody can have given. The message names the line, what is wrong, and the
/// remedy.
pub fn read_votes(text: &str) -> Result<Vec<Vote>, ClassError> {
    let numbered = numbered(text).enumerate();
    let vote = |(index, (line, text))| {
        match index {
            MAX_VOTES.. => Err(format!("there are more than {MAX_VOTES} votes; give each class a file of its own")),
            _ => read(text),
        }
        .map_err(|problem| ClassError::Vote { line, problem })
    };
    numbered.map(vote).collect()
}

impl Questions {
    /// As [`read_votes`], and each vote answers one of these questions.
    ///
    /// # Errors
    /// As [`read_votes`], and when a vote is none to these questions.
    pub fn votes(&self, text: &str) -> Result<Vec<Vote>, ClassError> {
        let votes = read_votes(text)?;
        for ((line, _), vote) in numbered(text).zip(&votes) {
            self.check(vote).map_err(|problem| ClassError::Vote { line, problem })?;
        }
        Ok(votes)
    }

    /// Whether a vote answers one of these questions.
    ///
    /// # Errors
    /// When there is no such question, or the answer is none to it: what is wrong and the remedy, in one sentence.
    pub fn check(&self, vote: &Vote) -> Result<(), String> {
        let Some(question) = self.get(&vote.question) else {
            let ids = || self.question.iter().map(|question| question.id.as_str());
            let guess = near(&vote.question, ids()).map_or_else(
                || "give the file of the questions that were asked".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            return Err(format!("no question is called `{}`; {guess}", shown(&vote.question)));
        };
        question.check(&vote.answer)
    }
}

impl Question {
    /// Whether an answer is one to this question.
    ///
    /// # Errors
    /// When it is not: what is wrong and the remedy, in one sentence.
    pub fn check(&self, answer: &Answer) -> Result<(), String> {
        match answer {
            Answer::Number(_) if self.choices.is_empty() => Ok(()),
            Answer::Choice(id) if self.choices.iter().any(|choice| choice.id == *id) => Ok(()),
            Answer::Number(number) => {
                Err(format!("{number} does not answer `{}`; choose one of {}", self.id, self.choice_ids()))
            }
            Answer::Choice(id) if self.choices.is_empty() => {
                let unit = self.unit.as_deref().unwrap_or("number");
                Err(format!("{id:?} does not answer `{}`; give a number ({unit}), without quotes", self.id))
            }
            Answer::Choice(id) => {
                Err(format!("`{}` is no choice of `{}`; choose one of {}", shown(id), self.id, self.choice_ids()))
            }
        }
    }

    fn choice_ids(&self) -> String {
        self.choices.iter().map(|choice| choice.id.as_str()).collect::<Vec<_>>().join(", ")
    }
}

impl Vote {
    /// Whether somebody can have given it, whatever the question: a name, an answer, a number of people.
    ///
    /// # Errors
    /// When not: what is wrong and the remedy, in one sentence.
    pub fn check(&self) -> Result<(), String> {
        let name = self.who.chars().count();
        if self.who.trim().is_empty() || name > MAX_NAME || self.who.chars().any(char::is_control) {
            return Err(format!("`who` has {name} characters; give a name of 1 to {MAX_NAME} printable ones"));
        }
        if !(1..=MAX_COUNT).contains(&self.count) {
            return Err(format!("`count` is {}; give how many people say so, 1 to {MAX_COUNT}", self.count));
        }
        match &self.answer {
            Answer::Number(number) if !number.is_finite() => Err("the number is not finite; give a number".to_owned()),
            _ => Ok(()),
        }
    }
}

/// The lines that say something, each with its number from 1.
fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line.trim())).filter(|(_, line)| !line.is_empty())
}

fn read(line: &str) -> Result<Vote, String> {
    let vote: Vote = serde_json::from_str(line).map_err(|error| refused(&error))?;
    vote.check()?;
    Ok(vote)
}

/// Serde's message, without its place (each line is a document of its own), and with a remedy.
fn refused(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    match error.classify() {
        serde_json::error::Category::Data if message.contains("untagged enum Answer") => {
            "the answer is neither the id of a choice in quotes nor a number; write one of them".to_owned()
        }
        serde_json::error::Category::Data => in_our_words(message),
        _ => format!("this is not a vote ({message}); mend the line, or delete it"),
    }
}

/// A word from outside, as far as a message has room for it.
fn shown(text: &str) -> String {
    const MOST: usize = 40;
    let text: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    if text.chars().count() <= MOST { text } else { text.chars().take(MOST).collect::<String>() + "…" }
}

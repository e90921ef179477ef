//! The rules for votes, and reading them.

use feedlab_feed::text;
use serde::Deserialize;

use super::{Answer, ClassError, Lesson, Move, Question, Questions, Round, Vote, one};
use crate::nearest::near;
use crate::scenario::plain_message;

/// The name under which an instructor records raised hands, one line per answer.
pub const HANDS: &str = "hands";

/// The maximum length of a voter's name, characters.
pub const MAX_NAME: usize = 60;

/// The maximum number of people with the same name; all others of that name count as one.
const MAX_NAMESAKES: u32 = 500;

/// The maximum length of the id of a vote or a device, characters.
const MAX_ID: usize = 64;

/// The maximum number of people in one line.
pub const MAX_COUNT: u32 = 1_000;

/// The largest number that is accepted as an answer.
const LARGEST: f64 = 1e15;

/// The maximum number of votes in a file: enough for several classes of a hundred who often change their votes.
pub const MAX_VOTES: usize = 100_000;

/// A vote as sent by a page: a [`Vote`] without `at`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ballot {
    /// The question's id.
    pub question: String,
    round: Round,
    /// The name of the voter, as typed, until the server has made it unique with [`name_for`].
    pub who: String,
    answer: Answer,
    #[serde(default = "one")]
    count: u32,
    /// Identifies the vote, so that a page can send it again if it got no response.
    #[serde(default)]
    pub id: Option<String>,
    /// The device that it comes from.
    #[serde(default)]
    pub device: Option<String>,
}

/// A line of a votes file.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Entry {
    /// Somebody voted.
    Vote(Vote),
    /// The instructor took a step.
    Move(Move),
}

/// Why a ballot is rejected: the problem and the remedy, in one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BallotError {
    /// The ballot is invalid.
    #[error("{0}")]
    Invalid(String),
    /// The person may not vote now: a prediction is given before the results are shown and cannot be changed; a second
    /// answer may follow.
    #[error("{0}")]
    OutOfTurn(String),
}

impl Ballot {
    /// An example of a ballot.
    pub const EXAMPLE: &str =
        r#"{"question":"ID","round":"before" or "after","who":"NAME","answer":"CHOICE" or a number}"#;

    /// Returns the vote, given `at` (µs of Unix time), if the answer fits the `question` and this person may vote after
    /// `votes`.
    ///
    /// # Errors
    /// If the answer does not fit, or the person may not vote.
    pub fn vote(self, question: &Question, votes: &[Vote], at: u64) -> Result<Vote, BallotError> {
        self.vote_during(&Lesson::default(), question, votes, at)
    }

    /// Returns the vote, as [`Self::vote`] does, if it is also the turn of this question and round in the `lesson`. A
    /// class that votes for the second time accepts people who have come late.
    ///
    /// # Errors
    /// If the answer does not fit, or the person may not vote.
    pub fn vote_during(
        self,
        lesson: &Lesson,
        question: &Question,
        votes: &[Vote],
        at: u64,
    ) -> Result<Vote, BallotError> {
        let Self { round, answer, count, id, device, .. } = self;
        let who = name(&self.who).map_err(BallotError::Invalid)?.to_owned();
        question.check(&answer).map_err(BallotError::Invalid)?;
        if matches!(answer, Answer::Number(number) if number.abs() > LARGEST) {
            let problem = format!("the number is too large; give a number of at most {LARGEST:e}");
            return Err(BallotError::Invalid(problem));
        }
        let vote = Vote { question: question.id.clone(), round, who, answer, count, at, id, device };
        vote.check().map_err(BallotError::Invalid)?;
        if vote.who != HANDS {
            lesson.check(&question.id, round, at)?;
            vote.check_turn(question, votes, lesson.round(&question.id, at).is_some())?;
        }
        Ok(vote)
    }

    /// Whether it counts raised hands.
    #[must_use]
    pub fn counts_hands(&self) -> bool {
        self.who.trim() == HANDS || self.count != 1
    }
}

/// Returns the name under which somebody takes part: the name as typed, or with a number if it is not free because
/// somebody else has it: "Ada (2)".
#[must_use]
pub fn name_for(who: &str, is_free: impl Fn(&str) -> bool) -> String {
    if is_free(who) {
        return who.to_owned();
    }
    let numbered = |number: u32| {
        let number = format!(" ({number})");
        let base: String = who.chars().take(MAX_NAME - number.len()).collect();
        format!("{}{number}", base.trim_end())
    };
    (2..=MAX_NAMESAKES).map(numbered).find(|name| is_free(name)).unwrap_or_else(|| who.to_owned())
}

/// Returns a name in its stored form: visible text on one line.
///
/// # Errors
/// If it is not a valid name: the problem, in one sentence.
pub fn name(who: &str) -> Result<&str, String> {
    let who = who.trim();
    let len = who.chars().count();
    match len {
        0 => Err("enter your name: `who` is empty".to_owned()),
        _ if len > MAX_NAME => Err(format!("a name has at most {MAX_NAME} characters, and this one has {len}")),
        _ if !text::is_name(who) => Err("a name must be one line of text without invisible characters".to_owned()),
        _ => Ok(who),
    }
}

/// Returns the last answer that a person gave to a question in a round.
#[must_use]
pub fn answer_of<'a>(who: &str, question: &Question, round: Round, votes: &'a [Vote]) -> Option<&'a Answer> {
    let is_theirs = |vote: &&Vote| vote.who == who && vote.question == question.id && vote.round == round;
    votes.iter().rev().find(is_theirs).map(|vote| &vote.answer)
}

/// Reads the lines of a votes file; an error names the line, the problem, and the remedy.
pub(super) fn read_entries(text: &str) -> Result<Vec<Entry>, ClassError> {
    let numbered = numbered(text).enumerate();
    let entry = |(index, (line, text))| {
        match index {
            MAX_VOTES.. => Err(format!("there are more than {MAX_VOTES} votes; give each class its own file")),
            _ => read(text),
        }
        .map_err(|problem| at_line(line, &problem))
    };
    numbered.map(entry).collect()
}

impl Questions {
    /// Reads a file of votes on these questions; empty lines are ignored.
    ///
    /// # Errors
    /// If a line is not a valid vote on these questions. The message names the line, the problem, and the remedy.
    pub fn votes(&self, text: &str) -> Result<Vec<Vote>, ClassError> {
        let mut votes = Vec::new();
        for ((line, _), entry) in numbered(text).zip(read_entries(text)?) {
            let Entry::Vote(vote) = entry else { continue };
            self.check(&vote).map_err(|problem| at_line(line, &problem))?;
            votes.push(vote);
        }
        Ok(votes)
    }

    /// Checks that a vote is valid, and answers one of these questions.
    ///
    /// # Errors
    /// If it is not, there is no such question, or the answer does not fit it: the problem and the remedy, in one
    /// sentence.
    pub fn check(&self, vote: &Vote) -> Result<(), String> {
        vote.check()?;
        let Some(question) = self.get(&vote.question) else {
            let ids = || self.question.iter().map(|question| question.id.as_str());
            let guess = near(&vote.question, ids()).map_or_else(
                || "give the questions file of this class".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            return Err(format!("no question is called `{}`; {guess}", shown(&vote.question)));
        };
        question.check(&vote.answer)
    }
}

impl Question {
    /// Checks that an answer fits this question.
    ///
    /// # Errors
    /// If it does not: the problem and the remedy, in one sentence.
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
                Err(format!("`{}` is not a choice of `{}`; choose one of {}", shown(id), self.id, self.choice_ids()))
            }
        }
    }

    fn choice_ids(&self) -> String {
        self.choices.iter().map(|choice| choice.id.as_str()).collect::<Vec<_>>().join(", ")
    }
}

impl Vote {
    /// Checks what does not depend on the question: the name, the answer, and the number of people.
    fn check(&self) -> Result<(), String> {
        name(&self.who)?;
        for (key, id) in [("id", &self.id), ("device", &self.device)] {
            id.as_deref().map_or(Ok(()), |id| check_id(key, id))?;
        }
        if !(1..=MAX_COUNT).contains(&self.count) {
            return Err(format!(
                "`count` is {}; give the number of people with this answer, 1 to {MAX_COUNT}",
                self.count
            ));
        }
        match &self.answer {
            Answer::Number(number) if !number.is_finite() => Err("the number is not finite; give a number".to_owned()),
            _ => Ok(()),
        }
    }

    fn check_turn(&self, question: &Question, votes: &[Vote], is_led: bool) -> Result<(), BallotError> {
        let who = &self.who;
        if self.count != 1 {
            let problem = format!("one person has one vote; count raised hands under the name `{HANDS}`");
            return Err(BallotError::Invalid(problem));
        }
        match (self.round, answer_of(who, question, Round::Before, votes).is_some()) {
            (Round::Before, true) => Err(BallotError::OutOfTurn(format!(
                "{who} has already predicted; if that was somebody else, add a letter to your name"
            ))),
            (Round::After, false) if !is_led => {
                Err(BallotError::OutOfTurn("predict first, with `\"round\":\"before\"`".to_owned()))
            }
            _ => Ok(()),
        }
    }
}

/// A problem with a line, which may quote what the line says.
fn at_line(line: usize, problem: &str) -> ClassError {
    ClassError::Vote { line, problem: problem.replace(text::is_hidden, " ") }
}

/// Returns the non-empty lines, each with its number, counted from 1.
fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line.trim())).filter(|(_, line)| !line.is_empty())
}

fn check_id(key: &str, id: &str) -> Result<(), String> {
    let is_good =
        (1..=MAX_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_good { Ok(()) } else { Err(format!("`{key}` must be 1 to {MAX_ID} letters, digits and `-`")) }
}

/// Reads a line: a step of the instructor has the key `step`, and everything else is a vote.
fn read(line: &str) -> Result<Entry, String> {
    #[derive(Deserialize)]
    struct Kind {
        step: Option<serde::de::IgnoredAny>,
    }
    let is_move = serde_json::from_str::<Kind>(line).is_ok_and(|kind| kind.step.is_some());
    if is_move {
        return serde_json::from_str(line).map(Entry::Move).map_err(|error| rejection(&error));
    }
    let vote: Vote = serde_json::from_str(line).map_err(|error| rejection(&error))?;
    vote.check()?;
    Ok(Entry::Vote(vote))
}

/// Returns serde's message without the position (each line is its own document) and with a remedy.
fn rejection(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    match error.classify() {
        serde_json::error::Category::Data if message.contains("untagged enum Answer") => {
            "the answer is neither the id of a choice in quotes nor a number; write one of them".to_owned()
        }
        serde_json::error::Category::Data => plain_message(message),
        _ => format!("this is not a vote ({message}); fix the line, or delete it"),
    }
}

/// Returns external text in a form that is short and visible enough for a message.
fn shown(text: &str) -> String {
    const MOST: usize = 40;
    let text: String = text.chars().map(|letter| if text::is_hidden(letter) { ' ' } else { letter }).collect();
    if text.chars().count() <= MOST { text } else { text.chars().take(MOST).collect::<String>() + "…" }
}

//! A vote as a page sends it, and whether it is one.

use feedlab_experiment::class::{Answer, HANDS, MAX_NAME, Question, Round, Vote};
use feedlab_feed::clock;
use feedlab_server::Refusal;
use serde::Deserialize;

/// The largest number that is taken for an answer.
const LARGEST: f64 = 1e15;

/// What a ballot looks like.
pub(crate) const EXAMPLE: &str =
    r#"{"question":"ID","round":"before" or "after","who":"NAME","answer":"CHOICE" or a number}"#;

/// A [`Vote`] without `at`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ballot {
    pub(crate) question: String,
    round: Round,
    who: String,
    answer: Answer,
    #[serde(default = "one")]
    count: u32,
}

const fn one() -> u32 {
    1
}

impl Ballot {
    /// The vote, if the question can be answered so and it is this person's turn.
    pub(crate) fn vote(self, question: &Question, votes: &[Vote]) -> Result<Vote, Refusal> {
        let who = name(&self.who)?.to_owned();
        let Self { round, answer, count, .. } = self;
        question.check(&answer).map_err(Refusal::bad_request)?;
        if matches!(answer, Answer::Number(number) if number.abs() > LARGEST) {
            return Err(Refusal::bad_request(format!("that is far too much; give a number of at most {LARGEST:e}")));
        }
        if who != HANDS {
            check_turn(&who, round, count, question, votes)?;
        }
        let vote = Vote { question: question.id.clone(), round, who, answer, count, at: clock::unix_us() };
        vote.check().map_err(Refusal::bad_request)?;
        Ok(vote)
    }
}

/// A name as it is kept: something that can be read on one line.
pub(crate) fn name(who: &str) -> Result<&str, Refusal> {
    let who = who.trim();
    let len = who.chars().count();
    if len == 0 {
        return Err(Refusal::bad_request("say who you are: `who` is empty"));
    }
    if len > MAX_NAME {
        return Err(Refusal::bad_request(format!("a name has at most {MAX_NAME} characters, and this one has {len}")));
    }
    if who.chars().any(char::is_control) {
        return Err(Refusal::bad_request("a name is one line of text"));
    }
    Ok(who)
}

/// A prediction is one before anything is shown, and stays; another answer may follow.
fn check_turn(who: &str, round: Round, count: u32, question: &Question, votes: &[Vote]) -> Result<(), Refusal> {
    if count != 1 {
        return Err(Refusal::bad_request(format!(
            "one person has one vote; raised hands are counted under the name `{HANDS}`"
        )));
    }
    match (round, has_predicted(who, &question.id, votes)) {
        (Round::Before, true) => Err(Refusal::conflict(format!(
            "{who} has predicted already; if that was somebody else, put a letter behind your name"
        ))),
        (Round::After, false) => Err(Refusal::conflict("predict first, with `\"round\":\"before\"`")),
        _ => Ok(()),
    }
}

/// Whether somebody has answered a question before anything was shown.
pub(crate) fn has_predicted(who: &str, question: &str, votes: &[Vote]) -> bool {
    votes.iter().any(|vote| vote.who == who && vote.question == question && vote.round == Round::Before)
}

//! A vote as a page sends it, and whether it is one.

use feedlab_experiment::class::{Answer, Question, Round, Vote};
use feedlab_feed::clock;
use serde::Deserialize;

use super::refusal::Refusal;

/// The longest name, characters.
const NAME: usize = 60;
/// The most hands that are counted at once.
const HANDS: u32 = 1000;
/// The largest number that is taken for an answer.
const LARGEST: f64 = 1e15;
/// How the names begin under which counted hands are kept: each choice has one, so that a count can be mended.
pub(crate) const HANDS_UP: &str = "hands: ";

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
        check_answer(question, &self.answer)?;
        if who.starts_with(HANDS_UP) {
            check_hands(&who, &self.answer, self.count)?;
        } else {
            check_turn(&who, self.round, self.count, question, votes)?;
        }
        let Self { round, answer, count, .. } = self;
        Ok(Vote { question: question.id.clone(), round, who, answer, count, at: clock::unix_us() })
    }
}

/// A name as it is kept: something that can be read on one line.
pub(crate) fn name(who: &str) -> Result<&str, Refusal> {
    let who = who.trim();
    let len = who.chars().count();
    if len == 0 {
        return Err(Refusal::bad_request("say who you are: `who` is empty"));
    }
    if len > NAME {
        return Err(Refusal::bad_request(format!("a name has at most {NAME} characters, and this one has {len}")));
    }
    if who.chars().any(char::is_control) {
        return Err(Refusal::bad_request("a name is one line of text"));
    }
    Ok(who)
}

fn check_answer(question: &Question, answer: &Answer) -> Result<(), Refusal> {
    match answer {
        Answer::Number(number) if question.choices.is_empty() => {
            let fits = number.is_finite() && number.abs() <= LARGEST;
            if fits {
                Ok(())
            } else {
                Err(Refusal::bad_request(format!("a number of at most {LARGEST:e} is expected")))
            }
        }
        Answer::Choice(choice) if question.choices.iter().any(|offered| offered.id == *choice) => Ok(()),
        _ if question.choices.is_empty() => {
            let unit = question.unit.as_deref().map(|unit| format!(" of {unit}")).unwrap_or_default();
            Err(Refusal::bad_request(format!("`{}` asks for a number{unit}", question.id)))
        }
        _ => {
            let choices: Vec<&str> = question.choices.iter().map(|choice| choice.id.as_str()).collect();
            Err(Refusal::bad_request(format!("`{}` may be answered with one of {}", question.id, choices.join(", "))))
        }
    }
}

fn check_hands(who: &str, answer: &Answer, count: u32) -> Result<(), Refusal> {
    let says = match answer {
        Answer::Choice(choice) => choice.clone(),
        Answer::Number(number) => number.to_string(),
    };
    if who.strip_prefix(HANDS_UP) != Some(says.as_str()) {
        return Err(Refusal::bad_request(format!("hands for `{says}` are counted under the name `{HANDS_UP}{says}`")));
    }
    if count > HANDS {
        return Err(Refusal::bad_request(format!("at most {HANDS} hands are counted at once")));
    }
    Ok(())
}

/// A prediction is one before anything is shown, and stays; another answer may follow.
fn check_turn(who: &str, round: Round, count: u32, question: &Question, votes: &[Vote]) -> Result<(), Refusal> {
    if count != 1 {
        return Err(Refusal::bad_request(format!(
            "one person has one vote; hands are counted under the name `{HANDS_UP}CHOICE`"
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

//! Votes: given, and shown to whoever has given theirs.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use feedlab_experiment::class::{Answer, Ballot, BallotError, Question, Round, Tally, Vote, answer_of, name};
use feedlab_feed::clock;
use feedlab_report::class::chart;
use feedlab_server::Rejection;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{blocking, read_json};
use crate::class::evidence::Found;
use crate::class::{ClassError, Inner};

/// `POST /workshop/votes`: a vote without `at`.
pub(crate) async fn vote(
    State(class): State<Arc<Inner>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Rejection> {
    let ballot: Ballot = read_json(&headers, &body, Ballot::EXAMPLE)?;
    let question = class.questions.get(&ballot.question).ok_or_else(|| no_such(&class, &ballot.question))?;
    let mut votes = class.votes();
    let said = votes.all().map_err(ClassError::from)?;
    let vote = ballot.vote(question, said, clock::unix_us()).map_err(|error| match error {
        BallotError::Invalid(problem) => Rejection::bad_request(problem),
        BallotError::OutOfTurn(problem) => Rejection::conflict(problem),
    })?;
    votes.add(&vote).map_err(ClassError::from)?;
    Ok((StatusCode::CREATED, Json(json!({ "question": vote.question, "round": vote.round, "who": vote.who }))))
}

/// Who asks, and for what.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    who: Option<String>,
    /// `all`: for the projector, whoever has voted.
    show: Option<String>,
    /// `hidden`: without what is known about the answer.
    answer: Option<String>,
}

/// What is told about a question.
#[derive(Debug, Serialize)]
pub(crate) struct Told {
    question: String,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    /// How many have answered, before and after.
    before: u32,
    after: u32,
    choices: Vec<Chosen>,
    /// What the one who asks has said.
    yours: Yours,
    /// What is known; absent while it is held back.
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<Found>,
    /// All of it as a picture.
    svg: String,
}

/// How many chose.
#[derive(Debug, Serialize)]
struct Chosen {
    id: String,
    text: String,
    before: u32,
    after: u32,
}

/// One person's answers.
#[derive(Debug, Serialize)]
struct Yours {
    before: Option<Answer>,
    after: Option<Answer>,
}

/// `GET /workshop/votes/QUESTION?who=NAME`: what the class says, and what came out.
pub(crate) async fn tally(
    State(class): State<Arc<Inner>>,
    Path(id): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Told>, Rejection> {
    let asked = read_query(asked)?;
    blocking(move || told(&class, &id, &asked)).await?.map(Json)
}

/// `GET /workshop/votes?who=NAME`: the questions that NAME has answered before anything was shown, and may see more of.
pub(crate) async fn predicted(
    State(class): State<Arc<Inner>>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Value>, Rejection> {
    let asked = read_query(asked)?;
    let who = name(asked.who.as_deref().unwrap_or_default()).map_err(Rejection::bad_request)?;
    let votes = class.said()?;
    let questions = class.questions.question.iter().filter(|question| has_predicted(who, question, &votes));
    let predicted: Vec<&String> = questions.map(|question| &question.id).collect();
    Ok(Json(json!({ "predicted": predicted })))
}

fn read_query(asked: Result<Query<Asked>, QueryRejection>) -> Result<Asked, Rejection> {
    asked.map(|Query(asked)| asked).map_err(|rejection| Rejection::bad_request(rejection.body_text()))
}

fn has_predicted(who: &str, question: &Question, votes: &[Vote]) -> bool {
    answer_of(who, question, Round::Before, votes).is_some()
}

fn told(class: &Inner, id: &str, asked: &Asked) -> Result<Told, Rejection> {
    let question = class.questions.get(id).ok_or_else(|| no_such(class, id))?;
    let votes = class.said()?;
    let who = asked.who.as_deref().map(name).transpose().map_err(Rejection::bad_request)?;
    let may_see = asked.show.as_deref() == Some("all") || who.is_some_and(|who| has_predicted(who, question, &votes));
    if !may_see {
        let message = "predict first: the class's votes and what came out are shown to those who have (`?who=NAME`)";
        return Err(Rejection::forbidden(message));
    }
    let is_open = asked.answer.as_deref() != Some("hidden");
    Ok(Told::of(question, &votes, who, is_open.then(|| class.evidence.of(question))))
}

impl Told {
    /// `known` is left out while it is held back.
    fn of(question: &Question, votes: &[Vote], who: Option<&str>, known: Option<Found>) -> Self {
        let (predicted, measured) = known.as_ref().map_or((None, None), |known| (known.predicted, known.measured));
        let asked = if known.is_some() { question } else { &without_answer(question) };
        let tally = Tally::of(asked, votes, measured);
        let says = |round| answer_of(who?, question, round, votes).cloned();
        let chosen = question.choices.iter().enumerate().map(|(place, choice)| Chosen {
            id: choice.id.clone(),
            text: choice.text.clone(),
            before: tally.before.choices[place],
            after: tally.after.choices[place],
        });
        Self {
            question: question.id.clone(),
            text: question.text.clone(),
            unit: question.unit.clone(),
            before: tally.before.people,
            after: tally.after.people,
            choices: chosen.collect(),
            yours: Yours { before: says(Round::Before), after: says(Round::After) },
            svg: chart(asked, &tally, predicted, measured),
            known,
        }
    }
}

/// The question as it looks while nobody is to see which choice is right.
fn without_answer(question: &Question) -> Question {
    let mut question = question.clone();
    for choice in &mut question.choices {
        choice.right = false;
    }
    question
}

fn no_such(class: &Inner, id: &str) -> Rejection {
    let ids: Vec<&str> = class.questions.question.iter().map(|question| question.id.as_str()).collect();
    let id: String = id.chars().take(100).collect();
    Rejection::not_found(format!("no chapter asks {id:?}; the questions are {}", ids.join(", ")))
}

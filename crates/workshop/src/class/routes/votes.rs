//! The routes for votes: cast one, and see the others after casting your own.

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
use crate::class::evidence::KnownAnswer;
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
    let earlier = votes.all().map_err(ClassError::from)?;
    let vote = ballot.vote(question, earlier, clock::unix_us()).map_err(|error| match error {
        BallotError::Invalid(problem) => Rejection::bad_request(problem),
        BallotError::OutOfTurn(problem) => Rejection::conflict(problem),
    })?;
    votes.add(&vote).map_err(ClassError::from)?;
    Ok((StatusCode::CREATED, Json(json!({ "question": vote.question, "round": vote.round, "who": vote.who }))))
}

/// The query for the results of a question.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct VotesQuery {
    /// The name of the person who asks.
    who: Option<String>,
    /// `all`: the projector shows the votes to everyone, even without a vote.
    show: Option<String>,
    /// `hidden`: the response does not contain the answer.
    answer: Option<String>,
}

/// The results of a question.
#[derive(Debug, Serialize)]
pub(crate) struct QuestionResults {
    question: String,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    /// How many people have answered in the first round.
    before: u32,
    /// How many people have answered in the second round.
    after: u32,
    choices: Vec<ChoiceCounts>,
    /// The answers of the person who asks.
    yours: Yours,
    /// What is known about the answer; absent while it is hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<KnownAnswer>,
    /// The chart, as SVG.
    svg: String,
}

/// How many people chose one choice, in each round.
#[derive(Debug, Serialize)]
struct ChoiceCounts {
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

/// `GET /workshop/votes/QUESTION?who=NAME`: the votes of the class, and the answer.
pub(crate) async fn tally(
    State(class): State<Arc<Inner>>,
    Path(id): Path<String>,
    query: Result<Query<VotesQuery>, QueryRejection>,
) -> Result<Json<QuestionResults>, Rejection> {
    let query = read_query(query)?;
    blocking(move || results(&class, &id, &query)).await?.map(Json)
}

/// `GET /workshop/votes?who=NAME`: the questions that NAME has predicted, and whose results NAME may see.
pub(crate) async fn predicted(
    State(class): State<Arc<Inner>>,
    query: Result<Query<VotesQuery>, QueryRejection>,
) -> Result<Json<Value>, Rejection> {
    let query = read_query(query)?;
    let who = name(query.who.as_deref().unwrap_or_default()).map_err(Rejection::bad_request)?;
    let votes = class.all_votes()?;
    let questions = class.questions.question.iter().filter(|question| has_predicted(who, question, &votes));
    let predicted: Vec<&String> = questions.map(|question| &question.id).collect();
    Ok(Json(json!({ "predicted": predicted })))
}

fn read_query(query: Result<Query<VotesQuery>, QueryRejection>) -> Result<VotesQuery, Rejection> {
    query.map(|Query(query)| query).map_err(|rejection| Rejection::bad_request(rejection.body_text()))
}

fn has_predicted(who: &str, question: &Question, votes: &[Vote]) -> bool {
    answer_of(who, question, Round::Before, votes).is_some()
}

fn results(class: &Inner, id: &str, query: &VotesQuery) -> Result<QuestionResults, Rejection> {
    let question = class.questions.get(id).ok_or_else(|| no_such(class, id))?;
    let votes = class.all_votes()?;
    let who = query.who.as_deref().map(name).transpose().map_err(Rejection::bad_request)?;
    let may_see = query.show.as_deref() == Some("all") || who.is_some_and(|who| has_predicted(who, question, &votes));
    if !may_see {
        let message = "predict first: the votes and the answer are shown only after your prediction (`?who=NAME`)";
        return Err(Rejection::forbidden(message));
    }
    let is_open = query.answer.as_deref() != Some("hidden");
    Ok(QuestionResults::of(question, &votes, who, is_open.then(|| class.evidence.answer_to(question))))
}

impl QuestionResults {
    /// Creates the results. `known` is `None` while the answer is hidden.
    fn of(question: &Question, votes: &[Vote], who: Option<&str>, known: Option<KnownAnswer>) -> Self {
        let (predicted, measured) = known.as_ref().map_or((None, None), |known| (known.predicted, known.measured));
        let shown = if known.is_some() { question } else { &without_answer(question) };
        let tally = Tally::of(shown, votes, measured);
        let answer = |round| answer_of(who?, question, round, votes).cloned();
        let chosen = question.choices.iter().enumerate().map(|(place, choice)| ChoiceCounts {
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
            yours: Yours { before: answer(Round::Before), after: answer(Round::After) },
            svg: chart(shown, &tally, predicted, measured),
            known,
        }
    }
}

/// Returns the question without the information which choice is right.
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
    Rejection::not_found(format!("no question {id:?}; the questions are {}", ids.join(", ")))
}

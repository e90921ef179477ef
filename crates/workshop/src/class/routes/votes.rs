//! Votes: given, and shown to whoever has given theirs.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use feedlab_server::Refusal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::class::ballot::{self, Ballot, has_predicted};
use crate::class::tally::{self, Tally};
use crate::class::{
    Inner,
    routes::{blocking, read_json},
};

/// `POST /workshop/votes`: a vote without `at`.
pub(crate) async fn vote(
    State(class): State<Arc<Inner>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let ballot: Ballot = read_json(&headers, body, ballot::EXAMPLE)?;
    let question = class.questions.get(&ballot.question).ok_or_else(|| no_such(&class, &ballot.question))?;
    let mut votes = class.votes();
    let vote = ballot.vote(question, votes.all()?)?;
    votes.add(&vote)?;
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

/// `GET /workshop/votes/QUESTION?who=NAME`: what the class says, and what came out.
pub(crate) async fn tally(
    State(class): State<Arc<Inner>>,
    Path(id): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Tally>, Refusal> {
    let asked = asked.map(|Query(asked)| asked).map_err(|rejection| Refusal::bad_request(rejection.body_text()))?;
    // Predictions are reckoned and results read: neither is for a thread that others wait for.
    blocking(move || told(&class, &id, &asked)).await?.map(Json)
}

/// `GET /workshop/votes?who=NAME`: the questions that NAME has answered before anything was shown, and may see more of.
pub(crate) async fn predicted(
    State(class): State<Arc<Inner>>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Value>, Refusal> {
    let asked = asked.map(|Query(asked)| asked).map_err(|rejection| Refusal::bad_request(rejection.body_text()))?;
    let who = ballot::name(asked.who.as_deref().unwrap_or_default())?;
    let mut votes = class.votes();
    let votes = votes.all()?;
    let questions = class.questions.question.iter().map(|question| &question.id);
    let predicted: Vec<&String> = questions.filter(|id| has_predicted(who, id, votes)).collect();
    Ok(Json(json!({ "predicted": predicted })))
}

fn told(class: &Inner, id: &str, asked: &Asked) -> Result<Tally, Refusal> {
    let question = class.questions.get(id).ok_or_else(|| no_such(class, id))?;
    let votes = class.votes().all()?.to_vec();
    let who = asked.who.as_deref().map(ballot::name).transpose()?;
    let may_see = asked.show.as_deref() == Some("all") || who.is_some_and(|who| has_predicted(who, id, &votes));
    if !may_see {
        let message = "predict first: the class's votes and what came out are shown to those who have (`?who=NAME`)";
        return Err(Refusal::forbidden(message));
    }
    let is_open = asked.answer.as_deref() != Some("hidden");
    let known = is_open.then(|| tally::known(question, &class.evidence));
    Ok(Tally::of(question, &votes, who, known))
}

fn no_such(class: &Inner, id: &str) -> Refusal {
    let ids: Vec<&str> = class.questions.question.iter().map(|question| question.id.as_str()).collect();
    let id: String = id.chars().take(100).collect();
    Refusal::not_found(format!("no chapter asks {id:?}; the questions are {}", ids.join(", ")))
}

//! The routes for votes: cast one, take those of another server, and see what the class may see.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use feedlab_experiment::class::{
    Answer, Ballot, BallotError, HANDS, Question, Round, Shown, Tally, Vote, answer_of, name,
};
use feedlab_feed::clock;
use feedlab_report::class::{Place, chart};
use feedlab_server::Rejection;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{blocking, read_json};
use crate::class::evidence::KnownAnswer;
use crate::class::{ClassError, Inner};
use crate::limits::MAX_FORWARDED_VOTES;

/// `POST /workshop/votes`: a vote without `at`. One with an `id` that is already there counts once.
pub(crate) async fn vote(
    State(class): State<Arc<Inner>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Rejection> {
    let mut ballot: Ballot = read_json(&headers, &body, Ballot::EXAMPLE)?;
    let question = class.questions.get(&ballot.question).ok_or_else(|| no_such(&class, &ballot.question))?;
    let mut votes = class.votes();
    let (lesson, now) = (votes.lesson().map_err(ClassError::from)?.clone(), clock::unix_us());
    if ballot.counts_hands() && class.needs_token(&lesson, now) {
        class.gate.require(&headers, peer.ip(), &format!("voting for several people, or as `{HANDS}`,"))?;
    }
    let earlier = votes.all().map_err(ClassError::from)?;
    if let Some(kept) = earlier.iter().find(|vote| ballot.id.is_some() && vote.id == ballot.id) {
        return Ok((StatusCode::OK, receipt(kept)));
    }
    if let Ok(typed) = name(&ballot.who) {
        ballot.who = class.people.name(typed, ballot.device.as_deref(), earlier);
    }
    let vote = ballot.vote_during(&lesson, question, earlier, now).map_err(|error| match error {
        BallotError::Invalid(problem) => Rejection::bad_request(problem),
        BallotError::OutOfTurn(problem) => Rejection::conflict(problem),
    })?;
    votes.add(&vote).map_err(ClassError::from)?;
    Ok((StatusCode::CREATED, receipt(&vote)))
}

fn receipt(vote: &Vote) -> Json<Value> {
    Json(json!({ "question": vote.question, "round": vote.round, "who": vote.who }))
}

/// Votes that a laptop with a server of its own has collected.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Forwarded {
    votes: Vec<Vote>,
}

/// `POST /workshop/votes/forwarded`: votes that were cast on another server, perhaps hours ago. Each must have an `id`,
/// so that one that is sent again counts once.
pub(crate) async fn take(
    State(class): State<Arc<Inner>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Rejection> {
    let Forwarded { votes: sent } = read_json(&headers, &body, r#"{"votes":[lines of a file of votes]}"#)?;
    if sent.len() > MAX_FORWARDED_VOTES {
        return Err(Rejection::bad_request(format!("send at most {MAX_FORWARDED_VOTES} votes at a time")));
    }
    let mut votes = class.votes();
    let (mut added, mut refused) = (0, Vec::new());
    for mut vote in sent {
        if let Err(problem) = may_forward(&class, &vote) {
            refused.push(problem);
            continue;
        }
        let earlier = votes.all().map_err(ClassError::from)?;
        if earlier.iter().any(|kept| kept.id == vote.id) {
            continue;
        }
        vote.who = class.people.name(&vote.who, vote.device.as_deref(), earlier);
        votes.add(&vote).map_err(ClassError::from)?;
        added += 1;
    }
    Ok(Json(json!({ "added": added, "refused": refused })))
}

fn may_forward(class: &Inner, vote: &Vote) -> Result<(), String> {
    class.questions.check(vote)?;
    match () {
        () if vote.id.is_none() => Err("a vote without an `id` could be counted twice".to_owned()),
        () if vote.count != 1 || vote.who == HANDS => Err("hands are counted where they are raised".to_owned()),
        () => Ok(()),
    }
}

/// The query for the results of a question.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct VotesQuery {
    /// The name of the person who asks, and their device.
    who: Option<String>,
    device: Option<String>,
    /// `all`: the projector shows the votes to everyone, even without a vote.
    show: Option<String>,
    /// `hidden`: the response does not contain the answer. `open`: somebody who reads alone has measured, or wants to
    /// know.
    answer: Option<String>,
    /// `narrow`: draws the chart for a phone, or for a column beside a text.
    width: Option<String>,
}

impl VotesQuery {
    fn place(&self) -> Place {
        if self.width.as_deref() == Some("narrow") { Place::Narrow } else { Place::Wide }
    }
}

/// The results of a question, as far as the class may see them.
#[derive(Debug, Serialize)]
pub(crate) struct QuestionResults {
    question: String,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    choices: Vec<ChoiceCounts>,
    /// The answers of the person who asks.
    yours: Yours,
    /// The votes; absent while they are hidden.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    counted: Option<Counted>,
    /// What is known about the answer; absent while it is hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<KnownAnswer>,
}

/// The votes on a question.
#[derive(Debug, Serialize)]
struct Counted {
    /// How many people have answered in the first round.
    before: u32,
    /// How many people have answered in the second round.
    after: u32,
    /// The chart, as SVG.
    svg: String,
}

/// How many people chose one choice, in each round.
#[derive(Debug, Serialize)]
struct ChoiceCounts {
    id: String,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<u32>,
}

/// One person's answers.
#[derive(Debug, Serialize)]
pub(crate) struct Yours {
    before: Option<Answer>,
    after: Option<Answer>,
}

impl Yours {
    /// The answers of `who` to a question.
    pub(crate) fn of(who: Option<&str>, question: &Question, votes: &[Vote]) -> Self {
        let answer = |round| answer_of(who?, question, round, votes).cloned();
        Self { before: answer(Round::Before), after: answer(Round::After) }
    }
}

/// `GET /workshop/votes/QUESTION?who=NAME`: what the class may see of a question.
pub(crate) async fn tally(
    State(class): State<Arc<Inner>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Path(id): Path<String>,
    query: Result<Query<VotesQuery>, QueryRejection>,
) -> Result<Json<QuestionResults>, Rejection> {
    let query = read_query(query)?;
    let is_instructor = class.gate.is_instructor(&headers, peer.ip())?;
    blocking(move || results(&class, &id, &query, is_instructor)).await?.map(Json)
}

/// `GET /workshop/votes?who=NAME`: the questions that NAME has predicted.
pub(crate) async fn predicted(
    State(class): State<Arc<Inner>>,
    query: Result<Query<VotesQuery>, QueryRejection>,
) -> Result<Json<Value>, Rejection> {
    let query = read_query(query)?;
    let who = name(query.who.as_deref().unwrap_or_default()).map_err(Rejection::bad_request)?;
    let votes = class.all_votes()?;
    let who = class.people.name(who, query.device.as_deref(), &votes);
    Ok(Json(json!({ "predicted": predicted_by(&class, &who, &votes) })))
}

/// Returns the questions that somebody has predicted.
pub(crate) fn predicted_by(class: &Inner, who: &str, votes: &[Vote]) -> Vec<String> {
    let questions = class.questions.question.iter().filter(|question| has_predicted(who, question, votes));
    questions.map(|question| question.id.clone()).collect()
}

fn read_query(query: Result<Query<VotesQuery>, QueryRejection>) -> Result<VotesQuery, Rejection> {
    query.map(|Query(query)| query).map_err(|rejection| Rejection::bad_request(rejection.body_text()))
}

fn has_predicted(who: &str, question: &Question, votes: &[Vote]) -> bool {
    answer_of(who, question, Round::Before, votes).is_some()
}

fn results(class: &Inner, id: &str, query: &VotesQuery, is_instructor: bool) -> Result<QuestionResults, Rejection> {
    let question = class.questions.get(id).ok_or_else(|| no_such(class, id))?;
    let votes = class.all_votes()?;
    let who = query.who.as_deref().map(name).transpose().map_err(Rejection::bad_request)?;
    let who = who.map(|who| class.people.name(who, query.device.as_deref(), &votes));
    let shown = shown(class, question, query, is_instructor, || {
        who.as_ref().is_some_and(|who| has_predicted(who, question, &votes))
    })?;
    let mut known = (shown == Shown::Answer).then(|| class.evidence.answer_to(question));
    if let (Some(known), Some(measured)) = (&mut known, &question.measured)
        && class.holds_back(&measured.scenario)?
    {
        known.report = None;
    }
    Ok(QuestionResults::of((question, &votes), who.as_deref(), shown, known, query.place()))
}

/// Decides what the person who asks may see: what the instructor shows, or alone, what they open after their
/// prediction.
fn shown(
    class: &Inner,
    question: &Question,
    query: &VotesQuery,
    is_instructor: bool,
    has_predicted: impl Fn() -> bool,
) -> Result<Shown, Rejection> {
    let (lesson, now) = class.lesson()?;
    let is_for_all = query.show.as_deref() == Some("all");
    let answer = query.answer.as_deref().unwrap_or_default();
    let most = if answer == "hidden" { Shown::Votes } else { Shown::Answer };
    match lesson.shown(&question.id, now) {
        _ if is_instructor && is_for_all => Ok(most),
        Some(Shown::Answer) => Ok(most),
        Some(shown) => Ok(shown),
        None if is_for_all && class.audience.is_open => Err(Rejection::forbidden(
            "the instructor shows the votes and the answer; open the class page with the token",
        )),
        None if is_for_all => Ok(most),
        None if has_predicted() => Ok(if answer == "open" { Shown::Answer } else { Shown::Nothing }),
        None => {
            let message = "predict first: the votes and the answer are shown only after your prediction (`?who=NAME`)";
            Err(Rejection::forbidden(message))
        }
    }
}

impl QuestionResults {
    /// Creates the results. `known` is `None` while the answer is hidden.
    fn of(
        (question, votes): (&Question, &[Vote]),
        who: Option<&str>,
        shown: Shown,
        known: Option<KnownAnswer>,
        place: Place,
    ) -> Self {
        let (predicted, measured) = known.as_ref().map_or((None, None), |known| (known.predicted, known.measured));
        let drawn = if known.is_some() { question } else { &without_answer(question) };
        let tally = Tally::of(drawn, votes, measured);
        let is_counted = shown != Shown::Nothing;
        let chosen = question.choices.iter().enumerate().map(|(place, choice)| ChoiceCounts {
            id: choice.id.clone(),
            text: choice.text.clone(),
            before: is_counted.then(|| tally.before.choices[place]),
            after: is_counted.then(|| tally.after.choices[place]),
        });
        let svg = || chart(drawn, &tally, predicted, measured, place);
        Self {
            question: question.id.clone(),
            text: question.text.clone(),
            unit: question.unit.clone(),
            choices: chosen.collect(),
            yours: Yours::of(who, question, votes),
            counted: is_counted.then(|| Counted { before: tally.before.people, after: tally.after.people, svg: svg() }),
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

pub(crate) fn no_such(class: &Inner, id: &str) -> Rejection {
    let ids: Vec<&str> = class.questions.question.iter().map(|question| question.id.as_str()).collect();
    let id: String = id.chars().take(100).collect();
    Rejection::not_found(format!("no question {id:?}; the questions are {}", ids.join(", ")))
}

//! The routes of the flow that an instructor leads: where the class is, who is here, and the next step.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use feedlab_experiment::class::{Move, Question, Round, Shown, Step, Tally, Vote, name};
use feedlab_feed::clock;
use feedlab_server::Rejection;
use serde::{Deserialize, Serialize};

use super::votes::{Yours, no_such, predicted_by};
use super::{blocking, read_json};
use crate::class::people::{Signal, Signals};
use crate::class::runs::State as RunState;
use crate::class::{ClassError, Inner};

/// Where the class is, as its pages show it.
#[derive(Debug, Serialize)]
pub(crate) struct ClassState {
    /// Whether somebody leads.
    led: bool,
    /// The current step, and when it began, µs of Unix time. Pages compare it to notice the next one.
    step: Option<Step>,
    at: u64,
    /// The question that the class is at, without its answer.
    question: Option<Asked>,
    /// The questions whose answers the class has seen.
    revealed: Vec<String>,
    /// How many are here.
    people: usize,
    /// Whether the person who asks may measure.
    may_run: bool,
    /// The person who asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    you: Option<You>,
    /// Only for the instructor: who is done, and who is stuck.
    #[serde(skip_serializing_if = "Option::is_none")]
    signals: Option<Signals>,
}

/// The question that the class is at.
#[derive(Debug, Serialize)]
struct Asked {
    id: String,
    chapter: String,
    text: String,
    unit: Option<String>,
    scenario: Option<String>,
    choices: Vec<Choice>,
    shown: Shown,
    round: Option<Round>,
    /// How many have voted in this round, or in the last one.
    voted: u32,
    yours: Yours,
    /// The measurement of this question's scenario, in the step that measures.
    run: Option<Measuring>,
}

#[derive(Debug, Serialize)]
struct Choice {
    id: String,
    text: String,
}

/// How far a measurement is. Its figures come with the answer.
#[derive(Debug, Serialize)]
struct Measuring {
    running: bool,
    progress: f64,
    message: String,
}

/// The person who asks.
#[derive(Debug, Serialize)]
struct You {
    /// The name under which they take part: the one that they typed, or with a number if somebody else has it.
    name: String,
    /// The questions that they have predicted.
    predicted: Vec<String>,
}

/// What a learner's page sends every few seconds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hello {
    who: String,
    device: String,
    #[serde(default)]
    signal: Signal,
}

/// `POST /workshop/class/hello`: a learner is here; where is the class?
pub(crate) async fn hello(
    State(class): State<Arc<Inner>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<ClassState>, Rejection> {
    let hello: Hello = read_json(&headers, &body, r#"{"who":"NAME","device":"ID","signal":"done"}"#)?;
    let device = Some(hello.device.as_str()).filter(|device| (8..=64).contains(&device.len()));
    let device = device.ok_or_else(|| Rejection::bad_request("`device` must have 8 to 64 characters"))?;
    let votes = class.all_votes()?;
    let who = if hello.who.trim().is_empty() {
        None
    } else {
        let typed = name(&hello.who).map_err(Rejection::bad_request)?;
        let name = class.people.name(typed, Some(device), &votes);
        class.people.note(device, &name, hello.signal);
        Some(name)
    };
    state(&class, &votes, who, false).map(Json)
}

/// `GET /workshop/class/state`: where the class is, for the projector and the instructor.
pub(crate) async fn look(
    State(class): State<Arc<Inner>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Result<Json<ClassState>, Rejection> {
    let is_instructor = class.gate.is_instructor(&headers, peer.ip())?;
    blocking(move || state(&class, &class.all_votes()?, None, is_instructor)).await?.map(Json)
}

/// The next step, as the class page sends it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Next {
    step: Step,
    #[serde(default)]
    question: Option<String>,
}

/// `POST /workshop/class/lead`: the instructor takes a step.
pub(crate) async fn lead(
    State(class): State<Arc<Inner>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<ClassState>, Rejection> {
    class.gate.require(&headers, peer.ip(), "leading the class")?;
    let Next { step, question } = read_json(&headers, &body, r#"{"step":"vote","question":"ID"}"#)?;
    let question = match question {
        Some(id) if step.has_question() => {
            Some(class.questions.get(&id).ok_or_else(|| no_such(&class, &id))?.id.clone())
        }
        None if step.has_question() => return Err(Rejection::bad_request("this step needs a `question`")),
        _ => None,
    };
    class.votes().lead(&Move { step, question, at: clock::unix_us() }).map_err(ClassError::from)?;
    state(&class, &class.all_votes()?, None, true).map(Json)
}

fn state(class: &Inner, votes: &[Vote], who: Option<String>, is_instructor: bool) -> Result<ClassState, Rejection> {
    let (lesson, now) = class.lesson()?;
    let current = lesson.current(now);
    let question = current.and_then(|current| class.questions.get(current.question.as_deref()?));
    Ok(ClassState {
        led: current.is_some(),
        step: current.map(|current| current.step),
        at: current.map_or(0, |current| current.at),
        question: question.zip(current).map(|(question, current)| Asked {
            shown: lesson.shown(&question.id, now).unwrap_or(Shown::Nothing),
            round: lesson.round(&question.id, now),
            ..Asked::of(class, question, current.step, votes, who.as_deref())
        }),
        revealed: lesson.revealed().iter().cloned().collect(),
        people: class.people.count(),
        may_run: is_instructor || !class.needs_token(&lesson, now),
        signals: is_instructor.then(|| class.people.signals()),
        you: who.map(|name| You { predicted: predicted_by(class, &name, votes), name }),
    })
}

impl Asked {
    fn of(class: &Inner, question: &Question, step: Step, votes: &[Vote], who: Option<&str>) -> Self {
        let tally = Tally::of(question, votes, None);
        let scenario = question.measured.as_ref().map(|measured| measured.scenario.clone());
        let is_second = matches!(step, Step::Again | Step::Run | Step::Reveal);
        let run = scenario.as_ref().filter(|_| step == Step::Run).and_then(|scenario| class.runs.last_of(scenario));
        let choice =
            |choice: &feedlab_experiment::class::Choice| Choice { id: choice.id.clone(), text: choice.text.clone() };
        Self {
            id: question.id.clone(),
            chapter: question.chapter.clone(),
            text: question.text.clone(),
            unit: question.unit.clone(),
            choices: question.choices.iter().map(choice).collect(),
            shown: Shown::Nothing,
            round: None,
            voted: if is_second { tally.after.people } else { tally.before.people },
            yours: Yours::of(who, question, votes),
            run: run.map(|run| Measuring {
                running: run.state == RunState::Running,
                progress: run.progress(),
                message: run.message,
            }),
            scenario,
        }
    }
}

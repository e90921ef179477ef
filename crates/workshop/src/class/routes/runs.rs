//! The routes for measurements: start one, follow its progress, and read its results.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use feedlab_experiment::class::{Question, name};
use feedlab_server::Rejection;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::class::evidence::report;
use crate::class::routes::{blocking, read_json};
use crate::class::runs::{Run, State as RunState};
use crate::class::{ClassError, Inner};
use crate::limits::MAX_RUN_FILE_BYTES;

/// An example of a request, for error messages.
const EXAMPLE: &str = r#"{"scenario":"scenarios/workshop/NAME.toml","who":"NAME"}; `who` is optional"#;

/// The request to measure a scenario, with the name of the person who requests it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    scenario: String,
    #[serde(default)]
    who: Option<String>,
}

/// `POST /workshop/runs`. In a class, only its instructor measures: there is one machine, and one run at a time.
pub(crate) async fn start(
    State(class): State<Arc<Inner>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Rejection> {
    let (lesson, now) = class.lesson()?;
    if class.needs_token(&lesson, now) {
        class.gate.require(&headers, peer.ip(), "measuring on the class's machine")?;
    }
    let order: Order = read_json(&headers, &body, EXAMPLE)?;
    let who = order.who.as_deref().map_or(Ok("somebody"), name).map_err(Rejection::bad_request)?.to_owned();
    let (inner, path) = (class.clone(), order.scenario.clone());
    let scenario = blocking(move || inner.evidence.scenario(&path)).await?.map_err(Rejection::not_found)?;
    let id = class.runs.start(&order.scenario, &scenario, &who)?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": id.to_string() }))))
}

/// The state of a run.
#[derive(Debug, Serialize)]
pub(crate) struct Progress {
    id: String,
    scenario: String,
    state: &'static str,
    /// The share of the planned duration that has passed, from 0 to 1.
    progress: f64,
    message: String,
    results: Vec<Outcome>,
    /// The URL of the report, relative to `/workshop/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<String>,
}

/// The results for one question.
#[derive(Debug, Serialize)]
struct Outcome {
    question: String,
    predicted: Option<f64>,
    measured: Option<f64>,
    from: Option<String>,
}

/// `GET /workshop/runs/ID`.
pub(crate) async fn progress(
    State(class): State<Arc<Inner>>,
    Path(id): Path<String>,
) -> Result<Json<Progress>, Rejection> {
    let run = id.parse().ok().and_then(|id| class.runs.get(id)).ok_or_else(|| no_such(&id))?;
    Ok(Json(blocking(move || progress_of(&class, run)).await??))
}

/// The query for a scenario.
#[derive(Debug, Deserialize)]
pub(crate) struct ScenarioQuery {
    scenario: String,
}

/// `GET /workshop/runs?scenario=PATH`: the last run that the class requested, and the URL of the newest results.
pub(crate) async fn of_scenario(
    State(class): State<Arc<Inner>>,
    query: Result<Query<ScenarioQuery>, QueryRejection>,
) -> Result<Json<Value>, Rejection> {
    let Query(ScenarioQuery { scenario }) = query.map_err(|_| {
        Rejection::bad_request("name the scenario, for example `?scenario=scenarios/workshop/NAME.toml`")
    })?;
    blocking(move || {
        let bundled = class.evidence.scenario(&scenario).map_err(Rejection::not_found)?;
        let newest = if class.holds_back(&scenario)? { None } else { class.evidence.results(&bundled) };
        let newest = newest.map(|run| json!({ "from": run.from, "report": report(&run.id) }));
        let last = class.runs.last_of(&scenario).map(|run| progress_of(&class, run)).transpose()?;
        Ok(Json(json!({ "last": last, "newest": newest })))
    })
    .await?
}

/// Returns how far a run is; its results and its report are absent while the instructor holds them back.
fn progress_of(class: &Inner, run: Run) -> Result<Progress, ClassError> {
    let is_shown = run.state != RunState::Running && !class.holds_back(&run.scenario)?;
    let questions = class.questions.question.iter().filter(|question| {
        is_shown && question.measured.as_ref().is_some_and(|measured| measured.scenario == run.scenario)
    });
    let outcome = |question: &Question| {
        let known = class.evidence.answer_to(question);
        Outcome {
            question: question.id.clone(),
            predicted: known.predicted,
            measured: known.measured,
            from: known.from,
        }
    };
    Ok(Progress {
        id: run.id.to_string(),
        state: match run.state {
            RunState::Running => "running",
            RunState::Done(_) => "done",
            RunState::Failed => "failed",
        },
        progress: run.progress(),
        results: questions.map(outcome).collect(),
        report: (is_shown && matches!(run.state, RunState::Done(_))).then(|| report(&run.id.to_string())),
        scenario: run.scenario,
        message: run.message,
    })
}

type Head = [(HeaderName, String); 2];

/// The content security policy of a run's files: of all scripts, only that of a report runs. A report that another
/// version wrote has a different one, and is only read.
fn policy() -> String {
    let script = feedlab_report::SCRIPT_SOURCE;
    format!("default-src 'none'; style-src 'unsafe-inline'; script-src {script}; frame-ancestors 'self'")
}

/// `GET /workshop/runs/ID/report.html`, and the charts and figures next to it. `ID` is the id of a run that was
/// requested here, the name of a results folder, or `recorded-NAME`. Their addresses can be guessed, so they are held
/// back like the answers.
pub(crate) async fn file(
    State(class): State<Arc<Inner>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Path((id, file)): Path<(String, String)>,
) -> Result<(Head, Vec<u8>), Rejection> {
    let media_type = match file.strip_prefix("charts/") {
        Some(chart) if is_plain(chart) && chart.ends_with(".svg") => "image/svg+xml",
        None if file == "report.html" => "text/html; charset=utf-8",
        None if file == "summary.json" => "application/json",
        _ => {
            return Err(Rejection::not_found(
                "not found; the files of a run are report.html, summary.json and charts/NAME.svg",
            ));
        }
    };
    let is_instructor = class.gate.is_instructor(&headers, peer.ip())?;
    let (inner, run) = (class.clone(), id.clone());
    if blocking(move || is_held(&inner, &run)).await?? && !is_instructor {
        return Err(Rejection::forbidden("this run answers a question of the class; the instructor reveals it"));
    }
    let bytes = blocking(move || read(&class, &id, &file).ok_or_else(|| no_such(&id))).await??;
    Ok(([(header::CONTENT_TYPE, media_type.to_owned()), (header::CONTENT_SECURITY_POLICY, policy())], bytes))
}

/// Whether a run's files answer a question that the instructor has not revealed yet.
fn is_held(class: &Inner, id: &str) -> Result<bool, ClassError> {
    let requested = id.parse().ok().and_then(|id| class.runs.get(id));
    let run = requested.as_ref().map_or(id, |run| &run.scenario);
    Ok(class.held_scenarios()?.into_iter().any(|scenario| class.evidence.may_be_run_of(run, scenario)))
}

fn read(class: &Inner, id: &str, file: &str) -> Option<Vec<u8>> {
    let path = folder(class, id)?.join(file);
    let fits = std::fs::metadata(&path).is_ok_and(|meta| meta.is_file() && meta.len() <= MAX_RUN_FILE_BYTES);
    fits.then(|| std::fs::read(path).ok())?
}

fn folder(class: &Inner, id: &str) -> Option<PathBuf> {
    if let Some(name) = id.strip_prefix("recorded-") {
        return is_plain(name).then(|| class.evidence.recorded(name))?;
    }
    let folder = match id.parse().ok().and_then(|id| class.runs.get(id)) {
        Some(Run { state: RunState::Done(folder), .. }) => folder,
        Some(_) => return None,
        None => id.to_owned(),
    };
    is_plain(&folder).then(|| class.runs.out().join(folder))
}

/// Whether a name can only refer to an entry of its own folder.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0'])
}

fn no_such(id: &str) -> Rejection {
    let id: String = id.chars().take(100).collect();
    Rejection::not_found(format!("run {id:?} has no results here; it may still be in progress, or have failed"))
}

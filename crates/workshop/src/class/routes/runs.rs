//! Measurements: started, followed, and what they leave.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use feedlab_experiment::class::{Question, name};
use feedlab_server::Rejection;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::class::Inner;
use crate::class::evidence::report;
use crate::class::routes::{blocking, read_json};
use crate::class::runs::{Run, State as RunState};
use crate::limits::MAX_RUN_FILE_BYTES;

/// What an order looks like.
const EXAMPLE: &str = r#"{"scenario":"scenarios/workshop/NAME.toml","who":"NAME"}, `who` may be left out"#;

/// What is to be measured, and who waits for it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    scenario: String,
    #[serde(default)]
    who: Option<String>,
}

/// `POST /workshop/runs`.
pub(crate) async fn start(
    State(class): State<Arc<Inner>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Rejection> {
    let order: Order = read_json(&headers, &body, EXAMPLE)?;
    let who = order.who.as_deref().map_or(Ok("somebody"), name).map_err(Rejection::bad_request)?.to_owned();
    let (asked, path) = (class.clone(), order.scenario.clone());
    let known = blocking(move || asked.evidence.known(&path)).await?.map_err(Rejection::not_found)?;
    let id = class.runs.start(&order.scenario, &known, &who)?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": id.to_string() }))))
}

/// How a run stands.
#[derive(Debug, Serialize)]
pub(crate) struct Progress {
    id: String,
    scenario: String,
    state: &'static str,
    progress: f64,
    message: String,
    results: Vec<Outcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<String>,
}

/// What came out for a question.
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
    blocking(move || told(&class, run)).await.map(Json)
}

/// Which scenario is asked for.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    scenario: String,
}

/// `GET /workshop/runs?scenario=PATH`: the last run that the class asked for, and where the newest results are.
pub(crate) async fn of_scenario(
    State(class): State<Arc<Inner>>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Value>, Rejection> {
    let Query(Asked { scenario }) =
        asked.map_err(|_| Rejection::bad_request("say which: `?scenario=scenarios/workshop/NAME.toml`"))?;
    blocking(move || {
        let known = class.evidence.known(&scenario).map_err(Rejection::not_found)?;
        let found = class.evidence.run(&known);
        let newest = found.map(|run| json!({ "from": run.from, "report": report(&run.id) }));
        let last = class.runs.last_of(&scenario).map(|run| told(&class, run));
        Ok(Json(json!({ "last": last, "newest": newest })))
    })
    .await?
}

fn told(class: &Inner, run: Run) -> Progress {
    let is_done = run.state != RunState::Running;
    let of_it = class.questions.question.iter().filter(|question| {
        is_done && question.measured.as_ref().is_some_and(|measured| measured.scenario == run.scenario)
    });
    let outcome = |question: &Question| {
        let known = class.evidence.of(question);
        Outcome {
            question: question.id.clone(),
            predicted: known.predicted,
            measured: known.measured,
            from: known.from,
        }
    };
    Progress {
        id: run.id.to_string(),
        state: match run.state {
            RunState::Running => "running",
            RunState::Done(_) => "done",
            RunState::Failed => "failed",
        },
        progress: run.progress(),
        results: of_it.map(outcome).collect(),
        report: matches!(run.state, RunState::Done(_)).then(|| report(&run.id.to_string())),
        scenario: run.scenario,
        message: run.message,
    }
}

type Head = [(HeaderName, &'static str); 2];

/// `GET /workshop/runs/ID/report.html`, and the charts and figures beside it. `ID` is that of a run that was asked for here,
/// the name of a results folder, or `recorded-NAME`.
pub(crate) async fn file(
    State(class): State<Arc<Inner>>,
    Path((id, file)): Path<(String, String)>,
) -> Result<(Head, Vec<u8>), Rejection> {
    let media_type = match file.strip_prefix("charts/") {
        Some(chart) if is_plain(chart) && chart.ends_with(".svg") => "image/svg+xml",
        None if file == "report.html" => "text/html; charset=utf-8",
        None if file == "summary.json" => "application/json",
        _ => return Err(Rejection::not_found("of a run there are report.html, summary.json and charts/NAME.svg here")),
    };
    let bytes = blocking(move || read(&class, &id, &file).ok_or_else(|| no_such(&id))).await??;
    let sealed = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'";
    Ok(([(header::CONTENT_TYPE, media_type), (header::CONTENT_SECURITY_POLICY, sealed)], bytes))
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

/// Whether a name leads nowhere but to an entry of its folder.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0'])
}

fn no_such(id: &str) -> Rejection {
    let id: String = id.chars().take(100).collect();
    Rejection::not_found(format!("no run {id:?} has left anything here; it may still go on, or have failed"))
}

//! What the server reports about itself: `/stats` for programs and people, `/metrics` for Prometheus.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderName, StatusCode, header};
use feedlab_feed::clock;
use feedlab_feed::process::Usage;
use feedlab_feed::stats::Stats;
use serde::Deserialize;
use tokio::runtime::Handle;

use crate::app::App;
use crate::broker::Broker;
use crate::rejection::Rejection;

mod exposition;

#[derive(Debug, Deserialize)]
pub(crate) struct Question {
    before: Option<u64>,
}

type NoStore = [(HeaderName, &'static str); 1];
const NO_STORE: NoStore = [(header::CACHE_CONTROL, "no-store")];

type JsonType = [(HeaderName, &'static str); 1];
const JSON_TYPE: JsonType = [(header::CONTENT_TYPE, "application/json")];

/// `GET /stats`, and `GET /stats?before=T` to ask for the last update due before T. The JSON is indented: people read it
/// too.
pub(crate) async fn stats(
    State(app): State<Arc<App>>,
    question: Result<Query<Question>, QueryRejection>,
) -> Result<(NoStore, JsonType, String), Rejection> {
    let Query(Question { before }) = question.map_err(|error| Rejection::bad_request(error.body_text()))?;
    let text = serde_json::to_string_pretty(&collect(app, before).await?);
    let failed =
        |error| Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, format!("cannot write the figures: {error}"));
    Ok((NO_STORE, JSON_TYPE, text.map_err(failed)? + "\n"))
}

/// Collects the figures. Asking the kernel about every connection takes a while if there are many, so it does not run
/// on a worker that others wait for.
pub(crate) async fn collect(app: Arc<App>, before: Option<u64>) -> Result<Stats, Rejection> {
    let tasks = Handle::current().metrics().num_alive_tasks() as u64;
    let stats = tokio::task::spawn_blocking(move || {
        let (endpoints, connections) = app.meters.stats();
        Stats {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            instance: app.instance,
            at: clock::unix_us(),
            feed: app.hub.stats(before, app.meters.waiting()),
            connections,
            endpoints,
            process: Usage::now(),
            tasks,
        }
    });
    stats.await.map_err(|_| Rejection::new(StatusCode::SERVICE_UNAVAILABLE, "the server is shutting down"))
}

/// `GET /healthz`: whether this server can deliver new updates. A server that has lost the broker of its feed keeps its
/// clients, but should not get others.
pub(crate) async fn health(State(app): State<Arc<App>>) -> (NoStore, Result<&'static str, Rejection>) {
    let lost = app.hub.broker().map(Broker::state).filter(|state| !state.connected);
    let health = lost.map_or(Ok("ok\n"), |state| {
        let seconds = clock::unix_us().saturating_sub(state.since) / 1_000_000;
        Err(Rejection::unavailable(format!(
            "the broker has been lost for {seconds} s; clients stay connected, and get what they miss later"
        )))
    });
    (NO_STORE, health)
}

/// `GET /metrics`: the text format of Prometheus, version 0.0.4.
pub(crate) async fn metrics(
    State(app): State<Arc<App>>,
) -> Result<([(HeaderName, &'static str); 1], String), Rejection> {
    let stats = collect(app, None).await?;
    Ok(([(header::CONTENT_TYPE, exposition::CONTENT_TYPE)], exposition::text(&stats)))
}

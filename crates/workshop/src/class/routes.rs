//! The workshop's addresses, and what a request that changes something must be: of a page of this server, short, and JSON.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{get, post};
use feedlab_feed::access::{self, MAX_ORDER_BYTES};
use feedlab_server::Refusal;
use serde::de::DeserializeOwned;

use super::Inner;

mod pages;
mod runs;
mod votes;

/// All of them, below `/workshop`.
pub(crate) fn router(class: Arc<Inner>) -> Router {
    Router::new()
        .route("/workshop", get(pages::index))
        .route("/workshop/", get(pages::index))
        .route("/workshop/{chapter}", get(pages::chapter))
        .route("/workshop/source/{*path}", get(pages::source))
        .route("/workshop/page/{name}", get(pages::file))
        .route("/workshop/class", get(pages::projector))
        .route("/workshop/votes", post(votes::vote).get(votes::predicted))
        .route("/workshop/votes/{question}", get(votes::tally))
        .route("/workshop/runs", post(runs::start).get(runs::of_scenario))
        .route("/workshop/runs/{id}", get(runs::progress))
        .route("/workshop/runs/{id}/{*file}", get(runs::file))
        .layer(DefaultBodyLimit::max(MAX_ORDER_BYTES))
        .with_state(class)
}

/// Reads the JSON of a request that changes something.
fn read_json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
    example: &str,
) -> Result<T, Refusal> {
    check_origin(headers)?;
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send it as `Content-Type: application/json`"));
    }
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a request has at most {MAX_ORDER_BYTES} bytes"))
        }
        status => Refusal::new(status, "the request ended before its body did"),
    })?;
    serde_json::from_slice(&body).map_err(|error| Refusal::bad_request(format!("{error}; expected {example}")))
}

/// Refuses pages of another origin, and names that a stranger could have pointed at this machine (DNS rebinding).
fn check_origin(headers: &HeaderMap) -> Result<(), Refusal> {
    let host = access::host(headers).unwrap_or_default();
    if !access::is_this_network(host) {
        return Err(Refusal::forbidden(format!(
            "this server does not go by the name {host:?}; use its address, as in http://127.0.0.1:8080"
        )));
    }
    if access::is_same_origin(headers) {
        return Ok(());
    }
    Err(Refusal::forbidden("pages of another origin may not do that; open the workshop's own page"))
}

/// Does what takes its time, as to read results and to reckon predictions, where nobody else waits for the thread.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
    let failed = |_| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "it failed; look at the server's log");
    tokio::task::spawn_blocking(work).await.map_err(failed)
}

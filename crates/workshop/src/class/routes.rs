//! The workshop's routes: all below `/workshop`, except the short address to join. A request that changes something must
//! be JSON. The server checks that it comes from a page of this server, and limits its time and size.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{get, post};
use feedlab_feed::wire;
use feedlab_server::Rejection;
use serde::de::DeserializeOwned;

use super::Inner;

mod lead;
mod pages;
mod projector;
mod runs;
mod votes;

/// Returns all routes.
pub(crate) fn router(class: Arc<Inner>) -> Router {
    Router::new()
        .route("/workshop", get(pages::index))
        .route("/workshop/", get(pages::index))
        .route("/workshop/{chapter}", get(pages::chapter))
        .route("/workshop/source/{*path}", get(pages::source))
        .route("/workshop/page/{name}", get(pages::file))
        .route("/join", get(projector::join))
        .route("/workshop/class", get(projector::class))
        .route("/workshop/class/state", get(lead::look))
        .route("/workshop/class/hello", post(lead::hello))
        .route("/workshop/class/lead", post(lead::lead))
        .route("/workshop/votes", post(votes::vote).get(votes::predicted))
        .route("/workshop/votes/forwarded", post(votes::take))
        .route("/workshop/votes/{question}", get(votes::tally))
        .route("/workshop/runs", post(runs::start).get(runs::of_scenario))
        .route("/workshop/runs/{id}", get(runs::progress))
        .route("/workshop/runs/{id}/{*file}", get(runs::file))
        .with_state(class)
}

/// Parses the JSON body of a request that changes something.
fn read_json<T: DeserializeOwned>(headers: &HeaderMap, body: &Bytes, example: &str) -> Result<T, Rejection> {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(Rejection::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "send the body as `Content-Type: application/json`",
        ));
    }
    wire::object(body).map_err(|error| Rejection::bad_request(format!("{error}; expected {example}")))
}

/// Runs slow work, like reading results and calculating predictions, on a thread that may block.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Rejection> {
    let failed = |_| Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, "the request failed; see the server's log");
    tokio::task::spawn_blocking(work).await.map_err(failed)
}

//! The workshop's addresses.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use super::{Inner, guard};

mod pages;
mod projector;
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
        .route("/workshop/class", get(projector::show))
        .route("/workshop/votes", post(votes::vote).get(votes::predicted))
        .route("/workshop/votes/{question}", get(votes::tally))
        .route("/workshop/runs", post(runs::start).get(runs::of_scenario))
        .route("/workshop/runs/{id}", get(runs::progress))
        .route("/workshop/runs/{id}/{*file}", get(runs::file))
        .layer(DefaultBodyLimit::max(guard::MAX_BODY))
        .with_state(class)
}

//! Exercise 3, `long-poll-handler`: respond as soon as there is news, and miss none.
//!
//! **Build** an axum handler for `GET /feed/long-poll?after=N&hold_ms=M` (RFC 6202, section 2).
//!
//! - If there are updates after N, respond with them at once: `200`, `{"updates":[…],"next":M}` with the last number as
//!   `next`.
//! - If there are none, wait until there are. After the hold, respond with `204` and no body. No hold is longer than
//!   [`MAX_HOLD`], whatever was asked for.
//! - Every publication wakes all handlers. A handler that finds nothing after its cursor keeps waiting.
//! - No response may be cached: `Cache-Control: no-store`.
//! - **Nothing falls into the gap**: an update can be published at any moment, even between a look and a wait.
//!
//! **Both halves in feedlab**: `crates/server/src/transport/long_polling.rs` (`news_after`, and `Hub::announced` in
//! `crates/server/src/hub.rs`) and `crates/loadgen/src/transport/long_polling.rs`.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use feedlab_exercises::feed::Feed;
use serde::Deserialize;
use serde_json::json;
use tokio::time::timeout;

/// The longest hold.
pub const MAX_HOLD: Duration = Duration::from_secs(60);

/// The query parameters.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Ask {
    /// The cursor: the number of the last update that the client received.
    pub after: u64,
    /// How long the request may be held, ms.
    pub hold_ms: u64,
}

/// Handles `GET /feed/long-poll`.
pub async fn long_poll(State(feed): State<Arc<Feed>>, Query(ask): Query<Ask>) -> Response {
    // Your turn: this looks, and then waits. What if the update is published between the two lines?
    let mut updates = feed.after(ask.after);
    if updates.is_empty() {
        let hold = Duration::from_millis(ask.hold_ms);
        let _ = timeout(hold, feed.subscribe().changed()).await;
        updates = feed.after(ask.after);
    }
    let headers = [(header::CACHE_CONTROL, "no-store")];
    match updates.last() {
        Some(next) => (headers, Json(json!({ "updates": updates, "next": next }))).into_response(),
        None => (StatusCode::NO_CONTENT, headers).into_response(),
    }
}

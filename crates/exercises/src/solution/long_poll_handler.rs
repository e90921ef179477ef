//! Exercise 3, `long-poll-handler`, solved: subscribe first, look afterwards.
//!
//! In this order, an update before the look is seen by the look, and one after it wakes the handler. In the other
//! order, an update between the two is neither seen nor heard, and its client waits for the whole hold although the
//! update exists. That is rare under load and never happens in a demonstration, which is why it is found so late.

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

/// Handles `GET /feed/long-poll`. When a client goes away, axum drops this future, and the subscription with it: there
/// is nothing to clean up.
pub async fn long_poll(State(feed): State<Arc<Feed>>, Query(ask): Query<Ask>) -> Response {
    let hold = Duration::from_millis(ask.hold_ms).min(MAX_HOLD);
    // One timeout around everything, so that a wake-up without news does not restart the hold.
    let updates = timeout(hold, news_after(&feed, ask.after)).await.unwrap_or_default();
    let headers = [(header::CACHE_CONTROL, "no-store")];
    match updates.last() {
        Some(next) => (headers, Json(json!({ "updates": updates, "next": next }))).into_response(),
        None => (StatusCode::NO_CONTENT, headers).into_response(),
    }
}

/// Returns the updates after the cursor as soon as there are any; nothing if the feed has ended.
async fn news_after(feed: &Feed, cursor: u64) -> Vec<u64> {
    let mut news = feed.subscribe();
    loop {
        let updates = feed.after(cursor);
        // In a loop, because a wake-up means "look again", not "here it is".
        if !updates.is_empty() || news.changed().await.is_err() {
            return updates;
        }
    }
}

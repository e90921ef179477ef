//! Exercise 3, `long-poll-handler`, solved: subscribe first, look afterwards.
//!
//! In this order an update that comes before the look is seen by the look, and one that comes after it wakes. In the other
//! order one that comes between the two is neither seen nor heard, and its client waits for the whole hold, beside an update
//! that is there. Under load that is rare, and in a demonstration it never happens, which is why it is found so late.

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

/// No request is held longer.
pub const MAX_HOLD: Duration = Duration::from_secs(60);

/// The query.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Ask {
    /// The cursor.
    pub after: u64,
    /// How long the request may be held, ms.
    pub hold_ms: u64,
}

/// `GET /feed/long-poll`. A client that goes away drops this future, and with it the subscription: nothing to clean up.
pub async fn long_poll(State(feed): State<Arc<Feed>>, Query(ask): Query<Ask>) -> Response {
    let hold = Duration::from_millis(ask.hold_ms).min(MAX_HOLD);
    // One timeout around everything: a wake for nothing does not begin the hold again.
    let updates = timeout(hold, news_after(&feed, ask.after)).await.unwrap_or_default();
    let headers = [(header::CACHE_CONTROL, "no-store")];
    match updates.last() {
        Some(next) => (headers, Json(json!({ "updates": updates, "next": next }))).into_response(),
        None => (StatusCode::NO_CONTENT, headers).into_response(),
    }
}

/// What follows the cursor, as soon as something does; nothing if the feed has ended.
async fn news_after(feed: &Feed, cursor: u64) -> Vec<u64> {
    let mut news = feed.subscribe();
    loop {
        let updates = feed.after(cursor);
        // In a loop, because a wake says "look again" and not "here it is".
        if !updates.is_empty() || news.changed().await.is_err() {
            return updates;
        }
    }
}

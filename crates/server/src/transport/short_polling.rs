//! Short polling: `GET /feed/poll?after=N` answers immediately, with or without updates.
//!
//! The response for a URL changes only when the feed's head does, so the head is its entity tag: a client that sends it
//! back in `If-None-Match` gets a `304` without a body while nothing is new (RFC 9110, sections 13.1.2 and 15.4.5). A
//! client with a cursor of another epoch gets a reset, whatever its tag.
//!
//! Most requests do not come here: a shard reads those of the usual form, and `direct.rs` answers them in the same way.
//!
//! The path of one update through this server:
//!
//! ```text
//! feed/src/source.rs          makes it, and says when it is due
//! publisher.rs                sleeps until then, on its own thread
//! hub.rs                      gives it its `seq` and its time, and announces it to the shards
//! ring.rs                     keeps it for all clients
//! socket.rs                   receives the request, and counts its bytes
//! fanout/poller.rs            reads it (over TLS wire.rs and http1.rs)
//! direct.rs                   answers one of the usual form: takes what follows the cursor from the ring, or 304
//! http1.rs                    parses the head of any other; on HTTP/2 http2.rs
//! routes.rs                   routes it to its endpoint
//! transport/short_polling.rs  takes what follows the cursor from the ring, or answers 304
//! entry.rs                    encodes it as JSON, once
//! feed/src/wire/poll.rs       joins the JSON of the updates to a body
//! transport.rs                counts it; for any other request, makes a response, which http1.rs or http2.rs writes
//! wire.rs                     into TLS, if there is TLS
//! socket.rs                   one `write`, its bytes counted
//! ```

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use feedlab_feed::wire::poll;

use super::{Ask, News, poll_answer};
use crate::app::App;
use crate::fields;
use crate::hub::Position;
use crate::limits::BROKER_PATIENCE;
use crate::meter::Endpoint;
use crate::rejection::Rejection;

// The request.

pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Extension(endpoint): Extension<Arc<Endpoint>>,
    query: Result<Query<Ask>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Rejection> {
    let Position { seq, reset } = app.hub.position(Ask::of(query)?.cursor()?);
    let asked = tokio::time::timeout(BROKER_PATIENCE, app.hub.all_in_history_after(seq));
    let batch =
        asked.await.map_err(|_| Rejection::unavailable("the broker that stores these updates does not respond"))?;
    let etag = poll::etag(app.hub.cursor(batch.next()));
    let validators = [(header::ETAG, etag.clone()), (header::CACHE_CONTROL, poll::SHORT_CACHE_CONTROL.to_owned())];
    if reset.is_none() && is_known(&headers, &etag) {
        endpoint.requests_empty.add(1);
        return Ok((StatusCode::NOT_MODIFIED, validators).into_response());
    }
    Ok(poll_answer(&app, &endpoint, News { batch, reset }, validators))
}

// The answer.

/// Whether `If-None-Match` contains the tag.
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    fields::list(headers, &header::IF_NONE_MATCH).any(|tag| names(tag, etag))
}

/// Whether a member of `If-None-Match` is the tag, compared weakly, or `*`.
pub(crate) fn names(member: &str, etag: &str) -> bool {
    member == "*" || member.strip_prefix("W/").unwrap_or(member) == etag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_none_match_is_a_list_compared_weakly() {
        for (sent, known) in [
            ("\"a-7\"", true),
            ("W/\"a-7\"", true),
            ("\"x\", \"a-7\"", true),
            ("*", true),
            ("\"a-8\"", false),
            ("a-7", false),
        ] {
            let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, sent.parse().unwrap())]);
            assert_eq!(is_known(&headers, "\"a-7\""), known, "{sent}");
        }
    }
}

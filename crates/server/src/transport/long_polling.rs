//! Long polling: `GET /feed/long-poll?after=N&hold=25s` answers when there is an update, or when the hold ends (RFC
//! 6202, section 2).
//!
//! Nothing is lost between two requests, because the client sends its cursor and the ring keeps the updates in between.
//! A client that has no cursor and does not want to wait (`?hold=0s`) gets a cursor to start from, so that nothing is
//! lost before its first real request either. A cursor of another epoch is answered immediately. When a client
//! disconnects, this future is dropped, and with it its entry in the list of waiting connections.
//!
//! The path of one update through this server:
//!
//! ```text
//! feed/src/source.rs         makes it, and says when it is due
//! publisher.rs               sleeps until then, on its own thread
//! hub.rs                     gives it its `seq` and its time
//! ring.rs                    keeps it for all clients
//! entry.rs                   encodes it, once for each encoding
//! feed.rs                    one task announces it, no more often than `coalesce` allows
//! subscribers.rs             wakes the waiting connections
//! transport/long_polling.rs  a held request (socket.rs, wire.rs, http1.rs, routes.rs) takes it from the ring
//! feed/src/wire/poll.rs      joins the JSON of the updates to a body
//! transport.rs               counts it, and makes a response of it
//! http1.rs                   writes the response; on HTTP/2 http2.rs, frame by frame
//! wire.rs                    into TLS, if there is TLS
//! socket.rs                  one `write`, its bytes counted
//! ```

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use feedlab_feed::settings::duration;
use feedlab_feed::wire::poll;

use super::{Ask, News, poll_answer};
use crate::app::App;
use crate::handover::Exchange;
use crate::hub::Position;
use crate::meter::Endpoint;
use crate::rejection::Rejection;
use crate::subscribers::Signals;

/// The hold of a request that does not name one.
const DEFAULT_HOLD: Duration = Duration::from_secs(25);

// The request.

pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Extension(exchange): Extension<Exchange>,
    Extension(endpoint): Extension<Arc<Endpoint>>,
    query: Result<Query<Ask>, QueryRejection>,
) -> Result<Response, Rejection> {
    let ask = Ask::of(query)?;
    let cursor = ask.cursor()?;
    let position = app.hub.position(cursor);
    let hold = ask.hold.as_deref().map_or(Ok(DEFAULT_HOLD), parse_hold)?.min(app.config.settings.max_hold);
    if hold.is_zero() && cursor.is_none() {
        return Ok(answer(
            &app,
            &endpoint,
            Some(News { batch: app.hub.all_in_history_after(position.seq).await, reset: None }),
        ));
    }
    let held = endpoint.enter();
    // A client that has closed its side is answered immediately: it is most likely gone, and would otherwise stay in
    // the list until the hold ends.
    let news = tokio::select! {
        biased;
        news = tokio::time::timeout(hold, news_after(&app, position)) => news.ok().flatten(),
        () = exchange.ended() => None,
    };
    drop(held);
    Ok(answer(&app, &endpoint, news))
}

/// Parses `25s`, `500ms`, `1m`, or a plain number of seconds.
fn parse_hold(text: &str) -> Result<Duration, Rejection> {
    let seconds = text.parse().ok().map(Duration::from_secs);
    seconds.or_else(|| duration::parse_fine(text)).ok_or_else(|| {
        let text: String = text.chars().take(40).collect();
        Rejection::bad_request(format!("`hold` must be a time such as 25s or 500ms; got `{text}`"))
    })
}

// The answer.

/// Returns what follows the client's position, as soon as there is something; `None` if the server shuts down first.
/// The history limits existing updates, not those published while the request waits.
async fn news_after(app: &App, Position { seq, reset }: Position) -> Option<News> {
    let subscription = app.subscribers.join();
    let mut signals = subscription.signals().await; // the first signals are pending immediately
    let mut batch = app.hub.all_in_history_after(seq).await;
    while reset.is_none() && batch.gap.is_none() && batch.entries.is_empty() {
        if signals.has(Signals::CLOSING) {
            return None;
        }
        signals = subscription.signals().await;
        batch = app.hub.all_after(seq).await;
    }
    Some(News { batch, reset })
}

fn answer(app: &App, endpoint: &Arc<Endpoint>, news: Option<News>) -> Response {
    let headers = [(header::CACHE_CONTROL, poll::LONG_CACHE_CONTROL.to_owned())];
    match news {
        Some(news) => poll_answer(app, endpoint, news, headers),
        None => {
            endpoint.requests_empty.add(1);
            (StatusCode::NO_CONTENT, headers).into_response()
        }
    }
}

//! Long polling: `GET /feed/long-poll?after=N&hold=25s` answers when there is an update, or when the hold ends (RFC
//! 6202, section 2).
//!
//! Nothing is lost between two requests, because the client sends its cursor and the ring keeps the updates in between.
//! A client that has no cursor and does not want to wait (`?hold=0s`) gets a cursor to start from, so that nothing is
//! lost before its first real request either. A cursor of another epoch is answered immediately.
//!
//! Most requests do not come here: a shard holds those of the usual form, and `direct.rs` answers them. Any other is a
//! future, which is dropped when its client disconnects, and with it its place among those that wait.
//!
//! The path of one update through this server:
//!
//! ```text
//! feed/src/source.rs         makes it, and says when it is due
//! publisher.rs               sleeps until then, on its own thread
//! hub.rs                     gives it its `seq` and its time, and announces it to the shards
//! ring.rs                    keeps it for all clients
//! feed.rs                    with `coalesce`, announces it in place of hub.rs, together with those that follow
//! fanout/shard.rs            a thread that makes a pass over its connections
//! fanout/poller.rs           is one that holds a request of the usual form, and now gets its answer
//! direct.rs                  takes the update from the ring, for all with the same cursor
//! transport/long_polling.rs  any other held request (wire.rs, http1.rs, routes.rs) takes it for itself
//! entry.rs                   encodes it as JSON, once
//! feed/src/wire/poll.rs      joins the JSON of the updates to a body
//! transport.rs               counts it; for any other request, makes a response of it
//! http1.rs                   writes that response; on HTTP/2 http2.rs, frame by frame
//! wire.rs                    into TLS, if there is TLS
//! socket.rs                  one `write`, its bytes counted
//! ```

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use feedlab_feed::Cursor;
use feedlab_feed::settings::{Settings, duration};
use feedlab_feed::wire::poll;

use super::{Ask, News, poll_answer};
use crate::app::App;
use crate::handover::Exchange;
use crate::hub::Position;
use crate::meter::Endpoint;
use crate::rejection::Rejection;

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
    let hold = hold(ask.hold.as_deref().map(hold_asked).transpose()?, &app.config.settings);
    if wants_cursor(hold, cursor) {
        return Ok(answer(
            &app,
            &endpoint,
            Some(News { batch: app.hub.all_in_history_after(position.seq).await, reset: None }),
        ));
    }
    let held = endpoint.enter();
    // A client that has closed its side is answered immediately: it is most likely gone, and would otherwise be held
    // until the hold ends.
    let news = tokio::select! {
        biased;
        news = tokio::time::timeout(hold, news_after(&app, position)) => news.ok(),
        () = exchange.ended() => None,
        () = app.closing.cancelled() => None,
    };
    drop(held);
    Ok(answer(&app, &endpoint, news))
}

fn hold_asked(text: &str) -> Result<Duration, Rejection> {
    parse_hold(text).ok_or_else(|| {
        let text: String = text.chars().take(40).collect();
        Rejection::bad_request(format!("`hold` must be a time such as 25s or 500ms; got `{text}`"))
    })
}

/// Parses `25s`, `500ms`, `1m`, or a plain number of seconds.
pub(crate) fn parse_hold(text: &str) -> Option<Duration> {
    let seconds = text.parse().ok().map(Duration::from_secs);
    seconds.or_else(|| duration::parse_fine(text))
}

/// How long a request is held that asks for a time, or for none.
pub(crate) fn hold(asked: Option<Duration>, settings: &Settings) -> Duration {
    asked.unwrap_or(DEFAULT_HOLD).min(settings.max_hold)
}

/// Whether a request wants a cursor to start from, and nothing else.
pub(crate) const fn wants_cursor(hold: Duration, cursor: Option<Cursor>) -> bool {
    hold.is_zero() && cursor.is_none()
}

// The answer.

/// Returns what follows the client's position, as soon as there is something.
/// The history limits existing updates, not those published while the request waits.
async fn news_after(app: &App, Position { seq, reset }: Position) -> News {
    let mut news = News { batch: app.hub.all_in_history_after(seq).await, reset };
    while news.is_empty() {
        let announced = app.hub.announced();
        // After the future exists: what is published between a look and a wait would otherwise be missed.
        news.batch = app.hub.all_after(seq).await;
        if news.is_empty() {
            announced.await;
        }
    }
    news
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

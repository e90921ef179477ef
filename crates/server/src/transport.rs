//! The four endpoints, one file each, with the same sections: the request, the answer, and for the streams their
//! framing.

pub(crate) mod long_polling;
pub(crate) mod short_polling;
pub(crate) mod sse;
mod updates;
pub(crate) mod websocket;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, Query, Request, State};
use axum::http::{HeaderName, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use feedlab_feed::wire::poll;
use feedlab_feed::{Cursor, Reset, Transport};
use serde::Deserialize;

pub(crate) use updates::Room;
use updates::Updates;

use crate::app::App;
use crate::handover::Exchange;
use crate::meter::Endpoint;
use crate::rejection::Rejection;
use crate::ring::Batch;

/// Counts a request for an endpoint, and the bytes of its connection.
pub(crate) async fn enter(
    State(transport): State<Transport>,
    Extension(exchange): Extension<Exchange>,
    mut request: Request,
    next: Next,
) -> Response {
    let endpoint = exchange.meter().count_for(transport).clone();
    request.extensions_mut().insert(endpoint.clone());
    let response = next.run(request).await;
    endpoint.requests.add(1);
    response
}

/// The query parameters of a feed request.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Ask {
    after: Option<String>,
    hold: Option<String>,
}

impl Ask {
    pub(crate) fn of(query: Result<Query<Self>, axum::extract::rejection::QueryRejection>) -> Result<Self, Rejection> {
        query.map(|Query(ask)| ask).map_err(|error| Rejection::bad_request(error.body_text()))
    }

    /// The cursor, if there is one.
    fn cursor(&self) -> Result<Option<Cursor>, Rejection> {
        self.after.as_deref().map(|after| parse_cursor("after", after)).transpose()
    }
}

fn parse_cursor(name: &str, text: &str) -> Result<Cursor, Rejection> {
    text.parse().map_err(|error| {
        let text: String = text.chars().take(40).collect();
        Rejection::bad_request(format!("`{name}` must be your cursor: {error}; got `{text}`"))
    })
}

/// The contents of a poll's response.
struct News {
    batch: Batch,
    reset: Option<Reset>,
}

/// Returns the response of both polling endpoints.
fn poll_answer(
    app: &App,
    endpoint: &Arc<Endpoint>,
    News { batch, reset }: News,
    headers: impl IntoIterator<Item = (HeaderName, String)>,
) -> Response {
    endpoint.updates.add(batch.entries.len() as u64);
    endpoint.gaps.add(u64::from(batch.gap.is_some()));
    endpoint.resets.add(u64::from(reset.is_some()));
    endpoint.requests_empty.add(u64::from(batch.entries.is_empty()));
    endpoint.payload_bytes.add(batch.entries.iter().map(|entry| entry.update.data.len() as u64).sum());
    let closing = poll::closing(app.hub.cursor(batch.next()), batch.gap, reset);
    let body = Updates::new(batch, closing, (&app.hub, endpoint));
    endpoint.body_bytes.add(body.len() as u64);
    let room = body.room();
    let mut response = ([(header::CONTENT_TYPE, poll::CONTENT_TYPE)], Body::new(body)).into_response();
    if let Some(room) = room {
        response.extensions_mut().insert(room);
    }
    for (name, value) in headers {
        response.headers_mut().extend(value.parse().map(|value| (name, value)));
    }
    response
}

//! The four endpoints, one file each, with the same sections: the request, the answer, and for the streams their
//! framing.

pub(crate) mod long_polling;
pub(crate) mod short_polling;
pub(crate) mod sse;
mod updates;
pub(crate) mod websocket;

use std::ops::AddAssign;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, Query, Request, State};
use axum::http::{HeaderName, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use feedlab_feed::wire::poll;
use feedlab_feed::{Cursor, Reset, Transport};
use serde::Deserialize;

pub(crate) use updates::{Room, Updates};

use crate::app::App;
use crate::handover::Exchange;
use crate::hub::Hub;
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
pub(crate) struct News {
    pub(crate) batch: Batch,
    pub(crate) reset: Option<Reset>,
}

impl News {
    /// Whether a long poll goes on waiting.
    pub(crate) fn is_empty(&self) -> bool {
        self.reset.is_none() && self.batch.gap.is_none() && self.batch.entries.is_empty()
    }

    /// Returns the body, after the head that `head` writes for its length, and what it counts.
    pub(crate) fn into_body(
        self,
        hub: &Arc<Hub>,
        endpoint: &Arc<Endpoint>,
        head: impl FnOnce(usize) -> Vec<u8>,
    ) -> (Updates, Tally) {
        let Self { batch, reset } = self;
        let mut tally = Tally::of(&batch, reset);
        let closing = poll::closing(hub.cursor(batch.next()), batch.gap, reset);
        let counted = |len| {
            tally.body_bytes = len as u64;
            head(len)
        };
        let body = Updates::after_head(counted, batch, closing, (hub, endpoint));
        (body, tally)
    }
}

/// What answers add to the counters of their endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) requests: u64,
    pub(crate) requests_empty: u64,
    pub(crate) updates: u64,
    pub(crate) gaps: u64,
    pub(crate) resets: u64,
    pub(crate) payload_bytes: u64,
    pub(crate) body_bytes: u64,
}

impl Tally {
    fn of(batch: &Batch, reset: Option<Reset>) -> Self {
        Self {
            requests_empty: u64::from(batch.entries.is_empty()),
            updates: batch.entries.len() as u64,
            gaps: u64::from(batch.gap.is_some()),
            resets: u64::from(reset.is_some()),
            payload_bytes: batch.entries.iter().map(|entry| entry.update.data.len() as u64).sum(),
            ..Self::default()
        }
    }

    /// Adds it to the endpoint.
    pub(crate) fn settle(self, endpoint: &Endpoint) {
        endpoint.requests.add(self.requests);
        endpoint.requests_empty.add(self.requests_empty);
        endpoint.updates.add(self.updates);
        endpoint.gaps.add(self.gaps);
        endpoint.resets.add(self.resets);
        endpoint.payload_bytes.add(self.payload_bytes);
        endpoint.body_bytes.add(self.body_bytes);
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.requests += other.requests;
        self.requests_empty += other.requests_empty;
        self.updates += other.updates;
        self.gaps += other.gaps;
        self.resets += other.resets;
        self.payload_bytes += other.payload_bytes;
        self.body_bytes += other.body_bytes;
    }
}

/// Returns the response of both polling endpoints.
fn poll_answer(
    app: &App,
    endpoint: &Arc<Endpoint>,
    news: News,
    headers: impl IntoIterator<Item = (HeaderName, String)>,
) -> Response {
    let (body, tally) = news.into_body(&app.hub, endpoint, |_| Vec::new());
    tally.settle(endpoint);
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

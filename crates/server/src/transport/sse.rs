//! Server-Sent Events: `GET /feed/sse` answers with a stream that does not end (WHATWG HTML, section 9.2).
//!
//! The path of one update through this server:
//!
//! ```text
//! feed/src/source.rs    makes it, and says when it is due
//! publisher.rs          sleeps until then, on its own thread
//! hub.rs                gives it its `seq` and its time, and announces it to the shards
//! ring.rs               keeps it for all clients
//! feed.rs               with `coalesce`, announces it in place of hub.rs, together with those that follow
//! fanout/shard.rs       a thread that makes a pass over its streams, with all that was published meanwhile
//! fanout/pass.rs        asks for its bytes at the first stream, and adds up what is sent of them
//! entry.rs              encodes it, once for each encoding
//! transport/sse.rs      says which: an event, with or without the framing of an HTTP chunk
//! feed/src/wire/sse.rs  whose bytes all streams share
//! push.rs               is one stream: it sends them, or takes what it missed from the ring
//! wire.rs               into TLS or an HTTP/2 stream, if the client uses that
//! socket.rs             one `write`, its bytes counted
//! ```

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, Version};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use feedlab_feed::stream::BEATS;
use feedlab_feed::wire::sse;
use feedlab_feed::{Cursor, Gap, Reset};

use super::{Ask, parse_cursor};
use crate::app::App;
use crate::entry::Encoding;
use crate::fields;
use crate::handover::Exchange;
use crate::meter::Endpoint;
use crate::push::{CloseReason, Framing, Outbox, Quiet, Start};
use crate::rejection::Rejection;

// The request.

pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Extension(exchange): Extension<Exchange>,
    Extension(endpoint): Extension<Arc<Endpoint>>,
    query: Result<Query<Ask>, QueryRejection>,
    version: Version,
    headers: HeaderMap,
) -> Result<Response, Rejection> {
    if !fields::accepts(&headers, "text/event-stream") {
        return Err(Rejection::new(StatusCode::NOT_ACCEPTABLE, "this is a text/event-stream; `Accept` excludes it"));
    }
    let position = app.hub.position(cursor(&Ask::of(query)?, &headers)?);
    let framing = Events::new(version == Version::HTTP_11, app.config.settings.retry);
    Ok(head(&exchange, Start::new(&app, framing, position, endpoint)))
}

/// Returns the client's cursor. `Last-Event-ID` takes precedence over `?after`: a browser reconnects to the URL that it
/// first used.
fn cursor(ask: &Ask, headers: &HeaderMap) -> Result<Option<Cursor>, Rejection> {
    match fields::single(headers, &HeaderName::from_static(sse::LAST_EVENT_ID))?.filter(|id| !id.is_empty()) {
        Some(id) => parse_cursor("Last-Event-ID", id).map(Some),
        None => ask.cursor(),
    }
}

// The answer.

fn head(exchange: &Exchange, start: Start) -> Response {
    (sse::HEADERS, exchange.hand_over(start)).into_response()
}

// The framing.

/// Events, one HTTP chunk each. HTTP/2 has its own frames, and an HTTP/1.0 client (an old proxy) knows no chunks: both
/// get the same bytes without the chunk's.
#[derive(Clone, Copy)]
pub(crate) struct Events {
    chunked: bool,
    retry_ms: u32,
}

impl Events {
    pub(crate) fn new(chunked: bool, retry: Duration) -> Self {
        Self { chunked, retry_ms: u32::try_from(retry.as_millis()).unwrap_or(u32::MAX) }
    }

    fn retry(self) -> Duration {
        Duration::from_millis(self.retry_ms.into())
    }

    /// Returns a chunk in the form that this client reads.
    fn piece(self, chunk: Bytes) -> Bytes {
        if self.chunked { chunk } else { sse::unchunked(&chunk) }
    }
}

impl Framing for Events {
    fn encoding(&self) -> Encoding {
        if self.chunked { Encoding::Chunk } else { Encoding::Event }
    }

    fn hello(&self, cursor: Cursor) -> Bytes {
        self.piece(sse::chunk(sse::greeting(cursor, self.retry()).as_bytes()))
    }

    /// The client's cursor changes with the event, and not before: a client that is cut off before it reconnects with
    /// its old cursor.
    fn reset(&self, reset: Reset) -> Bytes {
        self.piece(sse::chunk([sse::retry(self.retry()), sse::reset_event(reset)].concat().as_bytes()))
    }

    fn gap(&self, gap: Gap, resume: Cursor) -> Bytes {
        self.piece(sse::chunk(sse::gap_event(gap, resume).as_bytes()))
    }

    /// A comment, when a proxy might consider the stream dead. It gets no answer, so a client that is gone is noticed
    /// only when its socket accepts no more.
    fn beat(&mut self, quiet: Quiet) -> io::Result<Option<Bytes>> {
        Ok((quiet.written >= BEATS).then(|| self.piece(sse::chunk(sse::KEEPALIVE.as_bytes()))))
    }

    /// Ignores the bytes: a client does not send anything on an event stream.
    fn received(&mut self, bytes: &mut &[u8], _: &mut Outbox) -> ControlFlow<()> {
        *bytes = &[];
        ControlFlow::Continue(())
    }

    /// A server that shuts down spreads its clients with a `retry:` for each. A client whose stream reaches its maximum
    /// age reconnects after the time that it got at the start: those ends are already spread.
    fn close_message(&self, why: CloseReason) -> Bytes {
        if why == CloseReason::MaxAge {
            return if self.chunked { Bytes::from_static(sse::LAST_CHUNK) } else { Bytes::new() };
        }
        let spread = rand::random_range(Duration::ZERO..=sse::RETRY_SPREAD * self.retry());
        let retry = self.piece(sse::chunk(sse::retry(self.retry() + spread).as_bytes()));
        if self.chunked { [&retry[..], sse::LAST_CHUNK].concat().into() } else { retry }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_without_chunks_gets_the_bare_event() {
        let chunk = sse::chunk(b"data: x\n\n");
        let events = |chunked| Events::new(chunked, Duration::ZERO);
        assert_eq!(events(false).piece(chunk.clone()), "data: x\n\n");
        assert_eq!(events(true).piece(chunk), "9\r\ndata: x\n\n\r\n");
    }
}

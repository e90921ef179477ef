//! Server-Sent Events: one response that never ends, read as the WHATWG HTML standard requires (section 9.2).
//!
//! After a network error or the end of the stream, the client reconnects after the reconnection time. A 204, any other
//! status except 200, or another content type closes the client permanently. Works with any event stream: the last
//! event id is a string.
//!
//! The path of one update through this client:
//!
//! ```text
//! transport/http.rs             has requested the stream
//! transport/dial.rs             the connection, opened before or for this request
//! transport/gate.rs             let hyper read its head, and no further
//! transport/http/taken_over.rs  the rest of the connection; on HTTP/2, a stream of it, in transport/http/h2.rs
//! transport/stream.rs           reads its bytes, decrypted if there is TLS
//! transport/buffer.rs           into the one buffer of the worker thread
//! transport/http/framing.rs     takes the content out of the chunked coding
//! transport/sse.rs              the chunk has arrived
//! feed/src/wire/sse.rs          joins the lines to events, and keeps the last event id
//! transport/stamp.rs            its place in the feed, parsed once for the clients of the thread
//! observer.rs                   what a client reports: the update, and when it arrived
//! client_observer.rs            receives the report for a client of the fleet
//! audit.rs                      whether the update is new, ahead of a hole, late or a duplicate
//! recorder.rs                   its age, into the histogram of the worker thread
//! worker.rs                     hands over the ages of every second
//! ```

use std::pin::pin;
use std::time::Duration;

use feedlab_experiment::clients::SSE_JITTER;
use feedlab_experiment::headers::EVENT_STREAM;
use feedlab_experiment::record::Failure;
use feedlab_experiment::scenario::ReconnectPolicy;
use feedlab_feed::wire::RawUpdate;
use feedlab_feed::wire::sse::{CONTENT_TYPE, Event, LAST_EVENT_ID, Parser};
use feedlab_feed::{Cursor, clock};
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE as CONTENT_TYPE_HEADER, HeaderValue};
use hyper::http::response::Parts;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::http::{ANSWER_TIMEOUT, Connections, Http};
use super::leave::until_told;
use super::{Client, set, stamp};
use crate::backoff::{Backoff, pause};
use crate::churn::Churn;
use crate::observer::{ClientError, Observer};

/// How a client reads the stream.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The reconnection time until the stream sets one. The standard suggests "a few seconds".
    pub reconnection: Duration,
    /// The largest share of the reconnection time that is added at random, so that a fleet does not return in step. Not
    /// used if the client's reconnect policy has no jitter.
    pub jitter: f64,
    /// Whether to pass events on as they are, without parsing them as updates. The stream then need not be a feedlab
    /// server's.
    pub raw_events: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { reconnection: Duration::from_secs(3), jitter: SSE_JITTER, raw_events: false }
    }
}

/// Reads the stream until `stop` is cancelled or the server ends it permanently.
pub fn run<'a>(
    client: Client,
    options: Options,
    observer: &'a mut dyn Observer,
    stop: &'a CancellationToken,
) -> impl Future<Output = ()> + use<'a> {
    let mut http = Http::new(&client, Connections::Streamed);
    for own in EVENT_STREAM {
        set(http.headers_mut(), own);
    }
    let parser = client.after.map_or_else(Parser::default, resume);
    let Client { url: endpoint, reconnect, churn, rng, .. } = client;
    let backoff = Backoff::new(reconnect);
    let connector = Box::new(Connector { http, endpoint, options, reconnect, backoff, churn, rng, sends_id: false });
    let mut streamer = Streamer { parser, connector };
    async move {
        until_told(stop, pin!(streamer.run(observer))).await;
    }
}

struct Streamer {
    /// Keeps the last event id and the reconnection time from one connection to the next.
    parser: Parser,
    /// On the heap, so that the memory that an update needs is not spread over what only a connect needs.
    connector: Box<Connector>,
}

/// What the client connects with.
struct Connector {
    http: Http,
    endpoint: Url,
    options: Options,
    reconnect: ReconnectPolicy,
    backoff: Backoff,
    churn: Churn,
    rng: ChaCha8Rng,
    /// Whether the last request had the last event id.
    sends_id: bool,
}

/// Who ended a stream that ended without an error.
enum EndedBy {
    Server,
    Client,
}

impl Streamer {
    async fn run(&mut self, observer: &mut dyn Observer) {
        loop {
            let error = match self.session(observer).await {
                Ok(EndedBy::Server) => ClientError::new(Failure::Closed, "the server ended the stream"),
                Ok(EndedBy::Client) => {
                    self.connector.http.leave();
                    observer.left();
                    continue;
                }
                Err(error) => error,
            };
            observer.failure(&error);
            if error.failure == Failure::GaveUp {
                return;
            }
            let reconnection = self.reconnection();
            let Connector { backoff, rng, .. } = &mut *self.connector;
            pause(backoff.delay_beyond(reconnection, rng), observer).await;
        }
    }

    /// Opens a stream and reads it to its end.
    async fn session(&mut self, observer: &mut dyn Observer) -> Result<EndedBy, ClientError> {
        self.set_last_event_id();
        let Self { parser, connector } = self;
        let Connector { http, endpoint, options, backoff, churn, .. } = &mut **connector;
        let raw = options.raw_events;
        let mut url = endpoint.clone();
        observer.requested(&mut url);
        // Boxed, so that an open stream does not keep the memory of the request's future.
        let request = http.get(&url, ANSWER_TIMEOUT, observer);
        let (head, mut body) = Box::pin(request).await?;
        check(&head)?;
        observer.served(clock::unix_us());
        // The head's values are slices of a read buffer of 8 KiB, which they would keep allocated.
        drop(head);
        backoff.reset();
        parser.reconnect();
        let mut end = churn.end().reached();
        let mut has_place = false;
        loop {
            let Some(chunk) = end.before(|cx| body.poll_chunk(cx)).await else { return Ok(EndedBy::Client) };
            let Some(chunk) = chunk.transpose()? else { return Ok(EndedBy::Server) };
            let received_at_us = clock::unix_us();
            observer.alive();
            let deliver = |event: &Event| deliver(event, raw, received_at_us, observer);
            parser.read(&chunk, deliver).map_err(|error| ClientError::new(Failure::Malformed, error))?;
            if !has_place && let Ok(cursor) = parser.last_event_id().parse() {
                has_place = true;
                observer.placed(cursor);
            }
        }
    }

    /// Makes the next request resume from the last event.
    fn set_last_event_id(&mut self) {
        let Connector { http, reconnect, sends_id, .. } = &mut *self.connector;
        // The id is text from the stream. Characters beyond ASCII are sent as UTF-8 bytes, as browsers do.
        let id = Some(self.parser.last_event_id()).filter(|id| !id.is_empty() && reconnect.with_cursor);
        match id.and_then(|id| HeaderValue::from_bytes(id.as_bytes()).ok()) {
            Some(id) => {
                http.headers_mut().insert(LAST_EVENT_ID, id);
                *sends_id = true;
            }
            None if std::mem::take(sends_id) => drop(http.headers_mut().remove(LAST_EVENT_ID)),
            None => {}
        }
    }

    /// Returns the reconnection time of the stream or of the options, plus a random share of up to `jitter`.
    fn reconnection(&mut self) -> Duration {
        /// The limit: a stream that asks for more would never be seen again.
        const MAX: Duration = Duration::from_secs(24 * 3_600);
        let Connector { options, reconnect, rng, .. } = &mut *self.connector;
        let time = self.parser.retry_ms().map_or(options.reconnection, Duration::from_millis).min(MAX);
        let jitter = if reconnect.jitter { options.jitter.max(0.0) } else { 0.0 };
        time + time.mul_f64(jitter * rng.random::<f64>())
    }
}

/// Returns a parser that continues after an update, as if it had read it.
fn resume(cursor: Cursor) -> Parser {
    let mut parser = Parser::default();
    // An event without data is not dispatched, and one this short is within the limit.
    let _ = parser.read(format!("id: {cursor}\n\n").as_bytes(), |_| {});
    parser
}

fn deliver(event: &Event, raw: bool, received_at_us: u64, observer: &mut dyn Observer) {
    observer.event(event);
    if raw {
        return;
    }
    if let Some(reset) = event.reset() {
        return observer.reset(reset);
    }
    if let Some((gap, resume)) = event.gap() {
        return observer.gap(gap, resume);
    }
    match stamp::read(RawUpdate::Event(event), None) {
        Ok(stamp) => observer.update(stamp, RawUpdate::Event(event), received_at_us),
        Err(_) if observer.foreign(RawUpdate::Event(event)) => {}
        Err(error) => observer.failure(&ClientError::new(Failure::Malformed, error)),
    }
}

/// Checks a response head as the standard requires.
fn check(head: &Parts) -> Result<(), ClientError> {
    let give_up = |why: std::fmt::Arguments<'_>| Err(ClientError::new(Failure::GaveUp, why));
    if head.status != StatusCode::OK {
        return give_up(format_args!("the server answered {}, which closes an event stream permanently", head.status));
    }
    let content_type = head.headers.get(CONTENT_TYPE_HEADER).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = content_type.split(';').next().unwrap_or("").trim();
    if !essence.eq_ignore_ascii_case(CONTENT_TYPE) {
        return give_up(format_args!("the content type is `{content_type}`, not `{CONTENT_TYPE}`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;

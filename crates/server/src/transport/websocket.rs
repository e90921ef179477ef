//! WebSocket: `GET /feed/ws?after=N` upgrades the connection to a two-way message channel (RFC 6455). On HTTP/2 it is a
//! `CONNECT` with `:protocol websocket`, and the request's stream becomes the channel (RFC 8441).
//!
//! The path of one update through this server:
//!
//! ```text
//! feed/src/source.rs          makes it, and says when it is due
//! publisher.rs                sleeps until then, on its own thread
//! hub.rs                      gives it its `seq` and its time, and announces it to the shards
//! ring.rs                     keeps it for all clients
//! feed.rs                     with `coalesce`, announces it in place of hub.rs, together with those that follow
//! fanout/shard.rs             a thread that makes a pass over its streams, with all that was published meanwhile
//! fanout/pass.rs              asks for its bytes at the first stream, and adds up what is sent of them
//! entry.rs                    encodes it, once for each encoding
//! transport/websocket.rs      says which: a frame
//! feed/src/wire/websocket.rs  whose bytes all streams share
//! push.rs                     is one stream: it sends them, or takes what it missed from the ring
//! wire.rs                     into TLS or an HTTP/2 stream, if the client uses that
//! socket.rs                   one `write`, its bytes counted
//! ```

use std::io;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, StatusCode, Version, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use feedlab_feed::source::Item;
use feedlab_feed::stream::BEATS;
use feedlab_feed::wire::websocket::{self, Decoder, Incoming, Opcode, VERSION, Violation, close};
use feedlab_feed::wire::{Publication, WireError};
use feedlab_feed::{Cursor, Data, EventType, Gap, Reset};
use h2::ext::Protocol;
use sha1::{Digest as _, Sha1};

use super::Ask;
use crate::app::App;
use crate::entry::Encoding;
use crate::fields;
use crate::handover::Exchange;
use crate::hub::Hub;
use crate::meter::Endpoint;
use crate::push::{CloseReason, Framing, Outbox, Quiet, Start};
use crate::rejection::Rejection;

/// The constant for the accept key: RFC 6455, section 1.3.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// The header of a client's control frame, including its mask, bytes: section 5.2.
const MASKED_HEADER: u64 = 2 + websocket::MASK as u64;

// The request.

pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Extension(exchange): Extension<Exchange>,
    Extension(endpoint): Extension<Arc<Endpoint>>,
    query: Result<Query<Ask>, QueryRejection>,
    version: Version,
    headers: HeaderMap,
) -> Result<Response, Rejection> {
    let opening = upgrade(version, &headers)?;
    let position = app.hub.position(Ask::of(query)?.cursor()?);
    Ok(head(&exchange, &opening, Start::new(&app, Frames::new(&app, &endpoint), position, endpoint)))
}

/// Handles the same request on HTTP/2.
pub(crate) async fn connect(
    State(app): State<Arc<App>>,
    Extension(exchange): Extension<Exchange>,
    Extension(endpoint): Extension<Arc<Endpoint>>,
    query: Result<Query<Ask>, QueryRejection>,
    protocol: Option<Extension<Protocol>>,
    headers: HeaderMap,
) -> Result<Response, Rejection> {
    let opening = extended_connect(protocol.as_ref().map(|Extension(protocol)| protocol), &headers)?;
    let position = app.hub.position(Ask::of(query)?.cursor()?);
    Ok(head(&exchange, &opening, Start::new(&app, Frames::new(&app, &endpoint), position, endpoint)))
}

/// How a client requested the channel.
enum Opening<'a> {
    /// With a key, whose answer proves that the server supports WebSockets.
    Upgrade(&'a str),
    /// With the name of the protocol, which HTTP/2 announces in its settings.
    Connect,
}

/// The checks of section 5 of RFC 8441: those of RFC 6455 without the headers that HTTP/2 makes unnecessary.
fn extended_connect(protocol: Option<&Protocol>, headers: &HeaderMap) -> Result<Opening<'static>, Rejection> {
    if !protocol.is_some_and(|protocol| protocol.as_str().eq_ignore_ascii_case("websocket")) {
        return Err(Rejection::new(StatusCode::NOT_IMPLEMENTED, "this endpoint supports only the protocol websocket"));
    }
    check_version(headers)?;
    Ok(Opening::Connect)
}

fn check_version(headers: &HeaderMap) -> Result<(), Rejection> {
    if fields::single(headers, &header::SEC_WEBSOCKET_VERSION)? == Some(VERSION) {
        return Ok(());
    }
    Err(upgrade_required("`Sec-WebSocket-Version` must be 13").with(header::SEC_WEBSOCKET_VERSION, VERSION))
}

/// 426, which names the protocol to upgrade to (RFC 9110, section 15.5.22).
fn upgrade_required(message: &'static str) -> Rejection {
    let rejection = Rejection::new(StatusCode::UPGRADE_REQUIRED, message);
    rejection.with(header::UPGRADE, "websocket").with(header::CONNECTION, "upgrade")
}

/// The checks of section 4.2.1 of RFC 6455.
fn upgrade(version: Version, headers: &HeaderMap) -> Result<Opening<'_>, Rejection> {
    let asks = fields::names_token(headers, &header::UPGRADE, "websocket")
        && fields::names_token(headers, &header::CONNECTION, "upgrade");
    if !asks || version != Version::HTTP_11 {
        return Err(upgrade_required("this endpoint requires a WebSocket: open it with ws://"));
    }
    check_version(headers)?;
    let key = fields::single(headers, &header::SEC_WEBSOCKET_KEY)?;
    key.filter(|key| BASE64.decode(key).is_ok_and(|nonce| nonce.len() == 16))
        .map(Opening::Upgrade)
        .ok_or_else(|| Rejection::bad_request("`Sec-WebSocket-Key` must be 16 bytes in base64"))
}

// The answer.

fn head(exchange: &Exchange, opening: &Opening<'_>, start: Start) -> Response {
    let body = exchange.hand_over(start);
    let Opening::Upgrade(key) = opening else { return body.into_response() };
    // hyper ends its part after a 101 by itself, without a body.
    let headers = [
        (header::UPGRADE, "websocket".to_owned()),
        (header::CONNECTION, "upgrade".to_owned()),
        (header::SEC_WEBSOCKET_ACCEPT, accept_key(key)),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

fn accept_key(key: &str) -> String {
    BASE64.encode(Sha1::digest([key.as_bytes(), GUID.as_bytes()].concat()))
}

// The framing.

pub(crate) struct Frames {
    decoder: Decoder,
    hub: Arc<Hub>,
    endpoint: Arc<Endpoint>,
    allow_publish: bool,
    /// The pending publication to a broker; boxed twice, because almost no stream ever has one.
    publishing: Option<Box<Publishing>>,
}

/// A future of the `seq` of a publication.
type Publishing = Pin<Box<dyn Future<Output = Result<u64, Rejection>> + Send>>;

impl Frames {
    pub(crate) fn new(app: &App, endpoint: &Arc<Endpoint>) -> Self {
        let decoder = Decoder::new(app.config.max_message_bytes);
        Self {
            decoder,
            hub: app.hub.clone(),
            endpoint: endpoint.clone(),
            allow_publish: app.config.settings.allow_publish,
            publishing: None,
        }
    }

    /// Answers a message. Returns `Break` with the close frame if that ends the stream.
    fn answer(&mut self, message: Incoming) -> ControlFlow<Bytes, Option<Bytes>> {
        match message {
            Incoming::Ping(payload) => {
                let pong = websocket::frame(Opcode::Pong, &payload);
                self.endpoint.keepalive_bytes.add(MASKED_HEADER + (payload.len() + pong.len()) as u64);
                ControlFlow::Continue(Some(pong))
            }
            Incoming::Pong => {
                self.endpoint.keepalive_bytes.add(MASKED_HEADER);
                ControlFlow::Continue(None)
            }
            Incoming::Close(code) => ControlFlow::Break(websocket::close_frame(code.unwrap_or(close::NORMAL), "")),
            Incoming::Text(text) => self.publish(Publication::from_json(text.as_bytes())),
            Incoming::Binary(bytes) => {
                self.publish(Ok(Publication { event_type: EventType::default(), data: Data::Binary(bytes.into()) }))
            }
        }
    }

    fn publish(&mut self, publication: Result<Publication, WireError>) -> ControlFlow<Bytes, Option<Bytes>> {
        let refuse = |reason: &str| ControlFlow::Break(websocket::close_frame(close::POLICY, reason));
        if !self.allow_publish {
            return refuse("this server does not accept updates; start it with --allow-publish");
        }
        match publication {
            Ok(Publication { event_type, data }) if self.hub.broker().is_some() => {
                let hub = self.hub.clone();
                let published = async move { hub.publish(Item { event_type, data }).await };
                self.publishing = Some(Box::new(Box::pin(published)));
                ControlFlow::Continue(None)
            }
            Ok(Publication { event_type, data }) => {
                let seq = self.hub.publish_now(Item { event_type, data });
                ControlFlow::Continue(Some(websocket::ack_frame(seq)))
            }
            Err(error) => refuse(&format!("a message must be {{\"type\":…,\"data\":…}}: {error}")),
        }
    }
}

impl Framing for Frames {
    fn encoding(&self) -> Encoding {
        Encoding::Frame
    }

    fn hello(&self, cursor: Cursor) -> Bytes {
        websocket::hello_frame(cursor)
    }

    fn reset(&self, reset: Reset) -> Bytes {
        websocket::reset_frame(reset)
    }

    fn gap(&self, gap: Gap, _: Cursor) -> Bytes {
        websocket::gap_frame(gap)
    }

    /// A ping after an interval without input from the client, and one more interval for its answer.
    fn beat(&mut self, quiet: Quiet) -> io::Result<Option<Bytes>> {
        if quiet.read >= 2 * BEATS {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok((quiet.read == BEATS).then(|| websocket::frame(Opcode::Ping, b"")))
    }

    fn received(&mut self, bytes: &mut &[u8], outbox: &mut Outbox) -> ControlFlow<()> {
        let answer = match self.decoder.decode(bytes) {
            Ok(message) => message.map_or(ControlFlow::Continue(None), |message| self.answer(message)),
            Err(Violation { code, reason }) => ControlFlow::Break(websocket::close_frame(code, reason)),
        };
        answer.map_continue(|reply| outbox.extend(reply)).map_break(|last| outbox.push_back(last))
    }

    fn poll_answer(&mut self, cx: &mut Context<'_>, outbox: &mut Outbox) -> Poll<ControlFlow<()>> {
        let Some(publishing) = &mut self.publishing else { return Poll::Ready(ControlFlow::Continue(())) };
        let published = ready!(publishing.as_mut().as_mut().poll(cx));
        self.publishing = None;
        Poll::Ready(match published {
            Ok(seq) => {
                outbox.push_back(websocket::ack_frame(seq));
                ControlFlow::Continue(())
            }
            Err(rejection) => {
                outbox.push_back(websocket::close_frame(close::TRY_AGAIN_LATER, rejection.message()));
                ControlFlow::Break(())
            }
        })
    }

    fn close_message(&self, why: CloseReason) -> Bytes {
        let reason = match why {
            CloseReason::ShuttingDown => "the server shuts down",
            CloseReason::MaxAge => "this connection reached its maximum age; reconnect",
        };
        websocket::close_frame(close::GOING_AWAY, reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_key_matches_the_rfc() {
        assert_eq!(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}

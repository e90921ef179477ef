//! HTTP/2: one connection, many requests (RFC 9113).
//!
//! A streaming endpoint takes over its own stream, as it takes over the whole connection on HTTP/1.1: which is
//! then a [`Stream`]. This module uses the h2 library directly and not through hyper, which would stand between a session
//! and the flow control of its stream: the slow policies depend on whether a client reads.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, Response, Version, header};
use bytes::Bytes;
use feedlab_feed::clock;
use feedlab_feed::tcp::LINGER;
use h2::server::{Builder, SendResponse};
use h2::{Reason, RecvStream};
use hyper::body::{Body as _, Frame, SizeHint};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::acceptor::Acceptor;
use crate::handover::{Exchange, Handover};
use crate::limits::{
    HEADER_TIMEOUT, MAX_ERROR_RESETS, MAX_HEADER_BYTES, MAX_SEND_BUFFER, MAX_STREAMS, MAX_UNACCEPTED_RESETS,
};
use crate::push::Start;
use crate::routes::transport_of;
use crate::socket::Link;
use crate::transport::Room;
use crate::wire::{Outgoing, Piece, Stream, Wire};

mod flood;
mod long;
use flood::{Flood, Watched};
use long::Turns;

/// Headers that only apply to an HTTP/1.1 connection (RFC 9113, section 8.2.2).
const OF_A_CONNECTION: [header::HeaderName; 4] =
    [header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE, header::HeaderName::from_static("keep-alive")];

/// The library's settings. It has more limits of its own: CONTINUATION frames of a request (five beyond the first, for
/// the size of header lists that is set here), empty DATA frames (a hundred), and small unread ones.
pub(crate) fn builder() -> Builder {
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(MAX_STREAMS)
        .max_pending_accept_reset_streams(MAX_UNACCEPTED_RESETS)
        .max_local_error_reset_streams(Some(MAX_ERROR_RESETS))
        .max_header_list_size(MAX_HEADER_BYTES as u32)
        .max_send_buffer_size(MAX_SEND_BUFFER)
        .enable_connect_protocol();
    builder
}

/// Answers requests until the connection ends or breaks, is idle for as long as an HTTP/1.1 connection may be, or the
/// server gives up an unfinished request. The caller closes the wire.
pub(crate) async fn serve(wire: &mut Wire, (link, peer): (Arc<Link>, SocketAddr), acceptor: Arc<Acceptor>) {
    let shared = Arc::new(Shared::default());
    // Boxed, so that a connection does not keep the size of its handshake.
    let handshake =
        Box::pin(timeout(HEADER_TIMEOUT, builder().handshake::<_, Piece>(Watched::new(wire, &shared.flood))));
    let Ok(Ok(mut connection)) = handshake.await else { return };
    let mut closing = std::pin::pin!(acceptor.shutdown.cancelled());
    let mut leaving = std::pin::pin!(shared.leaving.cancelled());
    let (mut is_shutting_down, mut leaves) = (false, false);
    loop {
        let accepted = tokio::select! {
            accepted = timeout(HEADER_TIMEOUT, accept(&mut connection, leaves, &shared.flood)) => accepted,
            () = &mut closing, if !is_shutting_down => {
                is_shutting_down = true;
                connection.graceful_shutdown();
                continue;
            }
            () = &mut leaving, if !leaves => {
                (is_shutting_down, leaves) = (true, true);
                connection.graceful_shutdown();
                continue;
            }
        };
        match accepted {
            Ok(Some(Ok((request, reply)))) => {
                let answer = answer(request, reply, (link.clone(), peer), acceptor.clone(), shared.clone());
                acceptor.tasks.spawn(answer);
            }
            Ok(Some(Err(_)) | None) => return,
            Err(_) if connection.has_streams() => {}
            Err(_) if is_shutting_down => return,
            Err(_) => {
                is_shutting_down = true;
                connection.graceful_shutdown();
            }
        }
    }
}

/// What the requests of one connection share.
#[derive(Debug, Default)]
struct Shared {
    turns: Turns,
    /// Canceled once the server has given up a request before its end. As on HTTP/1.1, the connection then ends after
    /// the response, but not before its other streams: reading on would hold the connection's buffers for a client that
    /// sends one byte at a time.
    leaving: CancellationToken,
    flood: Flood,
}

type Connection<'a> = h2::server::Connection<Watched<'a>, Piece>;

/// Returns the next request. A connection that `leaves` ends with its last stream; the library would first wait for the
/// client to acknowledge a PING. A connection of a client that sends too many frames ends at once.
async fn accept(
    connection: &mut Connection<'_>,
    leaves: bool,
    flood: &Flood,
) -> Option<Result<(Request<RecvStream>, SendResponse<Piece>), h2::Error>> {
    let next = std::future::poll_fn(|cx| match connection.poll_accept(cx) {
        Poll::Pending if flood.is_flooded() => Poll::Ready(Err(Reason::ENHANCE_YOUR_CALM)),
        Poll::Pending if leaves && !connection.has_streams() => Poll::Ready(Err(Reason::NO_ERROR)),
        polled => polled.map(Ok),
    });
    let reason = match next.await {
        Ok(accepted) => return accepted,
        Err(reason) => reason,
    };
    connection.abrupt_shutdown(reason);
    if reason == Reason::NO_ERROR {
        return connection.accept().await;
    }
    // A client that floods a connection may not read its end either.
    timeout(LINGER, connection.accept()).await.ok().flatten()
}

/// Answers one request, or lets a stream take over. Ends early if the client cancels its request.
async fn answer(
    request: Request<RecvStream>,
    reply: SendResponse<Piece>,
    of: (Arc<Link>, SocketAddr),
    acceptor: Arc<Acceptor>,
    shared: Arc<Shared>,
) {
    let responded = respond(request, reply, of, &acceptor, &shared).await;
    if let (Some((start, wire)), Some(fanout)) = (responded, &acceptor.fanout) {
        fanout.stream(wire, start, Bytes::new(), &acceptor.tasks);
    }
}

/// Answers one request; returns the start of the stream that takes over, if a handler left one.
async fn respond(
    request: Request<RecvStream>,
    mut reply: SendResponse<Piece>,
    (link, peer): (Arc<Link>, SocketAddr),
    acceptor: &Acceptor,
    shared: &Shared,
) -> Option<(Start, Wire)> {
    let endpoint = transport_of(request.uri()).map(|transport| link.meter.count_for(transport).clone());
    let is_head = request.method() == Method::HEAD;
    let handover = Handover::default();
    let exchange = Exchange::new(link, peer, handover.clone(), None);
    let (request, tunnel) = translate(request, exchange, &shared.leaving);
    let answered = tokio::select! {
        answered = acceptor.router.clone().oneshot(request) => answered,
        _ = std::future::poll_fn(|cx| reply.poll_reset(cx)) => return None,
    };
    let (head, body, room) = match answered {
        Ok(mut response) => {
            let room = response.extensions_mut().remove::<Room>();
            let (head, body) = translate_back(response, is_head);
            (head, body, room)
        }
        Err(never) => match never {},
    };
    if let (Some(start), Some(endpoint)) = (handover.take(), endpoint) {
        let stream = reply.send_response(head, false).ok()?;
        return Some((start, Wire::Stream(Box::new(Stream::new(stream, tunnel, endpoint)))));
    }
    let body = if is_head { Body::empty() } else { body };
    let ends = body.is_end_stream();
    let stream = reply.send_response(head, ends).ok()?;
    if !ends {
        let stream = Outgoing::new(stream);
        match room {
            Some(room) => long::send(stream, body, acceptor.patience, (room, &shared.turns)).await,
            None => send(stream, body, acceptor.patience).await,
        }
    }
    None
}

/// Returns the request in the form that the routes expect, and the client's half of the stream if it is a CONNECT,
/// which has no body.
fn translate(
    request: Request<RecvStream>,
    exchange: Exchange,
    leaving: &CancellationToken,
) -> (Request, Option<RecvStream>) {
    let (mut parts, incoming) = request.into_parts();
    parts.extensions.insert(exchange);
    // The equivalent of HTTP/1.1's `Host` (RFC 9113, section 8.3.1).
    if let Some(authority) = parts.uri.authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        parts.headers.entry(header::HOST).or_insert(host);
    }
    if parts.method == Method::CONNECT {
        return (Request::from_parts(parts, Body::empty()), Some(incoming));
    }
    let length = parts.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    (Request::from_parts(parts, Body::new(Incoming { stream: incoming, length, leaving: leaving.clone() })), None)
}

/// A request's body.
struct Incoming {
    stream: RecvStream,
    /// The declared length, bytes.
    length: Option<u64>,
    /// Canceled if the body is given up before its end.
    leaving: CancellationToken,
}

impl Drop for Incoming {
    /// The body is no longer read. What has already arrived, at most a window, may include the end; a canceled request
    /// has ended.
    fn drop(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            match Pin::new(&mut *self).poll_frame(&mut cx) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(_)) | None) => return,
                Poll::Pending => return self.leaving.cancel(),
            }
        }
    }
}

impl hyper::body::Body for Incoming {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        let Some(data) = ready!(self.stream.poll_data(cx)) else { return Poll::Ready(None) };
        let data = data.and_then(|data| self.stream.flow_control().release_capacity(data.len()).map(|()| data));
        Poll::Ready(Some(data.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// Returns the head of a response for HTTP/2, with the headers that hyper adds on HTTP/1.1, and the body.
fn translate_back(response: Response<Body>, is_head: bool) -> (Response<()>, Body) {
    let (mut parts, body) = response.into_parts();
    parts.version = Version::HTTP_2;
    for name in OF_A_CONNECTION {
        parts.headers.remove(name);
    }
    if let Some(length) = body.size_hint().exact().filter(|length| *length > 0 && !is_head) {
        parts.headers.entry(header::CONTENT_LENGTH).or_insert(length.into());
    }
    let now = std::time::UNIX_EPOCH + Duration::from_micros(clock::unix_us());
    if let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(now)) {
        parts.headers.insert(header::DATE, date);
    }
    (Response::from_parts(parts, ()), body)
}

/// Sends a body at the client's pace, until it is sent or the stream is gone. Resets the stream of a client that reads
/// nothing for the given time.
async fn send(mut stream: Outgoing, mut body: Body, patience: Duration) {
    let mut is_last = false;
    while !is_last {
        let Some(mut bytes) = next(&mut body).await else { return stream.reset() };
        is_last = bytes.is_empty() || body.is_end_stream();
        while !bytes.is_empty() {
            match timeout(patience, stream.send(&mut bytes, is_last, None)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return,
                Err(_) => return stream.reset(),
            }
        }
    }
    finish(stream, patience).await;
}

/// Returns the next bytes of a body, empty at its end; `None` if it failed.
async fn next(body: &mut Body) -> Option<Bytes> {
    let frame = std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await;
    frame.map_or(Some(Bytes::new()), |frame| Some(frame.ok()?.into_data().unwrap_or_default()))
}

/// Waits until the library has written the rest, which otherwise only a reset would end.
async fn finish(stream: Outgoing, patience: Duration) {
    while stream.has_waiting() {
        if timeout(patience, stream.written()).await.is_err() {
            return stream.reset();
        }
    }
}

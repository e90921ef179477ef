//! HTTP/1.1 on a connection, until a stream takes it over, or a shard does because only the next request is awaited.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use futures_util::FutureExt as _;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tower::ServiceExt as _;

use crate::acceptor::Acceptor;
use crate::handover::{Exchange, Handover};
use crate::limits::{HEADER_TIMEOUT, MAX_HEADER_BYTES, MAX_HEADERS};
use crate::push::Start;
use crate::routes::transport_of;
use crate::socket::Link;
use crate::wire::Wire;

mod io;
use io::{Io, Turn, Watched};

/// What remains of a connection after HTTP.
pub(crate) struct After {
    pub(crate) wire: Wire,
    /// The stream that takes over.
    pub(crate) start: Option<Start>,
    /// Bytes that the client sent after its last request.
    pub(crate) early: Bytes,
    /// Whether the connection goes on elsewhere: the last request is answered, and hyper waits for the next one.
    pub(crate) is_idle: bool,
}

/// Answers requests until the connection ends, breaks, or continues without hyper: as a stream, or because it is idle.
pub(crate) async fn serve(wire: Wire, (link, peer): (Arc<Link>, SocketAddr), acceptor: &Arc<Acceptor>) -> After {
    let may_leave = matches!(wire, Wire::Plain(_));
    let handover = Handover::default();
    let turn = Arc::new(Turn::default());
    let service = {
        let (link, router, handover) = (link.clone(), acceptor.router.clone(), handover.clone());
        let turn = turn.clone();
        hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
            // Here and not in the handler: hyper drops a request whose client has disconnected meanwhile, and the
            // connection's traffic counts for the endpoint nevertheless.
            if let Some(transport) = transport_of(request.uri()) {
                link.meter.count_for(transport);
            }
            let awaits_body = !request.body().is_end_stream();
            let answering = turn.begin(awaits_body);
            let mut request: Request = request.map(Body::new);
            if awaits_body {
                request = request.map(|body| Body::new(Watched::Request(body, turn.clone())));
            }
            let exchange = Exchange::new(link.clone(), peer, handover.clone(), Some(turn.end()));
            request.extensions_mut().insert(exchange);
            let watched = |body| Watched::Answer(body, answering);
            router.clone().oneshot(request).map(|answered| answered.map(|answer| answer.map(watched)))
        })
    };
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEADER_BYTES)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(Io::new(wire, turn.clone(), acceptor.patience)), service);
    let mut closing = std::pin::pin!(acceptor.shutdown.cancelled());
    let mut is_shutting_down = false;
    let may_leave = may_leave && acceptor.fanout.is_some();
    let end = std::future::poll_fn(|cx| {
        if !is_shutting_down && closing.as_mut().poll(cx).is_ready() {
            is_shutting_down = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        match connection.poll_without_shutdown(cx) {
            Poll::Pending if link.head.has_left() || (may_leave && turn.is_idle() && !is_shutting_down) => {
                Poll::Ready(Ok(()))
            }
            poll => poll,
        }
    })
    .await;
    let is_idle = may_leave && end.is_ok() && turn.is_idle();
    let parts = connection.into_parts();
    let start = handover.take().filter(|_| end.is_ok());
    if start.is_some() {
        link.meter.taken_over();
    }
    // A copy: even if empty, the original keeps hyper's whole read buffer alive.
    After { wire: parts.io.into_inner().into_wire(), start, early: Bytes::copy_from_slice(&parts.read_buf), is_idle }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::app::App;
    use crate::config::Config;
    use crate::feed::Feed;
    use crate::socket::tests::narrow;
    use crate::transport::sse::Events;
    use axum::extract::Extension;
    use axum::routing::get;
    use feedlab_feed::Transport;
    use tokio::io::AsyncWriteExt as _;

    #[tokio::test]
    async fn only_part_of_what_a_client_sends_after_its_request_is_read() {
        let (socket, link, mut client) = narrow().await;
        let config = Config::default();
        let app = Arc::new(App::new(&Feed::open(&config).await.unwrap(), config));
        let stream = async move |Extension(exchange): Extension<Exchange>| {
            let (position, endpoint) = (app.hub.position(None), app.meters.endpoint(Transport::Sse));
            let events = Events::new(true, Duration::ZERO);
            exchange.hand_over(Start::new(&app, events, position, endpoint.clone()))
        };
        let acceptor = Acceptor::for_tests(axum::Router::new().route("/", get(stream)), 1);
        let request = [b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", &vec![b'x'; 1 << 20][..]].concat();
        let sends = tokio::spawn(async move { client.write_all(&request).await });
        let peer = ([127, 0, 0, 1], 1).into();
        let After { start, early, .. } = serve(Wire::Plain(socket), (link, peer), &Arc::new(acceptor)).await;
        assert!(start.is_some() && !early.is_empty());
        assert!(early.len() <= 32 << 10, "{} bytes: docs/architecture.md, \"Slow clients\"", early.len());
        sends.abort();
    }
}

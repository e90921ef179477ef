//! HTTP/1.1 on a connection, until a stream takes it over.

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
use crate::handover::{Exchange, Handover, Session};
use crate::limits::{HEADER_TIMEOUT, MAX_HEADER_BYTES, MAX_HEADERS};
use crate::routes::transport_of;
use crate::socket::Link;
use crate::wire::Wire;

mod io;
use io::{Io, Turn, Watched};

/// What remains of a connection after HTTP.
pub(crate) struct After {
    pub(crate) wire: Wire,
    pub(crate) session: Option<Session>,
    /// Bytes that the client sent after its last request.
    pub(crate) early: Bytes,
}

/// Answers requests until the connection ends, breaks, or a stream takes it over.
pub(crate) async fn serve(wire: Wire, (link, peer): (Arc<Link>, SocketAddr), acceptor: Arc<Acceptor>) -> After {
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
        .serve_connection(TokioIo::new(Io::new(wire, turn, acceptor.patience)), service);
    let mut closing = std::pin::pin!(acceptor.shutdown.cancelled());
    let mut is_shutting_down = false;
    let end = std::future::poll_fn(|cx| {
        if !is_shutting_down && closing.as_mut().poll(cx).is_ready() {
            is_shutting_down = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        match connection.poll_without_shutdown(cx) {
            Poll::Pending if link.head.has_left() => Poll::Ready(Ok(())),
            poll => poll,
        }
    })
    .await;
    let parts = connection.into_parts();
    let session = handover.take().filter(|_| end.is_ok());
    if session.is_some() {
        link.meter.taken_over();
    }
    // A copy: even if empty, the original keeps hyper's whole read buffer alive.
    After { wire: parts.io.into_inner().into_wire(), session, early: Bytes::copy_from_slice(&parts.read_buf) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::socket::tests::narrow;
    use axum::extract::Extension;
    use axum::routing::get;
    use tokio::io::AsyncWriteExt as _;

    #[tokio::test]
    async fn only_part_of_what_a_client_sends_after_its_request_is_read() {
        let (socket, link, mut client) = narrow().await;
        let stream = async |Extension(exchange): Extension<Exchange>| {
            exchange.hand_over(Box::new(|_, _| Box::pin(std::future::ready(()))))
        };
        let acceptor = Acceptor::for_tests(axum::Router::new().route("/", get(stream)), 1);
        let request = [b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", &vec![b'x'; 1 << 20][..]].concat();
        let sends = tokio::spawn(async move { client.write_all(&request).await });
        let peer = ([127, 0, 0, 1], 1).into();
        let After { session, early, .. } = serve(Wire::Plain(socket), (link, peer), Arc::new(acceptor)).await;
        assert!(session.is_some() && !early.is_empty());
        assert!(early.len() <= 32 << 10, "{} bytes: docs/architecture.md, \"Slow clients\"", early.len());
        sends.abort();
    }
}

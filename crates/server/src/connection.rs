//! One connection, from its first byte to its last: HTTP first, then perhaps a stream.

use std::os::fd::AsFd as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use bytes::Bytes;
use feedlab_feed::Transport;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::handover::{Handover, Session};
use crate::meter::{ConnectionMeter, Meters};
use crate::socket::{Link, Socket};
use crate::tcp_info::Handle;

/// Time for a request's headers to arrive; also how long a connection may rest between two requests.
const HEADER_TIMEOUT: Duration = Duration::from_secs(75);
/// Bytes of request line and headers; more is answered with 431.
const MAX_HEADER_BYTES: usize = 16 << 10;
/// Number of headers; more is answered with 431.
const MAX_HEADERS: usize = 100;
/// Time that a closing connection waits for the client's own end.
const LINGER: Duration = Duration::from_secs(1);

/// Serves a connection until it ends. Whatever goes wrong ends this connection and nothing else.
pub(crate) async fn serve(stream: TcpStream, meters: Arc<Meters>, app: Router, shutdown: CancellationToken) {
    let handle = Handle::new(stream.as_fd(), stream.local_addr().ok());
    let link = Arc::new(Link { meter: ConnectionMeter::new(meters, handle), handover: Handover::default() });
    let socket = Socket::new(stream, link.clone());
    // Boxed, so that a stream's task is not as large as an HTTP connection's state for the rest of its life.
    let After { socket, session, early } = Box::pin(http(socket, link, app, shutdown)).await;
    match session {
        Some(session) => session(socket, early).await,
        None => Box::pin(linger(socket)).await,
    }
}

/// What HTTP leaves behind.
struct After {
    socket: Socket,
    session: Option<Session>,
    /// Bytes that the client sent behind its last request.
    early: Bytes,
}

/// Answers requests until the connection ends, breaks, or a stream takes it over.
async fn http(socket: Socket, link: Arc<Link>, app: Router, shutdown: CancellationToken) -> After {
    let service = {
        let link = link.clone();
        hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
            // Here and not in the handler: hyper drops a request whose client has hung up meanwhile, and what the
            // connection carried is the door's all the same.
            if let Some(transport) = Transport::ALL.into_iter().find(|door| door.path() == request.uri().path()) {
                link.meter.came_for(transport);
            }
            let mut request: Request = request.map(axum::body::Body::new);
            request.extensions_mut().insert(link.clone());
            app.clone().oneshot(request)
        })
    };
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEADER_BYTES)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(socket), service);
    let mut closing = std::pin::pin!(shutdown.cancelled_owned());
    let mut told = false;
    let end = std::future::poll_fn(|cx| {
        if !told && closing.as_mut().poll(cx).is_ready() {
            told = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        match connection.poll_without_shutdown(cx) {
            Poll::Pending if link.handover.head_left() => Poll::Ready(Ok(())),
            poll => poll,
        }
    })
    .await;
    let parts = connection.into_parts();
    let session = link.handover.take().filter(|_| end.is_ok());
    if session.is_some() {
        link.meter.taken_over();
    }
    After { socket: parts.io.into_inner(), session, early: parts.read_buf }
}

/// Closes a connection so that the last answer arrives: a socket that is dropped with unread input resets the
/// connection, and the client may lose what it was sent (RFC 9112, section 9.6).
pub(crate) async fn linger(mut socket: Socket) {
    let until_end = async {
        socket.shutdown().await?;
        let mut rest = vec![0; 1024];
        while socket.read(&mut rest).await? > 0 {}
        std::io::Result::Ok(())
    };
    let _ = tokio::time::timeout(LINGER, until_end).await;
}

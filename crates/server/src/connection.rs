//! One connection, from its first byte to its last: perhaps TLS, then HTTP of the version that the client speaks, then
//! perhaps a stream.

use std::net::SocketAddr;
use std::os::fd::AsFd as _;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::acceptor::Acceptor;
use crate::limits::{HEADER_TIMEOUT, TLS_TIMEOUT};
use crate::meter::ConnectionMeter;
use crate::socket::{Link, Socket};
use crate::tls;
use crate::wire::Wire;
use crate::{http1, http2};
use feedlab_feed::tcp_info::{Handle, Opener};

/// What a client that speaks HTTP/2 begins with: RFC 9113, section 3.4.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Serves a connection until it ends. Whatever goes wrong ends this connection and nothing else.
///
/// It counts as open from this call on, not only once its task has begun: as many as are let in may come before that.
pub(crate) fn serve(stream: TcpStream, peer: SocketAddr, acceptor: Arc<Acceptor>) -> impl Future<Output = ()> + Send {
    let handle = Handle::new(stream.as_fd(), stream.local_addr().ok(), Opener::Peer);
    let link = Arc::new(Link::new(ConnectionMeter::new(acceptor.meters.clone(), handle)));
    // Boxed, so that a stream's task is not as large as an HTTP connection's state for the rest of its life.
    let http = Box::pin(http(Socket::new(stream, link.clone()), (link, peer), acceptor));
    serve_to_the_end(http)
}

async fn serve_to_the_end(http: Pin<Box<impl Future<Output = Option<http1::After>> + Send>>) {
    let Some(http1::After { wire, session, early }) = http.await else { return };
    match session {
        Some(session) => session(wire, early).await,
        None => Box::pin(wire.close()).await,
    }
}

/// Everything up to the last answer; `None` when it did not come to a request.
async fn http(socket: Socket, (link, peer): (Arc<Link>, SocketAddr), acceptor: Arc<Acceptor>) -> Option<http1::After> {
    let (mut wire, is_http2) = tokio::select! {
        opened = open(socket, acceptor.tls.as_ref()) => opened?,
        () = acceptor.shutdown.cancelled() => return None,
    };
    if is_http2 {
        http2::serve(&mut wire, (link, peer), acceptor).await;
        return Some(http1::After { wire, session: None, early: Bytes::new() });
    }
    Some(http1::serve(wire, (link, peer), acceptor).await)
}

/// Shakes hands where that is asked for, and finds out which HTTP the client speaks; `None` when it says nothing in time,
/// or nothing sensible.
async fn open(socket: Socket, tls: Option<&TlsAcceptor>) -> Option<(Wire, bool)> {
    let Some(tls) = tls else {
        // A client that knows beforehand what the server speaks (RFC 9113, section 3.3).
        let is_http2 = timeout(HEADER_TIMEOUT, socket.begins_with(PREFACE)).await.ok()?.ok()?;
        return Some((Wire::Plain(socket), is_http2));
    };
    let stream = timeout(TLS_TIMEOUT, tls.accept(socket)).await.ok()?.ok()?;
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(tls::HTTP_2);
    Some((Wire::Tls(Box::new(stream)), is_http2))
}

//! One connection, from its first byte to its last: optionally TLS, then the client's version of HTTP, then possibly a
//! stream.

use std::net::SocketAddr;
use std::os::fd::AsFd as _;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::acceptor::Acceptor;
use crate::limits::{HEADER_TIMEOUT, TLS_TIMEOUT};
use crate::meter::ConnectionMeter;
use crate::socket::{Link, Socket};
use crate::tls::{self, TlsAcceptor};
use crate::wire::Wire;
use crate::{http1, http2};
use feedlab_feed::tcp_info::{Handle, Opener};

/// The first bytes of a client that speaks HTTP/2: RFC 9113, section 3.4.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Serves a connection until it ends. Any error ends only this connection.
///
/// It counts as open from this call, not only from the start of its task: the limit of connections may be reached
/// before that.
pub(crate) fn serve(stream: TcpStream, peer: SocketAddr, acceptor: Arc<Acceptor>) -> impl Future<Output = ()> + Send {
    let handle = Handle::new(stream.as_fd(), stream.local_addr().ok(), Opener::Peer);
    let link = Arc::new(Link::new(ConnectionMeter::new(acceptor.meters.clone(), handle)));
    // Boxed, so that a stream's task does not keep the size of an HTTP connection's state.
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

/// Serves HTTP up to the last response; `None` if there was no request.
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

/// Performs the TLS handshake if configured, and determines the client's version of HTTP; `None` if it sends nothing in
/// time, or nothing valid.
async fn open(socket: Socket, tls: Option<&TlsAcceptor>) -> Option<(Wire, bool)> {
    let Some(tls) = tls else {
        // A client with prior knowledge that the server speaks HTTP/2 (RFC 9113, section 3.3).
        let is_http2 = timeout(HEADER_TIMEOUT, socket.begins_with(PREFACE)).await.ok()?.ok()?;
        return Some((Wire::Plain(socket), is_http2));
    };
    let stream = timeout(TLS_TIMEOUT, tls.accept(socket)).await.ok()?.ok()?;
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(tls::HTTP_2);
    Some((Wire::Tls(Box::new(stream)), is_http2))
}

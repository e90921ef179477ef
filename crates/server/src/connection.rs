//! One connection, from its first byte to its last: optionally TLS, then the client's version of HTTP, then possibly a
//! stream, which moves to a shard (`fanout.rs`).
//!
//! On plain TCP, a shard also has the connection before its first request and between two requests. What it does not
//! answer by itself comes here.

use std::net::SocketAddr;
use std::os::fd::AsFd as _;
use std::sync::Arc;

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::acceptor::Acceptor;
use crate::http1::After;
use crate::limits::{HEADER_TIMEOUT, TLS_TIMEOUT};
use crate::meter::ConnectionMeter;
use crate::socket::{Link, Socket};
use crate::tls::{self, TlsAcceptor};
use crate::wire::Wire;
use crate::{http1, http2};
use feedlab_feed::tcp_info::{Handle, Opener};

/// The first bytes of a client that speaks HTTP/2: RFC 9113, section 3.4.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Serves a new connection: on plain TCP a shard reads its first request, and answers it or returns the connection to
/// [`serve`].
///
/// It counts as open from this call, not only from the start of its task: the limit of connections may be reached
/// before that.
pub(crate) fn open(stream: TcpStream, acceptor: &Arc<Acceptor>) {
    let handle = Handle::new(stream.as_fd(), stream.local_addr().ok(), Opener::Peer);
    let socket = Socket::new(stream, Arc::new(Link::new(ConnectionMeter::new(acceptor.meters.clone(), handle))));
    match &acceptor.fanout {
        Some(fanout) if acceptor.tls.is_none() => fanout.adopt(Wire::Plain(socket), &acceptor.tasks),
        _ => {
            acceptor.tasks.spawn(serve(socket, acceptor.clone()));
        }
    }
}

/// Serves HTTP on a connection until it ends, or moves to a shard. Any error ends only this connection.
pub(crate) async fn serve(mut socket: Socket, acceptor: Arc<Acceptor>) {
    let Ok(peer) = socket.peer() else { return };
    loop {
        let of = (socket.link().clone(), peer);
        let after = Box::pin(http(socket, of, &acceptor)).await;
        match (after, &acceptor.fanout) {
            (Some(After { wire, start: Some(start), early, .. }), Some(fanout)) => {
                return fanout.stream(wire, start, early, &acceptor.tasks);
            }
            (Some(After { wire: Wire::Plain(idle), is_idle: true, early, .. }), Some(fanout)) => {
                if early.is_empty() {
                    return fanout.adopt(Wire::Plain(idle), &acceptor.tasks);
                }
                // The next request has begun to arrive after all.
                socket = idle;
                socket.put_back(early);
            }
            (Some(After { wire, .. }), _) => return wire.close().await,
            (None, _) => return,
        }
    }
}

/// Serves HTTP up to the last response; `None` if there was no request.
async fn http(socket: Socket, (link, peer): (Arc<Link>, SocketAddr), acceptor: &Arc<Acceptor>) -> Option<After> {
    let (mut wire, is_http2) = tokio::select! {
        biased; // a request that has arrived is answered
        opened = handshake(socket, acceptor.tls.as_ref()) => opened?,
        () = acceptor.shutdown.cancelled() => return None,
    };
    if is_http2 {
        http2::serve(&mut wire, (link, peer), acceptor.clone()).await;
        return Some(After { wire, start: None, early: Bytes::new(), is_idle: false });
    }
    Some(http1::serve(wire, (link, peer), acceptor).await)
}

/// Performs the TLS handshake if configured, and determines the client's version of HTTP; `None` if it sends nothing in
/// time, or nothing valid.
async fn handshake(socket: Socket, tls: Option<&TlsAcceptor>) -> Option<(Wire, bool)> {
    let Some(tls) = tls else {
        // A client with prior knowledge that the server speaks HTTP/2 (RFC 9113, section 3.3).
        let is_http2 = timeout(HEADER_TIMEOUT, socket.begins_with(PREFACE)).await.ok()?.ok()?;
        return Some((Wire::Plain(socket), is_http2));
    };
    let stream = timeout(TLS_TIMEOUT, tls.accept(socket)).await.ok()?.ok()?;
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(tls::HTTP_2);
    Some((Wire::Tls(Box::new(stream)), is_http2))
}

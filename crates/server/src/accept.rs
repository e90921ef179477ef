//! The accept loop: it must survive everything that a client or a full descriptor table can cause.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use crate::acceptor::Acceptor;
use crate::connection;

/// Pause after a failed accept: if the descriptor table is full, the next one fails too until something closes.
const RETRY: Duration = Duration::from_millis(50);

impl Acceptor {
    /// Accepts connections until shutdown. If the descriptor table is full, new clients are refused with the reason, and
    /// those that are there notice nothing.
    pub(crate) async fn accept(self: Arc<Self>, listener: TcpListener) {
        let mut spare = Spare::default();
        let mut has_warned = false;
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.shutdown.cancelled() => return,
            };
            match accepted {
                Ok((stream, _)) if spare.is_there() => {
                    has_warned = false;
                    self.receive(stream);
                }
                Ok((stream, _)) => self.turn_away(&stream),
                Err(error) if is_clients_fault(&error) => {}
                Err(error) => {
                    if !std::mem::replace(&mut has_warned, true) {
                        tracing::warn!("cannot accept connections, new ones are refused: {error}; see `ulimit -n`");
                    }
                    if !spare.spend() {
                        tokio::time::sleep(RETRY).await;
                    }
                }
            }
        }
    }

    fn receive(self: &Arc<Self>, stream: TcpStream) {
        if self.meters.open.get() >= self.max_connections as u64 {
            return self.turn_away(&stream);
        }
        // Each update is one small write; Nagle's algorithm would delay it until the previous one is acknowledged.
        let _ = stream.set_nodelay(true);
        if let Some(bytes) = self.send_buffer {
            let _ = rustix::net::sockopt::set_socket_send_buffer_size(&stream, bytes);
        }
        connection::open(stream, self);
    }

    fn turn_away(&self, stream: &TcpStream) {
        self.meters.refused.add(1);
        // A client that starts with a TLS handshake could not read an HTTP response.
        if self.tls.is_none() {
            refuse(stream);
        }
    }
}

/// A descriptor that is kept for the time when there are no others: it is given up for one connection, which learns
/// that it is one too many, and taken again.
struct Spare(Option<File>);

impl Default for Spare {
    fn default() -> Self {
        Self(File::open("/dev/null").ok())
    }
}

impl Spare {
    /// Whether the spare is there, or can be taken again.
    fn is_there(&mut self) -> bool {
        if self.0.is_none() {
            *self = Self::default();
        }
        self.0.is_some()
    }

    /// Gives it up, and returns whether it was there.
    fn spend(&mut self) -> bool {
        self.0.take().is_some()
    }
}

/// Whether the client was gone before it was accepted: accept(2) reports such errors of the new socket.
fn is_clients_fault(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Sends the reason, if the socket accepts it immediately, and closes the connection.
fn refuse(stream: &TcpStream) {
    let _ = stream.try_write(
        b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Type: text/plain\r\n\
          Content-Length: 45\r\n\r\nthis server has reached its connection limit\n",
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpStream;

    #[tokio::test]
    async fn r5_connections_are_counted_before_their_tasks_start() {
        const MOST: usize = 3;
        let acceptor = Arc::new(Acceptor::for_tests(axum::Router::new(), MOST));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut clients = Vec::new();
        let mut accepted = Vec::new();
        for _ in 0..2 * MOST {
            clients.push(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap());
            accepted.push(listener.accept().await.unwrap());
        }
        // Nothing is awaited meanwhile, so none of their tasks has started.
        for (stream, _) in accepted {
            acceptor.receive(stream);
        }
        let meters = &acceptor.meters;
        assert_eq!((meters.accepted.get(), meters.open.get(), meters.refused.get()), (3, 3, 3));
    }
}

//! The server of the control address: it limits the number of connections and the time that a request's head may take.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// The most connections at a time.
pub(crate) const MAX_CONNECTIONS: usize = 256;
/// How long the head of a request may take to arrive, and how long a connection may be idle between two requests.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// The pause after a failed accept: while the descriptor table is full, the next attempt fails too.
const RETRY: Duration = Duration::from_millis(20);

/// Accepts connections, and serves the routes on them.
pub(super) struct ControlServer {
    router: Router,
    permits: Arc<Semaphore>,
    head_timeout: Duration,
}

impl ControlServer {
    pub(super) fn new(router: Router) -> Self {
        Self { router, permits: Arc::new(Semaphore::new(MAX_CONNECTIONS)), head_timeout: HEAD_TIMEOUT }
    }

    /// Accepts connections until `stop` is cancelled; requests that have arrived by then still get a response.
    pub(super) async fn serve(self, listener: TcpListener, stop: CancellationToken) {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = stop.cancelled() => return,
            };
            match accepted {
                Ok((stream, _)) => self.accept(stream, stop.clone()),
                Err(_) => tokio::time::sleep(RETRY).await,
            }
        }
    }

    fn accept(&self, stream: TcpStream, stop: CancellationToken) {
        match self.permits.clone().try_acquire_owned() {
            Ok(permit) => drop(tokio::spawn(handle(stream, self.router.clone(), self.head_timeout, stop, permit))),
            Err(_) => reject(&stream),
        }
    }
}

async fn handle(
    stream: TcpStream,
    router: Router,
    head_timeout: Duration,
    stop: CancellationToken,
    _permit: OwnedSemaphorePermit,
) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    drop(ended); // an error concerns only this connection
}

/// Responds with 503, if the socket takes that immediately, and closes the connection.
fn reject(stream: &TcpStream) {
    let _ = stream.try_write(
        b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Type: text/plain\r\n\
          Content-Length: 45\r\n\r\nthe control address has too many connections\n",
    );
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn open(most: usize, head_timeout: Duration) -> (std::net::SocketAddr, CancellationToken) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let router = Router::new().route("/", get(|| async { "here" }));
        let server = ControlServer { router, permits: Arc::new(Semaphore::new(most)), head_timeout };
        tokio::spawn(server.serve(listener, stop.clone()));
        (address, stop)
    }

    async fn rest(stream: &mut TcpStream) -> String {
        let mut text = String::new();
        let read = feedlab_testkit::soon(stream.read_to_string(&mut text)).await;
        assert!(read.is_ok(), "{read:?}");
        text
    }

    #[tokio::test]
    async fn r3_a_connection_whose_request_head_does_not_arrive_is_closed() {
        let (address, _gone) = open(9, Duration::from_millis(100)).await;
        for part in ["", "GET / HTTP/1.1\r\nHost:", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(part.as_bytes()).await.unwrap();
            let answer = rest(&mut stream).await;
            assert_eq!(answer.ends_with("here"), part.ends_with("\r\n\r\n"), "{part}: {answer}");
        }
    }

    #[tokio::test]
    async fn r5_connections_beyond_the_limit_are_rejected() {
        let (address, stop) = open(2, Duration::from_secs(30)).await;
        let mut first = TcpStream::connect(address).await.unwrap();
        let _second = TcpStream::connect(address).await.unwrap();
        let mut third = TcpStream::connect(address).await.unwrap();
        let rejection = rest(&mut third).await;
        let (head, body) = rejection.split_once("\r\n\r\n").unwrap();
        assert!(
            head.starts_with("HTTP/1.1 503 ") && head.contains(&format!("Content-Length: {}", body.len())),
            "{rejection}"
        );
        first.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
        assert!(rest(&mut first).await.ends_with("here"));
        let again = async {
            loop {
                let mut stream = TcpStream::connect(address).await.unwrap();
                let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
                let mut text = Vec::new();
                let _ = stream.read_to_end(&mut text).await;
                if text.ends_with(b"here") {
                    return;
                }
            }
        };
        feedlab_testkit::soon(again).await;
        stop.cancel();
    }
}

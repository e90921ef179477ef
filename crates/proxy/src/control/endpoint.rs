//! The connections of the control address: no more than a number, and each says in time what it wants.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// Connections that it takes.
pub(crate) const MAX_CONNECTIONS: usize = 256;
/// Time for a request's head to come; also how long a connection may rest between two requests.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Pause after a failed accept: with a full descriptor table the next one fails as well until something closes.
const RETRY: Duration = Duration::from_millis(20);

/// What leads to the routes.
pub(super) struct Endpoint {
    router: Router,
    places: Arc<Semaphore>,
    head_timeout: Duration,
}

impl Endpoint {
    pub(super) fn new(router: Router) -> Self {
        Self { router, places: Arc::new(Semaphore::new(MAX_CONNECTIONS)), head_timeout: HEAD_TIMEOUT }
    }

    /// Accepts connections until the proxy is gone; what is asked by then is answered.
    pub(super) async fn serve(self, listener: TcpListener, gone: CancellationToken) {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = gone.cancelled() => return,
            };
            match accepted {
                Ok((stream, _)) => self.receive(stream, gone.clone()),
                Err(_) => tokio::time::sleep(RETRY).await,
            }
        }
    }

    fn receive(&self, stream: TcpStream, gone: CancellationToken) {
        match self.places.clone().try_acquire_owned() {
            Ok(place) => drop(tokio::spawn(answer(stream, self.router.clone(), self.head_timeout, gone, place))),
            Err(_) => refuse(&stream),
        }
    }
}

async fn answer(
    stream: TcpStream,
    router: Router,
    head_timeout: Duration,
    gone: CancellationToken,
    _place: OwnedSemaphorePermit,
) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = gone.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    drop(ended); // whatever went wrong ended this connection and nothing else
}

/// Says why, if the socket takes it at once, and closes.
fn refuse(stream: &TcpStream) {
    let _ = stream.try_write(
        b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Type: text/plain\r\n\
          Content-Length: 40\r\n\r\nthe control address has too many guests\n",
    );
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn open(most: usize, head_timeout: Duration) -> (std::net::SocketAddr, CancellationToken) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, gone) = (listener.local_addr().unwrap(), CancellationToken::new());
        let router = Router::new().route("/", get(|| async { "here" }));
        let endpoint = Endpoint { router, places: Arc::new(Semaphore::new(most)), head_timeout };
        tokio::spawn(endpoint.serve(listener, gone.clone()));
        (address, gone)
    }

    async fn rest(stream: &mut TcpStream) -> String {
        let mut text = String::new();
        let read = feedlab_testkit::soon(stream.read_to_string(&mut text)).await;
        assert!(read.is_ok(), "{read:?}");
        text
    }

    #[tokio::test]
    async fn r3_a_head_that_does_not_come_ends_its_connection() {
        let (address, _gone) = open(9, Duration::from_millis(100)).await;
        for part in ["", "GET / HTTP/1.1\r\nHost:", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(part.as_bytes()).await.unwrap();
            let answer = rest(&mut stream).await;
            assert_eq!(answer.ends_with("here"), part.ends_with("\r\n\r\n"), "{part}: {answer}");
        }
    }

    #[tokio::test]
    async fn r5_more_connections_than_there_are_places_for_are_refused() {
        let (address, gone) = open(2, Duration::from_secs(30)).await;
        let mut first = TcpStream::connect(address).await.unwrap();
        let _second = TcpStream::connect(address).await.unwrap();
        let mut third = TcpStream::connect(address).await.unwrap();
        let refusal = rest(&mut third).await;
        let (head, body) = refusal.split_once("\r\n\r\n").unwrap();
        assert!(
            head.starts_with("HTTP/1.1 503 ") && head.contains(&format!("Content-Length: {}", body.len())),
            "{refusal}"
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
        gone.cancel();
    }
}

//! An HTTP/2 client that the tests control: its connection, its requests, and what it reads of the responses.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use feedlab_feed::clock;
use h2::client::{ResponseFuture, SendRequest};
use h2::ext::Protocol;
use h2::{RecvStream, SendStream};
use hyper::{Method, Request, Version};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::PATIENCE;

/// The preface and empty settings: RFC 9113, sections 3.4 and 6.5.
pub(super) const BEGIN: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// A connection; it ends when this is dropped and its streams are.
#[derive(Clone)]
pub(super) struct Client(pub(super) SendRequest<Bytes>);

impl Client {
    pub(super) async fn connect(addr: SocketAddr) -> Self {
        Self::on(TcpStream::connect(addr).await.unwrap()).await
    }

    pub(super) async fn on(io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        let mut builder = h2::client::Builder::new();
        let (requests, connection) =
            builder.initial_connection_window_size(16 << 20).handshake::<_, Bytes>(io).await.unwrap();
        tokio::spawn(async { drop(connection.await) });
        Self(requests)
    }

    pub(super) async fn send(&self, request: Request<()>, is_all: bool) -> (ResponseFuture, SendStream<Bytes>) {
        let mut requests = timeout(PATIENCE, self.0.clone().ready()).await.unwrap().unwrap();
        requests.send_request(request, is_all).unwrap()
    }

    pub(super) async fn get(&self, path: &str) -> Stream {
        self.get_with(path, &[]).await
    }

    pub(super) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Stream {
        let request =
            headers.iter().fold(request(Method::GET, path), |request, (name, value)| request.header(*name, *value));
        let (response, send) = self.send(request.body(()).unwrap(), true).await;
        Stream::of(response, send).await
    }

    /// Starts a request whose body follows.
    pub(super) async fn begin_post(&self, path: &str) -> (ResponseFuture, SendStream<Bytes>) {
        self.send(request(Method::POST, path).body(()).unwrap(), false).await
    }

    /// Whether the server accepts no more requests on the connection.
    pub(super) async fn is_left(&self) -> bool {
        let ready = timeout(PATIENCE, self.0.clone().ready()).await.unwrap();
        ready.is_err()
    }

    /// Opens a WebSocket: RFC 8441, section 5.
    pub(super) async fn websocket(&self, path: &str, protocol: &'static str) -> Stream {
        while !self.0.is_extended_connect_protocol_enabled() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let request = request(Method::CONNECT, path)
            .extension(Protocol::from_static(protocol))
            .header("sec-websocket-version", "13");
        let (response, send) = self.send(request.body(()).unwrap(), false).await;
        Stream::of(response, send).await
    }
}

pub(super) fn request(method: Method, path: &str) -> hyper::http::request::Builder {
    Request::builder().version(Version::HTTP_2).method(method).uri(format!("http://localhost{path}"))
}

/// A request and what has been read of its response.
pub(super) struct Stream {
    pub(super) head: hyper::Response<()>,
    pub(super) body: RecvStream,
    pub(super) send: SendStream<Bytes>,
    pub(super) buffer: Vec<u8>,
}

impl Stream {
    pub(super) async fn of(response: ResponseFuture, send: SendStream<Bytes>) -> Self {
        let response = timeout(PATIENCE, response).await.unwrap().unwrap();
        let (parts, body) = response.into_parts();
        Self { head: hyper::Response::from_parts(parts, ()), body, send, buffer: Vec::new() }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.headers().get(name).map(|value| value.to_str().unwrap())
    }

    /// Reads more of the body; `None` at the end of the stream.
    pub(super) async fn more(&mut self) -> Option<Result<(), h2::Error>> {
        let data = timeout(PATIENCE, self.body.data()).await.unwrap()?;
        Some(data.map(|data| {
            self.body.flow_control().release_capacity(data.len()).unwrap();
            self.buffer.extend_from_slice(&data);
        }))
    }

    pub(super) async fn until(&mut self, end: &str) -> String {
        let deadline = clock::now() + PATIENCE;
        loop {
            assert!(clock::now() < deadline, "still no {end:?}");
            if let Some(at) = self.buffer.windows(end.len()).position(|window| window == end.as_bytes()) {
                let taken: Vec<u8> = self.buffer.drain(..at + end.len()).collect();
                return String::from_utf8_lossy(&taken).into_owned();
            }
            self.more().await.expect("not the end yet").unwrap();
        }
    }

    pub(super) async fn exactly(&mut self, count: usize) -> Vec<u8> {
        while self.buffer.len() < count {
            self.more().await.expect("not the end yet").unwrap();
        }
        self.buffer.drain(..count).collect()
    }

    /// Returns everything up to the graceful end of the stream.
    pub(super) async fn rest(&mut self) -> String {
        while let Some(more) = self.more().await {
            more.unwrap();
        }
        String::from_utf8_lossy(&std::mem::take(&mut self.buffer)).into_owned()
    }
}

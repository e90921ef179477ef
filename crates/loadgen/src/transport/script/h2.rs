//! Tests only: the server's side of an HTTP/2 connection.

use bytes::Bytes;
use h2::server::{self, SendResponse};
use h2::{Ping, PingPong, RecvStream, SendStream};
use hyper::{Request, Response};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::{Pipe, Server};

/// One connection, from the server's side. It breaks when it is dropped.
pub(in crate::transport) struct Connection {
    exchanges: mpsc::Receiver<Exchange>,
    pings: PingPong,
    task: AbortHandle,
}

/// A request, and the handle for its response.
pub(in crate::transport) struct Exchange {
    pub(in crate::transport) request: Request<RecvStream>,
    answer: SendResponse<Bytes>,
}

/// The HTTP/2 settings in which a server differs from the default.
#[derive(Clone, Copy, Default)]
pub(in crate::transport) struct Http2Settings {
    /// The number of concurrent streams that it allows.
    pub(in crate::transport) streams: Option<u32>,
    /// Whether it supports the extended CONNECT.
    pub(in crate::transport) websockets: bool,
}

impl Server {
    /// Accepts the next connection, with prior knowledge.
    pub(in crate::transport) async fn accept_h2(&mut self, settings: Http2Settings) -> Connection {
        let stream = self.accept_tcp().await;
        Connection::new(Box::new(stream), settings).await
    }
}

impl Connection {
    pub(in crate::transport) async fn new(pipe: Box<dyn Pipe>, settings: Http2Settings) -> Self {
        let mut builder = server::Builder::new();
        if let Some(streams) = settings.streams {
            builder.max_concurrent_streams(streams);
        }
        if settings.websockets {
            builder.enable_connect_protocol();
        }
        let mut wire: server::Connection<_, Bytes> = builder.handshake(pipe).await.unwrap();
        let pings = wire.ping_pong().unwrap();
        let (sender, exchanges) = mpsc::channel(200);
        let task = tokio::spawn(async move {
            while let Some(Ok((request, answer))) = wire.accept().await {
                sender.send(Exchange { request, answer }).await.unwrap();
            }
        });
        Self { exchanges, pings, task: task.abort_handle() }
    }

    /// Waits for the next request.
    pub(in crate::transport) async fn request(&mut self) -> Exchange {
        self.exchanges.recv().await.expect("the client hung up instead of asking")
    }

    /// Pings the client, and waits for its answer.
    pub(in crate::transport) async fn ping(&mut self) {
        self.pings.ping(Ping::opaque()).await.unwrap();
    }

    /// Whether there is no further request at this moment.
    pub(in crate::transport) fn has_no_request(&mut self) -> bool {
        self.exchanges.try_recv().is_err()
    }

    /// Waits until the client has closed the connection.
    pub(in crate::transport) async fn closed(&mut self) {
        assert!(self.exchanges.recv().await.is_none(), "another request");
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Exchange {
    /// Returns path and query.
    pub(in crate::transport) fn target(&self) -> String {
        self.request.uri().path_and_query().unwrap().to_string()
    }

    pub(in crate::transport) fn header(&self, name: &str) -> Option<&str> {
        self.request.headers().get(name).map(|value| value.to_str().unwrap())
    }

    /// Sends a response head, and returns the stream for the body.
    pub(in crate::transport) fn head(&mut self, status: u16, content_type: &str) -> SendStream<Bytes> {
        let head = Response::builder().status(status).header("content-type", content_type).body(()).unwrap();
        self.answer.send_response(head, false).unwrap()
    }

    /// Sends a complete response.
    pub(in crate::transport) fn body(&mut self, body: &str) {
        self.head(200, "application/json").send_data(Bytes::copy_from_slice(body.as_bytes()), true).unwrap();
    }

    /// Refuses to process the request.
    pub(in crate::transport) fn refuse(&mut self) {
        self.answer.send_reset(h2::Reason::REFUSED_STREAM);
    }
}

/// Sends bytes on a stream in one piece.
pub(in crate::transport) fn send(stream: &mut SendStream<Bytes>, bytes: impl AsRef<[u8]>) {
    stream.send_data(Bytes::copy_from_slice(bytes.as_ref()), false).unwrap();
}

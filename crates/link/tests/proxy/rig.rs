//! A proxy between a client and a server, both of which the test plays itself.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use feedlab_link::{Config, LinkSettings, ProxyError};
use feedlab_testkit::http::{Answer, ask_async};
use feedlab_testkit::soon;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The proxy, and the server behind it.
pub(crate) struct Rig {
    pub(crate) endpoint: SocketAddr,
    pub(crate) control: SocketAddr,
    upstream: Option<TcpListener>,
    shutdown: CancellationToken,
    proxy: JoinHandle<Result<(), ProxyError>>,
}

impl Rig {
    pub(crate) async fn start(settings: impl Into<LinkSettings>) -> Self {
        let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let control = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (endpoint, control_address) = (listener.local_addr().unwrap(), control.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        let config = Config { settings: settings.into(), seed: 7 };
        let run = feedlab_link::run(listener, upstream.local_addr().unwrap(), config, Some(control), shutdown.clone());
        let proxy = tokio::spawn(run);
        Self { endpoint, control: control_address, upstream: Some(upstream), shutdown, proxy }
    }

    /// Stops the server: its port no longer accepts connections.
    pub(crate) fn stop_server(&mut self) {
        self.upstream = None;
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        let client = soon(TcpStream::connect(self.endpoint)).await.unwrap();
        client.set_nodelay(true).unwrap();
        client
    }

    pub(crate) async fn accept(&self) -> TcpStream {
        let (server, _) = soon(self.upstream.as_ref().unwrap().accept()).await.unwrap();
        server.set_nodelay(true).unwrap();
        server
    }

    /// Opens a connection, and returns both ends.
    pub(crate) async fn pair(&self) -> (TcpStream, TcpStream) {
        let client = self.connect().await;
        (client, self.accept().await)
    }

    pub(crate) async fn pairs(&self, count: usize) -> Vec<(TcpStream, TcpStream)> {
        let mut pairs = Vec::new();
        for _ in 0..count {
            pairs.push(self.pair().await);
        }
        pairs
    }

    /// Sends a request to the control API, and returns the status, the head and the body.
    pub(crate) async fn ask(&self, method: &str, path: &str, fields: &str, body: &str) -> (u16, String, String) {
        let Answer { status, head, body } = ask_async(self.control, method, path, fields, body).await;
        (status, head, body)
    }

    async fn succeed(&self, method: &str, path: &str, body: &str) -> Value {
        let (status, _, answer) = self.ask(method, path, "", body).await;
        assert_eq!(status, 200, "{path} {body}: {answer}");
        serde_json::from_str(&answer).unwrap()
    }

    pub(crate) async fn fault(&self, order: &str) -> Value {
        self.succeed("POST", "/fault", order).await
    }

    pub(crate) async fn set(&self, settings: &str) -> Value {
        self.succeed("PUT", "/settings", settings).await
    }

    pub(crate) async fn heal(&self) -> Value {
        self.succeed("POST", "/heal", "").await
    }

    pub(crate) async fn stats(&self) -> Value {
        self.succeed("GET", "/stats", "").await
    }

    /// Waits until a value in the statistics is `value`.
    pub(crate) async fn until(&self, name: &str, value: u64) {
        let reached = async {
            while self.stats().await[name] != value {
                tokio::time::sleep(ms(5)).await;
            }
        };
        if tokio::time::timeout(ms(30_000), reached).await.is_err() {
            panic!("`{name}` never became {value}: {}", self.stats().await);
        }
    }

    /// Shuts the proxy down, which must succeed.
    pub(crate) async fn end(self) {
        self.shutdown.cancel();
        soon(self.proxy).await.unwrap().unwrap();
    }
}

/// Writes a text, and reads it at the other end.
pub(crate) async fn passes(from: &mut TcpStream, to: &mut TcpStream, text: &str) {
    from.write_all(text.as_bytes()).await.unwrap();
    assert_eq!(read(to, text.len()).await, text);
}

pub(crate) async fn read(from: &mut TcpStream, length: usize) -> String {
    let mut text = vec![0; length];
    soon(from.read_exact(&mut text)).await.unwrap();
    String::from_utf8(text).unwrap()
}

/// Reads to the end, which must be a FIN.
pub(crate) async fn to_fin(from: &mut TcpStream) -> String {
    let mut text = String::new();
    soon(from.read_to_string(&mut text)).await.expect("it ends with a FIN");
    text
}

/// Reads to the end, which must be an RST, and returns what was received before it.
pub(crate) async fn to_reset(from: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let error = soon(from.read_to_end(&mut bytes)).await.expect_err("it ends with an RST");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    bytes
}

/// Checks that nothing arrives for `time`.
pub(crate) async fn nothing_arrives(from: &mut TcpStream, time: Duration) {
    let received = tokio::time::timeout(time, from.read(&mut [0; 64])).await;
    assert!(received.is_err(), "nothing should arrive, but {received:?} did");
}

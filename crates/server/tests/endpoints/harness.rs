//! A server on its own port, and a client that writes and reads bytes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use feedlab_feed::settings::Settings;
use feedlab_feed::stats::{EndpointStats, Stats};
use feedlab_feed::{Cursor, Transport, clock};
use feedlab_server::{Config, Listeners};
use tokio_util::sync::CancellationToken;

/// How long a test waits for what it expects.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running server. Dropping it stops it and waits for its end.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    /// The control address, whose requests are not counted.
    pub(crate) control: SocketAddr,
    shutdown: CancellationToken,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// Returns the settings of a server that accepts updates.
pub(crate) fn publishing() -> Settings {
    Settings { allow_publish: true, ..Settings::default() }
}

impl Server {
    pub(crate) fn start(config: impl Into<Config>) -> Self {
        let config = config.into();
        let shutdown = CancellationToken::new();
        let token = shutdown.clone();
        let (sender, addresses) = std::sync::mpsc::sync_channel(1);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async {
                let bind = || tokio::net::TcpListener::bind("127.0.0.1:0");
                let (endpoints, control) = (bind().await.unwrap(), bind().await.unwrap());
                sender.send((endpoints.local_addr().unwrap(), control.local_addr().unwrap())).unwrap();
                let listeners = Listeners { endpoints, control: Some(control) };
                feedlab_server::run(listeners, config, token).await.unwrap();
            });
        });
        let (addr, control) = addresses.recv().unwrap();
        Self { addr, control, shutdown, thread: Some(thread) }
    }

    /// Starts a server that accepts updates, so that the test decides what is published.
    pub(crate) fn open() -> Self {
        Self::start(publishing())
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(self.addr)
    }

    /// Sends a request on its own connection, and returns the whole response as text.
    pub(crate) fn ask(&self, request: &str) -> String {
        ask(self.addr, request)
    }

    /// Returns the body of a poll.
    pub(crate) fn poll(&self, target: &str) -> serde_json::Value {
        let answer = self.ask(&format!("GET {target} HTTP/1.1"));
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    pub(crate) fn publish(&self, text: &str) {
        let request = format!("POST /feed HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: {}", text.len());
        let mut client = self.client();
        client.send(&format!("{request}\r\nHost: localhost\r\nConnection: close\r\n\r\n{text}"));
        let answer = client.rest();
        assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    }

    pub(crate) fn stats(&self) -> Stats {
        let answer = ask(self.control, "GET /stats HTTP/1.1");
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    /// Returns a cursor in the epoch of its feed, as text.
    pub(crate) fn cursor(&self, seq: u64) -> String {
        Cursor { epoch: self.stats().feed.epoch, seq }.to_string()
    }

    pub(crate) fn endpoint(&self, transport: Transport) -> EndpointStats {
        self.stats().endpoints[&transport].clone()
    }

    /// Starts the shutdown without waiting for it.
    pub(crate) fn stop(&self) {
        self.shutdown.cancel();
    }

    /// Waits until a condition on the server's figures holds.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, holds: impl Fn(&Stats) -> bool) {
        let deadline = clock::now() + PATIENCE;
        while !holds(&self.stats()) {
            assert!(clock::now() < deadline, "still not: {what}; {:?}", self.stats());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.cancel();
        let (thread, deadline) = (self.thread.take().unwrap(), clock::now() + Duration::from_secs(20));
        while !thread.is_finished() && clock::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        if !std::thread::panicking() {
            assert!(thread.is_finished(), "the server does not end");
            assert!(thread.join().is_ok(), "the server panicked");
        }
    }
}

/// A connection.
pub(crate) struct Client<S = TcpStream> {
    pub(crate) stream: S,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self::on(stream)
    }
}

impl<S: Read + Write> Client<S> {
    pub(crate) const fn on(stream: S) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Returns everything up to and including a text. What follows stays for the next call.
    #[track_caller]
    pub(crate) fn until(&mut self, end: &str) -> String {
        let deadline = clock::now() + PATIENCE;
        loop {
            assert!(clock::now() < deadline, "still no {end:?}, only keepalives");
            if let Some(at) = self.buffer.windows(end.len()).position(|window| window == end.as_bytes()) {
                let taken: Vec<u8> = self.buffer.drain(..at + end.len()).collect();
                return String::from_utf8_lossy(&taken).into_owned();
            }
            assert!(self.read_more() > 0, "closed before {end:?}: {}", String::from_utf8_lossy(&self.buffer));
        }
    }

    /// Opens an event stream, and reads its head and greeting.
    pub(crate) fn open_sse(mut self, after: &str) -> Self {
        self.send(&format!("GET /feed/sse{after} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        self.until("retry: 2000\n\n\r\n");
        self
    }

    /// Opens a WebSocket, and reads its head and greeting.
    pub(crate) fn open_websocket(mut self, after: &str) -> Self {
        self.send(&format!(
            "GET /feed/ws{after} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        ));
        self.until("\r\n\r\n");
        self.until("}}");
        self
    }

    /// Returns the next event of an event stream: the `seq` of its `id`, and the gap if it reports one.
    #[track_caller]
    pub(crate) fn event(&mut self) -> (u64, Option<(u64, u64)>) {
        let text = self.until("\n\n\r\n");
        let field = |name: &str| text.split(name).nth(1).and_then(|rest| rest.split('\n').next());
        let id = field("id: ").unwrap_or_else(|| panic!("no id in {text}")).parse::<Cursor>().unwrap();
        let gap = (field("event: ") == Some("gap")).then(|| {
            let gap: serde_json::Value = serde_json::from_str(field("data: ").unwrap()).unwrap();
            (gap["from"].as_u64().unwrap(), gap["to"].as_u64().unwrap())
        });
        (id.seq, gap)
    }

    /// Returns the next `count` bytes.
    #[track_caller]
    pub(crate) fn exactly(&mut self, count: usize) -> Vec<u8> {
        while self.buffer.len() < count {
            assert!(self.read_more() > 0, "closed after {:?}", self.buffer);
        }
        self.buffer.drain(..count).collect()
    }

    /// Returns everything up to the end of the connection.
    #[track_caller]
    pub(crate) fn rest(&mut self) -> String {
        while self.read_more() > 0 {}
        String::from_utf8_lossy(&std::mem::take(&mut self.buffer)).into_owned()
    }

    #[track_caller]
    fn read_more(&mut self) -> usize {
        let mut chunk = [0; 16 << 10];
        let count = self.stream.read(&mut chunk).unwrap();
        self.buffer.extend_from_slice(&chunk[..count]);
        count
    }
}

/// Sends a request on its own connection, and returns the whole response as text.
pub(crate) fn ask(addr: SocketAddr, request: &str) -> String {
    let mut client = Client::connect(addr);
    client.send(&format!("{request}\r\nHost: {addr}\r\nConnection: close\r\n\r\n"));
    client.rest()
}

pub(crate) fn elapsed(since: Instant) -> Duration {
    clock::now() - since
}

//! Servers in this process, and clients that record what they receive.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use feedlab_experiment::record::Failure;
use feedlab_experiment::scenario::Options;
use feedlab_feed::settings::Settings;
use feedlab_feed::source::SourceConfig;
use feedlab_feed::stats::Stats;
use feedlab_feed::wire::{RawUpdate, Stamp};
use feedlab_feed::{Cursor, Gap, Reset, Transport, clock};
use feedlab_loadgen::observer::{ClientError, Observer, Opened};
use feedlab_loadgen::transport::{self, Client, Url};
use feedlab_server::Config;
use feedlab_testkit::{http, soon};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Where a feed is stored.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Backend {
    /// In its only server.
    Server,
    /// On a broker, for two servers.
    Broker(SocketAddr),
}

/// The servers of a feed.
pub(crate) struct Server {
    pub(crate) nodes: Vec<Node>,
}

/// One server of a feed.
pub(crate) struct Node {
    pub(crate) addr: SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Backend {
    /// Starts the servers of a new feed.
    pub(crate) async fn start(self, settings: Settings) -> Server {
        static STREAMS: AtomicU32 = AtomicU32::new(0);
        let Self::Broker(broker) = self else { return Server { nodes: vec![Node::start(settings).await] } };
        let stream = STREAMS.fetch_add(1, Ordering::Relaxed);
        let source = format!("nats://{broker}/CONTRACT_{stream}").parse().unwrap();
        let settings = Settings { source: Some(SourceConfig::Stream(source)), ..settings };
        Server { nodes: vec![Node::start(settings.clone()).await, Node::start(settings).await] }
    }
}

impl Server {
    /// Returns the address of a node of the feed, a different one each time.
    pub(crate) fn addr(&self) -> SocketAddr {
        static TURN: AtomicUsize = AtomicUsize::new(0);
        self.nodes[TURN.fetch_add(1, Ordering::Relaxed) % self.nodes.len()].addr
    }

    /// Returns the addresses of all nodes.
    pub(crate) fn addrs(&self) -> Vec<SocketAddr> {
        self.nodes.iter().map(|node| node.addr).collect()
    }

    pub(crate) fn url(&self, transport: Transport) -> String {
        url(self.addr(), transport)
    }

    pub(crate) async fn stop(self) {
        for node in self.nodes {
            node.stop().await;
        }
    }

    /// Waits until no node has a client at the endpoint, and the only connection is that of the query.
    pub(crate) async fn until_empty(&self, transport: Transport) {
        for node in &self.nodes {
            node.until_empty(transport).await;
        }
    }
}

impl Node {
    pub(crate) async fn start(settings: Settings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let token = shutdown.clone();
        // A client that waited for the drain would wait longer than any test.
        let config = Config { drain: Duration::from_secs(3_600), ..settings.into() };
        let task = tokio::spawn(async move { feedlab_server::run(listener, config, token).await.unwrap() });
        Self { addr, shutdown, task }
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        soon(self.task).await.unwrap();
    }

    async fn stats(&self) -> Stats {
        serde_json::from_str(&http::ask_async(self.addr, "GET", "/stats", "", "").await.body).unwrap()
    }

    async fn until_empty(&self, transport: Transport) {
        let deadline = clock::now() + Duration::from_secs(5);
        loop {
            let stats = self.stats().await;
            if stats.endpoints[&transport].active == 0 && stats.connections.open == 1 {
                return;
            }
            assert!(clock::now() < deadline, "{transport}: {stats:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

pub(crate) fn url(addr: SocketAddr, transport: Transport) -> String {
    let scheme = if transport == Transport::WebSocket { "ws" } else { "http" };
    format!("{scheme}://{addr}{}", transport.path())
}

/// Publishes one update per number, one after the other.
pub(crate) async fn publish(addr: SocketAddr, numbers: RangeInclusive<u64>) {
    publish_large(addr, numbers, 0).await;
}

/// Publishes updates of a given size.
pub(crate) async fn publish_large(addr: SocketAddr, numbers: RangeInclusive<u64>, bytes: usize) {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let mut answer = [0; 1024];
    for number in numbers {
        let text = format!("{number} {}", "x".repeat(bytes));
        let request = format!("POST /feed HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{text}", text.len());
        stream.write_all(request.as_bytes()).await.unwrap();
        let count = stream.read(&mut answer).await.unwrap();
        assert!(answer[..count].starts_with(b"HTTP/1.1 202"), "{}", String::from_utf8_lossy(&answer[..count]));
    }
}

/// What a client received.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) seqs: Vec<u64>,
    pub(crate) gaps: Vec<Gap>,
    /// The resets, each with the number of updates received before.
    pub(crate) resets: Vec<(Reset, usize)>,
    pub(crate) reconnects: u32,
    pub(crate) failures: Vec<Failure>,
}

/// A client that runs until it is dropped.
pub(crate) struct Follower {
    seen: Arc<Mutex<Seen>>,
    stop: CancellationToken,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// Starts a client that reads from the first update. It runs in a separate thread, because it need not be `Send`.
pub(crate) fn follow(url: &str, transport: Transport) -> Follower {
    let mut client = Client::new(Url::parse(url).unwrap(), 1);
    client.after = Some(Cursor::default());
    let (seen, stop) = (Arc::<Mutex<Seen>>::default(), CancellationToken::new());
    let (mut notes, token) = (Notes(seen.clone()), stop.clone());
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(transport::run(client, &options(transport), &mut notes, &token));
    });
    Follower { seen, stop, thread: Some(thread) }
}

fn options(transport: Transport) -> Options {
    let keepalive = Duration::from_secs(15);
    match transport {
        Transport::ShortPolling => {
            Options::ShortPolling { interval: Duration::from_millis(50), keep_alive: true, conditional: true }
        }
        Transport::LongPolling => Options::LongPolling { hold: Duration::from_secs(20), keep_alive: true },
        Transport::Sse => Options::Sse { keepalive },
        Transport::WebSocket => Options::WebSocket { keepalive },
    }
}

impl Follower {
    /// Waits until a condition holds for what was received, and returns that.
    pub(crate) async fn until(&self, transport: Transport, holds: impl Fn(&Seen) -> bool) -> Seen {
        let deadline = clock::now() + Duration::from_secs(20);
        loop {
            let seen = self.seen.lock().unwrap().clone();
            if holds(&seen) {
                return seen;
            }
            let tail = &seen.seqs[seen.seqs.len().saturating_sub(5)..];
            assert!(clock::now() < deadline, "{transport}: {} seen, … {tail:?}, {:?}", seen.seqs.len(), seen.failures);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.stop.cancel();
        let result = self.thread.take().unwrap().join();
        assert!(result.is_ok() || std::thread::panicking(), "a client panicked");
    }
}

struct Notes(Arc<Mutex<Seen>>);

impl Observer for Notes {
    fn opened(&mut self, _opened: Opened) {}

    fn update(&mut self, stamp: Stamp, raw: RawUpdate<'_>, _received_at_us: u64) {
        assert_eq!(raw.update().unwrap().seq, stamp.seq);
        self.0.lock().unwrap().seqs.push(stamp.seq);
    }

    fn gap(&mut self, gap: Gap, _resume: Cursor) {
        self.0.lock().unwrap().gaps.push(gap);
    }

    fn reset(&mut self, reset: Reset) {
        let mut seen = self.0.lock().unwrap();
        let had = seen.seqs.len();
        seen.resets.push((reset, had));
    }

    fn failure(&mut self, error: &ClientError) {
        self.0.lock().unwrap().failures.push(error.failure);
    }

    fn reconnect(&mut self) {
        self.0.lock().unwrap().reconnects += 1;
    }
}

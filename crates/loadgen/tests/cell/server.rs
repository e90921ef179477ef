//! A feed that is simple enough to predict: update `k` is due `k` periods after the start, every endpoint derives it
//! from the clock, and nothing is ever dropped. What a cell measures against it is known in advance.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use feedlab_feed::process::Usage;
use feedlab_feed::stats::{EndpointStats, FeedStats, Start, Stats};
use feedlab_feed::wire::{poll, sse, update_json, websocket};
use feedlab_feed::{Cursor, Data, Epoch, EventType, Transport, Update, clock};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::sleep_until;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The time between two updates, µs.
pub(crate) const PERIOD_US: u64 = 50_000;

/// A server on its own thread, which ends with the test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) feed: Arc<Feed>,
}

/// The feed and the counts.
#[derive(Default)]
pub(crate) struct Feed {
    start_us: AtomicU64,
    connections: AtomicU64,
    requests: AtomicU64,
    bytes: AtomicU64,
    /// Ends every connection that has used an endpoint.
    cut: Notify,
    /// The bodies posted to `/fault`, as to a lab proxy; each one cuts the connections.
    pub(crate) faults: Mutex<Vec<String>>,
    /// Whether `GET /stats?before=` is answered as by a server that no longer knows.
    forgetful: bool,
    /// Whether every endpoint answers with 404.
    shut: bool,
}

impl Server {
    pub(crate) fn start(feed: Feed) -> Self {
        let feed = Arc::new(feed);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let served = feed.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, served.clone()));
                }
            });
        });
        Self { address, feed }
    }
}

impl Feed {
    pub(crate) fn forgetful() -> Self {
        Self { forgetful: true, ..Self::default() }
    }

    pub(crate) fn shut() -> Self {
        Self { shut: true, ..Self::default() }
    }

    /// Returns how many updates are due before a time.
    pub(crate) fn before(&self, at_us: u64) -> u64 {
        match self.start_us.load(Relaxed) {
            0 => 0,
            start => at_us.saturating_sub(start).div_ceil(PERIOD_US),
        }
    }

    fn due_us(&self, seq: u64) -> u64 {
        match self.start_us.load(Relaxed) {
            0 => u64::MAX,
            start => start + (seq - 1) * PERIOD_US,
        }
    }

    fn update(&self, seq: u64) -> Update {
        Update { seq, at: self.due_us(seq), event_type: EventType::default(), data: Data::Text("0123456789".into()) }
    }

    /// Waits until an update is due, even if the feed has not started yet.
    async fn wait_for(&self, seq: u64) {
        while self.due_us(seq) > clock::unix_us() {
            let soon = clock::unix_us() + 20_000;
            sleep_until(clock::instant_of(self.due_us(seq).min(soon)).into()).await;
        }
    }

    fn stats(&self, before: Option<u64>) -> Stats {
        let head = self.before(clock::unix_us());
        let feed = FeedStats {
            epoch: Some(epoch()),
            head,
            oldest: 1,
            before: before.filter(|_| !self.forgetful).map(|at| self.before(at)),
            payload_bytes: head * 10,
            ..FeedStats::default()
        };
        let endpoint = EndpointStats {
            connections: self.connections.load(Relaxed),
            requests: self.requests.load(Relaxed),
            bytes_out: self.bytes.load(Relaxed),
            ..EndpointStats::default()
        };
        Stats {
            version: String::new(),
            instance: 1,
            at: clock::unix_us(),
            feed,
            connections: Default::default(),
            endpoints: BTreeMap::from(Transport::ALL.map(|transport| (transport, endpoint.clone()))),
            process: Usage::now(),
            ..Stats::default()
        }
    }
}

async fn serve(stream: TcpStream, feed: Arc<Feed>) {
    let mut peer = Peer { stream: BufReader::new(stream), feed: feed.clone() };
    let mut cut = std::pin::pin!(feed.cut.notified());
    let mut came = false;
    let Some(mut request) = peer.request().await else { return };
    loop {
        if request.path.starts_with("/feed") && !std::mem::replace(&mut came, true) {
            feed.connections.fetch_add(1, Relaxed);
            // From now on, the connection is one of those that a cut ends.
            cut.as_mut().enable();
        }
        let next = async {
            peer.answer(&request).await.filter(|()| !request.close)?;
            peer.request().await
        };
        let next = tokio::select! {
            next = next => next,
            () = &mut cut, if came => None,
        };
        let Some(next) = next else { return };
        request = next;
    }
}

struct Peer {
    stream: BufReader<TcpStream>,
    feed: Arc<Feed>,
}

#[derive(Default)]
struct Request {
    path: String,
    query: BTreeMap<String, String>,
    key: String,
    after: Option<u64>,
    close: bool,
    body: Vec<u8>,
}

impl Peer {
    async fn request(&mut self) -> Option<Request> {
        let mut request = Request::default();
        let mut length = 0;
        let mut line = String::new();
        self.stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        let target = line.split(' ').nth(1)?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        path.clone_into(&mut request.path);
        request.query =
            query.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect();
        request.after =
            request.query.get("after").and_then(|after| after.parse::<Cursor>().ok()).map(|cursor| cursor.seq);
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).await.ok()?;
            let Some((name, value)) = line.trim().split_once(": ") else { break };
            match name.to_ascii_lowercase().as_str() {
                "sec-websocket-key" => value.clone_into(&mut request.key),
                "last-event-id" => request.after = value.parse::<Cursor>().ok().map(|cursor| cursor.seq),
                "connection" => request.close = value == "close",
                "content-length" => length = value.parse().ok()?,
                _ => {}
            }
        }
        request.body = vec![0; length];
        self.stream.read_exact(&mut request.body).await.ok()?;
        Some(request)
    }

    async fn say(&mut self, bytes: impl AsRef<[u8]>) -> Option<()> {
        self.feed.bytes.fetch_add(bytes.as_ref().len() as u64, Relaxed);
        self.stream.get_mut().write_all(bytes.as_ref()).await.ok()
    }

    async fn body(&mut self, status: &str, body: &[u8]) -> Option<()> {
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
        self.say([head.as_bytes(), body].concat()).await
    }

    async fn answer(&mut self, request: &Request) -> Option<()> {
        let before = request.query.get("before").and_then(|at| at.parse().ok());
        match request.path.as_str() {
            "/stats" => {
                let stats = serde_json::to_vec(&self.feed.stats(before)).ok()?;
                return self.body("200 OK", &stats).await;
            }
            "/control/start" => {
                let start: Start = serde_json::from_slice(&request.body).ok()?;
                self.feed.start_us.store(start.at, Relaxed);
                return self.body("202 Accepted", b"").await;
            }
            "/fault" => {
                self.feed.faults.lock().unwrap().push(String::from_utf8(request.body.clone()).ok()?);
                self.feed.cut.notify_waiters();
                return self.body("200 OK", b"{}").await;
            }
            _ if self.feed.shut => return self.body("404 Not Found", b"").await,
            _ => {}
        }
        self.feed.requests.fetch_add(1, Relaxed);
        let head = self.feed.before(clock::unix_us() + 1);
        let after = request.after.unwrap_or(head);
        match request.path.as_str() {
            "/feed/poll" => self.poll(after).await,
            "/feed/long-poll" if request.after.is_none() => self.poll(after).await,
            "/feed/long-poll" => {
                let news = tokio::time::timeout(Duration::from_secs(1), self.feed.wait_for(after + 1)).await;
                if news.is_ok() { self.poll(after).await } else { self.body("204 No Content", b"").await }
            }
            "/feed/sse" => self.sse(after).await,
            _ => self.websocket(after, &request.key).await,
        }
    }

    async fn poll(&mut self, after: u64) -> Option<()> {
        let head = self.feed.before(clock::unix_us() + 1);
        let updates: Vec<String> = (after + 1..=head).map(|seq| update_json(&self.feed.update(seq))).collect();
        let body = poll::write_body(updates.iter().map(String::as_bytes), at(head.max(after)), None, None);
        self.body("200 OK", &body).await
    }

    async fn sse(&mut self, after: u64) -> Option<()> {
        self.say("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n").await?;
        for seq in after + 1.. {
            self.feed.wait_for(seq).await;
            let event = sse::update_event(epoch(), &self.feed.update(seq));
            self.say(sse::chunk(event.as_bytes())).await?;
        }
        None
    }

    async fn websocket(&mut self, after: u64, key: &str) -> Option<()> {
        let mut head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n".to_owned();
        write!(head, "Sec-WebSocket-Accept: {}\r\n\r\n", derive_accept_key(key.as_bytes())).ok()?;
        self.say(head).await?;
        self.say(websocket::hello_frame(at(after))).await?;
        for seq in after + 1.. {
            tokio::select! {
                () = self.feed.wait_for(seq) => {}
                _ = self.stream.fill_buf() => return self.say(websocket::close_frame(1000, "")).await.and(None),
            }
            self.say(websocket::update_frame(&self.feed.update(seq))).await?;
        }
        None
    }
}

fn epoch() -> Epoch {
    Epoch::of(b"cell")
}

fn at(seq: u64) -> Cursor {
    Cursor::new(epoch(), seq)
}

//! A server that delivers every update to every client at a time that it chooses, and records when it did.
//!
//! Nothing here is asynchronous, because a runtime's timers tick in milliseconds. One thread makes all deliveries, in
//! the order of their times; each connection's own thread reads what the client sends, and answers polls for which an
//! update is ready. The clock is read directly before the `write`, so that the truth is what was done and not what was
//! planned.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;

use feedlab_feed::process::Usage;
use feedlab_feed::stats::{EndpointStats, FeedStats, Start, Stats};
use feedlab_feed::wire::{poll, sse, update_json, websocket};
use feedlab_feed::{Cursor, Data, Epoch, EventType, Transport, Update, clock};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::request::{Request, Requests};

/// The time between two updates, µs.
pub(crate) const PERIOD_US: u64 = 2_500;

/// An update that was written to a client's socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivery {
    pub(crate) due_us: u64,
    pub(crate) written_us: u64,
}

/// The server, on its own threads. Dropping it ends the deliveries; the rest ends with its connections.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    /// For each client, in the order of their connects: how late each update is, µs.
    delays: Vec<Vec<u64>>,
    clients: Mutex<Vec<Arc<Mutex<Client>>>>,
    start_us: AtomicU64,
    stopped: AtomicBool,
}

/// One client's end of its connection.
struct Client {
    stream: TcpStream,
    transport: Transport,
    /// Whether something can be written: always on a stream; on a poll, while a request is pending.
    listening: bool,
    /// The updates to write as soon as possible.
    ready: Vec<Update>,
    /// The highest `seq` that was written.
    next: u64,
    deliveries: Vec<Delivery>,
}

impl Server {
    /// `delays` has one list per measured client. Later clients get one update at once: they are join probes, which
    /// wait for no more.
    pub(crate) fn start(delays: Vec<Vec<u64>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            delays,
            clients: Mutex::default(),
            start_us: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
        });
        let served = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if served.stopped.load(Relaxed) {
                    return;
                }
                stream.set_nodelay(true).unwrap();
                let shared = served.clone();
                thread::spawn(move || Connection { stream, shared, client: None }.serve());
            }
        });
        Self { address, shared }
    }

    /// Returns the deliveries of updates that were due in a time, over all measured clients.
    pub(crate) fn deliveries(&self, start_us: u64, end_us: u64) -> Vec<Delivery> {
        let due = |delivery: &Delivery| (start_us..end_us).contains(&delivery.due_us);
        let clients = self.shared.clients.lock().unwrap();
        let measured = clients.iter().take(self.shared.delays.len());
        measured.flat_map(|client| client.lock().unwrap().deliveries.clone()).filter(due).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Relaxed);
        // Wakes the listener with one more connection.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    /// Adds a client.
    fn enter(&self, stream: TcpStream, transport: Transport) -> Arc<Mutex<Client>> {
        let mut clients = self.clients.lock().unwrap();
        let ready = if clients.len() < self.delays.len() {
            Vec::new()
        } else {
            vec![update(self.start_us.load(Relaxed), self.before(clock::unix_us()))]
        };
        let deliveries = Vec::with_capacity(self.delays.first().map_or(0, Vec::len));
        let client = Client { stream, transport, listening: false, ready, next: 0, deliveries };
        clients.push(Arc::new(Mutex::new(client)));
        clients[clients.len() - 1].clone()
    }

    fn start(self: &Arc<Self>, at_us: u64) {
        self.start_us.store(at_us, Relaxed);
        let shared = self.clone();
        thread::spawn(move || shared.deliver(at_us));
    }

    /// Makes every delivery at its time.
    fn deliver(&self, start_us: u64) {
        let clients = self.clients.lock().unwrap().clone();
        let mut plan: Vec<_> = clients
            .iter()
            .zip(&self.delays)
            .flat_map(|(client, delays)| delays.iter().zip(1..).map(move |(delay, seq)| (client, *delay, seq)))
            .map(|(client, delay, seq)| (due_us(start_us, seq) + delay, seq, client))
            .collect();
        plan.sort_by_key(|(when_us, seq, _)| (*when_us, *seq));
        for (when_us, seq, client) in plan {
            thread::sleep(clock::instant_of(when_us).saturating_duration_since(clock::now()));
            if self.stopped.load(Relaxed) {
                return;
            }
            let mut client = client.lock().unwrap();
            client.ready.push(update(start_us, seq));
            client.hand_over();
        }
    }

    /// Returns how many updates are due before a time.
    fn before(&self, at_us: u64) -> u64 {
        match self.start_us.load(Relaxed) {
            0 => 0,
            start => at_us.saturating_sub(start).div_ceil(PERIOD_US),
        }
    }

    fn stats(&self, before: Option<u64>) -> Stats {
        let feed = FeedStats {
            epoch: Some(epoch()),
            head: self.before(clock::unix_us()),
            oldest: 1,
            before: before.map(|at| self.before(at)),
            ..FeedStats::default()
        };
        Stats {
            version: String::new(),
            instance: 1,
            at: clock::unix_us(),
            feed,
            connections: Default::default(),
            endpoints: BTreeMap::from(Transport::ALL.map(|transport| (transport, EndpointStats::default()))),
            process: Usage::now(),
            ..Stats::default()
        }
    }
}

fn epoch() -> Epoch {
    Epoch::of(b"accuracy")
}

fn due_us(start_us: u64, seq: u64) -> u64 {
    start_us + (seq - 1) * PERIOD_US
}

fn update(start_us: u64, seq: u64) -> Update {
    let at = due_us(start_us, seq);
    Update { seq, at, event_type: EventType::default(), data: Data::Text("0123456789".into()) }
}

impl Client {
    /// Writes the updates that are ready, if the client listens. Ignores a client that has gone.
    fn hand_over(&mut self) {
        if !self.listening || self.ready.is_empty() {
            return;
        }
        self.listening = !matches!(self.transport, Transport::ShortPolling | Transport::LongPolling);
        self.next = self.ready.iter().map(|update| update.seq).fold(self.next, u64::max);
        let bytes = self.written();
        let written_us = clock::unix_us();
        let _ = self.stream.write_all(&bytes);
        let made = self.ready.drain(..).map(|update| Delivery { due_us: update.at, written_us });
        self.deliveries.extend(made);
    }

    /// The updates that are ready, encoded for the transport.
    fn written(&self) -> Vec<u8> {
        let ready = self.ready.iter();
        match self.transport {
            Transport::ShortPolling | Transport::LongPolling => {
                let updates: Vec<String> = ready.map(update_json).collect();
                let body =
                    poll::write_body(updates.iter().map(String::as_bytes), Cursor::new(epoch(), self.next), None, None);
                [format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), &body].concat()
            }
            Transport::Sse => {
                ready.flat_map(|update| sse::chunk(sse::update_event(epoch(), update).as_bytes())).collect()
            }
            Transport::WebSocket => ready.flat_map(websocket::update_frame).collect(),
        }
    }

    /// Answers a poll that is not held, or that has no cursor, with what there is.
    fn answer_at_once(&mut self) {
        if !self.ready.is_empty() {
            return self.hand_over();
        }
        self.listening = false;
        let _ = self.stream.write_all(&self.written());
    }
}

/// The thread of one connection, which reads what the client sends.
struct Connection {
    stream: TcpStream,
    shared: Arc<Shared>,
    /// Set from the first request to an endpoint.
    client: Option<Arc<Mutex<Client>>>,
}

impl Connection {
    fn serve(mut self) {
        let mut requests = Requests::of(self.stream.try_clone().unwrap());
        while let Some(request) = requests.next() {
            match request.path.as_str() {
                "/stats" => {
                    let before = request.query.get("before").and_then(|at| at.parse().ok());
                    self.answer(&serde_json::to_vec(&self.shared.stats(before)).unwrap());
                }
                "/control/start" => {
                    self.shared.start(serde_json::from_slice::<Start>(&request.body).unwrap().at);
                    self.answer(b"");
                }
                "/feed/poll" => self.poll(Transport::ShortPolling, Client::answer_at_once),
                "/feed/long-poll" if !request.query.contains_key("after") => {
                    self.poll(Transport::LongPolling, Client::answer_at_once);
                }
                "/feed/long-poll" => self.poll(Transport::LongPolling, Client::hand_over),
                "/feed/sse" => self.stream(Transport::Sse, SSE_HEAD),
                _ => self.stream(Transport::WebSocket, &upgrade_head(&request)),
            }
        }
        self.close();
    }

    fn answer(&mut self, body: &[u8]) {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        let _ = self.stream.write_all(&[head.as_bytes(), body].concat());
    }

    fn poll(&mut self, transport: Transport, answer: impl FnOnce(&mut Client)) {
        let client = self.client(transport);
        let mut client = client.lock().unwrap();
        client.listening = true;
        answer(&mut client);
    }

    fn stream(&mut self, transport: Transport, head: &str) {
        let _ = self.stream.write_all(head.as_bytes());
        let client = self.client(transport);
        let mut client = client.lock().unwrap();
        client.listening = true;
        client.hand_over();
    }

    fn client(&mut self, transport: Transport) -> Arc<Mutex<Client>> {
        let Self { stream, shared, client } = self;
        client.get_or_insert_with(|| shared.enter(stream.try_clone().unwrap(), transport)).clone()
    }

    /// Closes the connection. A WebSocket client waits for the echo of its close frame, the only thing that it sends on
    /// a stream.
    fn close(&mut self) {
        if let Some(client) = &self.client {
            let mut client = client.lock().unwrap();
            client.listening = false;
            if client.transport == Transport::WebSocket {
                let _ = self.stream.write_all(&websocket::close_frame(1000, ""));
            }
        }
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
    }
}

const SSE_HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

fn upgrade_head(request: &Request) -> String {
    let accept = derive_accept_key(request.key.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
}

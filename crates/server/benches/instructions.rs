//! Instructions of the server for a poll, and for a publication to a number of clients. `scripts/check-instructions` runs
//! them.
//!
//! They use a whole server over loopback, so that they count what a client causes and survive any change inside. valgrind
//! runs one thread at a time, and a client waits in a blocking read, so who runs when hardly varies. The clients' part is
//! a few dozen instructions for a read or a write: they know no HTTP, and wait for the last bytes of each answer.

#![expect(clippy::unwrap_used, reason = "a benchmark ends at the first surprise")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use feedlab_feed::settings::Settings;
use feedlab_server::Config;
use feedlab_testkit::instructions;
use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;

fn main() -> std::io::Result<()> {
    instructions::main(&[
        ("answer a poll with 304", || Box::new(poll("If-None-Match: \"TAG\"\r\n", "\r\n\r\n"))),
        ("answer a poll with 200", || Box::new(poll("", BODY_END))),
        ("publish to nobody", || Box::new(publish(0, "", ""))),
        ("publish to 30 subscribers of SSE", || Box::new(publish(30, SSE, "retry: 2000"))),
        ("publish to 30 subscribers of a WebSocket", || Box::new(publish(30, WEBSOCKET, "\"hello\""))),
        ("publish to 10 long polls", || Box::new(publish_to_long_polls(10))),
    ])
}

const SSE: &str = "GET /feed/sse HTTP/1.1\r\nHost: localhost\r\n\r\n";
const WEBSOCKET: &str = "GET /feed/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
/// Ends the body of a poll.
const BODY_END: &str = "\"gap\":null}";
/// Ends each update of the benchmark.
const UPDATE_END: &str = "the end";

/// A server on a thread of its own, which runs until the process ends.
struct Server {
    addr: SocketAddr,
}

impl Server {
    fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind(("127.0.0.1", 0))).unwrap();
        let addr = listener.local_addr().unwrap();
        let config = Config { settings: Settings { allow_publish: true, ..Settings::default() }, ..Config::default() };
        std::thread::spawn(move || runtime.block_on(feedlab_server::run(listener, config, CancellationToken::new())));
        Self { addr }
    }

    fn client(&self) -> Client {
        let connection = TcpStream::connect(self.addr).unwrap();
        connection.set_nodelay(true).unwrap();
        Client { connection, piece: vec![0; 4096].into(), received: Vec::with_capacity(1 << 16) }
    }

    fn clients(&self, number: usize) -> Vec<Client> {
        (0..number).map(|_| self.client()).collect()
    }
}

/// A client that sends bytes and waits for bytes.
struct Client {
    connection: TcpStream,
    /// Kept, because to clear it for each read would cost more than all that is measured.
    piece: Box<[u8]>,
    received: Vec<u8>,
}

impl Client {
    fn send(&mut self, request: &str) {
        self.connection.write_all(request.as_bytes()).unwrap();
    }

    /// Reads until this has arrived, near the end of what has.
    fn wait_for(&mut self, end: &str) -> &[u8] {
        self.received.clear();
        loop {
            let bytes = self.connection.read(&mut self.piece).unwrap();
            assert!(bytes > 0, "closed before {end:?}");
            self.received.extend_from_slice(&self.piece[..bytes]);
            let tail = &self.received[self.received.len().saturating_sub(end.len() + 32)..];
            if tail.windows(end.len()).any(|window| window == end.as_bytes()) {
                return &self.received;
            }
        }
    }

    /// Reads the answer to a poll, and returns its cursor.
    fn cursor(&mut self) -> String {
        let answer = String::from_utf8_lossy(self.wait_for(BODY_END));
        answer.split("\"next\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    }
}

/// Asks with a header until it is answered with these last bytes.
fn poll(header: &str, end: &'static str) -> impl FnMut() + use<> {
    let mut client = Server::start().client();
    client.send("GET /feed/poll HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let cursor = client.cursor();
    let request = format!("GET /feed/poll?after={cursor} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n");
    let request = request.replace("TAG", &cursor);
    move || {
        client.send(&request);
        client.wait_for(end);
    }
}

/// Publishes to this many subscribers, whose streams begin with these bytes. The next update comes when all have the
/// last one.
fn publish(subscribers: usize, opening: &str, greeting: &str) -> impl FnMut() + use<> {
    let server = Server::start();
    let (mut publisher, mut clients) = (server.client(), server.clients(subscribers));
    for client in &mut clients {
        client.send(opening);
        client.wait_for(greeting);
    }
    let request = publication();
    move || {
        publisher.send(&request);
        publisher.wait_for("\"seq\":");
        for client in &mut clients {
            client.wait_for(UPDATE_END);
        }
    }
}

/// Publishes to this many long polls, each of which then asks again.
fn publish_to_long_polls(number: usize) -> impl FnMut() {
    let server = Server::start();
    let (mut publisher, mut clients) = (server.client(), server.clients(number));
    let after =
        |cursor: &str| format!("GET /feed/long-poll?after={cursor}&hold=60s HTTP/1.1\r\nHost: localhost\r\n\r\n");
    for client in &mut clients {
        client.send("GET /feed/long-poll?hold=0s HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let request = after(&client.cursor());
        client.send(&request);
    }
    let request = publication();
    move || {
        publisher.send(&request);
        publisher.wait_for("\"seq\":");
        let again = after(&clients[0].cursor());
        clients[0].send(&again);
        for client in &mut clients[1..] {
            client.wait_for(BODY_END);
            client.send(&again);
        }
    }
}

fn publication() -> String {
    let text = format!("{:x<93}{UPDATE_END}", "");
    let length = text.len();
    format!(
        "POST /feed HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{text}"
    )
}

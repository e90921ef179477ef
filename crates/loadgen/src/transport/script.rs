//! Tests only: a server that sends exactly the bytes that a test specifies, and a client that runs against it.
//!
//! The server can use TLS, or HTTP/2, whose bytes the h2 library writes.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use feedlab_feed::wire::sse::Event;
use feedlab_feed::wire::{RawUpdate, Stamp};
use feedlab_feed::{Cursor, Gap, Reset, Transport, clock};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_util::sync::CancellationToken;

use super::{Client, Url};
use crate::observer::{ClientError, Observer, Opened};

pub(super) mod h2;
pub(super) mod tls;

/// Runs a client against a script until the script ends or the client gives up, and returns what the client observed by
/// then, one line per observation. Whether the client notices that the server is gone after the script is undefined.
pub(super) async fn run_script(
    path: &str,
    run: impl AsyncFnOnce(Client, &mut Log, &CancellationToken),
    script: impl AsyncFnOnce(&mut Server),
) -> Vec<String> {
    let mut log = Log::default();
    let (mut server, address) = Server::bind(log.clone()).await;
    let url = Url::parse(&format!("http://{address}{path}")).unwrap();
    let stop = CancellationToken::new();
    let talk = async {
        script(&mut server).await;
        stop.cancel();
        server.log.lines.take()
    };
    let both = async { tokio::join!(talk, run(Client::new(url, 7), &mut log, &stop)) };
    let (seen, ()) = timeout(Duration::from_secs(20), both).await.expect("the script hangs");
    seen
}

/// The scripted server.
pub(crate) struct Server {
    listener: Option<TcpListener>,
    log: Log,
}

impl Server {
    /// Listens on a free port.
    pub(crate) async fn bind(log: Log) -> (Self, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (Self { listener: Some(listener), log }, address)
    }

    /// Accepts the next connection.
    pub(crate) async fn accept(&mut self) -> Peer {
        Peer(Box::new(self.accept_tcp().await))
    }

    async fn accept_tcp(&mut self) -> TcpStream {
        let (stream, _) = self.listener.as_ref().unwrap().accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// Returns the details of the client's errors.
    pub(super) fn errors(&self) -> Vec<String> {
        self.log.errors.borrow().clone()
    }

    /// Returns how often the client was served the feed.
    pub(super) fn served(&self) -> usize {
        self.log.served.get()
    }

    /// Returns how much the client has observed.
    pub(super) fn observations(&self) -> usize {
        self.log.lines.borrow().len()
    }

    /// Refuses connections from now on.
    pub(super) fn close(&mut self) {
        self.listener = None;
    }

    /// Waits until the client has observed this line.
    pub(super) async fn observed(&self, line: &str) {
        while !self.log.lines.borrow().iter().any(|seen| seen == line) {
            sleep(Duration::from_millis(1)).await;
        }
    }
}

/// One connection, from the server's side.
pub(crate) struct Peer(Box<dyn Pipe>);

/// A stream of bytes in both directions.
pub(crate) trait Pipe: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Pipe for T {}

impl Peer {
    /// Reads the next request's head, in lower case.
    pub(crate) async fn request(&mut self) -> String {
        self.head().await.to_ascii_lowercase()
    }

    /// Reads the next request's head, in lower case, and its `Sec-WebSocket-Key`.
    pub(crate) async fn upgrade_request(&mut self) -> (String, String) {
        let head = self.head().await;
        let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap().to_owned();
        (head.to_ascii_lowercase(), key)
    }

    async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.expect("the client hung up instead of asking"));
        }
        String::from_utf8(head).unwrap()
    }

    /// Accepts an upgrade, and returns its request's head in lower case.
    pub(crate) async fn upgrade(&mut self) -> String {
        let (request, key) = self.upgrade_request().await;
        let accept = derive_accept_key(key.as_bytes());
        let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
        self.send(format!("{head}Sec-WebSocket-Accept: {accept}\r\n\r\n")).await;
        request
    }

    /// Sends bytes in one write.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// Sends bytes one at a time, so that the client reads them in many pieces.
    pub(super) async fn send_bytewise(&mut self, bytes: impl AsRef<[u8]>) {
        for byte in bytes.as_ref() {
            self.0.write_all(&[*byte]).await.unwrap();
            self.0.flush().await.unwrap();
            sleep(Duration::from_micros(100)).await;
        }
    }

    /// Answers a request with a body of known length.
    pub(crate) async fn answer(&mut self, status: &str, headers: &str, body: &str) {
        let length = body.len();
        self.send(format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}\r\n{body}")).await;
    }

    /// Reads what the client has sent by now.
    pub(crate) async fn receive(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; 4096];
        let count = self.0.read(&mut bytes).await.unwrap_or(0);
        bytes.truncate(count);
        bytes
    }
}

/// Records what it observes.
#[derive(Clone, Default)]
pub(crate) struct Log {
    lines: Rc<RefCell<Vec<String>>>,
    openings: Rc<RefCell<Vec<Opened>>>,
    errors: Rc<RefCell<Vec<String>>>,
    served: Rc<Cell<usize>>,
}

impl Log {
    /// Returns what was observed, one line per observation.
    pub(super) fn lines(&self) -> Vec<String> {
        self.lines.borrow().clone()
    }

    /// Returns how the connections were opened.
    pub(super) fn openings(&self) -> Vec<Opened> {
        self.openings.borrow().clone()
    }

    pub(super) fn note(&self, line: String) {
        self.lines.borrow_mut().push(line);
    }
}

impl Observer for Log {
    fn opened(&mut self, opened: Opened) {
        let parts = opened.connect_us.unwrap_or(0) + opened.tls_us.unwrap_or(0) + opened.request_us;
        assert!(parts <= opened.open_us, "the parts of {opened:?} are more than the whole");
        self.openings.borrow_mut().push(opened);
        self.note("opened".to_owned());
    }

    fn update(&mut self, stamp: Stamp, raw: RawUpdate<'_>, _received_at_us: u64) {
        let update = raw.update().unwrap();
        assert_eq!(update.seq, stamp.seq);
        self.note(format!("update {}", stamp.seq));
    }

    fn gap(&mut self, gap: Gap, resume: Cursor) {
        self.note(format!("gap {}-{}, on after {resume}", gap.from, gap.to));
    }

    fn reset(&mut self, reset: Reset) {
        self.note(format!("reset {}, on after {}", reset.asked, reset.resume));
    }

    fn event(&mut self, event: &Event) {
        self.note(format!("event {}|{}|{}", event.event_type, event.data, event.last_event_id));
    }

    fn failure(&mut self, error: &ClientError) {
        assert!(!error.detail.is_empty() && !error.detail.contains('\n'), "{:?}", error.detail);
        self.errors.borrow_mut().push(error.detail.clone());
        self.note(format!("{:?}", error.failure));
    }

    fn served(&mut self, since_us: u64) {
        assert!(since_us <= clock::unix_us());
        self.served.set(self.served.get() + 1);
    }

    fn reconnect(&mut self) {
        self.note("reconnect".to_owned());
    }

    fn acknowledged(&mut self, due_us: u64, received_at_us: u64) {
        assert!(due_us <= received_at_us);
        self.note("acknowledged".to_owned());
    }

    fn fell(&mut self, to: Transport) {
        self.note(format!("fell to {to}"));
    }

    fn climbed(&mut self) {
        self.note("climbed".to_owned());
    }
}

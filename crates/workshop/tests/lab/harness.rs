//! A server with a page and labs, and a client that writes and reads bytes.

use std::fmt::Display;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use feedlab_feed::Cursor;
use feedlab_feed::settings::Settings;
use feedlab_server::{Config, Server};
use feedlab_testkit::http::{Answer, ask_async};
use feedlab_testkit::soon;
use feedlab_workshop::lab::{Labs, MainFeed};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) async fn pause(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

/// The server of the page.
pub(crate) struct Rig {
    pub(crate) page: SocketAddr,
    _stop: DropGuard,
}

/// Returns the `seq`s in a poll's response.
pub(crate) fn seqs(answer: &Answer) -> Vec<u64> {
    answer.json()["updates"].as_array().unwrap().iter().map(|update| update["seq"].as_u64().unwrap()).collect()
}

/// A tab's lab.
pub(crate) struct Tab<'a> {
    rig: &'a Rig,
    pub(crate) id: String,
    pub(crate) info: Value,
}

impl Rig {
    /// Starts a server whose main feed contains what clients publish.
    pub(crate) async fn start() -> Self {
        let server = Server::new(Settings { allow_publish: true, ..Settings::default() }.into()).await.unwrap();
        let labs = Labs::new(Some(MainFeed { feed: server.feed(), allow_publish: true }));
        Self::serve(server, &labs).await
    }

    /// Starts a server with these labs, whose main feed they do not share.
    pub(crate) async fn with(labs: &Labs) -> Self {
        Self::serve(Server::new(Config::default()).await.unwrap(), labs).await
    }

    /// Starts a server with these labs that listens on all addresses, for a page at 127.0.0.2.
    pub(crate) async fn at_second_address(labs: &Labs) -> Self {
        let server = Server::new(Config { page_uses_other_ports: true, ..Config::default() }).await.unwrap();
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let page = (Ipv4Addr::new(127, 0, 0, 2), listener.local_addr().unwrap().port()).into();
        Self::serve_at(server, labs, (listener, page)).await
    }

    async fn serve(server: Server, labs: &Labs) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let page = listener.local_addr().unwrap();
        Self::serve_at(server, labs, (listener, page)).await
    }

    async fn serve_at(server: Server, labs: &Labs, (listener, page): (TcpListener, SocketAddr)) -> Self {
        let stop = CancellationToken::new();
        let server = server.routes(labs.routes());
        let token = stop.clone();
        tokio::spawn(async move { server.run(listener, token).await.unwrap() });
        Self { page, _stop: stop.drop_guard() }
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.page)
    }

    /// Sends a request as the page does.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        ask_async(self.page, method, path, &format!("Origin: {}\r\n", self.origin()), body).await
    }

    pub(crate) async fn open(&self, settings: &str) -> Tab<'_> {
        let answer = self.ask("POST", "/lab/tabs", settings).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let info = answer.json();
        Tab { rig: self, id: info["id"].as_str().unwrap().to_owned(), info }
    }

    pub(crate) async fn publish(&self, text: &str) -> u64 {
        let answer = ask_async(self.page, "POST", "/feed", "Content-Type: text/plain\r\n", text).await;
        answer.json()["seq"].as_u64().unwrap()
    }
}

impl Tab<'_> {
    pub(crate) fn address(&self, endpoint: &str) -> SocketAddr {
        let info = if endpoint == "shared" || endpoint == "secure" {
            &self.info[endpoint]
        } else {
            &self.info["endpoints"][endpoint]
        };
        info.as_str().unwrap().split_once("//").unwrap().1.parse().unwrap()
    }

    /// Sends a request to the lab's API.
    pub(crate) async fn order(&self, method: &str, what: &str, body: &str) -> Answer {
        self.rig.ask(method, &format!("/lab/tabs/{}{what}", self.id), body).await
    }

    pub(crate) async fn set(&self, settings: &str) -> Value {
        let answer = self.order("PUT", "/settings", settings).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    pub(crate) async fn status(&self) -> Value {
        self.order("GET", "", "").await.json()
    }

    /// Sends a request of the page to an endpoint.
    pub(crate) async fn read(&self, endpoint: &str, path: &str) -> Answer {
        ask_async(self.address(endpoint), "GET", path, &format!("Origin: {}\r\n", self.rig.origin()), "").await
    }

    /// Opens a stream at an endpoint: connects, and sends this request.
    pub(crate) async fn stream(&self, endpoint: &str, path: &str, fields: &str) -> Stream {
        let address = self.address(endpoint);
        let mut stream = soon(TcpStream::connect(address)).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nOrigin: {}\r\n{fields}\r\n", self.rig.origin());
        stream.write_all(head.as_bytes()).await.unwrap();
        Stream { stream, read: Vec::new() }
    }

    pub(crate) async fn sse(&self, after: impl Display) -> Stream {
        self.stream("sse", &format!("/feed/sse?after={after}"), "").await
    }
}

/// A connection that is read piece by piece.
pub(crate) struct Stream {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Stream {
    /// Reads up to and including a text.
    pub(crate) async fn until(&mut self, end: &str) -> String {
        loop {
            if let Some(at) = self.read.windows(end.len()).position(|window| window == end.as_bytes()) {
                let taken: Vec<u8> = self.read.drain(..at + end.len()).collect();
                return String::from_utf8_lossy(&taken).into_owned();
            }
            let count = soon(self.stream.read_buf(&mut self.read)).await.unwrap();
            assert!(count > 0, "closed before {end:?}: {}", String::from_utf8_lossy(&self.read));
        }
    }

    /// Reads the next event, and returns its `id` and whether it is a gap.
    pub(crate) async fn event(&mut self) -> (Cursor, bool) {
        self.until("id: ").await;
        let text = self.until("\n\n").await;
        let id = text.lines().next().unwrap().parse().unwrap();
        (id, text.contains("event: gap"))
    }

    /// Reads to the end of the stream, which must arrive.
    pub(crate) async fn rest(mut self) -> String {
        soon(self.stream.read_to_end(&mut self.read)).await.unwrap();
        String::from_utf8_lossy(&self.read).into_owned()
    }
}

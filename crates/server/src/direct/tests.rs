use std::os::fd::AsFd as _;

use axum::Router;
use feedlab_feed::settings::Settings;
use feedlab_feed::source::Item;
use feedlab_feed::tcp_info::{Handle, Opener};
use feedlab_feed::{Data, EventType, Update};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::acceptor::Acceptor;
use crate::config::Config;
use crate::feed::Feed;
use crate::meter::{ConnectionMeter, Count, Endpoint, Meters};
use crate::socket::{Link, Socket};
use crate::wire::Wire;
use crate::{http1, routes};

/// The same feed behind both: what is here, and the library with the routes.
struct Both {
    direct: Direct,
    app: Arc<App>,
    acceptor: Arc<Acceptor>,
    /// Keeps the feed alive.
    _feed: Feed,
}

impl Both {
    async fn with(config: impl Into<Config>) -> Self {
        let config = config.into();
        let feed = Feed::open(&config).await.unwrap();
        let access = Access::new(&config, false);
        let app = Arc::new(App::new(&feed, config));
        let acceptor = Acceptor::for_tests(routes::router(app.clone(), &access, Router::new()), usize::MAX);
        let direct = Direct::new(app.clone(), access);
        Self { direct, app, acceptor: Arc::new(acceptor), _feed: feed }
    }

    fn publish(&self, text: &str) {
        let data = Data::Text(text.to_owned());
        self.app.hub.publish_now(Item { event_type: EventType::default(), data });
    }

    /// Returns the step that follows a request.
    fn step(&mut self, request: &str) -> Step {
        match self.direct.read(request.as_bytes()) {
            Some((read, len)) => {
                assert_eq!(len, request.len());
                self.direct.answer(&read)
            }
            None => Step::Library,
        }
    }

    /// Sends a request to the library on its own connection.
    async fn send(&self, request: &str) -> (TcpStream, Arc<Meters>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, peer) = listener.accept().await.unwrap();
        let handle = Handle::new(stream.as_fd(), stream.local_addr().ok(), Opener::Peer);
        let meters = Arc::<Meters>::default();
        let link = Arc::new(Link::new(ConnectionMeter::new(meters.clone(), handle)));
        let socket = Socket::new(stream, link.clone());
        let acceptor = self.acceptor.clone();
        tokio::spawn(async move { http1::serve(Wire::Plain(socket), (link, peer), &acceptor).await });
        client.write_all(request.as_bytes()).await.unwrap();
        (client, meters)
    }

    /// Checks that both give the same answer, and count it the same way.
    #[track_caller]
    fn compare(answer: Answer, transport: Transport, (expected, meters): (Vec<u8>, Arc<Meters>)) {
        let (bytes, tally) = whole(answer);
        let text = |bytes: Vec<u8>| without_date(&String::from_utf8(bytes).unwrap());
        assert_eq!(text(bytes), text(expected));
        let own = Endpoint::default();
        tally.settle(&own);
        assert_eq!(counts(&own), counts(meters.endpoint(transport)));
    }

    /// Checks a request that is answered immediately, twice, so that the second answer is one that was kept.
    async fn check(&mut self, target: &str, headers: &str) -> String {
        let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        let transport = Transport::of_path(target.split('?').next().unwrap()).unwrap();
        let mut head = String::new();
        for _ in 0..2 {
            let (mut client, meters) = self.send(&request).await;
            let expected = response(&mut client).await;
            until_counted(&meters, transport).await;
            head = String::from_utf8_lossy(&expected).lines().next().unwrap().to_owned();
            let Step::Answer(answer) = self.step(&request) else { panic!("{request} is not answered") };
            Self::compare(answer, transport, (expected, meters));
        }
        head
    }
}

/// Returns all bytes of an answer.
fn whole(Answer { bytes, tally, long }: Answer) -> (Vec<u8>, Tally) {
    let mut bytes = bytes.to_vec();
    let mut long = long;
    while let Some(piece) = long.as_mut().and_then(Updates::next_piece) {
        bytes.extend_from_slice(&piece.unwrap());
    }
    (bytes, tally)
}

/// Reads a response of the library.
async fn response(client: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.split("content-length: ").nth(1).map_or("0", |rest| rest.lines().next().unwrap());
            if body.len() >= length.parse().unwrap() {
                return bytes;
            }
        }
        assert!(client.read_buf(&mut bytes).await.unwrap() > 0, "closed after {text}");
    }
}

/// Waits until the request is counted, which happens after its head is written.
async fn until_counted(meters: &Meters, transport: Transport) {
    while meters.endpoint(transport).requests.get() == 0 {
        tokio::task::yield_now().await;
    }
}

fn counts(endpoint: &Endpoint) -> [u64; 7] {
    let Endpoint { requests, requests_empty, updates, gaps, resets, payload_bytes, body_bytes, .. } = endpoint;
    [requests, requests_empty, updates, gaps, resets, payload_bytes, body_bytes].map(Count::get)
}

fn without_date(text: &str) -> String {
    let (before, rest) = text.split_once("\r\ndate: ").unwrap();
    let (date, after) = rest.split_once("\r\n").unwrap();
    assert!(date.len() == 29 && date.ends_with(" GMT"), "{date}");
    format!("{before}\r\ndate\r\n{after}")
}

#[tokio::test]
async fn a_short_poll_gets_the_bytes_of_the_library() {
    let mut both = Both::with(Settings { history: 5, queue: 5, ..Settings::default() }).await;
    assert_eq!(both.check("/feed/poll", "").await, "HTTP/1.1 200 OK");
    for text in ["one", "two \"quoted\"", "three\nlines", "", "fünf", "six", "seven"] {
        both.publish(text);
    }
    let cursor = both.app.hub.cursor(7).to_string();
    for (target, headers, status) in [
        ("/feed/poll", String::new(), "200 OK"),
        ("/feed/poll?after=7", String::new(), "200 OK"),
        ("/feed/poll?after=6", String::new(), "200 OK"),
        ("/feed/poll?after=2", String::new(), "200 OK"),
        ("/feed/poll?after=0", String::new(), "200 OK"),
        ("/feed/poll?after=99", String::new(), "200 OK"),
        ("/feed/poll?after=zzzz.3", String::new(), "200 OK"),
        ("/feed/poll?after=6", "If-None-Match: \"a\"\r\n".to_owned(), "200 OK"),
        ("/feed/poll?after=7", format!("If-None-Match: \"{cursor}\"\r\n"), "304 Not Modified"),
        ("/feed/poll?after=1", format!("If-None-Match: W/\"{cursor}\"\r\n"), "304 Not Modified"),
        ("/feed/poll?after=99", format!("If-None-Match: \"x\", \"{cursor}\"\r\n"), "304 Not Modified"),
        ("/feed/poll?after=zzzz.3", format!("If-None-Match: \"{cursor}\"\r\n"), "200 OK"),
        ("/feed/poll", "If-None-Match: *\r\nConnection: keep-alive\r\n".to_owned(), "304 Not Modified"),
    ] {
        assert_eq!(both.check(target, &headers).await, format!("HTTP/1.1 {status}"), "{target} {headers}");
    }
}

#[tokio::test]
async fn a_long_poll_gets_the_bytes_of_the_library() {
    let mut both = Both::with(Settings { history: 5, queue: 5, ..Settings::default() }).await;
    (1..=7).for_each(|number| both.publish(&number.to_string()));
    for (target, status) in [
        ("/feed/long-poll?after=6&hold=25s", "200 OK"),
        ("/feed/long-poll?after=2", "200 OK"),
        ("/feed/long-poll?after=0", "200 OK"),
        ("/feed/long-poll?after=99", "200 OK"),
        ("/feed/long-poll?after=zzzz.3", "200 OK"),
        ("/feed/long-poll?hold=0s", "200 OK"),
        ("/feed/long-poll?hold=0&after=7", "204 No Content"),
    ] {
        assert_eq!(both.check(target, "").await, format!("HTTP/1.1 {status}"), "{target}");
    }
}

#[tokio::test]
async fn a_long_body_gets_the_bytes_of_the_library_and_is_made_as_it_is_taken() {
    let mut both = Both::with(Settings::default()).await;
    (0..9).for_each(|_| both.publish(&"x".repeat(9_000)));
    both.check("/feed/poll?after=0", "").await;
    both.check("/feed/long-poll?after=0", "").await;
    let request = "GET /feed/poll?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let Step::Answer(answer) = both.step(request) else { panic!("not answered") };
    assert!(answer.bytes.len() <= crate::limits::MAX_PIECE_BYTES && answer.long.is_some());
}

#[tokio::test]
async fn a_held_request_gets_the_bytes_of_the_library() {
    let mut both = Both::with(Settings { history: 0, ..Settings::default() }).await;
    let request = "GET /feed/long-poll?after=0&hold=20ms HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let (mut client, meters) = both.send(request).await;
    let expected = response(&mut client).await;
    until_counted(&meters, Transport::LongPolling).await;
    let Step::Wait { seq: 0, hold } = both.step(request) else { panic!("it does not wait") };
    assert_eq!(hold, Duration::from_millis(20));
    assert!(both.direct.after_wait(0).is_none());
    let ended = both.direct.hold_ended();
    assert!(ended.bytes.starts_with(b"HTTP/1.1 204"));
    Both::compare(ended, Transport::LongPolling, (expected, meters));

    // A request that has waited gets more than the history of none.
    let request = "GET /feed/long-poll?after=0&hold=20s HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let (mut client, meters) = both.send(request).await;
    while meters.endpoint(Transport::LongPolling).active.get() == 0 {
        tokio::task::yield_now().await;
    }
    both.publish("one");
    let expected = response(&mut client).await;
    until_counted(&meters, Transport::LongPolling).await;
    let shared = [both.direct.after_wait(0).unwrap(), both.direct.after_wait(0).unwrap()];
    assert_eq!(shared[0].bytes.as_ptr(), shared[1].bytes.as_ptr(), "one answer for all");
    let [answer, _] = shared;
    Both::compare(answer, Transport::LongPolling, (expected, meters));
}

#[tokio::test]
async fn a_server_that_shuts_down_closes_after_each_answer() {
    let mut both = Both::with(publishing()).await;
    both.publish("one");
    for line in ["GET /feed/poll?after=0", "GET /feed/long-poll?after=0", "POST /feed"] {
        let length = if line == "POST /feed" { "Content-Length: 0\r\n" } else { "" };
        let request = format!("{line} HTTP/1.1\r\nHost: localhost\r\n{length}\r\n");
        let closing = request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
        let (mut client, _) = both.send(&closing).await;
        let expected = response(&mut client).await;
        assert!(matches!(both.step(&closing), Step::Library));
        both.direct.close();
        let Step::Answer(answer) = both.step(&request) else { panic!("not answered") };
        let text = |bytes: Vec<u8>| without_date(&String::from_utf8(bytes).unwrap());
        // The library has published first.
        assert_eq!(text(whole(answer).0).replace("\"seq\":3}", "\"seq\":2}"), text(expected));
    }
    let request = "GET /feed/long-poll?after=3&hold=20s HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let Step::Answer(answer) = both.step(request) else { panic!("it waits") };
    assert!(answer.bytes.starts_with(b"HTTP/1.1 204"));
}

#[tokio::test]
async fn an_answer_is_kept_only_until_the_next_update() {
    let mut both = Both::with(Settings::default()).await;
    let request = "GET /feed/poll?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut lens = Vec::new();
    for _ in 0..3 {
        let Step::Answer(answer) = both.step(request) else { panic!("not answered") };
        assert_eq!(answer.tally.updates, both.app.hub.head());
        lens.push(answer.bytes.len());
        both.publish("x");
    }
    assert!(lens.is_sorted_by(|a, b| a < b), "{lens:?}");
}

/// Returns the settings of a server that accepts updates.
fn publishing() -> Settings {
    Settings { allow_publish: true, ..Settings::default() }
}

fn post(target: &str, headers: &str, body: &str) -> String {
    let len = body.len();
    format!("POST {target} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {len}\r\n\r\n{body}")
}

fn updates(both: &Both) -> Vec<(EventType, Data)> {
    let content = |Update { event_type, data, .. }: &Update| (event_type.clone(), data.clone());
    both.app.hub.held_after(0, 99).entries.iter().map(|entry| content(&entry.update)).collect()
}

#[tokio::test]
async fn a_publication_gets_the_bytes_of_the_library_and_publishes_the_same() {
    // Two feeds, so that both give the same `seq`.
    let (mut own, library) = (Both::with(publishing()).await, Both::with(publishing()).await);
    let long = "x".repeat(20_000);
    for (headers, body) in [
        ("", "one"),
        ("", ""),
        ("", &long),
        ("Content-Type: text/plain\r\n", "two \"quoted\"\r\n\r\n"),
        ("content-type:  TEXT/Plain; charset=utf-8 \r\nConnection: keep-alive\r\n", "fünf"),
        ("Content-Type: application/json\r\n", r#"{"type":"price","data":{"eur": 3.50}}"#),
        ("Content-Type: application/json\r\n", r#"{"data":"AAEC","encoding":"base64"}"#),
        ("Content-Type: application/octet-stream\r\n", "\0\u{1}"),
        ("User-Agent: x\r\nIf-None-Match: \"a\"\r\n", "GET / HTTP/1.1\r\n\r\n"),
        ("", "ten, so that the answer is longer"),
    ] {
        let request = post("/feed?from=sse", headers, body);
        let (mut client, meters) = library.send(&request).await;
        let expected = response(&mut client).await;
        assert!(expected.starts_with(b"HTTP/1.1 202 Accepted\r\n"), "{}", String::from_utf8_lossy(&expected));
        let Step::Answer(answer) = own.step(&request) else { panic!("{request} is not answered") };
        Both::compare(answer, Transport::Sse, (expected, meters));
    }
    assert_eq!((own.app.hub.head(), library.app.hub.head()), (10, 10));
    assert_eq!(updates(&own), updates(&library));
}

#[tokio::test]
async fn what_the_handler_refuses_is_for_the_library_and_publishes_nothing() {
    let mut both = Both::with(Config { max_message_bytes: 30, ..publishing().into() }).await;
    let json = "Content-Type: application/json\r\n";
    for (headers, body) in [
        (json, "{"),
        (json, r#"["message",1]"#),
        (json, r#"{"type":"gap","data":""}"#),
        (json, r#"{"data":"\ud83d"}"#),
        ("Content-Type: image/png\r\n", "x"),
        ("Content-Type: \r\n", "x"),
        ("", &"x".repeat(31)),
        ("Origin: http://evil.example\r\n", "x"),
    ] {
        assert!(matches!(both.step(&post("/feed", headers, body)), Step::Library), "{headers}{body}");
    }
    let input = [post("/feed", "", "xx").trim_end_matches('x').as_bytes(), b"\xff\xff"].concat();
    let Some((read, len)) = both.direct.read(&input) else { panic!("not a publication") };
    assert!(len == input.len() && matches!(both.direct.answer(&read), Step::Library), "not UTF-8");
    assert_eq!(both.app.hub.head(), 0);
    let mut closed = Both::with(Settings::default()).await;
    assert!(matches!(closed.step(&post("/feed", "", "x")), Step::Library));
    assert_eq!(closed.app.hub.head(), 0);
}

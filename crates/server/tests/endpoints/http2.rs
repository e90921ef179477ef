//! The four transports and their errors, on HTTP/2.

use std::time::Duration;

use bytes::Bytes;
use feedlab_feed::Transport;
use feedlab_feed::settings::{Settings, SlowPolicy};
use feedlab_server::Config;
use feedlab_server::tls::self_signed;
use hyper::{Method, Request, StatusCode};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::harness::{Server, publishing};
use crate::tls::client_config;

mod client;
mod floods;
mod unfinished;
use client::{BEGIN, Client, Stream, request};

/// Returns a complete masked frame with a mask of zero.
fn frame(opcode: u8, payload: &[u8]) -> Bytes {
    [&[0x80 | opcode, 0x80 | payload.len() as u8, 0, 0, 0, 0], payload].concat().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn polls_are_answered_as_on_http_1_and_share_a_connection() {
    let server = Server::open();
    server.publish("one");
    let client = Client::connect(server.addr).await;
    let mut first = client.get("/feed/poll?after=0").await;
    assert_eq!(first.head.status(), StatusCode::OK);
    let body = first.rest().await;
    let end = format!("\"next\":\"{}\",\"gap\":null}}", server.cursor(1));
    assert!(body.contains("\"data\":\"one\"") && body.ends_with(&end), "{body}");
    assert_eq!(first.header("content-length"), Some(&*body.len().to_string()));
    assert!(first.header("date").is_some_and(|date| date.ends_with("GMT")));
    let tag = first.header("etag").unwrap();
    let mut known = client.get_with("/feed/poll?after=0", &[("if-none-match", tag)]).await;
    assert_eq!((known.head.status(), known.rest().await), (StatusCode::NOT_MODIFIED, String::new()));
    let (response, send) = client.send(request(Method::HEAD, "/feed/poll?after=0").body(()).unwrap(), true).await;
    assert_eq!(Stream::of(response, send).await.rest().await, "");
    let endpoint = server.endpoint(Transport::ShortPolling);
    assert_eq!((endpoint.connections, endpoint.requests, endpoint.requests_empty), (1, 3, 1));
    server.until("the body is no header", |stats| {
        let endpoint = &stats.endpoints[&Transport::ShortPolling];
        endpoint.header_bytes > 0 && endpoint.header_bytes + body.len() as u64 <= endpoint.bytes_in + endpoint.bytes_out
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_accepted_and_a_large_answer_waits_for_the_clients_window() {
    let server = Server::start(Config { max_message_bytes: 1 << 20, ..publishing().into() });
    let client = Client::connect(server.addr).await;
    let post = request(Method::POST, "/feed").header("content-type", "text/plain");
    let (response, mut send) = client.send(post.body(()).unwrap(), false).await;
    send.send_data("x".repeat(300_000).into(), true).unwrap();
    let mut answer = Stream::of(response, send).await;
    assert_eq!((answer.head.status(), answer.rest().await), (StatusCode::ACCEPTED, "{\"seq\":1}".to_owned()));
    let body = client.get("/feed/poll?after=0").await.rest().await;
    assert!(body.len() > 300_000 && body.ends_with("\"gap\":null}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_request_is_answered_by_the_update_and_forgotten_when_it_is_canceled() {
    let server = Server::open();
    let client = Client::connect(server.addr).await;
    let hold = || request(Method::GET, "/feed/long-poll?after=0&hold=30s").body(()).unwrap();
    let (taken_back, mut send) = client.send(hold(), true).await;
    let (held, held_send) = client.send(hold(), true).await;
    server.until("held", |stats| stats.endpoints[&Transport::LongPolling].active == 2);
    send.send_reset(h2::Reason::CANCEL);
    server.until("taken back", |stats| stats.endpoints[&Transport::LongPolling].active == 1);
    drop(taken_back);
    server.publish("now");
    assert!(Stream::of(held, held_send).await.rest().await.contains("\"now\""));
    assert_eq!(server.endpoint(Transport::LongPolling).connections, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn event_streams_share_a_connection_and_each_resumes_by_itself() {
    const COUNT: u64 = 50;
    let server = Server::open();
    for text in ["a", "b"] {
        server.publish(text);
    }
    let client = Client::connect(server.addr).await;
    let mut streams = Vec::new();
    for index in 0..COUNT {
        let after = server.cursor(index % 3);
        let mut stream = client.get_with("/feed/sse", &[("last-event-id", &after)]).await;
        assert_eq!(stream.header("content-type"), Some("text/event-stream"));
        assert_eq!(stream.header("transfer-encoding"), None);
        assert_eq!(stream.until("\n\n").await, format!("id: {after}\nretry: 2000\n\n"));
        streams.push(stream);
    }
    let endpoint = server.endpoint(Transport::Sse);
    assert_eq!((endpoint.connections, endpoint.active), (1, COUNT));
    server.publish("c");
    for (index, stream) in streams.iter_mut().enumerate() {
        for seq in index % 3 + 1..=3 {
            let (event, id) = (stream.until("\n\n").await, server.cursor(seq as u64));
            assert!(event.starts_with(&format!("id: {id}\nevent: message\ndata: ")), "{event}");
        }
    }
    streams.pop().unwrap().send.send_reset(h2::Reason::CANCEL);
    server.until("one has left", |stats| stats.endpoints[&Transport::Sse].active == COUNT - 1);
    drop((streams, client));
    server.until("all have left", |stats| stats.endpoints[&Transport::Sse].active == 0 && stats.connections.open == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_is_a_stream_too() {
    let server = Server::open();
    let client = Client::connect(server.addr).await;
    let mut one = client.websocket("/feed/ws?after=0", "websocket").await;
    let mut other = client.websocket("/feed/ws", "websocket").await;
    assert_eq!((one.head.status(), one.header("content-length")), (StatusCode::OK, None));
    one.send.send_data(frame(1, br#"{"type":"chat","data":"hi"}"#), false).unwrap();
    let seen = one.until("\"hi\"}").await + &String::from_utf8_lossy(&one.buffer);
    assert!(seen.contains(r#""type":"chat""#), "{seen}");
    assert!(other.until("\"hi\"}").await.contains("\"seq\":1"));
    for byte in frame(9, b"slow") {
        other.send.send_data(Bytes::copy_from_slice(&[byte]), false).unwrap();
    }
    assert_eq!(other.exactly(6).await, b"\x8A\x04slow");
    other.send.send_data(frame(8, &1000u16.to_be_bytes()), false).unwrap();
    assert_eq!(other.exactly(4).await, b"\x88\x02\x03\xE8");
    assert_eq!(other.rest().await, "", "the stream ends after the close frame");
    server.until("one is left", |stats| stats.endpoints[&Transport::WebSocket].active == 1);
    drop(one);
    server.until("none is left", |stats| stats.endpoints[&Transport::WebSocket].active == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn unsupported_requests_are_refused_and_harm_no_other_stream() {
    let server = Server::open();
    let client = Client::connect(server.addr).await;
    let mut stream = client.get("/feed/sse").await;
    stream.until("\n\n").await;
    assert_eq!(client.websocket("/feed/ws", "carrier-pigeon").await.head.status(), StatusCode::NOT_IMPLEMENTED);
    assert_eq!(client.websocket("/feed/sse", "websocket").await.head.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(client.websocket("/nothing", "websocket").await.head.status(), StatusCode::NOT_FOUND);
    let get = client.get("/feed/ws").await;
    assert_eq!((get.head.status(), get.header("connection")), (StatusCode::UPGRADE_REQUIRED, None));
    assert_eq!(client.get("/feed/sse?after=x").await.head.status(), StatusCode::BAD_REQUEST);
    let foreign = client.get_with("/feed/sse", &[("accept", "application/json")]).await;
    assert_eq!(foreign.head.status(), StatusCode::NOT_ACCEPTABLE);
    let tunnel = Request::builder().method(Method::CONNECT).uri("elsewhere.example:443").body(()).unwrap();
    let (response, send) = client.send(tunnel, false).await;
    assert!(Stream::of(response, send).await.head.status().is_client_error());
    server.publish("still there");
    assert!(stream.until("\n\n").await.contains("still there"));
}

#[tokio::test(flavor = "multi_thread")]
async fn huge_headers_are_answered_with_431() {
    let server = Server::open();
    let client = Client::connect(server.addr).await;
    let huge = client.get_with("/feed/poll", &[("x-big", &"x".repeat(33 << 10))]).await;
    assert_eq!(huge.head.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    assert_eq!(client.get("/feed/poll").await.head.status(), StatusCode::OK, "the connection stays open");
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_streams_get_keepalives_and_unresponsive_clients_are_dropped() {
    let config = Settings { keepalive: Duration::from_millis(400), ..Settings::default() };
    let server = Server::start(config);
    let client = Client::connect(server.addr).await;
    let mut sse = client.get("/feed/sse").await;
    sse.until("retry: 2000\n\n").await;
    let mut websocket = client.websocket("/feed/ws", "websocket").await;
    assert_eq!(sse.until(":\n\n").await, ":\n\n");
    websocket.until("}}").await;
    assert_eq!(websocket.exactly(2).await, [0x89, 0]);
    while !matches!(websocket.more().await, Some(Err(_))) {}
    server.until("it is dropped", |stats| stats.endpoints[&Transport::WebSocket].active == 0);
    sse.until(":\n\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_not_read_is_slow_and_its_neighbors_are_not() {
    const COUNT: u64 = 40;
    for slow_policy in [SlowPolicy::Latest, SlowPolicy::Disconnect] {
        let settings = Settings { slow_policy, slow_limit: Some(10), history: 0, ..publishing() };
        let config = Config { max_message_bytes: 1 << 20, ..settings.into() };
        let server = Server::start(config);
        let client = Client::connect(server.addr).await;
        let mut stuck = client.get("/feed/sse").await;
        let mut quick = client.get("/feed/sse").await;
        quick.until("\n\n").await;
        let text = "x".repeat(20_000);
        for seq in 1..=COUNT {
            server.publish(&text);
            let beginning = format!("id: {}\nevent: message\n", server.cursor(seq));
            assert!(quick.until("\n\n").await.starts_with(&beginning), "{slow_policy:?}");
        }
        if slow_policy == SlowPolicy::Latest {
            let last = server.cursor(COUNT);
            let last = format!("id: {last}\nevent: message\n");
            let before = stuck.until(&last).await;
            assert!(before.contains("event: gap\ndata: {\"from\":"), "{}", before.len());
            assert!(before.contains(&format!("\"to\":{}}}\n\n", COUNT - 1)));
            assert!(server.endpoint(Transport::Sse).conflated > 10);
        } else {
            server.until("it is ended", |stats| stats.endpoints[&Transport::Sse].slow_disconnected == 1);
            let ended = loop {
                if let Some(Err(error)) = stuck.more().await {
                    break error;
                }
            };
            assert_eq!(ended.reason(), Some(h2::Reason::CANCEL));
        }
        assert_eq!(server.endpoint(Transport::Sse).gaps > 0, slow_policy == SlowPolicy::Latest);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_ends_every_stream_and_the_connection() {
    // Waiting for the drain would take longer than the test allows.
    let drain = Duration::from_secs(3_600);
    let server = Server::start(Config { drain, ..Config::default() });
    let client = Client::connect(server.addr).await;
    let mut sse = client.get("/feed/sse").await;
    let mut websocket = client.websocket("/feed/ws", "websocket").await;
    let (held, send) = client.send(request(Method::GET, "/feed/long-poll?hold=60s").body(()).unwrap(), true).await;
    server.until("held", |stats| stats.endpoints[&Transport::LongPolling].active == 1);
    websocket.until("}}").await;
    server.stop();
    assert_eq!(Stream::of(held, send).await.head.status(), StatusCode::NO_CONTENT);
    let ending = sse.rest().await;
    assert!(ending.contains("retry: ") && ending.ends_with("\n\n") && !ending.contains("\r"), "{ending}");
    assert_eq!(websocket.exactly(4).await[2..], 1001u16.to_be_bytes());
    drop((sse, websocket));
    // A connection that shuts down accepts no requests, as soon as its last frame is read.
    feedlab_testkit::soon(async {
        while client.0.clone().ready().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    drop(client);
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_negotiates_http_2_if_the_client_offers_it() {
    let identity = self_signed().unwrap();
    let server = Server::start(Config { tls: Some(identity.clone()), ..publishing().into() });
    let connector = TlsConnector::from(client_config(&identity, &["h2"]));
    let tcp = TcpStream::connect(server.addr).await.unwrap();
    let client = Client::on(connector.connect("localhost".try_into().unwrap(), tcp).await.unwrap()).await;
    let mut sse = client.get("/feed/sse").await;
    let mut websocket = client.websocket("/feed/ws", "websocket").await;
    websocket.send.send_data(frame(1, br#"{"data":"hi"}"#), false).unwrap();
    assert!(sse.until("\"hi\"}").await.contains(&format!("id: {}\n", server.cursor(1))));
    websocket.until("\"hi\"}").await;
}

#[test]
fn the_preface_may_come_in_pieces_and_what_only_begins_like_it_is_http_1() {
    let server = Server::open();
    let mut client = server.client();
    for byte in BEGIN {
        client.send_bytes(&[*byte]);
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(client.exactly(9)[3], 4, "settings are answered with settings");
    let mut post = server.client();
    for byte in b"POST /feed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx" {
        post.send_bytes(&[*byte]);
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(post.until("}").starts_with("HTTP/1.1 202"));
    for (bytes, begin) in [(&b"PRI"[..], ""), (b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", "HTTP/1.1 400"), (b"P", "")] {
        let mut client = server.client();
        client.send_bytes(bytes);
        client.stream.shutdown(std::net::Shutdown::Write).unwrap();
        let answer = client.rest();
        assert!(answer.starts_with(begin) && answer.is_empty() == begin.is_empty(), "{answer}");
    }
    drop((client, post));
    server.until("all are gone", |stats| stats.connections.open == 0);
}

#[test]
fn garbage_after_the_preface_ends_only_that_connection() {
    let server = Server::open();
    for garbage in
        [&[0xFF; 64][..], b"\0\0\x01\x01\x05\0\0\0\x01\xFF", b"\0\0\0\0\0\0\0\0\0", b"GET / HTTP/1.1\r\n\r\n"]
    {
        let mut client = server.client();
        client.send_bytes(&[BEGIN, garbage].concat());
        let mut rest = Vec::new();
        let _ = std::io::Read::read_to_end(&mut client.stream, &mut rest);
        assert!(rest.len() >= 9, "its settings at least");
    }
    assert!(server.ask("GET /healthz HTTP/1.1").starts_with("HTTP/1.1 200"));
    server.until("all are gone", |stats| stats.connections.open == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn r3_missing_bodies_and_unread_answers_end() {
    let settings = Settings { keepalive: Duration::from_millis(100), ..publishing() };
    let body_timeout = Duration::from_millis(200);
    let server = Server::start(Config { body_timeout, max_message_bytes: 1 << 20, ..settings.into() });
    server.publish(&"x".repeat(1 << 20));
    let (late, mut send) = Client::connect(server.addr).await.begin_post("/feed").await;
    send.send_data(Bytes::from_static(b"x"), false).unwrap();
    assert_eq!(Stream::of(late, send).await.head.status(), StatusCode::REQUEST_TIMEOUT);
    let client = Client::connect(server.addr).await;
    let mut unread = client.get("/feed/poll?after=0").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let ended = loop {
        match unread.more().await {
            Some(Ok(())) => {}
            other => break other,
        }
    };
    assert_eq!(ended.map(|end| end.unwrap_err().reason()), Some(Some(h2::Reason::CANCEL)));
    let read = client.get("/feed/poll?after=0").await.rest().await;
    assert!(read.ends_with("\"gap\":null}"), "the connection stays open");
}

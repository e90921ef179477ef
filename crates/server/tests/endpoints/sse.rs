use std::time::Duration;

use crate::harness::{Server, publishing};
use feedlab_feed::Transport;
use feedlab_feed::settings::Settings;

const GET: &str = "GET /feed/sse HTTP/1.1\r\nHost: localhost\r\n";

#[test]
fn the_head_is_what_browsers_and_proxies_need() {
    let server = Server::open();
    let mut client = server.client();
    client.send(&format!("{GET}Accept: text/event-stream\r\n\r\n"));
    let head = client.until("\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    for line in [
        "content-type: text/event-stream",
        "cache-control: no-cache",
        "x-accel-buffering: no",
        "transfer-encoding: chunked",
    ] {
        assert!(head.contains(line), "{line} in {head}");
    }
    let begin = server.cursor(0);
    assert_eq!(client.until("\n\n\r\n"), format!("18\r\nid: {begin}\nretry: 2000\n\n\r\n"));
    server.publish("hello\nworld");
    let event = client.until("\n\n\r\n");
    assert!(
        event.contains(&format!("\r\nid: {}\nevent: message\ndata: {{\"at\":", server.cursor(1)))
            && event.contains("\"data\":\"hello\\nworld\"}"),
        "{event}"
    );
}

#[test]
fn last_event_id_takes_precedence_over_after_and_both_resume() {
    let server = Server::open();
    for text in ["a", "b", "c"] {
        server.publish(text);
    }
    for (target, header, first) in [
        ("?after=1", "", 2),
        ("", "Last-Event-ID: 2\r\n", 3),
        ("?after=0", "Last-Event-ID: 1\r\n", 2),
        ("?after=2", "Last-Event-ID: \r\n", 3),
    ] {
        let mut client = server.client();
        client.send(&format!("GET /feed/sse{target} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n"));
        client.until("retry: 2000\n\n\r\n");
        let first = format!("id: {}\n", server.cursor(first));
        assert!(client.until("event:").contains(&first), "{target} {header}");
    }
}

#[test]
fn a_gap_is_an_event_that_moves_the_cursor() {
    let server = Server::start(Settings { history: 1, ..publishing() });
    for text in ["a", "b", "c"] {
        server.publish(text);
    }
    let mut client = server.client();
    client.send(&format!("{GET}Last-Event-ID: 1\r\n\r\n"));
    client.until("retry: 2000\n\n\r\n");
    let [two, three] = [2, 3].map(|seq| server.cursor(seq));
    let gap = format!("id: {two}\nevent: gap\ndata: {{\"from\":2,\"to\":2}}\n\n");
    assert!(client.until("\n\n").ends_with(&gap));
    assert!(client.until("event:").contains(&format!("id: {three}\n")));
}

#[test]
fn an_http_1_0_client_gets_a_stream_without_chunks() {
    let server = Server::open();
    let mut client = server.client();
    client.send("GET /feed/sse HTTP/1.0\r\n\r\n");
    let head = client.until("\r\n\r\n");
    assert!(!head.contains("transfer-encoding"), "{head}");
    server.publish("x");
    let [begin, first] = [0, 1].map(|seq| server.cursor(seq));
    let beginning = format!("id: {begin}\nretry: 2000\n\nid: {first}\nevent: message\ndata: ");
    assert!(client.until("\"x\"}\n\n").starts_with(&beginning));
}

#[test]
fn silence_is_filled_with_comments() {
    let server = Server::start(Settings { keepalive: Duration::from_millis(200), ..Settings::default() });
    let mut client = server.client();
    client.send(&format!("{GET}\r\n"));
    client.until("retry: 2000\n\n\r\n");
    assert_eq!(client.until("3\r\n:\n\n\r\n").len() + client.until("3\r\n:\n\n\r\n").len(), 16);
}

#[test]
fn the_server_chooses_the_reconnection_time() {
    let server = Server::start(Settings { retry: Duration::from_millis(300), ..Settings::default() });
    let mut client = server.client();
    client.send(&format!("{GET}\r\n"));
    client.until("retry: 300\n\n\r\n");
    server.stop();
    let ending = client.rest();
    let retry: u64 = ending.split("retry: ").nth(1).unwrap().split('\n').next().unwrap().parse().unwrap();
    assert!((300..=900).contains(&retry), "{ending}");
}

#[test]
fn a_client_that_leaves_is_forgotten() {
    let server = Server::open();
    let mut client = server.client();
    client.send(&format!("{GET}\r\n"));
    client.until("retry");
    assert_eq!(server.endpoint(Transport::Sse).active, 1);
    drop(client);
    server.until("forgotten", |stats| stats.endpoints[&Transport::Sse].active == 0 && stats.connections.open == 0);
}

#[test]
fn only_get_requests_for_an_event_stream_are_accepted() {
    let server = Server::open();
    for method in ["HEAD", "POST", "PUT"] {
        let answer = server.ask(&format!("{method} /feed/sse HTTP/1.1"));
        assert!(answer.starts_with("HTTP/1.1 405") && answer.to_lowercase().contains("allow: get"), "{answer}");
    }
    assert!(server.ask("GET /feed/sse HTTP/1.1\r\nAccept: application/json").starts_with("HTTP/1.1 406"));
    assert!(server.ask("GET /feed/sse?after=x HTTP/1.1").starts_with("HTTP/1.1 400"));
    assert!(server.ask("GET /feed/sse HTTP/1.1\r\nLast-Event-ID: x").starts_with("HTTP/1.1 400"));
}

#[test]
fn every_byte_of_a_stream_is_counted() {
    let server = Server::open();
    let mut client = server.client();
    let request = format!("{GET}\r\n");
    client.send(&request);
    let mut seen = client.until("\n\n\r\n").len();
    server.publish("counted");
    seen += client.until("\n\n\r\n").len();
    // A client may have read bytes that the server has not counted yet.
    server.until("all is counted", |stats| {
        let endpoint = &stats.endpoints[&Transport::Sse];
        (endpoint.bytes_in, endpoint.bytes_out) == (request.len() as u64, seen as u64)
    });
}

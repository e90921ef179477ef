use std::time::Duration;

use crate::harness::{Server, publishing};
use feedlab_feed::schedule::Schedule;
use feedlab_feed::settings::Settings;
use feedlab_feed::source::SourceConfig;
use feedlab_feed::{Transport, clock};
use feedlab_server::Config;

fn post(server: &Server, path: &str, headers: &str, body: &str) -> String {
    server.ask_with(&format!("POST {path} HTTP/1.1\r\nContent-Length: {}{headers}", body.len()), body)
}

impl Server {
    fn ask_with(&self, head: &str, body: &str) -> String {
        let mut client = self.client();
        client.send(&format!("{head}\r\nHost: {}\r\nConnection: close\r\n\r\n{body}", self.addr));
        client.rest()
    }
}

#[test]
fn text_is_taken_as_it_stands_and_json_has_a_type() {
    let server = Server::open();
    let json = "\r\nContent-Type: application/json; charset=utf-8";
    assert!(post(&server, "/feed", "\r\nContent-Type: text/plain", "{\"data\":1}").ends_with(r#"{"seq":1}"#));
    assert!(post(&server, "/feed", json, r#"{"type":"price","data":"7"}"#).ends_with(r#"{"seq":2}"#));
    let answer = server.ask("GET /feed/poll?after=0 HTTP/1.1");
    assert!(answer.contains(r#""type":"message","data":"{\"data\":1}""#), "{answer}");
    assert!(answer.contains(r#""type":"price","data":"7""#), "{answer}");
}

#[test]
fn a_publisher_counts_for_the_endpoint_it_names() {
    let server = Server::open();
    post(&server, "/feed", "", "x");
    post(&server, "/feed?from=elsewhere", "", "x");
    let before = server.stats().endpoints[&Transport::Sse].clone();
    assert_eq!((before.connections, before.bytes_in), (0, 0));
    let body = "y".repeat(500);
    assert!(post(&server, "/feed?from=sse", "", &body).ends_with(r#"{"seq":3}"#));
    let endpoint = server.stats().endpoints[&Transport::Sse].clone();
    assert_eq!((endpoint.connections, endpoint.requests, endpoint.updates), (1, 0, 0));
    assert!(
        endpoint.bytes_in > 500 && endpoint.header_bytes == endpoint.bytes_in + endpoint.bytes_out - 500 - 9,
        "{endpoint:?}"
    );
}

#[test]
fn invalid_publications_are_refused() {
    let server = Server::start(Config { max_message_bytes: 100, ..publishing().into() });
    let json = "\r\nContent-Type: application/json";
    for (headers, body, status) in [
        (json, "{", "400"),
        (json, r#"{"type":"gap","data":""}"#, "400"),
        (json, r#"{"type":"two\nlines","data":""}"#, "400"),
        ("\r\nContent-Type: image/png", "x", "415"),
        ("\r\nContent-Type: text/plain", &"x".repeat(101), "413"),
        ("\r\nContent-Type: text/plain\r\nOrigin: https://evil.example", "x", "403"),
    ] {
        let answer = post(&server, "/feed", headers, body);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{headers:?} {body}: {answer}");
    }
    assert_eq!(server.stats().feed.head, 0);
    let closed = Server::start(Config::default());
    let answer = post(&closed, "/feed", "", "x");
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("--allow-publish"), "{answer}");
}

#[test]
fn every_endpoint_requires_the_token() {
    let server = Server::start(Config { token: Some("s3cret".into()), ..Config::default() });
    for path in Transport::ALL.map(Transport::path).into_iter().chain(["/stats", "/metrics"]) {
        let answer = server.ask(&format!("GET {path} HTTP/1.1"));
        assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("www-authenticate: Bearer"), "{path}: {answer}");
    }
    assert!(server.ask("GET /feed/poll HTTP/1.1\r\nAuthorization: Bearer s3cret").starts_with("HTTP/1.1 200"));
    assert!(server.ask("GET /feed/poll HTTP/1.1\r\nCookie: feedlab_token=s3cret").starts_with("HTTP/1.1 200"));
    assert!(server.ask("GET /healthz HTTP/1.1").starts_with("HTTP/1.1 200"));
}

#[test]
fn a_waiting_feed_starts_on_request_and_knows_what_was_due_when() {
    let source =
        SourceConfig::Synthetic { rate: 100.0, schedule: Schedule::Constant, payload_bytes: 10, binary: false };
    let settings = Settings { source: Some(source), ..Settings::default() };
    let server = Server::start(Config { await_start: true, ..settings.into() });
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(server.stats().feed.head, 0);
    let at = clock::unix_us() + 100_000;
    let answer = post(&server, "/control/start", "", &format!("{{\"at\":{at}}}"));
    assert!(answer.starts_with("HTTP/1.1 202") && answer.contains(&at.to_string()), "{answer}");
    server.until("five are out", |stats| stats.feed.head >= 5);
    let answer = server.ask(&format!("GET /stats?before={} HTTP/1.1", at + 20_000));
    assert!(answer.contains("\"before\": 2,"), "due at 0 and 10 ms: {answer}");
    assert!(post(&server, "/control/start", "", "{}").starts_with("HTTP/1.1 400"));
    let running = Server::open();
    assert!(post(&running, "/control/start", "", "{\"at\":1}").starts_with("HTTP/1.1 409"));
}

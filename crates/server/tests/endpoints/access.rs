//! Which requests are allowed, and what a browser learns about that. The table of origins and names is in the
//! workshop's tests.

use crate::harness::{Server, publishing};
use feedlab_feed::Transport;
use feedlab_server::Config;

const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// Sends a complete request head and returns the response.
fn say(server: &Server, head: &str) -> String {
    let mut client = server.client();
    client.send(&format!("{head}\r\nConnection: close\r\n\r\n"));
    client.rest()
}

fn trusting() -> Config {
    Config { allow_origins: vec!["https://lab.example".parse().unwrap()], ..publishing().into() }
}

#[test]
fn r4_requests_for_an_unknown_host_name_are_refused() {
    let server = Server::open();
    let upgrade = format!("Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\n{KEY}X: y");
    for line in
        ["GET /feed/poll", "GET /stats", "GET /", "GET /healthz", "POST /feed", "POST /control/start", "GET /feed/ws"]
    {
        let more = if line.ends_with("ws") { upgrade.as_str() } else { "Content-Length: 0" };
        let mut client = server.client();
        client.send(&format!(
            "{line} HTTP/1.1\r\nHost: evil.example:8080\r\nOrigin: http://evil.example:8080\r\n{more}\r\n\r\n"
        ));
        let answer = client.until("\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 403"), "{line}: {answer}");
    }
    let answer = say(&server, "GET http://evil.example/stats HTTP/1.1\r\nHost: localhost");
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("--allow-host evil.example"), "{answer}");
}

#[test]
fn r4_any_host_name_is_accepted_with_a_token_or_allow_host() {
    let server = Server::start(Config { token: Some("s".into()), ..Config::default() });
    assert!(
        say(&server, "GET /stats HTTP/1.1\r\nHost: a.example\r\nAuthorization: Bearer s").starts_with("HTTP/1.1 200")
    );
    let server = Server::start(Config { allow_hosts: vec!["a.example".parse().unwrap()], ..Config::default() });
    assert!(say(&server, "GET /stats HTTP/1.1\r\nHost: A.example:1").starts_with("HTTP/1.1 200"));
    assert!(say(&server, "GET /stats HTTP/1.1\r\nHost: b.example").starts_with("HTTP/1.1 403"));
}

#[test]
fn f3_a_preflight_of_an_allowed_page_needs_no_token() {
    let server = Server::start(Config { token: Some("s".into()), ..trusting() });
    let ask = "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type";
    for path in Transport::ALL.map(Transport::path).into_iter().chain(["/feed", "/stats"]) {
        let preflight = |origin: &str| {
            say(&server, &format!("OPTIONS {path} HTTP/1.1\r\nHost: localhost\r\nOrigin: {origin}\r\n{ask}"))
        };
        let answer = preflight("https://lab.example");
        assert!(answer.starts_with("HTTP/1.1 204"), "{path}: {answer}");
        for line in [
            "access-control-allow-origin: https://lab.example",
            "access-control-allow-credentials: true",
            "access-control-allow-methods: GET, HEAD, POST",
            "access-control-allow-headers: Authorization, Cache-Control, Content-Type, If-None-Match, Last-Event-ID",
            "vary: Origin",
        ] {
            assert!(answer.contains(&format!("{line}\r\n")), "{path}: {line}: {answer}");
        }
        let answer = preflight("https://evil.example");
        assert!(answer.starts_with("HTTP/1.1 401") && !answer.contains("access-control-"), "{path}: {answer}");
    }
}

#[test]
fn f4_a_page_that_is_allowed_may_send_its_users_cookies_and_read_the_answer() {
    let server = Server::start(Config { token: Some("s".into()), ..trusting() });
    let look = "GET /feed/poll HTTP/1.1\r\nHost: localhost\r\nOrigin: https://lab.example";
    for (more, status) in [("X: y", 401), ("Authorization: Bearer s", 200)] {
        let answer = say(&server, &format!("{look}\r\n{more}"));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        // A star is not enough: with credentials, the header must name the origin itself (Fetch, section 3.2.5).
        for line in ["access-control-allow-origin: https://lab.example", "access-control-allow-credentials: true"] {
            assert!(answer.contains(&format!("{line}\r\n")), "{line}: {answer}");
        }
    }
    let mut client = server.client();
    let stream = look.replace("/feed/poll", "/feed/sse");
    client.send(&format!("{stream}\r\nAuthorization: Bearer s\r\n\r\n"));
    assert!(client.until("\r\n\r\n").contains("access-control-allow-credentials: true\r\n"));
}

#[test]
fn f13_allow_says_what_is_allowed() {
    let server = Server::open();
    for (path, allowed) in [
        ("/feed/poll", "GET,HEAD"),
        ("/feed/long-poll?hold=0s", "GET"),
        ("/feed/sse", "GET"),
        ("/feed/ws", "GET"),
        ("/feed", "POST"),
    ] {
        for method in ["OPTIONS", "PUT", "HEAD", "POST", "GET"] {
            let answer = say(
                &server,
                &format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nAccept: x/y"),
            );
            let is_allowed = allowed.split(',').any(|one| one == method);
            assert_eq!(answer.starts_with("HTTP/1.1 405"), !is_allowed, "{method} {path}: {answer}");
            assert!(is_allowed || answer.contains(&format!("allow: {allowed}\r\n")), "{method} {path}: {answer}");
        }
    }
}

#[test]
fn r9_unsupported_requests_are_refused_with_the_right_status() {
    let server = Server::open();
    let long = format!("GET /feed/poll?x={} HTTP/1.1\r\nHost: localhost", "x".repeat(20_000));
    let keys = format!(
        "GET /feed/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
         Sec-WebSocket-Version: 13\r\n{KEY}{}",
        KEY.trim_end()
    );
    for (head, status) in [
        ("POST /feed HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked", "501"),
        ("POST /feed HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked", "501"),
        ("GET /stats HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked", "501"),
        (&long, "414"),
        (&keys, "400"),
    ] {
        let answer = say(&server, head);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{head}: {answer}");
    }
}

#[test]
fn f11_another_websocket_version_gets_426() {
    let server = Server::open();
    let answer = say(
        &server,
        &format!(
            "GET /feed/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: upgrade\r\n{KEY}Sec-WebSocket-Version: 8"
        ),
    );
    assert!(answer.starts_with("HTTP/1.1 426"), "{answer}");
    for line in ["upgrade: websocket\r\n", "sec-websocket-version: 13\r\n", "connection: "] {
        assert!(answer.contains(line), "{answer}");
    }
}

/// Checks the status of the response to each head.
fn answered(server: &Server, heads: &[(&str, &str)]) {
    for (head, status) in heads {
        let answer = say(server, head);
        assert!(answer.starts_with("HTTP/1.") && answer[8..].starts_with(&format!(" {status}")), "{head}: {answer}");
    }
}

#[test]
fn f7_all_lines_of_accept_are_read_with_their_qualities() {
    let server = Server::open();
    answered(
        &server,
        &[
            ("GET /feed/sse HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream;q=0", "406"),
            ("GET /feed/sse HTTP/1.1\r\nHost: localhost\r\nAccept: a/b\r\nAccept: c/d", "406"),
        ],
    );
    let mut client = server.client();
    client.send("GET /feed/sse HTTP/1.1\r\nHost: localhost\r\nAccept: a/b\r\nAccept: text/event-stream\r\n\r\n");
    client.until("retry: 2000");
}

#[test]
fn f12_a_request_names_its_host_once() {
    answered(
        &Server::open(),
        &[
            ("GET /stats HTTP/1.1", "400"),
            ("GET /stats HTTP/1.1\r\nHost: localhost\r\nHost: localhost", "400"),
            ("GET /stats HTTP/1.1\r\nHost: a b", "400"),
            ("GET /stats HTTP/1.0", "200"),
        ],
    );
}

#[test]
fn f10_an_invalid_cursor_is_refused_and_not_taken_for_the_newest() {
    let server = Server::open();
    answered(
        &server,
        &[
            ("GET /feed/sse HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 1x", "400"),
            ("GET /feed/sse HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 1\u{e9}", "400"),
            ("GET /feed/sse HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 1\r\nLast-Event-ID: 2", "400"),
        ],
    );
    let mut client = server.client();
    client.send_bytes(b"GET /feed/sse HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: \xff\xfe\r\n\r\n");
    assert!(client.until("\r\n\r\n").starts_with("HTTP/1.1 400"));
}

/// Checks that publications with these bodies are refused, and nothing is published.
fn unpublished(bodies: &[&str]) {
    let server = Server::open();
    for body in bodies {
        let head = format!(
            "POST /feed HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}",
            body.len()
        );
        let mut client = server.client();
        client.send(&format!("{head}\r\n\r\n{body}"));
        assert!(client.until("\r\n\r\n").starts_with("HTTP/1.1 400"), "{body}");
    }
    assert_eq!(server.stats().feed.head, 0);
}

#[test]
fn f8_half_of_a_surrogate_pair_is_not_published() {
    unpublished(&[r#"{"data":"cut \ud83d"}"#, r#"{"type":"\ud83d","data":""}"#]);
}

#[test]
fn f9_an_array_is_not_a_publication() {
    unpublished(&[r#"["tick","x",null]"#, r#"[["tick","x",null]]"#, r#" ["tick","x"]"#]);
}

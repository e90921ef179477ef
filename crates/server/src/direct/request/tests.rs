use std::convert::Infallible;

use axum::body::Body;
use axum::extract::Query;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::config::Config;

fn reader(config: &Config) -> Reader {
    Reader::new(Access::new(config, false), false)
}

fn is_poll(config: &Config, request: &str) -> bool {
    matches!(reader(config).read(request.as_bytes()), Request::Poll { .. })
}

/// Checks whether a request line with these headers, and a plain `Host`, is a poll.
#[track_caller]
fn check(line: &str, headers: &str, expected: bool) {
    let request = format!("{line}\r\nHost: localhost\r\n{headers}\r\n");
    assert_eq!(is_poll(&Config::default(), &request), expected, "{request}");
}

#[test]
fn only_plain_targets_are_read() {
    for (target, expected) in [
        ("/feed/poll", true),
        ("/feed/long-poll", true),
        ("/feed/poll?after=7", true),
        ("/feed/poll?after=k3f9.7", true),
        ("/feed/long-poll?after=0&hold=25s", true),
        ("/feed/long-poll?hold=0.5s&after=0", true),
        ("/feed/long-poll?hold=25", true),
        ("/feed/sse", false),
        ("/feed/ws", false),
        ("/feed", false),
        ("/feed/poll/", false),
        ("/feed/Poll", false),
        ("/feed/p%6Fll", false),
        ("/feed/poll?", false),
        ("/feed/poll?after", false),
        ("/feed/poll?after=x", false),
        ("/feed/poll?after=", false),
        ("/feed/poll?after=%37", false),
        ("/feed/poll?after=+7", false),
        ("/feed/poll?after=7&after=7", false),
        ("/feed/poll?after=7&", false),
        ("/feed/poll?after=7#1", false),
        ("/feed/poll?after=7&x=1", false),
        ("/feed/poll#1", false),
        ("/feed/long-poll?hold=+5", false),
        ("/feed/long-poll?hold=1m%2030s", false),
        ("/feed/long-poll?hold=5parsecs", false),
        ("http://localhost/feed/poll", false),
        ("//feed/poll", false),
        ("*", false),
    ] {
        check(&format!("GET {target} HTTP/1.1"), "", expected);
    }
}

#[test]
fn other_methods_versions_and_forms_are_for_the_library() {
    for (line, expected) in [
        ("GET /feed/poll HTTP/1.1", true),
        ("HEAD /feed/poll HTTP/1.1", false),
        ("POST /feed/poll HTTP/1.1", false),
        ("get /feed/poll HTTP/1.1", false),
        ("GET /feed/poll HTTP/1.0", false),
        ("GET  /feed/poll HTTP/1.1", false),
        ("PRI * HTTP/2.0", false),
    ] {
        check(line, "", expected);
    }
    for (request, expected) in [
        ("GET /feed/poll HTTP/1.1\nHost: localhost\n\n", true),
        ("\r\nGET /feed/poll HTTP/1.1\r\nHost: localhost\r\n\r\n", true),
        ("", false),
        ("GET /feed/poll HTTP/1.1\r\nHost: localhost\r\n", false),
        ("GET /feed/poll HTTP/1.1\r\n\r\n", false),
        ("GET /feed/poll HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", false),
        ("GET /feed/poll HTTP/1.1\r\nHost: a b\r\n\r\n", false),
        ("GET /feed/poll HTTP/1.1\r\nHost: evil.example\r\n\r\n", false),
        ("GET /feed/poll HTTP/1.1\r\nHost:\r\n\r\n", false),
        ("GET /feed/poll HTTP/1.1\r\nHOST: 127.0.0.1:8080\r\n\r\n", true),
    ] {
        assert_eq!(is_poll(&Config::default(), request), expected, "{request:?}");
    }
}

#[test]
fn a_header_that_changes_the_request_is_for_the_library() {
    for (headers, expected) in [
        ("User-Agent: x\r\nAccept: */*\r\nAccept-Encoding: gzip\r\nX-Any: \u{e9}\r\n", true),
        ("Connection: keep-alive\r\n", true),
        ("Connection: Keep-Alive\r\n", true),
        ("If-None-Match: \"k3f9.7\"\r\n", true),
        ("Authorization: Basic x\r\nCookie: a=b\r\n", true),
        ("Connection: close\r\n", false),
        ("Connection: keep-alive, TE\r\n", false),
        ("connection: Upgrade\r\nUpgrade: h2c\r\n", false),
        ("Upgrade: websocket\r\n", false),
        ("Content-Length: 0\r\n", false),
        ("Transfer-Encoding: chunked\r\n", false),
        ("Expect: 100-continue\r\n", false),
        ("ORIGIN: http://localhost\r\n", false),
        ("Access-Control-Request-Method: GET\r\n", false),
        ("If-None-Match: \"a\"\r\nIf-None-Match: \"b\"\r\n", false),
        ("If-None-Match: \"\u{e9}\"\r\n", false),
        ("X-Folded: a\r\n b\r\n", false),
        ("X-Spaced : a\r\n", false),
        ("X-Null: \0\r\n", false),
    ] {
        check("GET /feed/poll HTTP/1.1", headers, expected);
    }
}

#[test]
fn heads_that_are_too_large_are_for_the_library() {
    let header = |count| "X: y\r\n".repeat(count);
    check("GET /feed/poll HTTP/1.1", &header(MAX_HEADERS - 1), true);
    check("GET /feed/poll HTTP/1.1", &header(MAX_HEADERS), false);
    let long = |len: usize| format!("X: {}\r\n", "y".repeat(len));
    check("GET /feed/poll HTTP/1.1", &long(MAX_HEADER_BYTES / 2), true);
    check("GET /feed/poll HTTP/1.1", &long(MAX_HEADER_BYTES), false);
}

#[test]
fn a_second_request_stays_in_the_input() {
    let request = "GET /feed/poll?after=1 HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let input = format!("{request}{}", request.replace('1', "2"));
    let mut reader = reader(&Config::default());
    let Request::Poll { poll, len } = reader.read(input.as_bytes()) else { panic!("not a poll") };
    assert_eq!((poll.cursor, len), ("1".parse().ok(), request.len()));
}

#[test]
fn an_address_with_a_token_answers_only_those_who_bring_it() {
    let config = Config { token: Some("s3cret".to_owned()), ..Config::default() };
    for (header, expected) in [
        ("Authorization: Bearer s3cret", true),
        ("Cookie: a=b; feedlab_token=s3cret", true),
        ("Authorization: Bearer wrong\r\nCookie: feedlab_token=s3cret", true),
        ("Authorization: Bearer wrong", false),
        ("X-Any: s3cret", false),
        ("Cookie: \u{e9}\r\nAuthorization: Bearer s3cret", false),
    ] {
        let request = format!("GET /feed/poll HTTP/1.1\r\nHost: any.example\r\n{header}\r\n\r\n");
        assert_eq!(is_poll(&config, &request), expected, "{header}");
    }
}

#[test]
fn an_address_that_is_open_to_pages_leaves_everything_to_the_library() {
    let config = Config { allow_origins: vec!["http://a.example".parse().unwrap()], ..Config::default() };
    assert!(!is_poll(&config, "GET /feed/poll HTTP/1.1\r\nHost: localhost\r\n\r\n"));
}

/// The query as the handlers read it.
#[derive(Deserialize)]
struct Asked {
    after: Option<String>,
    hold: Option<String>,
}

/// Returns the first request of an input as hyper reads it.
fn read_by_hyper(input: &[u8]) -> Option<http::Request<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (seen, first) = std::sync::mpsc::sync_channel(9);
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let _ = seen.try_send(request.map(drop));
        std::future::ready(Ok::<_, Infallible>(hyper::Response::new(Body::empty())))
    });
    runtime.block_on(async {
        let (server, mut client) = tokio::io::duplex(1 << 20);
        client.write_all(input).await.unwrap();
        client.shutdown().await.unwrap();
        let mut builder = hyper::server::conn::http1::Builder::new();
        let builder = builder.max_buf_size(MAX_HEADER_BYTES).max_headers(MAX_HEADERS);
        let _ = builder.serve_connection(TokioIo::new(server), service).await;
        let mut answers = Vec::new();
        let _ = client.read_to_end(&mut answers).await;
    });
    first.try_iter().next()
}

/// Checks that a poll means to the handlers what it means here.
fn agrees(poll: &Poll<'_>, request: &http::Request<()>, config: &Config) -> Result<(), TestCaseError> {
    let access = Access::new(config, false);
    prop_assert!(access.admit(request).is_ok());
    prop_assert_eq!((request.method(), request.version()), (&http::Method::GET, http::Version::HTTP_11));
    prop_assert_eq!(Some(poll.transport), Transport::of_path(request.uri().path()));
    let Query(Asked { after, hold }) = Query::try_from_uri(request.uri()).unwrap();
    prop_assert_eq!(poll.cursor, after.map(|after| after.parse().unwrap()));
    prop_assert_eq!(poll.hold, hold.map(|hold| long_polling::parse_hold(&hold).unwrap()));
    for etag in ["\"7\"", "\"k3f9.7\""] {
        let is_known = fields::list(request.headers(), &header::IF_NONE_MATCH).any(|it| short_polling::names(it, etag));
        prop_assert_eq!(poll.knows(etag), is_known);
    }
    Ok(())
}

/// Lines of which some are polls, and some nearly are.
fn requests() -> impl Strategy<Value = Vec<u8>> {
    let value = "(25s|7|k3f9\\.7|500ms|0|[%+.a-z0-9#]{0,4})";
    let target = format!("/feed/(poll|long-poll|sse)(\\?(after|hold|x)={value}(&(after|hold)={value}){{0,2}})?");
    let header = "(HOST:127.0.0.1:80|Host: a b|If-None-Match: (W/)?\"(k3f9\\.)?7\"(, \"x\")?|Connection: (keep-alive|close)|\
                  Accept: \\*/\\*|Content-Length: 0|[A-Za-z-]{1,8} ?: ?[ -~]{0,8})\r?\n";
    let version = "( HTTP/1\\.1| HTTP/1\\.1| HTTP/1\\.0)\r?\n(Host: localhost\r\n)?";
    let headers = proptest::collection::vec(header, 0..3);
    ("(GET |GET |HEAD )", proptest::string::string_regex(&target).unwrap(), version, headers, "\r?\n[A-Z]{0,3}")
        .prop_map(|(method, target, version, headers, rest)| {
            format!("{method}{target}{version}{}{rest}", headers.concat()).into_bytes()
        })
}

/// Polls of which up to two bytes are replaced.
fn mutants() -> impl Strategy<Value = Vec<u8>> {
    const POLL: &str = "GET /feed/long-poll?after=k3f9.7&hold=25s HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: \"k3f9.7\"\r\n\
        Connection: keep-alive\r\nAccept: */*\r\n\r\n";
    proptest::collection::vec((0..POLL.len(), any::<u8>()), 0..3).prop_map(|changes| {
        let mut request = POLL.as_bytes().to_vec();
        changes.into_iter().for_each(|(at, byte)| request[at] = byte);
        request
    })
}

proptest! {
    #[test]
    fn no_input_panics(input in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = reader(&Config::default()).read(&input);
    }

    #[test]
    fn what_is_read_here_means_the_same_to_the_library(input in prop_oneof![requests(), mutants()]) {
        let config = Config::default();
        if let Request::Poll { poll, len } = reader(&config).read(&input) {
            let request = read_by_hyper(&input[..len]);
            prop_assert!(request.is_some(), "hyper refuses it");
            agrees(&poll, &request.unwrap(), &config)?;
        }
    }
}

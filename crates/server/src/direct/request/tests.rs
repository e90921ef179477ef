use std::convert::Infallible;

use axum::body::Body;
use axum::extract::Query;
use bytes::Bytes;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::routes::transport_of;

fn reader(config: &Config) -> Reader {
    Reader::new(Access::new(config, false), config, false)
}

fn is_poll(config: &Config, request: &str) -> bool {
    matches!(reader(config).read(request.as_bytes()), Some((Request::Poll(_), _)))
}

/// A server that accepts updates of up to 20 bytes.
fn publishing() -> Config {
    let mut config = Config { max_message_bytes: 20, ..Config::default() };
    config.settings.allow_publish = true;
    config
}

fn is_post(config: &Config, request: &str) -> bool {
    matches!(reader(config).read(request.as_bytes()), Some((Request::Post(_), _)))
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
    let Some((Request::Poll(poll), len)) = reader.read(input.as_bytes()) else { panic!("not a poll") };
    assert_eq!((poll.cursor, len), ("1".parse().ok(), request.len()));
}

#[test]
fn a_publication_says_at_most_for_which_endpoint_it_counts() {
    for (line, expected) in [
        ("POST /feed HTTP/1.1", true),
        ("POST /feed?from=sse HTTP/1.1", true),
        ("POST /feed?from=long-polling HTTP/1.1", true),
        ("POST /feed? HTTP/1.1", false),
        ("POST /feed?from=elsewhere HTTP/1.1", false),
        ("POST /feed?from=sse&from=websocket HTTP/1.1", false),
        ("POST /feed?from=sse# HTTP/1.1", false),
        ("POST /feed?x=1 HTTP/1.1", false),
        ("POST /feed/ HTTP/1.1", false),
        ("POST /feed/sse HTTP/1.1", false),
        ("POST /control/start HTTP/1.1", false),
        ("PUT /feed HTTP/1.1", false),
        ("GET /feed HTTP/1.1", false),
        ("POST /feed HTTP/1.0", false),
    ] {
        let request = format!("{line}\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx");
        assert_eq!(is_post(&publishing(), &request), expected, "{request}");
        assert!(!is_post(&Config::default(), &request), "nobody may publish");
    }
}

#[test]
fn a_publication_is_read_only_with_its_whole_body() {
    for (headers, body, expected) in [
        ("Content-Length: 3\r\n", "abc", Some("abc")),
        ("Content-Length: 3\r\n", "abcPOST", Some("abc")),
        ("Content-Length: 003\r\n", "abc", Some("abc")),
        ("Content-Length: 0\r\n", "", Some("")),
        ("Content-Length: 20\r\n", "12345678901234567890", Some("12345678901234567890")),
        ("Content-Length: 21\r\n", "123456789012345678901", None),
        ("Content-Length: 3\r\n", "ab", None),
        ("Content-Length: 18446744073709551616\r\n", "abc", None),
        ("Content-Length: +3\r\n", "abc", None),
        ("Content-Length: 3, 3\r\n", "abc", None),
        ("Content-Length:\r\n", "", None),
        ("Content-Length: 3\r\nContent-Length: 3\r\n", "abc", None),
        ("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "abc", None),
        ("Transfer-Encoding: chunked\r\n", "0\r\n\r\n", None),
        ("Content-Length: 3\r\nExpect: 100-continue\r\n", "abc", None),
        ("Content-Length: 3\r\nContent-Encoding: gzip\r\n", "abc", None),
        ("Content-Length: 3\r\nOrigin: http://localhost\r\n", "abc", None),
        ("Content-Length: 3\r\nConnection: close\r\n", "abc", None),
        ("Content-Length: 3\r\nContent-Type: a/b\r\nContent-Type: a/b\r\n", "abc", None),
        ("", "", None),
    ] {
        let input = format!("POST /feed HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n{body}");
        let config = publishing();
        let mut reader = reader(&config);
        let read = reader.read(input.as_bytes());
        let seen = read.as_ref().map(|(request, len)| match request {
            Request::Post(post) => (post.body, input.len() - len),
            Request::Poll(_) => panic!("not a poll"),
        });
        assert_eq!(seen, expected.map(|is| (is.as_bytes(), body.len() - is.len())), "{input:?}");
    }
}

#[test]
fn an_address_with_a_token_answers_only_those_who_bring_it() {
    let config = Config { token: Some("s3cret".to_owned()), ..publishing() };
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
        let request = format!("POST /feed HTTP/1.1\r\nHost: any.example\r\n{header}\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(is_post(&config, &request), expected, "{header}");
    }
}

#[test]
fn an_address_that_is_open_to_pages_leaves_everything_to_the_library() {
    let config = Config { allow_origins: vec!["http://a.example".parse().unwrap()], ..publishing() };
    assert!(!is_poll(&config, "GET /feed/poll HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    assert!(!is_post(&config, "POST /feed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"));
}

#[test]
fn a_feed_on_a_broker_leaves_everything_to_the_library() {
    let config = publishing();
    let mut reader = Reader::new(Access::new(&config, false), &config, true);
    for line in ["GET /feed/poll HTTP/1.1", "POST /feed HTTP/1.1\r\nContent-Length: 0"] {
        assert_eq!(reader.read(format!("{line}\r\nHost: localhost\r\n\r\n").as_bytes()), None);
    }
}

/// The query as the handlers read it.
#[derive(Deserialize)]
struct Asked {
    after: Option<String>,
    hold: Option<String>,
}

/// Returns the first request of an input as hyper reads it, with its body.
fn read_by_hyper(input: &[u8]) -> Option<http::Request<Bytes>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (seen, first) = std::sync::mpsc::sync_channel(9);
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let seen = seen.clone();
        async move {
            let (head, body) = request.into_parts();
            if let Ok(body) = feedlab_feed::body::collect(body, usize::MAX).await {
                let _ = seen.try_send(http::Request::from_parts(head, body.into()));
            }
            Ok::<_, Infallible>(hyper::Response::new(Body::empty()))
        }
    });
    runtime.block_on(async {
        let (server, mut client) = tokio::io::duplex(1 << 20);
        client.write_all(input).await.unwrap();
        client.shutdown().await.unwrap();
        let mut builder = hyper::server::conn::http1::Builder::new();
        let builder = builder.max_buf_size(MAX_HEADER_BYTES).max_headers(MAX_HEADERS).half_close(true);
        let _ = builder.serve_connection(TokioIo::new(server), service).await;
        let mut answers = Vec::new();
        let _ = client.read_to_end(&mut answers).await;
    });
    first.try_iter().next()
}

/// Checks that a request means to the handlers what it means here.
fn agrees(read: &Request<'_>, request: &http::Request<Bytes>, config: &Config) -> Result<(), TestCaseError> {
    let access = Access::new(config, false);
    prop_assert!(access.admit(request).is_ok());
    prop_assert_eq!(request.version(), http::Version::HTTP_11);
    prop_assert_eq!(read.transport(), transport_of(request.uri()));
    match read {
        Request::Poll(poll) => poll_agrees(poll, request),
        Request::Post(post) => post_agrees(post, request),
    }
}

fn post_agrees(post: &Post<'_>, request: &http::Request<Bytes>) -> Result<(), TestCaseError> {
    prop_assert_eq!((request.method(), request.uri().path()), (&http::Method::POST, PUBLISH_PATH));
    prop_assert_eq!(post.content_type, fields::single(request.headers(), &header::CONTENT_TYPE).unwrap());
    prop_assert_eq!(post.body, request.body());
    Ok(())
}

fn poll_agrees(poll: &Poll<'_>, request: &http::Request<Bytes>) -> Result<(), TestCaseError> {
    prop_assert_eq!((request.method(), request.body().len()), (&http::Method::GET, 0));
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

/// Publications, and what nearly is one.
fn publications() -> impl Strategy<Value = Vec<u8>> {
    let target = "/feed(\\?(from|x)=(sse|websocket|short-polling|[%+.a-z#]{0,4})(&from=sse)?)?";
    let header = "(Content-Length: ?[0-9+]{1,2}|Content-Type: [a-z]{1,9}/[a-z;=]{1,9}|Expect: 100-continue|\
                  Transfer-Encoding: chunked|Origin: http://localhost|[A-Za-z-]{1,8}: ?[ -~]{0,8})\r?\n";
    let headers = proptest::collection::vec(header, 0..3);
    (proptest::string::string_regex(target).unwrap(), headers, 0..4, "[A-Z0-9\r\n]{0,9}").prop_map(
        |(target, headers, len, body)| {
            let headers = headers.concat();
            format!("POST {target} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {len}\r\n\r\n{body}")
                .into_bytes()
        },
    )
}

/// Requests of which up to two bytes are replaced.
fn mutants() -> impl Strategy<Value = Vec<u8>> {
    const POST: &str = "POST /feed?from=sse HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain; charset=utf-8\r\n\
        Content-Length: 11\r\nConnection: keep-alive\r\nAccept: */*\r\n\r\nhello world";
    const POLL: &str = "GET /feed/long-poll?after=k3f9.7&hold=25s HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: \"k3f9.7\"\r\n\
        Connection: keep-alive\r\nAccept: */*\r\n\r\n";
    let changes = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
    (prop_oneof![Just(POLL), Just(POST)], changes).prop_map(|(request, changes)| {
        let mut request = request.as_bytes().to_vec();
        changes.into_iter().for_each(|(at, byte)| *at.get_mut(&mut request) = byte);
        request
    })
}

proptest! {
    #[test]
    fn no_input_panics(input in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = reader(&Config::default()).read(&input);
    }

    #[test]
    fn what_is_read_here_means_the_same_to_the_library(input in prop_oneof![requests(), publications(), mutants()]) {
        let config = publishing();
        if let Some((read, len)) = reader(&config).read(&input) {
            let request = read_by_hyper(&input[..len]);
            prop_assert!(request.is_some(), "hyper refuses it");
            agrees(&read, &request.unwrap(), &config)?;
        }
    }
}

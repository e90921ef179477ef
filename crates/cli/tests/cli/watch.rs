//! `feedlab watch` with servers that are not feedlab's.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, kill_process};

use super::{ends_with, err, error_line, feedlab, listening, out};

const STREAM: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\r\n";

/// Answers one connection after the other with the given bytes, closes each, and returns the requests.
fn serve(answers: Vec<Vec<u8>>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/events?after=mine", listener.local_addr().expect("an address"));
    let server = std::thread::spawn(move || {
        let answer = |bytes: Vec<u8>| {
            let (mut stream, _) = listener.accept().expect("a connection");
            let request = read_request(&mut stream);
            stream.write_all(&bytes).expect("it reads");
            request
        };
        answers.into_iter().map(answer).collect()
    });
    (url, server)
}

fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("a whole request");
        request.push(byte[0]);
    }
    String::from_utf8_lossy(&request).to_lowercase()
}

fn stream(events: &str) -> Vec<u8> {
    format!("{STREAM}{events}").into_bytes()
}

#[test]
fn events_are_printed_in_order_and_the_stream_resumes_as_in_the_standard() {
    let (url, server) = serve(vec![
        stream(
            "\u{feff}: a comment\nretry: 40\nid: 7\ndata: first\ndata:second line\n\nevent: price\r\ndata: {\"eur\":1}\r\n\r\n",
        ),
        stream("data: after a cut\rid:\r\rdata: cut off in the mid"),
        stream("data: the id is gone\n\n"),
        b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
    ]);
    let output = ends_with(1, &mut feedlab(&["watch", &url, "--raw-events"]));
    insta::assert_snapshot!(out(&output), @r#"
    {"type":"message","data":"first\nsecond line","lastEventId":"7"}
    {"type":"price","data":"{\"eur\":1}","lastEventId":"7"}
    {"type":"message","data":"after a cut","lastEventId":""}
    {"type":"message","data":"the id is gone","lastEventId":""}
    "#);
    assert!(error_line(&output).contains("204 No Content"), "{}", err(&output));

    let requests = server.join().expect("the server ends");
    let ids: Vec<_> =
        requests.iter().map(|request| request.lines().find(|line| line.starts_with("last-event-id"))).collect();
    assert_eq!(ids, [None, Some("last-event-id: 7"), None, None]);
    for request in requests {
        assert!(request.starts_with("get /events?after=mine http/1.1\r\n"), "{request}");
        assert!(request.contains("accept: text/event-stream\r\n"), "{request}");
    }
}

#[test]
fn a_stream_of_another_type_is_closed_permanently() {
    let (url, server) = serve(vec![b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\ndata: no\n\n".to_vec()]);
    let output = ends_with(1, &mut feedlab(&["watch", &url, "--raw-events"]));
    assert!(error_line(&output).contains("`text/html`, not `text/event-stream`"), "{}", err(&output));
    assert_eq!(out(&output), "");
    server.join().expect("the server ends");
}

#[test]
fn an_event_is_printed_immediately_and_the_count_ends_the_command() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("feedlab"))
        .args(["watch", &url, "--raw-events", "--count", "2"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut printed = BufReader::new(child.stdout.take().expect("its output")).lines();
    let (mut stream, _) = listener.accept().expect("a connection");
    read_request(&mut stream);
    for data in ["one", "two"] {
        let event =
            if data == "one" { format!("{STREAM}data: one\n\n") } else { "data: two\n\ndata: three\n\n".into() };
        stream.write_all(event.as_bytes()).expect("it reads");
        // The connection is still open, so only the event itself can have caused the line.
        let line = printed.next().expect("a line").expect("text");
        assert_eq!(line, format!(r#"{{"type":"message","data":"{data}","lastEventId":""}}"#));
    }
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    assert!(printed.next().is_none());
}

#[test]
fn h7_a_stream_of_another_server_is_printed_unchanged() {
    let events = "retry: 40\nid: 7\nevent: price\ndata: {\"eur\":1}\n\nid: 8\ndata: two\n\n";
    let (url, server) =
        serve(vec![stream(events), stream("data: three\n\n"), b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()]);
    let output = ends_with(1, &mut feedlab(&["watch", &url]));
    insta::assert_snapshot!(out(&output), @r#"
         7            price         {"eur":1}
         8            message       two
         8            message       three
    "#);
    let stderr = err(&output);
    for needle in [
        "connected: 200 text/event-stream; charset=utf-8, HTTP/1.1, first byte ",
        "these are not feedlab updates",
        "the server ended the stream; trying again",
        "connected again: 200 ",
        "3 events in ",
        " (p50), at most ",
        "; 2 reconnects; longest silence ",
        "204 No Content",
    ] {
        assert!(stderr.contains(needle), "{needle}: {stderr}");
    }
    server.join().expect("the server ends");
}

#[test]
fn h7_a_permanent_error_ends_the_command_immediately() {
    let html = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>";
    let missing = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
    let compressed = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\n\r\n\u{1f}\u{8b}";
    for (answer, transport, needle) in [
        (html, "sse", "`text/html`, not `text/event-stream`"),
        (html, "short-polling", "the answer was text/html"),
        (html, "long-polling", "the answer was text/html"),
        (html, "websocket", "200 OK"),
        (missing, "sse", "404 Not Found"),
        (missing, "short-polling", "404 Not Found"),
        (missing, "websocket", "404 Not Found"),
        (compressed, "sse", "the answer is compressed (gzip)"),
    ] {
        let (url, server) = serve(vec![answer.as_bytes().to_vec()]);
        let url = url.replace("?after=mine", "");
        let output = ends_with(1, &mut feedlab(&["watch", &url, "--transport", transport, "--as", "browser"]));
        assert!(error_line(&output).contains(needle), "{transport}: {}", err(&output));
        let request = server.join().expect("the server ends").concat();
        assert!(request.contains("accept-encoding: gzip, deflate, br, zstd\r\n"), "{request}");
    }
}

#[test]
fn h7_json_of_another_server_is_printed_unchanged() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{\"eur\":1}";
    for transport in ["short-polling", "long-polling"] {
        let (url, server) = serve(vec![answer.as_bytes().to_vec()]);
        let url = url.replace("?after=mine", "");
        let output = ends_with(0, &mut feedlab(&["watch", &url, "--transport", transport, "--count", "1"]));
        assert_eq!(out(&output), "{\"eur\":1}\n", "{}", err(&output));
        server.join().expect("the server ends");
    }
}

#[test]
fn f16_a_url_is_sent_unchanged_and_its_secrets_are_not_shown() {
    let (url, server) = serve(vec![b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec()]);
    let url = url.replace("http://", "http://me:pa%20ss@").replace("?after=mine", "?sig=a%20b&y=%2B&flag");
    let line =
        ["watch", &url, "--transport", "short-polling", "--after", "7", "--cookie", "a=b", "--header", "X-Key: k3y"];
    let output = ends_with(1, &mut feedlab(&line));
    let stderr = err(&output);
    assert!(stderr.contains("/events?sig=…&y=…&flag: the server answered 404"), "{stderr}");
    assert!(!["pa%20ss", "pa ss", "me:", "a%20b", "k3y"].iter().any(|secret| stderr.contains(secret)), "{stderr}");
    let request = server.join().expect("the server ends").concat();
    for needle in [
        "get /events?sig=a%20b&y=%2b&flag&after=7 http/1.1\r\n",
        "authorization: basic bwu6cgegc3m=\r\n",
        "cookie: a=b\r\n",
        "x-key: k3y\r\n",
    ] {
        assert!(request.contains(needle), "{needle}: {request}");
    }
}

/// A redirect within the origin gets all headers; one to another origin gets nothing that may be secret.
#[test]
fn f15_a_redirect_to_another_origin_gets_no_secret() {
    let (elsewhere, other) = serve(vec![stream("data: there\n\n")]);
    let moved = |to: &str| format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n").into_bytes();
    let (url, server) = serve(vec![moved("/moved"), moved(&elsewhere)]);
    let url = url.replace("http://", "http://me:pass@");
    let headers = ["X-Api-Key: k3y", "Proxy-Authorization: Basic cHI", "X-Two: s3cret", "X-Two: s3cret"];
    let mut watch =
        feedlab(&["watch", &url, "--count", "1", "--cookie", "session=c00kie", "--origin", "https://0rigin.example"]);
    for header in headers {
        watch.args(["--header", header]);
    }
    let output = ends_with(0, &mut watch);
    assert!(out(&output).contains("there"), "{}", out(&output));
    let [first, moved] = &server.join().expect("the server ends")[..] else { panic!("two requests") };
    let reached = other.join().expect("the server ends").concat();
    assert!(reached.starts_with("get /events?after=mine ") && reached.contains("accept: text/event-stream\r\n"));
    for secret in ["authorization: basic bwu6cgfzcw==", "k3y", "basic chi", "s3cret", "c00kie", "0rigin"] {
        assert!(first.contains(secret) && moved.contains(secret), "{secret}: {first}{moved}");
        assert!(!reached.contains(secret), "{secret}: {reached}");
    }
}

#[test]
fn h7_silence_is_reported_and_an_interrupt_prints_the_summary() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/events", listener.local_addr().expect("an address"));
    let child = Command::new(assert_cmd::cargo::cargo_bin!("feedlab"))
        .args(["watch", &url])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let (mut stream, _) = listener.accept().expect("a connection");
    read_request(&mut stream);
    stream.write_all(STREAM.as_bytes()).expect("it reads");
    std::thread::sleep(std::time::Duration::from_secs(12));
    kill_process(Pid::from_child(&child), Signal::INT).expect("it runs");
    let output = child.wait_with_output().expect("it ends");
    let stderr = err(&output);
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(
        stderr.contains("connected: 200 ") && stderr.contains("\nnothing for 10 s; the last sign of life was "),
        "{stderr}"
    );
    assert!(stderr.contains("\n0 events in 1") && stderr.contains("; 0 reconnects; longest silence 1"), "{stderr}");
}

#[test]
fn h7_the_systems_authorities_are_trusted_by_default() {
    let server = listening(&["serve", "--feed", "synthetic", "--rate", "20", "--tls", "self-signed"]);
    let folder = tempfile::tempdir().expect("a folder");
    let authorities = folder.path().join("authorities.pem");
    std::fs::write(&authorities, server.ready()["certificate"].as_str().expect("a certificate")).expect("a file");
    let url = format!("https://{}", server.address());
    let line = ["watch", &url, "--after", "0", "--count", "1"];
    let seen = ends_with(0, feedlab(&line).env("SSL_CERT_FILE", &authorities).env_remove("SSL_CERT_DIR"));
    assert!(err(&seen).contains(", HTTP/1.1, TLS handshake "), "{}", err(&seen));

    let another = listening(&["serve", "--tls", "self-signed"]);
    let url = format!("https://{}", another.address());
    let refused = ends_with(1, feedlab(&["watch", &url]).env("SSL_CERT_FILE", &authorities).env_remove("SSL_CERT_DIR"));
    assert!(error_line(&refused).contains("--cacert FILE"), "{}", err(&refused));
}

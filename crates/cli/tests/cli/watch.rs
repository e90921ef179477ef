//! `feedlab watch --raw-events` against streams that no feedlab server sends.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread::JoinHandle;

use super::{ends_with, err, error_line, feedlab, out};

const STREAM: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\r\n";

/// Answers one connection after the other with bytes as they stand, closing each; gives back what was asked.
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
fn events_come_out_in_order_and_the_stream_is_resumed_as_the_standard_says() {
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
fn a_stream_of_another_type_closes_for_good() {
    let (url, server) = serve(vec![b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\ndata: no\n\n".to_vec()]);
    let output = ends_with(1, &mut feedlab(&["watch", &url, "--raw-events"]));
    assert!(error_line(&output).contains("`text/html`, not `text/event-stream`"), "{}", err(&output));
    assert_eq!(out(&output), "");
    server.join().expect("the server ends");
}

#[test]
fn an_event_is_printed_at_once_and_the_count_ends_it() {
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
        // The connection is still open: nothing but the event itself can have caused the line.
        let line = printed.next().expect("a line").expect("text");
        assert_eq!(line, format!(r#"{{"type":"message","data":"{data}","lastEventId":""}}"#));
    }
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    assert!(printed.next().is_none());
}

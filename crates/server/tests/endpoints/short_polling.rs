use crate::harness::{Server, publishing};
use feedlab_feed::Transport;
use feedlab_feed::settings::Settings;

#[test]
fn a_cursor_gets_what_follows_and_no_cursor_means_from_now_on() {
    let server = Server::open();
    server.publish("one");
    server.publish("two\n\"quoted\"");
    let answer = server.ask("GET /feed/poll?after=1 HTTP/1.1");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"), "{answer}");
    assert!(answer.contains("cache-control: no-cache"), "{answer}");
    let body: serde_json::Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(body["updates"][0]["data"], "two\n\"quoted\"");
    assert_eq!(body["updates"][0]["type"], "message");
    assert_eq!((&body["next"], &body["gap"]), (&server.cursor(2).into(), &serde_json::Value::Null));
    let empty = format!(r#"{{"updates":[],"next":"{}","gap":null}}"#, server.cursor(2));
    assert!(server.ask("GET /feed/poll HTTP/1.1").ends_with(&empty));
}

#[test]
fn the_etag_names_the_head_and_saves_the_body() {
    let server = Server::open();
    server.publish("one");
    let mut client = server.client();
    client.send("GET /feed/poll?after=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let head = client.until("\r\n\r\n");
    client.until("}");
    let etag = head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().to_owned();
    assert_eq!(etag, format!("\"{}\"", server.cursor(1)), "strong");
    let conditional = format!("GET /feed/poll?after=1 HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: {etag}\r\n\r\n");
    client.send(&conditional);
    let head = client.until("\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 304") && head.contains(&etag) && !head.contains("content-length"), "{head}");
    server.publish("two");
    client.send(&conditional);
    assert!(client.until("}").starts_with("HTTP/1.1 200"), "the same connection stays open");
    let endpoint = server.endpoint(Transport::ShortPolling);
    assert_eq!((endpoint.connections, endpoint.requests, endpoint.requests_empty, endpoint.updates), (1, 3, 2, 1));
}

#[test]
fn connection_close_is_honored_and_bytes_are_exact() {
    let server = Server::open();
    let mut client = server.client();
    let request = "GET /feed/poll HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    client.send(request);
    let answer = client.rest();
    assert!(answer.contains("connection: close"), "{answer}");
    let endpoint = server.endpoint(Transport::ShortPolling);
    assert_eq!((endpoint.bytes_in, endpoint.bytes_out), (request.len() as u64, answer.len() as u64));
}

#[test]
fn a_gap_is_reported() {
    let server = Server::start(Settings { history: 2, ..publishing() });
    for text in ["a", "b", "c", "d"] {
        server.publish(text);
    }
    let answer = server.ask("GET /feed/poll?after=0 HTTP/1.1");
    let head = server.cursor(4);
    assert!(answer.ends_with(&format!(r#","next":"{head}","gap":{{"from":1,"to":2}}}}"#)), "{answer}");
    let answer = server.ask("GET /feed/poll?after=99 HTTP/1.1");
    let beyond = format!(r#"{{"updates":[],"next":"{head}","gap":{{"from":5,"to":99}}}}"#);
    assert!(answer.ends_with(&beyond), "{answer}");
}

#[test]
fn an_invalid_cursor_is_refused() {
    let server = Server::open();
    for after in ["-1", "x", "", "1.5", "%2B1", "k3f9.", "k3f9.x", "k3f9a.1", "K3F9.1", "99999999999999999999999"] {
        let answer = server.ask(&format!("GET /feed/poll?after={after} HTTP/1.1"));
        assert!(
            answer.starts_with("HTTP/1.1 400") && answer.contains("a cursor is an epoch and a seq"),
            "{after}: {answer}"
        );
    }
    assert!(server.ask("GET /feed/poll?after=1&after=2 HTTP/1.1").starts_with("HTTP/1.1 400"));
    assert!(server.ask("POST /feed/poll HTTP/1.1").starts_with("HTTP/1.1 405"));
    let head = server.ask("HEAD /feed/poll HTTP/1.1");
    assert!(head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"), "{head}");
}

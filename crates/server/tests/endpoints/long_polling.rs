use std::time::Duration;

use crate::harness::{Server, elapsed};
use feedlab_feed::{Transport, clock};

#[test]
fn available_updates_are_returned_immediately() {
    let server = Server::open();
    server.publish("one");
    let answer = server.ask("GET /feed/long-poll?after=0&hold=30s HTTP/1.1");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("cache-control: no-store"), "{answer}");
    assert!(answer.ends_with(&format!(r#""next":"{}","gap":null}}"#, server.cursor(1))), "{answer}");
}

#[test]
fn a_held_request_is_answered_by_the_update() {
    let server = Server::open();
    let mut client = server.client();
    client.send("GET /feed/long-poll?after=0&hold=30s HTTP/1.1\r\nHost: localhost\r\n\r\n");
    server.until("held", |stats| stats.endpoints[&Transport::LongPolling].active == 1);
    server.publish("now");
    assert!(client.until("\"gap\":null}").contains("\"now\""));
    assert_eq!(server.endpoint(Transport::LongPolling).active, 0);
}

#[test]
fn an_empty_hold_ends_in_204() {
    let server = Server::open();
    let begin = clock::now();
    let answer = server.ask("GET /feed/long-poll?hold=300ms HTTP/1.1");
    assert!(answer.starts_with("HTTP/1.1 204 No Content") && answer.ends_with("\r\n\r\n"), "{answer}");
    assert!(elapsed(begin) >= Duration::from_millis(300));
    assert_eq!(server.endpoint(Transport::LongPolling).requests_empty, 1);
}

#[test]
fn a_client_that_disconnects_frees_everything_immediately() {
    let server = Server::open();
    let mut client = server.client();
    client.send("GET /feed/long-poll?hold=60s HTTP/1.1\r\nHost: localhost\r\n\r\n");
    server.until("held", |stats| stats.endpoints[&Transport::LongPolling].active == 1);
    drop(client);
    server.until("freed", |stats| stats.endpoints[&Transport::LongPolling].active == 0 && stats.connections.open == 0);
}

#[test]
fn no_update_falls_between_two_polls() {
    let server = Server::open();
    let mut client = server.client();
    let mut cursor = 0;
    let publisher = std::thread::spawn({
        let addr = server.addr;
        move || {
            let mut stream = std::net::TcpStream::connect(addr).unwrap();
            for _ in 0..300 {
                use std::io::{Read as _, Write as _};
                stream.write_all(b"POST /feed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx").unwrap();
                let _ = stream.read(&mut [0; 1024]).unwrap();
            }
        }
    });
    while cursor < 300 {
        client.send(&format!("GET /feed/long-poll?after={cursor}&hold=5s HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        let body = client.until("\"gap\":null}");
        let body: serde_json::Value = serde_json::from_str(body.split_once("\r\n\r\n").unwrap().1).unwrap();
        for update in body["updates"].as_array().unwrap() {
            cursor += 1;
            assert_eq!(update["seq"], cursor);
        }
    }
    publisher.join().unwrap();
}

#[test]
fn a_client_that_does_not_wait_gets_a_cursor_to_start_from() {
    let server = Server::open();
    server.publish("before");
    let answer = server.ask("GET /feed/long-poll?hold=0s HTTP/1.1");
    let begin = format!(r#"{{"updates":[],"next":"{}","gap":null}}"#, server.cursor(1));
    assert!(answer.ends_with(&begin), "{answer}");
    assert!(server.ask("GET /feed/long-poll?hold=0s&after=1 HTTP/1.1").starts_with("HTTP/1.1 204"));
}

#[test]
fn an_invalid_hold_is_refused() {
    let server = Server::open();
    for hold in ["x", "-1s", "0", "5parsecs", "18446744073709551615s1000000000ns"] {
        let answer = server.ask(&format!("GET /feed/long-poll?after=0&hold={hold} HTTP/1.1"));
        let expected = if hold == "0" { "HTTP/1.1 204" } else { "HTTP/1.1 400" };
        assert!(answer.starts_with(expected), "{hold}: {answer}");
    }
    assert!(server.ask("HEAD /feed/long-poll HTTP/1.1").starts_with("HTTP/1.1 405"));
}

#[test]
fn a_client_that_disconnects_immediately_counts_for_its_endpoint() {
    const COUNT: u64 = 100;
    let server = Server::open();
    let request = "GET /feed/long-poll?after=0&hold=20s HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for _ in 0..COUNT {
        server.client().send(request);
    }
    server.until("all are counted", |stats| {
        let endpoint = &stats.endpoints[&Transport::LongPolling];
        (endpoint.connections, endpoint.bytes_in) == (COUNT, COUNT * request.len() as u64)
    });
}

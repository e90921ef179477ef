//! Requests that are never complete, and responses that are never read.

use std::io::Read as _;
use std::net::Shutdown;
use std::time::Duration;

use crate::harness::{Client, PATIENCE, Server, elapsed, publishing};
use feedlab_feed::clock;
use feedlab_feed::settings::Settings;
use feedlab_server::Config;

const POLL: &str = "GET /feed/poll?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Returns a server with a number of one-megabyte updates.
fn full(settings: Settings, updates: usize) -> Server {
    let server = Server::start(Config { max_message_bytes: 1 << 20, ..settings.into() });
    let text = "x".repeat(1 << 20);
    for _ in 0..updates {
        server.publish(&text);
    }
    server
}

fn gone(client: &mut Client) -> bool {
    client.stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut space = vec![0; 1 << 16];
    loop {
        match client.stream.read(&mut space) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

#[test]
fn r1_a_request_that_is_refused_anyway_is_refused_before_its_body() {
    let own = "Host: localhost\r\nContent-Length: 60000";
    let closed = Server::start(Config::default());
    let secret = Server::start(Config { token: Some("s".into()), ..publishing().into() });
    let open = Server::open();
    for (server, line, fields, status) in [
        (&closed, "POST /feed", own, 403),
        (&closed, "POST /control/start", own, 409),
        (&secret, "POST /feed", own, 401),
        (&open, "POST /feed", "Host: localhost\r\nOrigin: http://evil.example\r\nContent-Length: 60000", 403),
        (&open, "POST /feed", "Host: localhost\r\nContent-Length: 65537", 413),
    ] {
        let mut client = server.client();
        client.send(&format!("{line} HTTP/1.1\r\n{fields}\r\n\r\nx"));
        let answer = client.until("\r\n\r\n");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{line}: {answer}");
        assert!(gone(&mut client), "the server does not wait for the rest of the body");
    }
}

#[test]
fn r3_a_body_that_does_not_come_is_answered_with_408_and_closed() {
    let server = Server::start(Config { body_timeout: Duration::from_millis(200), ..publishing().into() });
    let mut client = server.client();
    client.send("POST /feed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nx");
    let answer = client.until("\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("connection: close"), "{answer}");
    assert!(gone(&mut client));
}

#[test]
fn r3_an_unread_answer_ends_and_one_that_is_read_does_not() {
    let (keepalive, send_buffer) = (Duration::from_millis(500), Some(64 << 10));
    let server = full(Settings { keepalive, send_buffer, ..publishing() }, 8);
    // A shard answers the first, and the HTTP library the second.
    let by_library = POLL.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    let mut stuck = [POLL, &by_library].map(|request| {
        let mut client = server.client();
        client.send(request);
        client
    });
    let mut slow = server.client();
    slow.send(&by_library);
    let begin = clock::now();
    let mut seen = 0;
    while elapsed(begin) < Duration::from_secs(4) {
        seen += slow.exactly(100_000).len();
        std::thread::sleep(Duration::from_millis(50));
    }
    let rest = slow.rest();
    assert!(rest.ends_with("\"gap\":null}"));
    assert!(seen + rest.len() > 8 << 20, "a slow reader gets all of it: {seen} and {}", rest.len());
    server.until("the clients that read nothing are gone", |stats| stats.connections.open == 1);
    stuck.iter_mut().for_each(|client| assert!(gone(client)));
}

#[test]
fn f22_a_request_followed_by_a_fin_is_answered() {
    let server = full(publishing(), 4);
    for (request, begin, end) in [
        (POLL, "HTTP/1.1 200", "\"gap\":null}"),
        ("GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 200", "}\n"),
        ("GET /feed/long-poll?hold=60s HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 204", "\r\n\r\n"),
        ("POST /feed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx", "HTTP/1.1 202", "{\"seq\":5}"),
    ] {
        let mut client = server.client();
        client.send(request);
        client.stream.shutdown(Shutdown::Write).unwrap();
        let answer = client.rest();
        assert!(answer.starts_with(begin) && answer.ends_with(end), "{request}: {} bytes", answer.len());
    }
    let mut cut = server.client();
    cut.send("POST /feed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nx");
    cut.stream.shutdown(Shutdown::Write).unwrap();
    assert!(!cut.rest().contains("HTTP/1.1 202"), "an incomplete body is not published");
    server.until("all are gone", |stats| stats.connections.open == 0);
}

#[test]
fn f22_a_stream_whose_client_has_sent_fin_ends() {
    let server = Server::open();
    let client = server.client().open_sse("");
    client.stream.shutdown(Shutdown::Write).unwrap();
    server.until("it is taken for gone", |stats| stats.connections.open == 0);
}

use crate::harness::Server;
use feedlab_feed::settings::Settings;

#[test]
fn huge_headers_are_answered_with_431() {
    let server = Server::open();
    for headers in [format!("X-Big: {}\r\n", "x".repeat(100_000)), "X-Many: 1\r\n".repeat(200)] {
        let mut client = server.client();
        client.send(&format!("GET /feed/poll HTTP/1.1\r\nHost: x\r\n{headers}\r\n"));
        let answer = client.rest();
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
}

#[test]
fn garbage_is_answered_with_400_and_harms_nobody() {
    let server = Server::open();
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"[..],
        b"nonsense\r\n\r\n",
        b"GET /feed/poll HTTP/9.9\r\n\r\n",
    ] {
        let mut client = server.client();
        client.send_bytes(bytes);
        let answer = client.rest();
        assert!(answer.starts_with("HTTP/1.1 400") || answer.is_empty(), "{answer}");
    }
    assert!(server.ask("GET /nothing HTTP/1.1").starts_with("HTTP/1.1 404"));
    assert!(server.ask("GET / HTTP/1.1").contains("One feed, four doors"));
    server.until("all are gone", |stats| stats.connections.open == 0);
}

#[test]
fn too_many_connections_are_told_so() {
    let server = Server::start(Settings { max_connections: 2, ..Settings::default() });
    let mut held: Vec<_> = (0..2).map(|_| server.client()).collect();
    for client in &mut held {
        client.send("GET /feed/sse HTTP/1.1\r\nHost: x\r\n\r\n");
        client.until("retry");
    }
    let answer = server.client().rest();
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("Retry-After"), "{answer}");
    held.clear();
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert_eq!(server.stats().connections.refused, 1);
}

#[test]
fn prometheus_gets_every_door() {
    let server = Server::open();
    server.ask("GET /feed/poll HTTP/1.1");
    let text = server.ask("GET /metrics HTTP/1.1");
    assert!(text.contains("feedlab_door_requests_total{transport=\"short-polling\"} 1\n"), "{text}");
    assert!(text.contains("# TYPE feedlab_connections_open gauge\n"), "{text}");
}

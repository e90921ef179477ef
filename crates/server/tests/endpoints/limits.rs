use crate::harness::Server;
use feedlab_feed::Transport;
use feedlab_feed::settings::Settings;
use feedlab_server::Config;

#[test]
fn huge_headers_are_answered_with_431() {
    let server = Server::open();
    for headers in [format!("X-Big: {}\r\n", "x".repeat(100_000)), "X-Many: 1\r\n".repeat(200)] {
        let mut client = server.client();
        client.send(&format!("GET /feed/poll HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"));
        let answer = client.rest();
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
}

#[test]
fn garbage_is_answered_with_400_and_harms_no_other_client() {
    let server = Server::open();
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"[..],
        b"nonsense\r\n\r\n",
        b"GET /feed/poll HTTP/9.9\r\n\r\n",
    ] {
        let mut client = server.client();
        client.send_bytes(bytes);
        let answer = client.rest();
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    assert!(server.ask("GET /nothing HTTP/1.1").starts_with("HTTP/1.1 404"));
    assert!(server.ask("GET / HTTP/1.1").contains("One feed, four endpoints"));
    server.until("all are gone", |stats| stats.connections.open == 0);
}

#[test]
fn connections_beyond_the_limit_get_503() {
    const REQUEST: &str = "GET /feed/sse HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let server = Server::start(Settings { max_connections: 2, ..Settings::default() });
    let mut held: Vec<_> = (0..2).map(|_| server.client()).collect();
    let mut seen = 0;
    for client in &mut held {
        client.send(REQUEST);
        seen += client.until("retry: 2000\n\n\r\n").len() as u64;
    }
    for _ in 0..10 {
        let answer = server.client().rest();
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("Retry-After"), "{answer}");
    }
    let connections = server.stats().connections;
    assert_eq!((connections.refused, connections.open, connections.accepted), (10, 2, 2));
    server.until("only the bytes of the others are counted", |stats| {
        let endpoint = &stats.endpoints[&Transport::Sse];
        (endpoint.connections, endpoint.bytes_in, endpoint.bytes_out) == (2, 2 * REQUEST.len() as u64, seen)
    });
    held.clear();
    server.until("there is room", |stats| stats.connections.open == 0);
    assert!(server.ask("GET /healthz HTTP/1.1").starts_with("HTTP/1.1 200"));
}

#[test]
fn connections_beyond_the_limit_are_closed_before_the_tls_handshake() {
    let tls = Some(feedlab_server::tls::self_signed().unwrap());
    let server = Server::start(Config { tls, ..Settings { max_connections: 0, ..Settings::default() }.into() });
    assert_eq!(server.client().rest(), "");
    assert_eq!((server.stats().connections.refused, server.stats().connections.accepted), (1, 0));
}

#[test]
fn f21_prometheus_gets_every_endpoint_in_its_own_format() {
    let server = Server::open();
    server.ask("GET /feed/poll HTTP/1.1");
    let text = server.ask("GET /metrics HTTP/1.1");
    assert!(text.contains("feedlab_endpoint_requests_total{transport=\"short-polling\"} 1\n"), "{text}");
    assert!(text.contains("# TYPE feedlab_connections_open gauge\n"), "{text}");
    let (_, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines = body.lines().peekable();
    while let Some(help) = lines.next() {
        let name = help.strip_prefix("# HELP ").unwrap().split(' ').next().unwrap();
        let kind = lines.next().unwrap().strip_prefix(&format!("# TYPE {name} ")).unwrap();
        assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
        let mut samples = 0;
        while let Some(sample) = lines.next_if(|line| !line.starts_with('#')) {
            let (metric, value) = sample.rsplit_once(' ').unwrap();
            assert!(metric.split('{').next() == Some(name) && value.parse::<f64>().is_ok(), "{sample}");
            samples += 1;
        }
        assert!(samples > 0, "{name}");
    }
}

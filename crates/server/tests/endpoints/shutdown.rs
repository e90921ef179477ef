use std::io::Read as _;
use std::time::Duration;

use crate::harness::{Server, elapsed, publishing};
use feedlab_feed::settings::Settings;
use feedlab_feed::{Transport, clock};
use feedlab_server::Config;

#[test]
fn a_shutdown_is_announced_over_every_transport() {
    let server = Server::open();
    let [mut idle, mut poll, mut sse, mut websocket] = [(); 4].map(|()| server.client());
    idle.send("GET /feed/poll HTTP/1.1\r\nHost: localhost\r\n\r\n");
    idle.until("}");
    poll.send("GET /feed/long-poll?hold=60s HTTP/1.1\r\nHost: localhost\r\n\r\n");
    sse.send("GET /feed/sse HTTP/1.1\r\nHost: localhost\r\n\r\n");
    sse.until("retry: 2000\n\n\r\n");
    websocket.send("GET /feed/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    websocket.until("\r\n\r\n");
    websocket.until("}}");
    server.until("held", |stats| stats.endpoints[&Transport::LongPolling].active == 1);
    server.stop();
    assert_eq!(idle.rest(), "");
    let answer = poll.rest();
    assert!(answer.starts_with("HTTP/1.1 204") && answer.contains("connection: close"), "{answer}");
    let ending = sse.rest();
    let retry: u64 = ending.split("retry: ").nth(1).unwrap().split('\n').next().unwrap().parse().unwrap();
    assert!((2000..6000).contains(&retry) && ending.ends_with("0\r\n\r\n"), "{ending}");
    assert_eq!(websocket.exactly(4)[2..], 1001u16.to_be_bytes());
}

#[test]
fn a_client_that_does_not_read_cannot_delay_the_shutdown() {
    let drain = Duration::from_millis(300);
    let server = Server::start(Config { max_message_bytes: 1 << 20, drain, ..publishing().into() });
    let mut stuck = server.client();
    stuck.send("GET /feed/sse HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stuck.until("retry");
    let big = "x".repeat(900_000);
    for _ in 0..20 {
        server.publish(&big);
    }
    assert!(server.endpoint(Transport::Sse).bytes_out < 20 * 900_000, "it is stuck");
    let begin = clock::now();
    drop(server);
    assert!(elapsed(begin) < Duration::from_secs(4));
}

#[test]
fn everything_that_a_shard_serves_ends_with_the_drain() {
    let drain = Duration::from_secs(1);
    let server = Server::start(Config { max_message_bytes: 1 << 20, drain, ..publishing().into() });
    let big = "x".repeat(900_000);
    (0..12).for_each(|_| server.publish(&big));
    let mut unread = server.client();
    unread.send("GET /feed/poll?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    unread.until("HTTP/1.1 200");
    let mut clients = Vec::new();
    for _ in 0..20 {
        let [mut idle, mut poll] = [(); 2].map(|()| server.client());
        idle.send("GET /feed/poll?after=12 HTTP/1.1\r\nHost: localhost\r\n\r\n");
        idle.until("}");
        poll.send("GET /feed/long-poll?after=12&hold=60s HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let [sse, websocket] = [server.client().open_sse(""), server.client().open_websocket("")];
        clients.push((idle, poll, sse, websocket));
    }
    server.until("they wait", |stats| stats.feed.waiting == 60 && stats.connections.open == 81);
    server.stop();
    for (mut idle, mut poll, mut sse, mut websocket) in clients {
        assert_eq!(idle.rest(), "");
        assert!(poll.rest().starts_with("HTTP/1.1 204"));
        assert!(sse.rest().ends_with("0\r\n\r\n"));
        assert_eq!(websocket.exactly(4)[2..], 1001u16.to_be_bytes());
    }
    drop(server); // it ends although one answer is unread
    let left = std::iter::from_fn(|| unread.stream.read(&mut [0; 1 << 16]).ok().filter(|read| *read > 0));
    assert!(left.sum::<usize>() < 12 * 900_000, "the rest of the answer is dropped");
}

#[test]
fn streams_at_their_maximum_age_end_gracefully_and_polls_are_not_affected() {
    let (keepalive, age) = (Duration::from_millis(400), Some(Duration::from_millis(400)));
    let settings = Settings { keepalive, max_connection_age: age, ..publishing() };
    let server = Server::start(settings);
    server.publish("a");
    let [mut sse, mut poll] = [(); 2].map(|()| server.client());
    let cursor = server.cursor(1);
    poll.send(&format!("GET /feed/long-poll?hold=2s&after={cursor} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    sse.send("GET /feed/sse?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let stream = sse.rest();
    assert!(stream.contains("\"data\":\"a\"") && stream.ends_with("0\r\n\r\n"), "{stream}");
    assert_eq!(stream.matches("retry: ").count(), 1, "it reconnects after the usual time: {stream}");
    server.client().open_websocket("").until("reached its maximum age");
    let answer = poll.until("\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 204"), "a hold ends by itself: {answer}");
}

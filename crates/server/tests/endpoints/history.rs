use std::time::Duration;

use crate::harness::{Server, publishing};
use feedlab_feed::Transport;
use feedlab_feed::settings::Settings;
use feedlab_server::Config;

fn server(history: usize) -> Server {
    let settings = Settings { history, ..publishing() };
    Server::start(Config { max_message_bytes: 1 << 20, ..settings.into() })
}

#[test]
fn without_history_every_request_is_answered_with_a_gap() {
    let server = server(0);
    for text in ["a", "b", "c"] {
        server.publish(text);
    }
    let head = server.cursor(3);
    let gap = |from: u64| serde_json::json!({"updates": [], "next": head, "gap": {"from": from, "to": 3}});
    assert_eq!(server.poll("/feed/poll?after=0"), gap(1));
    assert_eq!(server.poll("/feed/long-poll?after=1&hold=30s"), gap(2));
    let level = serde_json::json!({"updates": [], "next": head, "gap": null});
    assert_eq!(server.poll("/feed/poll?after=3"), level);
}

#[test]
fn without_history_a_waiting_client_still_gets_new_updates() {
    let server = server(0);
    for text in ["a", "b"] {
        server.publish(text);
    }
    let mut poll = server.client();
    poll.send("GET /feed/long-poll?after=2&hold=30s HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut sse = server.client().open_sse("?after=1");
    assert_eq!(sse.event(), (2, Some((2, 2))), "what was missed is reported");
    let mut websocket = server.client().open_websocket("?after=0");
    assert!(websocket.until("}}").ends_with("{\"gap\":{\"from\":1,\"to\":2}}"));
    server.until("held", |stats| stats.endpoints[&Transport::LongPolling].active == 1);
    server.publish("c");
    assert!(poll.until("\"gap\":null}").contains("\"seq\":3,"));
    assert_eq!(sse.event(), (3, None));
    assert!(websocket.until("\"c\"}").contains("\"seq\":3,"));
    assert_eq!(server.endpoint(Transport::Sse).gaps, 1);
}

#[test]
fn history_bounds_new_clients_and_not_connected_ones() {
    let server = server(2);
    let mut there = server.client().open_sse("");
    let big = "x".repeat(50_000);
    for _ in 0..20 {
        server.publish(&big);
    }
    for seq in 1..=20 {
        assert_eq!(there.event(), (seq, None), "the queue holds more than the history");
    }
    let mut comes = server.client().open_sse("?after=5");
    assert_eq!(comes.event(), (18, Some((6, 18))));
    assert_eq!(comes.event(), (19, None));
    assert_eq!(server.poll("/feed/poll?after=5")["gap"], serde_json::json!({"from": 6, "to": 18}));
}

#[test]
fn updates_published_within_the_coalesce_time_are_sent_together() {
    let config = Settings { coalesce: Some(Duration::from_secs(2)), ..publishing() };
    let server = Server::start(config);
    let mut stream = server.client().open_sse("");
    server.publish("a");
    assert_eq!(stream.event(), (1, None), "the first is not delayed");
    let mut poll = server.client();
    poll.send("GET /feed/long-poll?after=1&hold=30s HTTP/1.1\r\nHost: localhost\r\n\r\n");
    server.until("held", |stats| stats.endpoints[&Transport::LongPolling].active == 1);
    for text in ["b", "c"] {
        server.publish(text);
    }
    let answer = poll.until("\"gap\":null}");
    assert!(answer.contains("\"b\"") && answer.contains("\"c\""), "{answer}");
    assert_eq!((stream.event(), stream.event()), ((2, None), (3, None)));
}

//! Diagrams of small traces, and of any, which fit into their width.

use super::*;

const GET: &str = "GET /feed/long-poll?after=k3f9.31 HTTP/1.1\r\nHost: h\r\n\r\n";

fn entry(at_ms: f64, exchange: impl Into<Option<usize>>, what: What) -> Entry {
    Entry { at_us: (at_ms * 1e3) as u64, exchange: exchange.into(), what }
}

fn sent(at_ms: f64, exchange: usize, text: &str) -> Entry {
    entry(at_ms, exchange, What::Sent(text.into()))
}

fn received(at_ms: f64, exchange: usize, text: &str) -> Entry {
    entry(at_ms, exchange, What::Received(text.into()))
}

fn trace(exchanges: &[&str], entries: Vec<Entry>) -> Trace {
    Trace { exchanges: exchanges.iter().map(|name| (*name).to_owned()).collect(), entries }
}

#[test]
fn one_exchange_is_a_client_and_a_server() {
    let trace = trace(
        &["stream"],
        vec![
            entry(0.0, 0, What::Opened),
            sent(0.2, 0, "GET /events HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\nLast-Event-ID: 7\r\n\r\n"),
            received(1.4, 0, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"),
            entry(3.0, None, What::Published("a: \"feedlab-a-1\"".into())),
            received(12.0, 0, "data: feedlab-a-1\n\n"),
            received(12.7, 0, "data: feedlab-a-1\n\n"),
            entry(312.0, 0, What::Expected("update a, once".into())),
        ],
    );
    insta::assert_snapshot!(trace.diagram(96));
}

#[test]
fn each_exchange_has_a_line_that_begins_and_ends_with_it() {
    let trace = trace(
        &["start", "second", "third"],
        vec![
            sent(0.0, 0, "GET /feed/poll HTTP/1.1\r\nHost: h\r\n\r\n"),
            received(1.0, 0, "HTTP/1.1 200 OK\r\n\r\n{\"cursor\":\"k3f9.31\",\"updates\":[]}"),
            entry(1.1, 0, What::Ended("FIN".into())),
            entry(2.0, None, What::Published("a: \"feedlab-a-1\"".into())),
            entry(2.5, 1, What::Opened),
            entry(2.6, 1, What::Did("stops reading".into())),
            sent(2.8, 1, GET),
            sent(3.0, 2, GET),
            received(11.5, 2, "HTTP/1.1 304 Not Modified\r\n\r\n"),
            entry(5_011.5, 1, What::Expected("update a, once".into())),
        ],
    );
    insta::assert_snapshot!(trace.diagram(96));
}

#[test]
fn a_websocket_is_its_handshake_and_its_frames() {
    let upgrade =
        "GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n\r\n";
    let trace = trace(
        &["socket"],
        vec![
            sent(0.3, 0, upgrade),
            received(1.2, 0, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"),
            sent(1.4, 0, "ping frame: feedlab"),
            entry(1.5, 0, What::Did("closes the connection (FIN)".into())),
            received(20.0, 0, "text frame: {\"text\":\"hello 👋 山田\"}"),
            entry(30.0, 0, What::Ended("resets the connection".into())),
            entry(5_001.4, 0, What::Expected("a pong frame with `feedlab`".into())),
        ],
    );
    insta::assert_snapshot!(trace.diagram(96));
}

#[test]
fn of_many_exchanges_those_that_matter_are_drawn() {
    let names: Vec<String> = (1..=50).map(|number| format!("storm {number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut entries: Vec<Entry> = (0..50).map(|exchange| sent(exchange as f64, exchange, GET)).collect();
    entries.push(entry(60.0, 7, What::Expected("an answer".into())));
    insta::assert_snapshot!(trace(&names, entries).diagram(80));
}

#[test]
fn the_middle_of_a_long_trace_is_left_out() {
    let mut entries = vec![sent(0.0, 0, "GET / HTTP/1.1\r\n\r\n")];
    entries.extend((1..200).map(|number| received(f64::from(number), 0, &format!("data: {number}\n\n"))));
    let drawn = trace(&["stream"], entries).diagram(80);
    assert_eq!(drawn.lines().count(), 1 + MOST_ROWS + 1);
    assert!(drawn.contains("┊  176 more") && drawn.contains("data: 199") && !drawn.contains("data: 100"), "{drawn}");
}

#[test]
fn every_line_fits_whatever_was_received() {
    let long = "山🎉e\u{301}\u{202e}".repeat(100);
    let name = "a very long name of an exchange";
    let entries = vec![
        sent(0.0, 0, &long),
        received(1e9, 1, &long),
        entry(1e9, 2, What::Did(long.clone())),
        entry(1e9, 2, What::Ended(long.clone())),
        entry(1e9, None, What::Published(long.clone())),
        entry(1e9, 9, What::Received(long.clone())),
        entry(1e9, None, What::Expected(long)),
    ];
    for width in [0, 60, 61, 100, 200] {
        let drawn = trace(&[name, name, "山田太郎山田太郎", "x"], entries.clone()).diagram(width);
        for line in drawn.lines() {
            assert!(columns::width(line) <= width.max(LEAST_WIDTH), "{width}: {line}");
        }
        let (lines, client) = (
            drawn.lines().count(),
            drawn.lines().filter(|line| "│├●╞✗┊".contains(line.chars().nth(12).unwrap_or(' '))),
        );
        assert!(client.count() >= lines - 3, "{drawn}");
    }
    assert_eq!(trace(&[], Vec::new()).diagram(80).lines().count(), 1);
}

use feedlab_feed::schedule::Schedule;
use feedlab_feed::settings::Settings;
use feedlab_feed::source::SourceConfig;
use feedlab_feed::{Epoch, Transport, clock};
use feedlab_server::Config;
use serde_json::json;

use crate::harness::{Server, publishing};

/// A cursor of another epoch; its number is less than the head's.
const OLD: &str = "0ld0.1";

/// Returns a server with a history of two, after three updates.
fn server() -> Server {
    let server = Server::start(Settings { history: 2, ..publishing() });
    for text in ["a", "b", "c"] {
        server.publish(text);
    }
    server
}

fn reset(server: &Server) -> String {
    json!({"asked": OLD, "resume": server.cursor(0)}).to_string()
}

#[test]
fn d1_a_poll_gets_a_reset_and_then_all_updates() {
    let server = server();
    for endpoint in ["poll", "long-poll"] {
        let body = server.poll(&format!("/feed/{endpoint}?after={OLD}"));
        let seqs: Vec<_> = body["updates"].as_array().unwrap().iter().map(|update| update["seq"].as_u64()).collect();
        assert_eq!((body["reset"].to_string(), seqs), (reset(&server), vec![Some(2), Some(3)]), "{endpoint}");
        assert_eq!(
            (&body["gap"], &body["next"]),
            (&json!({"from": 1, "to": 1}), &json!(server.cursor(3))),
            "{endpoint}"
        );
    }
    let known = server.poll(&format!("/feed/poll?after={}", server.cursor(1)));
    assert!(known.get("reset").is_none() && known["gap"].is_null(), "{known}");
    let endpoints = [Transport::ShortPolling, Transport::LongPolling].map(|endpoint| server.endpoint(endpoint).resets);
    assert_eq!(endpoints, [1, 1]);
}

#[test]
fn d1_no_entity_tag_hides_a_reset() {
    let server = server();
    for tag in [format!("\"{}\"", server.cursor(3)), format!("\"{OLD}\""), "*".to_owned()] {
        let answer = server.ask(&format!("GET /feed/poll?after={OLD} HTTP/1.1\r\nIf-None-Match: {tag}"));
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"reset\""), "{tag}: {answer}");
    }
    let started = Server::open();
    let other = format!("GET /feed/poll?after=0 HTTP/1.1\r\nIf-None-Match: \"{}\"", server.cursor(0));
    assert!(started.ask(&other).starts_with("HTTP/1.1 200"), "the tag of another feed with the same number");
}

#[test]
fn d1_a_long_poll_is_not_held_from_a_reset() {
    let server = Server::open();
    let begin = clock::now();
    let body = server.poll(&format!("/feed/long-poll?after={OLD}&hold=30s"));
    assert!(begin.elapsed().as_secs() < 20, "nothing is published here, so it was held");
    let expected = json!({"updates": [], "next": server.cursor(0), "gap": null, "reset": {"asked": OLD, "resume": server.cursor(0)}});
    assert_eq!(body, expected);
}

#[test]
fn d1_an_event_stream_changes_the_id_with_the_reset_and_not_before() {
    let server = server();
    for (target, header) in [("", format!("Last-Event-ID: {OLD}\r\n")), ("?after=0ld0.1", String::new())] {
        let mut client = server.client();
        client.send(&format!("GET /feed/sse{target} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n"));
        client.until("\r\n\r\n");
        let first = client.until("\n\n\r\n");
        let event = format!("id: {}\nevent: reset\ndata: {}\n\n\r\n", server.cursor(0), reset(&server));
        assert!(first.ends_with(&format!("\r\nretry: 2000\n\n{event}")), "in one piece: {first}");
        assert_eq!(client.event(), (1, Some((1, 1))));
        assert_eq!((client.event().0, client.event().0), (2, 3));
    }
    assert_eq!(server.endpoint(Transport::Sse).resets, 2);
}

#[test]
fn d1_a_websocket_begins_with_the_reset_instead_of_its_hello() {
    let server = server();
    let mut client = server.client();
    let upgrade = "Host: localhost\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\n";
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    client.send(&format!("GET /feed/ws?after={OLD} HTTP/1.1\r\n{upgrade}{key}\r\n"));
    client.until("\r\n\r\n");
    let first = client.until("}}");
    assert!(first.ends_with(&format!("{{\"reset\":{}}}", reset(&server))), "{first}");
    assert!(client.until("}}").ends_with("{\"gap\":{\"from\":1,\"to\":1}}"));
    assert!(client.until("\"c\"}").contains("\"data\":\"b\""));
    assert_eq!(server.endpoint(Transport::WebSocket).resets, 1);
}

fn schedule(rate: f64) -> Config {
    let source = SourceConfig::Synthetic { rate, schedule: Schedule::Constant, payload_bytes: 8, binary: false };
    Settings { source: Some(source), ..Settings::default() }.into()
}

fn epoch(config: Config) -> Epoch {
    Server::start(config).stats().feed.epoch.unwrap()
}

#[test]
fn d1_only_an_identical_feed_keeps_its_epoch() {
    let start_at = Some(clock::unix_us() - 1_000_000);
    let given: Epoch = "t01d".parse().unwrap();
    let started = Config { start_at, ..schedule(1.0) };
    assert_eq!(epoch(started.clone()), epoch(started.clone()), "the same schedule, started at the same time");
    for other in [
        Config { start_at: start_at.map(|at| at + 1), ..schedule(1.0) },
        Config { start_at, ..schedule(2.0) },
        Config { settings: Settings { allow_publish: true, ..started.settings.clone() }, ..started.clone() },
    ] {
        assert_ne!(epoch(other.clone()), epoch(started.clone()), "{other:?}");
    }
    assert_ne!(epoch(schedule(1.0)), epoch(schedule(1.0)), "each started now");
    let waiting = Config { await_start: true, epoch: Some(given), ..schedule(1.0) };
    assert_eq!([epoch(waiting), epoch(Config { epoch: Some(given), ..started.clone() })], [given, given]);
    let host = Settings { source: Some(SourceConfig::Host { rate: 1.0 }), ..Settings::default() };
    let published = Settings { allow_publish: true, ..started.settings };
    for settings in [host, publishing(), published] {
        let config = Config { start_at, epoch: Some(given), ..settings.into() };
        assert_ne!(epoch(config.clone()), epoch(config), "these cannot be reproduced, whatever the configuration");
    }
}

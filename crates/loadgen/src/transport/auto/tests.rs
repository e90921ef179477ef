use tokio::time::sleep;

use super::*;
use crate::transport::script::{Peer, Server, run_script};

const LONG: Duration = Duration::from_secs(3_600);
const SHORT: Duration = Duration::from_millis(400);

/// A ladder that neither falls because of silence nor climbs.
const PATIENT: Options = Options {
    first: Transport::Sse,
    watchdog: LONG,
    climb: LONG,
    hold: Duration::from_secs(2),
    interval: Duration::from_millis(5),
    keepalive: LONG,
};

/// A ladder with a short watchdog.
const WATCHFUL: Options = Options { watchdog: SHORT, hold: SHORT, ..PATIENT };

const STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

async fn climb(options: Options, script: impl AsyncFnOnce(&mut Server)) -> Vec<String> {
    let first = options.first.path();
    let seen = run_script(first, async |client, log, stop| run(client, options, log, stop).await, script).await;
    seen.into_iter().filter(|line| !line.starts_with("event ")).collect()
}

fn event(seq: u64) -> String {
    format!("id: k3f9.{seq}\nevent: tick\ndata: {{\"at\":1,\"data\":\"x\"}}\n\n")
}

fn body(seqs: &[u64], next: u64) -> String {
    let update = |seq| format!(r#"{{"seq":{seq},"at":1,"type":"tick","data":"x"}}"#);
    let updates: Vec<String> = seqs.iter().map(update).collect();
    format!(r#"{{"updates":[{}],"next":"k3f9.{next}","gap":null}}"#, updates.join(","))
}

/// Accepts the next connection and checks how its request starts.
async fn asked(server: &mut Server, beginning: &str) -> Peer {
    let mut peer = server.accept().await;
    let request = peer.request().await;
    assert!(request.starts_with(beginning), "{request}");
    peer
}

#[tokio::test]
async fn a_stream_whose_head_never_arrives_is_left_for_long_polling() {
    let seen = climb(WATCHFUL, async |server| {
        let _silent = asked(server, "get /feed/sse ").await;
        let mut peer = asked(server, "get /feed/long-poll?hold=0s ").await;
        peer.answer("200 OK", "", &body(&[], 5)).await;
        assert!(peer.request().await.starts_with("get /feed/long-poll?after=k3f9.5&hold=400ms "));
        peer.answer("200 OK", "", &body(&[6], 6)).await;
        server.observed("update 6").await;
    })
    .await;
    assert_eq!(seen, ["fell to long-polling", "opened", "update 6"]);
}

#[tokio::test]
async fn a_stream_that_falls_silent_is_left_and_the_cursor_is_kept() {
    let seen = climb(WATCHFUL, async |server| {
        let mut stream = asked(server, "get /feed/sse ").await;
        stream.send([STREAM, &event(7), &event(8)].concat()).await;
        let mut peer = asked(server, "get /feed/long-poll?after=k3f9.8&hold=400ms ").await;
        peer.answer("200 OK", "", &body(&[9], 9)).await;
        server.observed("update 9").await;
    })
    .await;
    assert_eq!(seen, ["opened", "update 7", "update 8", "fell to long-polling", "opened", "update 9"]);
}

#[tokio::test]
async fn the_position_that_a_stream_sent_is_kept_too() {
    climb(WATCHFUL, async |server| {
        let mut stream = asked(server, "get /feed/sse ").await;
        stream.send([STREAM, "id: k3f9.41\nretry: 100\n\n"].concat()).await;
        asked(server, "get /feed/long-poll?after=k3f9.41&").await;
    })
    .await;
}

#[tokio::test]
async fn comments_are_signs_of_life() {
    let options = Options { watchdog: Duration::from_secs(1), ..PATIENT };
    let seen = climb(options, async |server| {
        let mut stream = asked(server, "get /feed/sse ").await;
        stream.send(STREAM).await;
        for _ in 0..30 {
            sleep(Duration::from_millis(50)).await;
            stream.send(":\n\n").await;
        }
        stream.send(event(1)).await;
        server.observed("update 1").await;
    })
    .await;
    assert_eq!(seen, ["opened", "update 1"]);
}

#[tokio::test]
async fn a_refused_first_rung_falls_at_once() {
    for (first, answer) in [
        (Transport::Sse, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"),
        (Transport::Sse, "HTTP/1.1 503 Full\r\nContent-Length: 0\r\n\r\n"),
        (Transport::WebSocket, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
    ] {
        let seen = climb(Options { first, ..PATIENT }, async |server| {
            let mut peer = asked(server, &format!("get {} ", first.path())).await;
            peer.send(answer).await;
            asked(server, "get /feed/long-poll?hold=0s ").await;
        })
        .await;
        let seen: Vec<_> = seen.iter().filter(|line| *line != "opened").collect();
        assert_eq!(seen, ["Status", "fell to long-polling"], "{answer}");
    }
}

#[tokio::test]
async fn a_held_poll_that_is_never_answered_is_left_for_short_polling() {
    let seen = climb(WATCHFUL, async |server| {
        let _silent = asked(server, "get /feed/sse ").await;
        let mut held = asked(server, "get /feed/long-poll?hold=0s ").await;
        held.answer("200 OK", "", &body(&[], 5)).await;
        held.request().await;
        let mut peer = asked(server, "get /feed/poll?after=k3f9.5 ").await;
        for _ in 0..3 {
            peer.answer("500 Internal Server Error", "", "").await;
            peer.request().await;
        }
        peer.answer("200 OK", "", &body(&[6], 6)).await;
        server.observed("update 6").await;
    })
    .await;
    let expected = ["fell to long-polling", "opened", "fell to short-polling", "opened"];
    assert_eq!(seen[..4], expected);
    assert_eq!(seen[4..], ["Status", "Status", "Status", "update 6"], "nothing is below the last rung");
}

#[tokio::test]
async fn a_path_that_cuts_off_every_connection_breaks_the_rung() {
    let seen = climb(PATIENT, async |server| {
        let mut stream = asked(server, "get /feed/sse ").await;
        stream.send([STREAM, "retry: 1\n\n", &event(3)].concat()).await;
        drop(stream);
        for _ in 0..2 {
            let mut stream = asked(server, "get /feed/sse ").await;
            stream.send(STREAM).await;
        }
        asked(server, "get /feed/long-poll?after=k3f9.3&").await;
    })
    .await;
    assert!(seen.ends_with(&["fell to long-polling".to_owned()]), "{seen:?}");
    assert_eq!(seen.iter().filter(|line| *line == "Disconnected" || *line == "Closed").count(), 3, "{seen:?}");
}

#[tokio::test]
async fn a_server_that_is_down_is_down_for_every_rung() {
    let options = Options { first: Transport::WebSocket, ..WATCHFUL };
    let seen = climb(options, async |server| {
        server.close();
        sleep(4 * SHORT).await;
    })
    .await;
    assert!(!seen.is_empty() && seen.iter().all(|line| line == "Connect"), "{seen:?}");
}

#[tokio::test]
async fn the_first_rung_is_retried_next_to_the_working_one_and_nothing_is_delivered_twice() {
    let options = Options { climb: SHORT, ..PATIENT };
    let seen = climb(options, async |server| {
        asked(server, "get /feed/sse ").await.send("HTTP/1.1 503 Full\r\n\r\n").await;
        let mut held = asked(server, "get /feed/long-poll?hold=0s ").await;
        held.answer("200 OK", "", &body(&[], 5)).await;
        held.request().await;
        let mut stream = server.accept().await;
        assert!(stream.request().await.contains("last-event-id: k3f9.5\r\n"));
        stream.send(STREAM).await;
        held.answer("200 OK", "", &body(&[6, 7], 7)).await;
        server.observed("update 7").await;
        stream.send([event(6), event(7), event(8)].concat()).await;
        server.observed("update 8").await;
        // The request that was sent meanwhile, and then the end of the connection.
        held.request().await;
        assert_eq!(held.receive().await, b"");
    })
    .await;
    let seen: Vec<_> = seen.iter().filter(|line| *line != "opened").collect();
    assert_eq!(seen[..2], ["Status", "fell to long-polling"]);
    let mut rest = seen[2..].to_vec();
    rest.retain(|line| *line != "climbed");
    assert_eq!(rest, ["update 6", "update 7", "update 8"]);
    assert!(seen.iter().any(|line| *line == "climbed"));
}

#[tokio::test]
async fn a_first_rung_that_is_still_broken_is_left_and_retried() {
    let options = Options { climb: SHORT, ..PATIENT };
    let seen = climb(options, async |server| {
        asked(server, "get /feed/sse ").await.send("HTTP/1.1 503 Full\r\n\r\n").await;
        let mut held = asked(server, "get /feed/long-poll?hold=0s ").await;
        held.answer("200 OK", "", &body(&[], 5)).await;
        held.request().await;
        for _ in 0..2 {
            asked(server, "get /feed/sse ").await.send("HTTP/1.1 503 Full\r\n\r\n").await;
        }
        held.answer("200 OK", "", &body(&[6], 6)).await;
        server.observed("update 6").await;
    })
    .await;
    let seen: Vec<_> = seen.iter().filter(|line| *line != "opened").collect();
    assert_eq!(seen, ["Status", "fell to long-polling", "update 6"]);
}

const AFTER_RESET: &str = r#"{"updates":[],"next":"p0q2.0","gap":null,"reset":{"asked":"k3f9.31","resume":"p0q2.0"}}"#;

#[tokio::test]
async fn d1_a_reset_is_passed_on_once_and_the_epoch_before_is_obsolete() {
    let options = Options { climb: SHORT, ..PATIENT };
    let seen = climb(options, async |server| {
        asked(server, "get /feed/sse ").await.send("HTTP/1.1 503 Full\r\n\r\n").await;
        let mut held = asked(server, "get /feed/long-poll?hold=0s ").await;
        held.answer("200 OK", "", &body(&[], 31)).await;
        held.request().await;
        let mut stream = server.accept().await;
        assert!(stream.request().await.contains("last-event-id: k3f9.31\r\n"));
        let reset = "id: p0q2.0\nevent: reset\ndata: {\"asked\":\"k3f9.31\",\"resume\":\"p0q2.0\"}\n\n";
        stream.send([STREAM, reset].concat()).await;
        server.observed("reset k3f9.31, on after p0q2.0").await;
        held.answer("200 OK", "", &body(&[32], 32)).await;
        stream.send(event(1).replace("k3f9", "p0q2")).await;
        server.observed("update 1").await;
    })
    .await;
    let seen: Vec<_> = seen.iter().filter(|line| !["opened", "climbed"].contains(&line.as_str())).collect();
    let expected = ["Status", "fell to long-polling", "reset k3f9.31, on after p0q2.0", "update 1"];
    assert_eq!(seen, expected, "update 32 belongs to a feed that has ended");
}

#[tokio::test]
async fn d1_a_reset_on_a_lower_rung_moves_the_cursor_of_all_rungs() {
    let seen = climb(WATCHFUL, async |server| {
        let mut stream = asked(server, "get /feed/sse ").await;
        stream.send([STREAM, &event(31)].concat()).await;
        let mut held = asked(server, "get /feed/long-poll?after=k3f9.31&").await;
        held.answer("200 OK", "", AFTER_RESET).await;
        assert!(held.request().await.contains("?after=p0q2.0&"));
        asked(server, "get /feed/poll?after=p0q2.0 ").await;
    })
    .await;
    assert!(seen.contains(&"reset k3f9.31, on after p0q2.0".to_owned()), "{seen:?}");
}

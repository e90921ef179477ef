use proptest::prelude::*;
use rand::SeedableRng as _;

use super::*;
use crate::transport::script::{Server, run_script};

const PLAIN: Options = Options { interval: Duration::from_millis(5), keep_alive: true, conditional: false };

async fn poll(options: Options, script: impl AsyncFnOnce(&mut Server)) -> Vec<String> {
    run_script("/feed/poll", async |client, log, stop| run(client, options, log, stop).await, script).await
}

fn body(seqs: &[u64], next: u64) -> String {
    let update = |seq| format!(r#"{{"seq":{seq},"at":1,"type":"tick","data":"x"}}"#);
    let updates: Vec<String> = seqs.iter().map(update).collect();
    format!(r#"{{"updates":[{}],"next":"k3f9.{next}","gap":null}}"#, updates.join(","))
}

#[tokio::test]
async fn it_fetches_a_cursor_and_continues_from_it_on_one_connection() {
    let seen = poll(PLAIN, async |server| {
        let mut peer = server.accept().await;
        assert!(peer.request().await.starts_with("get /feed/poll http/1.1"));
        peer.answer("200 OK", "ETag: \"a\"\r\n", &body(&[], 5)).await;
        let request = peer.request().await;
        assert!(request.starts_with("get /feed/poll?after=k3f9.5 ") && !request.contains("if-none-match"));
        peer.answer("200 OK", "", &body(&[6, 7], 7)).await;
        assert!(peer.request().await.contains("?after=k3f9.7 "));
    })
    .await;
    assert_eq!(seen, ["opened", "update 6", "update 7"]);
}

#[tokio::test]
async fn a_body_in_many_chunks_is_read_as_one() {
    let seen = poll(PLAIN, async |server| {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        for part in body(&[3], 3).as_bytes().chunks(7) {
            peer.send_bytewise([format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat()).await;
        }
        peer.send("0\r\n\r\n").await;
        assert!(peer.request().await.contains("?after=k3f9.3 "));
    })
    .await;
    assert_eq!(seen, ["opened", "update 3"]);
}

#[tokio::test]
async fn a_conditional_poll_sends_the_etag_of_the_same_url_and_accepts_304() {
    let seen = poll(Options { conditional: true, ..PLAIN }, async |server| {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.answer("200 OK", "ETag: \"first\"\r\n", &body(&[], 5)).await;
        assert!(!peer.request().await.contains("if-none-match"), "another URL");
        peer.answer("200 OK", "ETag: \"five\"\r\n", &body(&[], 5)).await;
        for _ in 0..2 {
            assert!(peer.request().await.contains("if-none-match: \"five\""));
            peer.send("HTTP/1.1 304 Not Modified\r\nETag: \"five\"\r\n\r\n").await;
        }
        assert!(peer.request().await.contains("if-none-match: \"five\""));
        peer.answer("200 OK", "ETag: \"six\"\r\n", &body(&[6], 6)).await;
        assert!(!peer.request().await.contains("if-none-match"));
    })
    .await;
    assert_eq!(seen, ["opened", "update 6"]);
}

#[tokio::test]
async fn failures_are_reported_and_the_cursor_stays() {
    let seen = poll(PLAIN, async |server| {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.answer("200 OK", "", &body(&[], 5)).await;
        for (status, text) in [("500 Internal Server Error", "sorry"), ("200 OK", "garbage"), ("204 No Content", "")] {
            assert!(peer.request().await.contains("?after=k3f9.5 "));
            peer.answer(status, "", text).await;
        }
        assert!(peer.request().await.contains("?after=k3f9.5 "));
        peer.answer("200 OK", "", &body(&[6], 6)).await;
        assert!(peer.request().await.contains("?after=k3f9.6 "));
    })
    .await;
    assert_eq!(seen, ["opened", "Status", "Malformed", "Status", "update 6"]);
}

#[tokio::test]
async fn after_a_body_that_is_malformed_half_way_the_client_asks_from_there() {
    let seen = poll(PLAIN, async |server| {
        let mut peer = server.accept().await;
        peer.request().await;
        let bad = r#"{"updates":[{"seq":1,"at":1,"type":"t","data":""},{"seq":"two"}],"next":"k3f9.2","gap":null}"#;
        peer.answer("200 OK", "", bad).await;
        assert!(peer.request().await.contains("?after=k3f9.1 "));
    })
    .await;
    assert_eq!(seen, ["opened", "update 1", "Malformed"]);
}

#[tokio::test]
async fn a_gap_is_reported() {
    let seen = poll(PLAIN, async |server| {
        let mut peer = server.accept().await;
        peer.request().await;
        let text = body(&[9], 9).replace(r#""gap":null"#, r#""gap":{"from":2,"to":8}"#);
        peer.answer("200 OK", "", &text).await;
        assert!(peer.request().await.contains("?after=k3f9.9 "));
    })
    .await;
    assert_eq!(seen, ["opened", "gap 2-8, on after k3f9.8", "update 9"]);
}

#[tokio::test]
async fn without_keep_alive_each_request_has_its_own_connection() {
    let seen = poll(Options { keep_alive: false, ..PLAIN }, async |server| {
        for _ in 0..3 {
            let mut peer = server.accept().await;
            assert!(peer.request().await.contains("connection: close"));
            peer.answer("200 OK", "Connection: close\r\n", &body(&[], 5)).await;
            assert_eq!(peer.receive().await, b"", "the client closes the connection");
        }
    })
    .await;
    assert_eq!(seen, ["opened", "opened", "opened"]);
}

#[tokio::test]
async fn a_cut_connection_is_opened_again() {
    let seen = poll(PLAIN, async |server| {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"upd").await;
        drop(peer);
        let mut peer = server.accept().await;
        peer.request().await;
        peer.answer("200 OK", "", &body(&[], 5)).await;
        peer.request().await;
    })
    .await;
    assert_eq!(seen, ["opened", "Disconnected", "reconnect", "opened"]);
}

#[tokio::test]
async fn a_connection_that_ended_between_two_polls_is_opened_again_and_no_poll_is_lost() {
    let seen = poll(PLAIN, async |server| {
        for head in ["", "Connection: close\r\n"] {
            let mut peer = server.accept().await;
            peer.request().await;
            peer.answer("200 OK", head, &body(&[], 5)).await;
        }
        assert!(server.accept().await.request().await.contains("?after=k3f9.5 "));
    })
    .await;
    assert_eq!(seen, ["opened", "reconnect", "opened"]);
}

#[tokio::test]
async fn a_refused_connection_is_a_failure_and_tried_again() {
    let seen = poll(PLAIN, async |server| {
        server.close();
        server.observed("Connect").await;
    })
    .await;
    assert!(!seen.is_empty() && seen.iter().all(|line| line == "Connect"), "{seen:?}");
}

proptest! {
    #[test]
    fn a_slot_is_the_first_of_its_grid_after_now(
        seed: u64,
        interval_us in 1_000u64..90_000_000,
        late_us in 0u64..400_000_000,
    ) {
        let (start, interval) = (clock::now(), Duration::from_micros(interval_us));
        let mut slots = Slots::new(start, interval, &mut ChaCha8Rng::seed_from_u64(seed));
        let first = slots.due;
        prop_assert!(first >= start && first <= start + interval);
        let now = start + Duration::from_micros(late_us);
        let (next, skipped) = slots.next(now);
        prop_assert!(next >= now || next == first);
        prop_assert!(next - first < interval || next - interval < now);
        prop_assert_eq!((next - first).as_nanos(), interval.as_nanos() * u128::from(skipped));
        prop_assert_eq!(slots.next(now), (next + interval, 0), "a slot is returned once");
    }
}

#[test]
fn phases_fill_the_interval() {
    let (start, interval) = (clock::now(), Duration::from_secs(1));
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let phases: Vec<f64> =
        (0..1_000).map(|_| (Slots::new(start, interval, &mut rng).due - start).as_secs_f64()).collect();
    let mean = phases.iter().sum::<f64>() / 1_000.0;
    assert!((mean - 0.5).abs() < 0.05, "{mean}");
}

#[tokio::test]
async fn m2_only_a_response_with_the_feed_counts_as_served() {
    poll(Options { conditional: true, ..PLAIN }, async |server| {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.answer("200 OK", "ETag: \"a\"\r\n", &body(&[], 5)).await;
        for (status, text, served) in [
            ("200 OK", body(&[], 5), 1),
            ("503 Service Unavailable", String::new(), 2),
            ("204 No Content", String::new(), 2),
            ("200 OK", "<html>".to_owned(), 2),
            ("304 Not Modified", String::new(), 2),
            ("200 OK", body(&[6], 6), 3),
        ] {
            peer.request().await;
            assert_eq!(server.served(), served, "before {status}");
            peer.answer(status, "ETag: \"a\"\r\n", &text).await;
        }
        peer.request().await;
        assert_eq!(server.served(), 4);
    })
    .await;
}

use super::*;
use crate::transport::script::{Log, Server, run_script};

const PLAIN: Options = Options { hold: Duration::from_secs(25), keep_alive: true };

async fn poll(options: Options, script: impl AsyncFnOnce(&mut Server)) -> Vec<String> {
    run_script("/feed/long-poll", async |client, log, stop| run(client, options, log, stop).await, script).await
}

const START: &str = r#"{"updates":[],"next":"k3f9.5","gap":null}"#;
const NEWS: &str = r#"{"updates":[{"seq":6,"at":1,"type":"tick","data":"x"}],"next":"k3f9.6","gap":null}"#;

#[tokio::test]
async fn the_first_request_is_not_held_and_the_next_ones_are() {
    let seen = poll(PLAIN, async |server| {
        let mut peer = server.accept().await;
        assert!(peer.request().await.starts_with("get /feed/long-poll?hold=0s "));
        peer.answer("200 OK", "", START).await;
        assert!(peer.request().await.starts_with("get /feed/long-poll?after=k3f9.5&hold=25s "));
        peer.send("HTTP/1.1 204 No Content\r\n\r\n").await;
        assert!(peer.request().await.contains("?after=k3f9.5&hold=25s "));
        peer.answer("200 OK", "", NEWS).await;
        assert!(peer.request().await.contains("?after=k3f9.6&hold=25s "));
    })
    .await;
    assert_eq!(seen, ["opened", "update 6"]);
}

#[tokio::test]
async fn without_a_cursor_it_requests_what_comes_next_and_loses_what_was_published_meanwhile() {
    let forgetful = async |mut client: Client, log: &mut Log, stop: &_| {
        client.reconnect.with_cursor = false;
        run(client, PLAIN, log, stop).await;
    };
    let seen = run_script("/feed/long-poll", forgetful, async |server| {
        let mut peer = server.accept().await;
        assert!(peer.request().await.starts_with("get /feed/long-poll?hold=0s "), "it opens before it is held");
        peer.answer("200 OK", "", START).await;
        for _ in 0..2 {
            assert!(peer.request().await.starts_with("get /feed/long-poll?hold=25s "));
            peer.answer("200 OK", "", NEWS).await;
        }
        peer.request().await;
    })
    .await;
    assert_eq!(seen, ["opened", "update 6", "update 6"]);
}

#[tokio::test]
async fn a_first_answer_without_a_cursor_is_no_answer() {
    let seen = poll(PLAIN, async |server| {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.send("HTTP/1.1 204 No Content\r\n\r\n").await;
        assert!(peer.request().await.starts_with("get /feed/long-poll?hold=0s "));
    })
    .await;
    assert_eq!(seen, ["opened", "Status"]);
}

#[tokio::test]
async fn a_body_in_many_pieces_is_read_as_one_and_a_gap_is_reported() {
    let seen = poll(PLAIN, async |server| {
        let mut peer = server.accept().await;
        peer.request().await;
        let body = NEWS.replace(r#""gap":null"#, r#""gap":{"from":2,"to":5}"#);
        let length = body.len();
        peer.send_bytewise(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}")).await;
        assert!(peer.request().await.contains("?after=k3f9.6&"));
    })
    .await;
    assert_eq!(seen, ["opened", "gap 2-5, on after k3f9.5", "update 6"]);
}

#[tokio::test]
async fn failures_are_reported_and_the_cursor_stays() {
    let seen = poll(PLAIN, async |server| {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.answer("200 OK", "", START).await;
        for (status, body) in [("503 Service Unavailable", "full"), ("200 OK", "garbage"), ("200 OK", "[]")] {
            assert!(peer.request().await.contains("?after=k3f9.5&"));
            peer.answer(status, "", body).await;
        }
        assert!(peer.request().await.contains("?after=k3f9.5&"));
        drop(peer);
        let mut peer = server.accept().await;
        assert!(peer.request().await.contains("?after=k3f9.5&"));
        peer.answer("200 OK", "", NEWS).await;
        peer.request().await;
    })
    .await;
    let expected = ["opened", "Status", "Malformed", "Malformed", "Disconnected", "reconnect", "opened", "update 6"];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn without_keep_alive_each_request_has_its_own_connection() {
    let seen = poll(Options { keep_alive: false, ..PLAIN }, async |server| {
        for _ in 0..2 {
            let mut peer = server.accept().await;
            assert!(peer.request().await.contains("connection: close"));
            peer.answer("200 OK", "Connection: close\r\n", START).await;
        }
        server.accept().await.request().await;
    })
    .await;
    assert_eq!(seen, ["opened", "opened"]);
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

#[tokio::test]
async fn d1_a_reset_is_reported_before_the_updates_of_the_other_epoch() {
    let seen = poll(PLAIN, async |server| {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.answer("200 OK", "", START).await;
        peer.request().await;
        let reset = r#""next":"p0q2.6","reset":{"asked":"k3f9.5","resume":"p0q2.0"},"gap":{"from":1,"to":5}"#;
        peer.answer("200 OK", "", &NEWS.replace(r#""next":"k3f9.6","gap":null"#, reset)).await;
        assert!(peer.request().await.contains("?after=p0q2.6&"));
    })
    .await;
    assert_eq!(seen, ["opened", "reset k3f9.5, on after p0q2.0", "gap 1-5, on after p0q2.5", "update 6"]);
}

#[tokio::test]
async fn m2_only_a_response_with_the_feed_counts_as_served() {
    poll(PLAIN, async |server| {
        let mut peer = server.accept().await;
        for (status, text, served) in [
            ("204 No Content", "", 0),
            ("200 OK", START, 0),
            ("503 Service Unavailable", "", 1),
            ("200 OK", "<html>", 1),
            ("200 OK", NEWS, 1),
        ] {
            peer.request().await;
            assert_eq!(server.served(), served, "before {status}");
            peer.answer(status, "", text).await;
        }
        peer.request().await;
        assert_eq!(server.served(), 2);
        peer.send("HTTP/1.1 204 No Content\r\n\r\n").await;
        peer.request().await;
        assert_eq!(server.served(), 3, "a 204 after a hold counts as served");
    })
    .await;
}

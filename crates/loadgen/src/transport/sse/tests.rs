use feedlab_feed::wire::sse::chunk;

use super::*;
use crate::transport::script::{Log, Peer, Server, run_script};

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
const PLAIN: Options = Options { reconnection: Duration::from_millis(20), jitter: 0.5, raw_events: false };

async fn stream(options: Options, script: impl AsyncFnOnce(&mut Server)) -> Vec<String> {
    run_script("/feed/sse", async |client, log, stop| run(client, options, log, stop).await, script).await
}

/// Sends one chunk of the stream.
async fn push(peer: &mut Peer, text: &str) {
    peer.send(chunk(text.as_bytes())).await;
}

fn update(seq: u64) -> String {
    format!("id: {seq}\nevent: tick\ndata: {{\"at\":1,\"data\":\"x\"}}\n\n")
}

/// What was observed, without the raw events.
fn without_events(seen: Vec<String>) -> Vec<String> {
    seen.into_iter().filter(|line| !line.starts_with("event ")).collect()
}

#[tokio::test]
async fn it_sends_the_headers_of_an_event_source_and_reads_chunks_of_any_size() {
    let seen = stream(PLAIN, async |server| {
        let mut peer = server.accept().await;
        let request = peer.request().await;
        assert!(request.starts_with("get /feed/sse http/1.1"), "{request}");
        assert!(request.contains("accept: text/event-stream\r\n") && request.contains("cache-control: no-cache\r\n"));
        assert!(!request.contains("last-event-id"));
        peer.send(HEAD).await;
        push(&mut peer, ":\n\n").await;
        let two = format!("{}{}", update(1), update(2));
        for part in two.as_bytes().chunks(3) {
            peer.send_bytewise(chunk(part)).await;
        }
        server.observed("update 2").await;
    })
    .await;
    assert_eq!(without_events(seen), ["opened", "update 1", "update 2"]);
}

#[tokio::test]
async fn after_the_end_of_the_stream_it_reconnects_after_the_time_that_retry_set() {
    let seen = stream(PLAIN, async |server| {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.send(HEAD).await;
        push(&mut peer, &format!("retry: 300\n\n{}", update(7))).await;
        push(&mut peer, "id: 8\nevent: tick\ndata: half").await;
        peer.send("0\r\n\r\n").await;
        let ended = clock::now();
        let mut peer = server.accept().await;
        assert!(peer.request().await.contains("last-event-id: 7\r\n"));
        let waited = ended.elapsed();
        assert!(waited >= Duration::from_millis(290), "{waited:?}");
        peer.send(HEAD).await;
        push(&mut peer, &update(8)).await;
        server.observed("update 8").await;
    })
    .await;
    assert_eq!(without_events(seen), ["opened", "update 7", "Closed", "reconnect", "opened", "update 8"]);
}

#[tokio::test]
async fn a_cut_connection_is_opened_again() {
    let seen = stream(PLAIN, async |server| {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.send(HEAD).await;
        push(&mut peer, &update(7)).await;
        peer.send("40\r\nid: 8\nda").await;
        drop(peer);
        let mut peer = server.accept().await;
        assert!(peer.request().await.contains("last-event-id: 7\r\n"));
        peer.send(HEAD).await;
        server.observed("reconnect").await;
    })
    .await;
    assert_eq!(without_events(seen), ["opened", "update 7", "Disconnected", "reconnect", "opened"]);
}

#[tokio::test]
async fn a_failure_by_the_standard_ends_the_client_permanently() {
    for head in [
        "204 No Content\r\n",
        "404 Not Found\r\nContent-Length: 0\r\n",
        "503 Service Unavailable\r\nContent-Length: 0\r\n",
        "200 OK\r\nContent-Type: text/html\r\n",
        "200 OK\r\nContent-Type: text/event-streams\r\n",
        "200 OK\r\n",
    ] {
        let mut ended = false;
        let script = async |server: &mut Server| {
            let mut peer = server.accept().await;
            peer.request().await;
            peer.send(format!("HTTP/1.1 {head}\r\n")).await;
            server.observed("GaveUp").await;
        };
        // This client is not stopped: it returns by itself, or the conversation times out.
        let alone = async |client, log: &mut Log, _stop: &CancellationToken| {
            run(client, PLAIN, log, &CancellationToken::new()).await;
            ended = true;
        };
        assert_eq!(run_script("/feed/sse", alone, script).await, ["opened", "GaveUp"], "{head}");
        assert!(ended);
    }
}

#[tokio::test]
async fn a_redirect_is_followed_as_a_browser_does() {
    let seen = stream(PLAIN, async |server| {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.send("HTTP/1.1 301 Moved\r\nLocation: /elsewhere\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").await;
        drop(peer);
        let mut peer = server.accept().await;
        let request = peer.request().await;
        assert!(
            request.starts_with("get /elsewhere ") && request.contains("accept: text/event-stream\r\n"),
            "{request}"
        );
        peer.send(HEAD).await;
        push(&mut peer, &update(1)).await;
        server.observed("update 1").await;
    })
    .await;
    assert!(without_events(seen).contains(&"update 1".to_owned()));
}

#[tokio::test]
async fn the_content_type_may_have_parameters_and_capitals() {
    let seen = stream(PLAIN, async |server| {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.send("HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream ; charset=UTF-8\r\n\r\n").await;
        peer.send(update(1)).await;
        server.observed("update 1").await;
    })
    .await;
    assert_eq!(without_events(seen), ["opened", "update 1"]);
}

#[tokio::test]
async fn an_event_that_is_not_an_update_is_reported_and_the_stream_continues() {
    let seen = stream(PLAIN, async |server| {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.send(HEAD).await;
        push(
            &mut peer,
            &format!("id: 3\ndata: garbage\n\nevent: gap\nid: 9\ndata: {{\"from\":4,\"to\":9}}\n\n{}", update(10)),
        )
        .await;
        server.observed("update 10").await;
    })
    .await;
    assert_eq!(without_events(seen), ["opened", "Malformed", "gap 4-9, on after 9", "update 10"]);
}

#[tokio::test]
async fn raw_events_are_passed_on_unchanged_and_their_ids_are_text() {
    let seen = stream(Options { raw_events: true, ..PLAIN }, async |server| {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.send(HEAD).await;
        push(&mut peer, "id: grün/1\nevent: add\ndata: a\ndata: b\n\n").await;
        drop(peer);
        let mut peer = server.accept().await;
        assert!(peer.request().await.contains("last-event-id: grün/1\r\n"));
    })
    .await;
    assert_eq!(seen[..2], ["opened", "event add|a\nb|grün/1"]);
    assert!(!seen.contains(&"Malformed".to_owned()));
}

#[tokio::test]
async fn a_client_may_start_after_an_update() {
    let after = async |client: Client, log: &mut Log, stop: &CancellationToken| {
        run(Client { after: Some(Cursor { epoch: None, seq: 41 }), ..client }, PLAIN, log, stop).await;
    };
    run_script("/feed/sse", after, async |server| {
        assert!(server.accept().await.request().await.contains("last-event-id: 41\r\n"));
    })
    .await;
}

#[tokio::test]
async fn a_refused_connection_is_tried_again() {
    let seen = stream(PLAIN, async |server| {
        server.close();
        server.observed("Connect").await;
    })
    .await;
    assert!(!seen.is_empty() && seen.iter().all(|line| line == "Connect"), "{seen:?}");
}

#[tokio::test]
async fn a_client_may_reconnect_without_its_cursor_and_after_a_fixed_wait() {
    let forgetful = async |mut client: Client, log: &mut Log, stop: &CancellationToken| {
        let after = Some(Duration::from_millis(250));
        client.reconnect = ReconnectPolicy { after, jitter: false, with_cursor: false };
        run(client, PLAIN, log, stop).await;
    };
    run_script("/feed/sse", forgetful, async |server| {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.send(HEAD).await;
        push(&mut peer, &format!("retry: 3600000\n\n{}", update(7))).await;
        server.observed("update 7").await;
        drop(peer);
        let cut = clock::now();
        assert!(!server.accept().await.request().await.contains("last-event-id"));
        assert!(cut.elapsed() >= Duration::from_millis(240), "{:?}", cut.elapsed());
    })
    .await;
}

#[tokio::test]
async fn d1_a_reset_moves_the_last_event_id_to_another_epoch() {
    let seen = stream(PLAIN, async |server| {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.send(HEAD).await;
        let reset = "id: p0q2.0\nevent: reset\ndata: {\"asked\":\"k3f9.31\",\"resume\":\"p0q2.0\"}\n\n";
        push(&mut peer, &format!("retry: 10\n\n{reset}{}", update(1).replace("id: ", "id: p0q2."))).await;
        drop(peer);
        assert!(server.accept().await.request().await.contains("last-event-id: p0q2.1\r\n"));
    })
    .await;
    assert_eq!(without_events(seen)[..3], ["opened", "reset k3f9.31, on after p0q2.0", "update 1"]);
}

#[tokio::test]
async fn m2_only_a_response_with_the_feed_counts_as_served() {
    for (head, served) in [
        ("200 OK\r\nContent-Type: text/event-stream\r\n", 1),
        ("200 OK\r\nContent-Type: text/html\r\n", 0),
        ("503 Service Unavailable\r\n", 0),
    ] {
        stream(PLAIN, async |server| {
            let mut peer = server.accept().await;
            peer.request().await;
            peer.send(format!("HTTP/1.1 {head}\r\n:\n\n")).await;
            drop(peer);
            server.observed(if served == 1 { "Closed" } else { "GaveUp" }).await;
            assert_eq!(server.served(), served, "{head}");
        })
        .await;
    }
}

//! Responses in place of the server's.

use feedlab_feed::clock;
use feedlab_feed::link::Network;
use feedlab_link::LinkSettings;
use tokio::io::AsyncWriteExt as _;

use super::rig::{Rig, ms, nothing_arrives, passes, to_fin};

const REQUEST: &str = "GET /feed/sse HTTP/1.1\r\nHost: localhost\r\n\r\n";

async fn answer(rig: &Rig, request: &str) -> String {
    let mut client = rig.connect().await;
    client.write_all(request.as_bytes()).await.unwrap();
    to_fin(&mut client).await
}

#[tokio::test]
async fn new_connections_get_the_response_while_the_fault_is_active() {
    let rig = Rig::start(LinkSettings::default()).await;
    let (mut client, mut server) = rig.pair().await;
    for (kind, status, also) in [
        ("status-503", "HTTP/1.1 503 Service Unavailable\r\n", "\r\nRetry-After: 1\r\n"),
        ("status-204", "HTTP/1.1 204 No Content\r\n", "\r\nConnection: close\r\n"),
        ("wrong-type", "HTTP/1.1 200 OK\r\n", "\r\nContent-Type: text/html"),
    ] {
        let hit = rig.fault(&format!(r#"{{"kind": "{kind}", "for_ms": 600000}}"#)).await;
        assert_eq!(hit["hit"], 0, "open connections stay open");
        let answer = answer(&rig, REQUEST).await;
        assert!(answer.starts_with("HTTP/1.1 ") && answer.contains(also), "{answer}");
        assert!(answer.starts_with(status.trim_end()), "the last fault overrides the others: {answer}");
    }
    passes(&mut client, &mut server, "still here").await;
    drop((client, server));
    rig.heal().await;
    let (mut client, mut server) = rig.pair().await;
    passes(&mut client, &mut server, REQUEST).await;
    drop((client, server));
    rig.until("open", 0).await;
    rig.end().await;
}

#[tokio::test]
async fn a_response_waits_for_the_whole_request_and_takes_the_round_trip_time() {
    let rig = Rig::start(Network { rtt: ms(100), ..Network::default() }).await;
    rig.fault(r#"{"kind": "status-503", "for_ms": 600000}"#).await;
    let began = clock::now();
    let mut client = rig.connect().await;
    client.write_all(&REQUEST.as_bytes()[..20]).await.unwrap();
    nothing_arrives(&mut client, ms(300)).await;
    client.write_all(&REQUEST.as_bytes()[20..]).await.unwrap();
    let answer = to_fin(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(began.elapsed() >= ms(400), "{:?}", began.elapsed());
    let began = clock::now();
    self::answer(&rig, REQUEST).await;
    assert!(began.elapsed() >= ms(200), "handshake and request: {:?}", began.elapsed());
    rig.end().await;
}

#[tokio::test]
async fn a_request_with_a_body_gets_the_response_too() {
    let rig = Rig::start(LinkSettings::default()).await;
    rig.fault(r#"{"kind": "status-503", "for_ms": 600000}"#).await;
    let body = "x".repeat(100_000);
    let answer = answer(&rig, &format!("POST /feed HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len())).await;
    assert!(answer.ends_with("not available.\n"), "{answer}");
    rig.end().await;
}

#[tokio::test]
async fn a_share_of_the_new_connections_gets_the_response() {
    let rig = Rig::start(LinkSettings::default()).await;
    rig.fault(r#"{"kind": "status-204", "for_ms": 600000, "share": 0.5}"#).await;
    let mut clients = Vec::new();
    for _ in 0..40 {
        let mut client = rig.connect().await;
        client.write_all(REQUEST.as_bytes()).await.unwrap();
        clients.push(client);
    }
    // Connections that got the response are closed; the others are forwarded and stay open.
    let reading = clients
        .into_iter()
        .map(|mut client| async move { tokio::time::timeout(ms(2000), to_fin(&mut client)).await.is_err() });
    let mut forwarded = 0;
    for read in reading.map(tokio::spawn).collect::<Vec<_>>() {
        forwarded += usize::from(read.await.unwrap());
    }
    assert!((8..=32).contains(&forwarded), "about 20 of 40: {forwarded}");
    rig.end().await;
}

#[tokio::test]
async fn a_client_that_sends_no_request_does_not_delay_the_shutdown() {
    let rig = Rig::start(LinkSettings::default()).await;
    rig.fault(r#"{"kind": "wrong-type", "for_ms": 600000}"#).await;
    let client = rig.connect().await;
    rig.until("open", 1).await;
    drop(client);
    rig.until("open", 0).await;
    let _silent = rig.connect().await;
    rig.until("open", 1).await;
    rig.end().await;
}

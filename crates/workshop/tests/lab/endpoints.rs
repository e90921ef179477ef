use feedlab_testkit::soon;

use crate::harness::{Rig, Tab, pause, seqs};
use tokio::net::TcpStream;

fn assert_readable(head: &str, origin: &str) {
    for field in [
        format!("access-control-allow-origin: {origin}"),
        "access-control-expose-headers: etag, retry-after".to_owned(),
        "vary: origin".to_owned(),
    ] {
        assert!(head.to_lowercase().contains(&field), "{field}: {head}");
    }
}

async fn web_socket(tab: &Tab<'_>) -> crate::harness::Stream {
    let fields = "Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\n\
                  Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    tab.stream("websocket", "/feed/ws?after=0", fields).await
}

#[tokio::test]
async fn a_page_reads_the_same_feed_at_every_endpoint_of_its_tab() {
    let rig = Rig::start().await;
    let tab = rig.open("{}").await;
    assert_eq!(tab.info["settings"]["source"], "own");
    assert_eq!(rig.publish("hello").await, 1);
    for (endpoint, path) in [
        ("short-polling", "/feed/poll?after=0"),
        ("long-polling", "/feed/long-poll?after=0"),
        ("shared", "/feed/poll?after=0"),
    ] {
        let answer = tab.read(endpoint, path).await;
        assert_eq!((answer.status, seqs(&answer)), (200, vec![1]), "{endpoint}");
        assert_readable(&answer.head, &rig.origin());
    }
    let mut sse = tab.sse(0).await;
    assert_readable(&sse.until("\r\n\r\n").await, &rig.origin());
    sse.until("hello").await;
    let mut frames = web_socket(&tab).await;
    assert!(frames.until("\r\n\r\n").await.starts_with("HTTP/1.1 101"));
    frames.until("hello").await;
    assert_eq!(rig.publish("again").await, 2);
    sse.until("again").await;
    frames.until("again").await;
    let refused = tab.read("short-polling", "/feed/poll?after=x").await;
    assert_eq!(refused.status, 400);
    assert_readable(&refused.head, &rig.origin());
}

#[tokio::test]
async fn the_figures_are_per_tab_and_per_link() {
    let rig = Rig::start().await;
    let (tab, other) = (rig.open("{}").await, rig.open("{}").await);
    tab.read("short-polling", "/feed/poll?after=0").await;
    let mut sse = tab.sse(0).await;
    sse.until("\n\n").await;
    let status = tab.status().await;
    assert_eq!(status["restarting"], false);
    let endpoints = &status["stats"]["endpoints"];
    assert_eq!(
        (&endpoints["short-polling"]["requests"], &endpoints["sse"]["active"]),
        (&1.into(), &1.into()),
        "{status}"
    );
    assert_eq!(status["stats"]["feed"]["waiting"], 1, "only its own stream");
    let links = &status["way"];
    assert_eq!(
        (&links["sse"]["open"], &links["websocket"]["accepted"], &links["shared"]["open"]),
        (&1.into(), &0.into(), &0.into())
    );
    let endpoints = &other.status().await["stats"]["endpoints"];
    assert_eq!(endpoints["short-polling"]["requests"], 0, "another tab has separate figures");
    let page = rig.ask("GET", "/stats", "").await.json();
    assert_eq!(page["endpoints"]["sse"]["connections"], 0, "and so has the page");
}

#[tokio::test]
async fn closing_a_tab_closes_its_streams_and_its_ports() {
    let rig = Rig::start().await;
    for (method, what) in [("POST", "/close"), ("DELETE", "")] {
        let tab = rig.open(r#"{"source": "synthetic"}"#).await;
        let mut sse = tab.sse(0).await;
        sse.until("data:").await;
        assert_eq!(tab.order(method, what, "").await.status, 204);
        sse.rest().await;
        let gone = tab.order("GET", "", "").await;
        assert_eq!((gone.status, gone.json()["error"].as_str().unwrap()), (404, "this lab has ended; reload the page"));
        for endpoint in ["sse", "shared", "secure"] {
            soon(async {
                while TcpStream::connect(tab.address(endpoint)).await.is_ok() {
                    pause(20).await;
                }
            })
            .await;
        }
    }
}

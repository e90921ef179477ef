//! Labs that are open to other machines (W3). 127.0.0.2 stands in for the address that they reach: it is not one of the
//! three names of loopback, and a port that listens only on 127.0.0.1 refuses it.

use std::net::{Ipv4Addr, SocketAddr};

use feedlab_testkit::http::ask_async as ask;
use feedlab_testkit::soon;
use feedlab_workshop::lab::{Labs, Shared};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use crate::harness::{Rig, seqs};

fn labs(most: usize) -> Labs {
    Labs::new(None).shared(Shared { ip: Ipv4Addr::UNSPECIFIED.into(), most, allow_hosts: Vec::new() })
}

#[tokio::test]
async fn w3_a_page_at_another_address_gets_a_lab_at_that_address() {
    let rig = Rig::at_second_address(&labs(3)).await;
    let offer = rig.ask("GET", "/lab", "").await.json();
    assert_eq!((&offer["available"], &offer["free"], &offer["most"]), (&true.into(), &3.into(), &3.into()), "{offer}");
    assert!(offer["rules"].as_str().unwrap().contains("a server of its own"), "{offer}");
    let tab = rig.open(r#"{"updates_per_s": 100}"#).await;
    assert_eq!(rig.ask("GET", "/lab", "").await.json()["free"], 2);
    for endpoint in ["short-polling", "long-polling", "sse", "websocket", "shared", "secure"] {
        assert_eq!(tab.address(endpoint).ip().to_string(), "127.0.0.2", "{endpoint}");
        soon(TcpStream::connect(tab.address(endpoint))).await.unwrap();
    }
    assert!(!seqs(&tab.read("long-polling", "/feed/long-poll?after=0").await).is_empty());
    tab.sse(0).await.event().await;
    let page = rig.ask("GET", "/", "").await.head.to_lowercase();
    assert!(page.contains("http://127.0.0.2:*") && page.contains("ws://127.0.0.2:*"), "it may connect there: {page}");
    let cut = tab.order("POST", "/fault", r#"{"endpoint": "sse", "kind": "cut"}"#).await;
    assert_eq!(cut.status, 200, "{cut:?}");
}

#[tokio::test]
async fn w3_without_sharing_nothing_listens_for_others() {
    let rig = Rig::at_second_address(&Labs::new(None)).await;
    let offer = rig.ask("GET", "/lab", "").await.json();
    assert!(offer["available"] == false && offer.get("free").is_none(), "{offer}");
    assert_eq!(rig.ask("POST", "/lab/tabs", "{}").await.status, 403);
    let here = Rig::with(&Labs::new(None)).await;
    assert!(!here.ask("GET", "/", "").await.head.contains("http://localhost:*"), "the policy has no other host");
    let tab = here.open("{}").await;
    let elsewhere: SocketAddr = (Ipv4Addr::new(127, 0, 0, 2), tab.address("sse").port()).into();
    assert!(soon(TcpStream::connect(elsewhere)).await.is_err());
}

#[tokio::test]
async fn w3_the_guards_are_those_of_loopback() {
    let rig = Rig::at_second_address(&labs(3)).await;
    let tab = rig.open("{}").await;
    let (page, port) = (rig.page, rig.page.port());
    for fields in [
        format!("Host: {page}\r\nOrigin: http://evil.example\r\n"),
        format!("Host: {page}\r\nOrigin: http://127.0.0.2:1\r\n"),
        format!("Host: {page}\r\nOrigin: null\r\n"),
        format!("Host: evil.example:{port}\r\nOrigin: http://evil.example:{port}\r\n"),
    ] {
        assert_eq!(ask(page, "POST", "/lab/tabs", &fields, "{}").await.status, 403, "{fields}");
        let close = format!("/lab/tabs/{}", tab.id);
        assert_eq!(ask(page, "DELETE", &close, &fields, "").await.status, 403, "{fields}");
    }
    let sse = tab.address("sse");
    let rebound = ask(sse, "GET", "/feed/poll?after=0", "Host: evil.example\r\n", "").await;
    assert_eq!(rebound.status, 403, "{rebound:?}");
    let foreign = ask(sse, "GET", "/feed/poll?after=0", "Origin: http://evil.example\r\n", "").await;
    assert!(!foreign.head.to_lowercase().contains("access-control-allow-origin"), "{foreign:?}");
    assert_eq!(ask(sse, "POST", "/feed", "Content-Type: text/plain\r\n", "x").await.status, 403, "nobody publishes");
}

#[tokio::test]
async fn w3_labs_feeds_and_connections_are_bounded() {
    let rig = Rig::at_second_address(&labs(2)).await;
    let tab = rig.open("{}").await;
    let other = rig.open("{}").await;
    let full = rig.ask("POST", "/lab/tabs", "{}").await;
    assert!(full.status == 503 && full.body.contains("all 2 labs are in use"), "{full:?}");
    let fast = tab.order("PUT", "/settings", r#"{"updates_per_s": 200, "payload_bytes": 60000}"#).await;
    assert!(fast.status == 400 && fast.body.contains("bytes per second"), "{fast:?}");
    let mut connections = Vec::new();
    for _ in 0..64 {
        connections.push(soon(TcpStream::connect(tab.address("sse"))).await.unwrap());
    }
    let mut beyond = soon(TcpStream::connect(tab.address("sse"))).await.unwrap();
    assert_eq!(soon(beyond.read(&mut [0; 1])).await.unwrap_or(0), 0, "one more is closed");
    assert!(!seqs(&other.read("long-polling", "/feed/long-poll?after=0").await).is_empty(), "others notice nothing");
}

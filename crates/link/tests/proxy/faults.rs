//! Injected faults.

use feedlab_feed::clock;
use feedlab_feed::link::Network;
use feedlab_link::LinkSettings;
use feedlab_testkit::soon;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::rig::{Rig, ms, nothing_arrives, passes, read, to_fin, to_reset};

#[tokio::test]
async fn a_cut_delivers_the_bytes_in_flight_and_a_fin_to_both_sides() {
    let rig = Rig::start(Network { rtt: ms(1000), ..Network::default() }).await;
    let (mut client, mut server) = rig.pair().await;
    client.write_all(b"up").await.unwrap();
    server.write_all(b"down").await.unwrap();
    rig.until("held_bytes", 6).await;
    let hit = rig.fault(r#"{"kind": "cut", "for_ms": 0, "share": 1.0}"#).await;
    assert_eq!((hit["hit"].as_u64(), hit["open"].as_u64()), (Some(1), Some(1)));
    assert_eq!(to_fin(&mut server).await, "up");
    assert_eq!(to_fin(&mut client).await, "down");
    drop((client, server));
    rig.until("open", 0).await;
    rig.end().await;
}

#[tokio::test]
async fn a_cut_sends_no_reset_even_if_one_side_keeps_sending() {
    let rig = Rig::start(LinkSettings::default()).await;
    let (mut client, mut server) = rig.pair().await;
    passes(&mut client, &mut server, "hello").await;
    rig.fault(r#"{"kind": "cut"}"#).await;
    server.write_all(b"did not notice").await.unwrap();
    assert_eq!(to_fin(&mut client).await, "");
    assert_eq!(to_fin(&mut server).await, "");
    rig.end().await;
}

#[tokio::test]
async fn a_reset_loses_the_bytes_in_flight() {
    let rig = Rig::start(Network { rtt: ms(60_000), ..Network::default() }).await;
    let (mut client, mut server) = rig.pair().await;
    client.write_all(b"up").await.unwrap();
    rig.until("held_bytes", 2).await;
    rig.fault(r#"{"kind": "reset"}"#).await;
    assert_eq!(to_reset(&mut client).await, b"");
    assert_eq!(to_reset(&mut server).await, b"");
    rig.until("open", 0).await;
    rig.until("held_bytes", 0).await;
    rig.end().await;
}

#[tokio::test]
async fn a_cut_that_lasts_cuts_new_connections_too() {
    let rig = Rig::start(LinkSettings::default()).await;
    rig.fault(r#"{"kind": "cut", "for_ms": 600000}"#).await;
    assert_eq!(to_fin(&mut rig.connect().await).await, "");
    rig.fault(r#"{"kind": "reset", "for_ms": 600000}"#).await;
    to_reset(&mut rig.connect().await).await;
    assert_eq!(rig.heal().await["healed"], 2);
    let (mut client, mut server) = rig.pair().await;
    passes(&mut client, &mut server, "healed").await;
    rig.end().await;
}

#[tokio::test]
async fn a_fault_hits_its_share_of_the_connections() {
    let rig = Rig::start(LinkSettings::default()).await;
    let mut pairs = rig.pairs(40).await;
    let hit = rig.fault(r#"{"kind": "reset", "share": 0.25}"#).await;
    assert_eq!((hit["hit"].as_u64(), hit["open"].as_u64()), (Some(10), Some(40)));
    rig.until("open", 30).await;
    let mut alive = 0;
    for (client, server) in &mut pairs {
        if client.write_all(b"x").await.is_ok() && read_one(server).await {
            alive += 1;
        }
    }
    assert_eq!(alive, 30);
    let hit = rig.fault(r#"{"kind": "cut", "share": 0.001}"#).await;
    assert_eq!(hit["hit"], 1, "a fault hits at least one connection");
    rig.end().await;
}

async fn read_one(from: &mut TcpStream) -> bool {
    soon(tokio::io::AsyncReadExt::read_exact(from, &mut [0])).await.is_ok()
}

#[tokio::test]
async fn a_black_hole_holds_bytes_and_then_delivers_them() {
    let rig = Rig::start(LinkSettings::default()).await;
    let (mut client, mut server) = rig.pair().await;
    passes(&mut client, &mut server, "before").await;
    let began = clock::now();
    rig.fault(r#"{"kind": "black-hole", "for_ms": 400}"#).await;
    client.write_all(b"up").await.unwrap();
    server.write_all(b"down").await.unwrap();
    assert_eq!(read(&mut server, 2).await, "up");
    assert_eq!(read(&mut client, 4).await, "down");
    assert!(began.elapsed() >= ms(400), "{:?}", began.elapsed());
    passes(&mut client, &mut server, "after").await;
    rig.end().await;
}

#[tokio::test]
async fn a_black_hole_holds_new_connections_and_ends_until_it_is_healed() {
    let rig = Rig::start(LinkSettings::default()).await;
    let (mut client, server) = rig.pair().await;
    rig.fault(r#"{"kind": "black-hole", "for_ms": 600000}"#).await;
    drop(server);
    nothing_arrives(&mut client, ms(100)).await;
    let mut new = rig.connect().await;
    new.write_all(b"hello").await.unwrap();
    let stats = rig.stats().await;
    assert_eq!(stats["in_course"][0]["kind"], "black-hole", "{stats}");
    assert!(stats["in_course"][0]["remaining_ms"].as_u64().unwrap() > 500_000, "{stats}");
    rig.heal().await;
    assert_eq!(to_fin(&mut client).await, "");
    let mut server = rig.accept().await;
    assert_eq!(read(&mut server, 5).await, "hello");
    rig.end().await;
}

#[tokio::test]
async fn a_client_that_disconnects_in_a_black_hole_is_gone_after_it() {
    let rig = Rig::start(LinkSettings::default()).await;
    let (client, mut server) = rig.pair().await;
    rig.fault(r#"{"kind": "black-hole", "for_ms": 600000}"#).await;
    drop(client);
    drop(rig.connect().await);
    nothing_arrives(&mut server, ms(50)).await;
    rig.heal().await;
    assert_eq!(to_fin(&mut server).await, "");
    drop(server);
    drop(rig.accept().await);
    rig.until("open", 0).await;
    rig.end().await;
}

#[tokio::test]
async fn a_port_that_refuses_is_closed_and_reopens() {
    let rig = Rig::start(LinkSettings::default()).await;
    let (mut client, mut server) = rig.pair().await;
    let began = clock::now();
    rig.fault(r#"{"kind": "refuse", "for_ms": 1500}"#).await;
    let mut refused = 0;
    let mut again = loop {
        match soon(TcpStream::connect(rig.endpoint)).await {
            Ok(stream) => break stream,
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused),
        }
        refused += 1;
        if refused == 1 {
            passes(&mut client, &mut server, "open connections stay open").await;
        }
        tokio::time::sleep(ms(5)).await;
    };
    assert!(began.elapsed() >= ms(1500) && refused > 0, "{:?}", began.elapsed());
    let mut server = rig.accept().await;
    passes(&mut again, &mut server, "back").await;
    rig.end().await;
}

#[tokio::test]
async fn a_refusal_can_be_healed_and_ends_with_the_proxy() {
    let rig = Rig::start(LinkSettings::default()).await;
    for _ in 0..3 {
        rig.fault(r#"{"kind": "refuse", "for_ms": 600000}"#).await;
        assert!(TcpStream::connect(rig.endpoint).await.is_err());
        assert_eq!(rig.stats().await["listening"], false);
        rig.heal().await;
        let (mut client, mut server) = rig.pair().await;
        passes(&mut client, &mut server, "open").await;
    }
    rig.fault(r#"{"kind": "refuse", "for_ms": 600000}"#).await;
    rig.end().await;
}

#[tokio::test]
async fn a_repeating_fault_repeats_until_it_is_healed() {
    let rig = Rig::start(LinkSettings::default()).await;
    for order in [r#"{"kind": "cut", "every_ms": 20}"#, r#"{"kind": "cut", "every_ms": 20, "at_random": true}"#] {
        rig.fault(order).await;
        for _ in 0..3 {
            assert_eq!(to_fin(&mut rig.connect().await).await, "");
        }
        assert_eq!(rig.stats().await["in_course"][0]["every_ms"], 20);
    }
    assert_eq!(rig.heal().await["healed"], 1, "a new repeating fault replaces one of the same kind");
    let stats = rig.stats().await;
    assert!(stats["faults"]["cut"].as_u64().unwrap() >= 6, "{stats}");
    let mut client = rig.connect().await;
    nothing_arrives(&mut client, ms(100)).await;
    client.write_all(b"x").await.unwrap();
    // Connections that were cut may have been forwarded before.
    while !read_one(&mut rig.accept().await).await {}
    rig.end().await;
}

#[tokio::test]
async fn a_ramp_makes_the_path_longer_until_it_is_healed() {
    let rig = Rig::start(Network { rtt: ms(100), ..Network::default() }).await;
    let (mut client, mut server) = rig.pair().await;
    passes(&mut client, &mut server, "hello").await;
    rig.fault(r#"{"kind": "ramp", "for_ms": 4000}"#).await;
    tokio::time::sleep(ms(800)).await;
    // A fifth of the ramp is over: the round trip is at least 2.8 times as long.
    let sent = clock::now();
    passes(&mut client, &mut server, "later").await;
    assert!(sent.elapsed() >= ms(140), "{:?}", sent.elapsed());
    assert_eq!(rig.heal().await["healed"].as_u64(), Some(1));
    rig.end().await;
}

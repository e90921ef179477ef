//! Bandwidth, the buffer, slow readers, and the idle timeout.

use feedlab_feed::clock;
use feedlab_feed::link::Network;
use feedlab_link::LinkSettings;
use feedlab_testkit::soon;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::rig::{Rig, ms, nothing_arrives, passes, read, to_fin};

#[tokio::test]
async fn bandwidth_limits_both_directions() {
    let rig = Rig::start(Network { bandwidth_bytes_per_s: Some(100_000), ..Network::default() }).await;
    let (mut client, mut server) = rig.pair().await;
    let text = "x".repeat(50_000);
    for turn in 0..2 {
        let (from, to) = if turn == 0 { (&mut client, &mut server) } else { (&mut server, &mut client) };
        let began = clock::now();
        let (sent, received) = tokio::join!(from.write_all(text.as_bytes()), read(to, text.len()));
        sent.unwrap();
        assert_eq!(received, text);
        assert!(began.elapsed() >= ms(400), "50 kB at 100 kB/s: {:?}", began.elapsed());
    }
    rig.end().await;
}

#[tokio::test]
async fn the_bandwidth_limit_is_per_connection() {
    let rig = Rig::start(Network { bandwidth_bytes_per_s: Some(10_000), ..Network::default() }).await;
    let mut pairs = rig.pairs(2).await;
    pairs[0].0.write_all(&[b'x'; 50_000]).await.unwrap();
    let (client, server) = &mut pairs[1];
    passes(client, server, "not queued behind the five seconds of the other connection").await;
    assert!(rig.stats().await["held_bytes"].as_u64().unwrap() > 0);
    rig.end().await;
}

#[tokio::test]
async fn bytes_in_flight_are_limited_and_hold_the_sender_back() {
    let rig = Rig::start(Network { rtt: ms(60_000), ..Network::default() }).await;
    let (_client, mut server) = rig.pair().await;
    let sending = async { while server.write(&[0; 65_536]).await.is_ok() {} };
    let stuck = tokio::time::timeout(ms(1500), sending).await;
    assert!(stuck.is_err(), "the sender must be held back");
    let held = rig.stats().await["held_bytes"].as_u64().unwrap();
    assert!((1..=1_100_000).contains(&held), "{held}");
    rig.end().await;
}

#[tokio::test]
async fn a_buffer_holds_bytes_back_until_it_is_full() {
    let rig = Rig::start(Network { buffer_bytes: Some(10), ..Network::default() }).await;
    let (mut client, mut server) = rig.pair().await;
    passes(&mut client, &mut server, "up").await;
    server.write_all(b"123456789").await.unwrap();
    rig.until("held_bytes", 9).await;
    nothing_arrives(&mut client, ms(50)).await;
    server.write_all(b"0").await.unwrap();
    assert_eq!(read(&mut client, 10).await, "1234567890");
    server.write_all(b"abc").await.unwrap();
    nothing_arrives(&mut client, ms(50)).await;
    server.shutdown().await.unwrap();
    assert_eq!(to_fin(&mut client).await, "abc", "the server's close flushes the buffer");
    rig.end().await;
}

#[tokio::test]
async fn a_buffer_that_is_removed_passes_on_what_it_held() {
    let rig = Rig::start(Network { buffer_bytes: Some(1000), ..Network::default() }).await;
    let (mut client, mut server) = rig.pair().await;
    server.write_all(b"held").await.unwrap();
    rig.until("held_bytes", 4).await;
    rig.set(r#"{"buffer_bytes": null}"#).await;
    assert_eq!(read(&mut client, 4).await, "held");
    rig.end().await;
}

#[tokio::test]
async fn an_idle_connection_is_closed_on_both_sides() {
    let rig = Rig::start(Network { idle_timeout: Some(ms(150)), ..Network::default() }).await;
    let began = clock::now();
    let (mut client, mut server) = rig.pair().await;
    assert_eq!(to_fin(&mut client).await, "");
    assert_eq!(to_fin(&mut server).await, "");
    assert!(began.elapsed() >= ms(150), "{:?}", began.elapsed());
    drop((client, server));
    rig.until("open", 0).await;
    rig.end().await;
}

#[tokio::test]
async fn traffic_in_either_direction_keeps_a_connection_open() {
    let rig = Rig::start(Network { idle_timeout: Some(ms(2000)), ..Network::default() }).await;
    let (mut client, mut server) = rig.pair().await;
    let began = clock::now();
    while began.elapsed() < ms(3000) {
        passes(&mut server, &mut client, "down").await;
        tokio::time::sleep(ms(100)).await;
    }
    while began.elapsed() < ms(6000) {
        passes(&mut client, &mut server, "up").await;
        tokio::time::sleep(ms(100)).await;
    }
    rig.end().await;
}

#[tokio::test]
async fn a_connection_with_bytes_in_flight_is_not_idle() {
    let rig = Rig::start(Network { rtt: ms(2000), idle_timeout: Some(ms(500)), ..Network::default() }).await;
    let mut client = rig.connect().await;
    client.write_all(b"far").await.unwrap();
    let mut server = rig.accept().await;
    assert_eq!(to_fin(&mut server).await, "far");
    rig.end().await;
}

#[tokio::test]
async fn an_idle_timeout_can_be_set_later() {
    let rig = Rig::start(LinkSettings::default()).await;
    let (mut client, _server) = rig.pair().await;
    nothing_arrives(&mut client, ms(50)).await;
    rig.set(r#"{"idle_timeout_ms": 20}"#).await;
    assert_eq!(to_fin(&mut client).await, "");
    rig.end().await;
}

#[tokio::test]
async fn a_slow_reader_holds_the_server_back() {
    let rig = Rig::start(LinkSettings { reader_bytes_per_s: Some(2000), ..LinkSettings::default() }).await;
    let (mut client, mut server) = rig.pair().await;
    let began = clock::now();
    server.write_all(&[b'x'; 1000]).await.unwrap();
    assert_eq!(read(&mut client, 1000).await.len(), 1000);
    assert!(began.elapsed() >= ms(400), "1 kB at 2 kB/s: {:?}", began.elapsed());
    let sending = async {
        let mut sent = 0_usize;
        while sent < 64 << 20 {
            sent += server.write(&[0; 65_536]).await.unwrap();
        }
    };
    assert!(tokio::time::timeout(ms(1500), sending).await.is_err(), "the server must be held back");
    rig.end().await;
}

#[tokio::test]
async fn only_the_share_of_slow_readers_is_slow() {
    let settings = LinkSettings { reader_bytes_per_s: Some(1), reader_share: 0.25, ..LinkSettings::default() };
    let rig = Rig::start(settings).await;
    let mut pairs = rig.pairs(40).await;
    for (_, server) in &mut pairs {
        server.write_all(&[b'x'; 60]).await.unwrap();
    }
    // The fast ones receive everything; the slow ones would need a minute.
    let reading = pairs.into_iter().map(|(mut client, server)| async move {
        let all = tokio::time::timeout(ms(2000), client.read_exact(&mut [0; 60])).await;
        (all.is_ok(), server)
    });
    let mut fast = 0;
    for read in reading.map(tokio::spawn).collect::<Vec<_>>() {
        fast += usize::from(read.await.unwrap().0);
    }
    assert!((22..=38).contains(&fast), "about 30 of 40: {fast}");
    soon(rig.end()).await;
}

//! Round-trip time, jitter, and the handshake. The tests check only lower bounds of delays; the bench measures how late
//! a busy machine is.

use feedlab_feed::clock;
use feedlab_feed::link::Network;
use feedlab_link::LinkSettings;
use tokio::io::AsyncWriteExt as _;

use super::rig::{Rig, ms, passes, read, to_fin};

#[tokio::test]
async fn the_first_bytes_wait_for_the_handshake_too() {
    let rig = Rig::start(Network { rtt: ms(100), ..Network::default() }).await;
    let began = clock::now();
    let (mut client, mut server) = rig.pair().await;
    passes(&mut client, &mut server, "hello").await;
    assert!(began.elapsed() >= ms(150), "the handshake and half a round trip: {:?}", began.elapsed());
    passes(&mut server, &mut client, "welcome").await;
    assert!(began.elapsed() >= ms(200), "and back: {:?}", began.elapsed());
    rig.end().await;
}

#[tokio::test]
async fn bytes_that_the_server_sends_first_arrive_after_two_round_trips() {
    let rig = Rig::start(Network { rtt: ms(100), ..Network::default() }).await;
    let began = clock::now();
    let (mut client, mut server) = rig.pair().await;
    passes(&mut server, &mut client, "welcome").await;
    assert!(began.elapsed() >= ms(200), "{:?}", began.elapsed());
    rig.end().await;
}

#[tokio::test]
async fn delayed_bytes_wait_for_half_a_round_trip_in_each_direction() {
    let rig = Rig::start(Network { rtt: ms(80), ..Network::default() }).await;
    let (mut client, mut server) = rig.pair().await;
    passes(&mut client, &mut server, "hello").await;
    for _ in 0..3 {
        let began = clock::now();
        passes(&mut client, &mut server, "there").await;
        assert!(began.elapsed() >= ms(40), "{:?}", began.elapsed());
        passes(&mut server, &mut client, "and back").await;
        assert!(began.elapsed() >= ms(80), "{:?}", began.elapsed());
    }
    rig.end().await;
}

#[tokio::test]
async fn the_end_travels_like_bytes() {
    let rig = Rig::start(Network { rtt: ms(100), ..Network::default() }).await;
    let (mut client, mut server) = rig.pair().await;
    passes(&mut client, &mut server, "hello").await;
    let began = clock::now();
    server.shutdown().await.unwrap();
    assert_eq!(to_fin(&mut client).await, "");
    assert!(began.elapsed() >= ms(50), "{:?}", began.elapsed());
    rig.end().await;
}

#[tokio::test]
async fn a_path_carries_many_messages_at_once() {
    let rig = Rig::start(Network { rtt: ms(300), ..Network::default() }).await;
    let (mut client, mut server) = rig.pair().await;
    passes(&mut client, &mut server, "hello").await;
    let began = clock::now();
    for _ in 0..100 {
        client.write_all(b"x").await.unwrap();
        tokio::time::sleep(ms(2)).await;
    }
    assert_eq!(read(&mut server, 100).await, "x".repeat(100));
    assert!(began.elapsed() < ms(150) * 100, "one after another they would take 15 s: {:?}", began.elapsed());
    rig.end().await;
}

#[tokio::test]
async fn jitter_adds_a_varying_delay() {
    let rig = Rig::start(Network { rtt: ms(20), jitter: ms(200), ..Network::default() }).await;
    let (mut client, mut server) = rig.pair().await;
    passes(&mut client, &mut server, "hello").await;
    let mut times = Vec::new();
    for _ in 0..8 {
        let began = clock::now();
        passes(&mut client, &mut server, "x").await;
        times.push(began.elapsed());
    }
    let (least, most) = (*times.iter().min().unwrap(), *times.iter().max().unwrap());
    assert!(least >= ms(10) && most >= least + ms(20), "{times:?}");
    rig.end().await;
}

#[tokio::test]
async fn the_distance_changes_for_connections_that_are_open() {
    let rig = Rig::start(LinkSettings::default()).await;
    let (mut client, mut server) = rig.pair().await;
    passes(&mut client, &mut server, "near").await;
    let now = rig.set(r#"{"rtt_ms": 200}"#).await;
    assert_eq!(now["rtt_ms"], 200.0);
    let began = clock::now();
    passes(&mut client, &mut server, "far").await;
    assert!(began.elapsed() >= ms(100), "{:?}", began.elapsed());
    rig.set(r#"{"rtt_ms": 60000}"#).await;
    rig.set(r#"{"rtt_ms": 0}"#).await;
    passes(&mut client, &mut server, "near again").await;
    rig.end().await;
}

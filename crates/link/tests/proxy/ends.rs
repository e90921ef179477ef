//! How connections end without a fault: half-close, reset, an unreachable server; and no connection leaves anything
//! behind.

use feedlab_feed::link::Network;
use feedlab_link::{Config, LinkSettings, ProxyError};
use feedlab_testkit::soon;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::rig::{Rig, ms, passes, to_fin, to_reset};

#[tokio::test]
async fn a_client_may_close_its_side_and_receive_data_afterwards() {
    let rig = Rig::start(Network { rtt: ms(20), ..Network::default() }).await;
    let (mut client, mut server) = rig.pair().await;
    client.write_all(b"question").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(to_fin(&mut server).await, "question");
    tokio::time::sleep(ms(30)).await;
    server.write_all(b"answer").await.unwrap();
    server.shutdown().await.unwrap();
    assert_eq!(to_fin(&mut client).await, "answer");
    rig.until("open", 0).await;
    rig.end().await;
}

#[tokio::test]
async fn a_reset_of_one_side_reaches_the_other() {
    let rig = Rig::start(Network { rtt: ms(20), ..Network::default() }).await;
    let (mut client, mut server) = rig.pair().await;
    passes(&mut client, &mut server, "hello").await;
    client.set_zero_linger().unwrap();
    drop(client);
    assert_eq!(to_reset(&mut server).await, b"");
    let (mut client, mut server) = rig.pair().await;
    passes(&mut client, &mut server, "hello").await;
    server.write_all(b"last words").await.unwrap();
    tokio::time::sleep(ms(5)).await;
    server.set_zero_linger().unwrap();
    drop(server);
    to_reset(&mut client).await;
    rig.until("open", 0).await;
    rig.end().await;
}

#[tokio::test]
async fn a_client_that_keeps_sending_to_a_closed_server_is_reset() {
    let rig = Rig::start(Network { rtt: ms(20), ..Network::default() }).await;
    let (mut client, mut server) = rig.pair().await;
    passes(&mut client, &mut server, "hello").await;
    drop(server);
    assert_eq!(to_fin(&mut client).await, "");
    let sending = async { while client.write_all(b"is anybody there?").await.is_ok() {} };
    soon(sending).await;
    rig.until("open", 0).await;
    rig.end().await;
}

#[tokio::test]
async fn without_a_server_the_client_is_reset() {
    let mut rig = Rig::start(Network { rtt: ms(20), ..Network::default() }).await;
    rig.stop_server();
    let mut client = rig.connect().await;
    to_reset(&mut client).await;
    rig.until("upstream_failed", 1).await;
    rig.until("open", 0).await;
    rig.end().await;
}

#[tokio::test]
async fn a_thousand_connections_leave_nothing_open() {
    let rig = Rig::start(LinkSettings::default()).await;
    for turn in 0..1000 {
        let (mut client, mut server) = rig.pair().await;
        match turn % 4 {
            0 => passes(&mut client, &mut server, "x").await,
            1 => client.set_zero_linger().unwrap(),
            2 => server.set_zero_linger().unwrap(),
            _ => drop(server),
        }
    }
    rig.until("open", 0).await;
    let stats = rig.stats().await;
    assert_eq!((stats["accepted"].as_u64(), stats["held_bytes"].as_u64()), (Some(1000), Some(0)), "{stats}");
    rig.end().await;
}

#[tokio::test]
async fn the_proxy_closes_its_connections_gracefully_when_it_shuts_down() {
    let rig = Rig::start(Network { buffer_bytes: Some(1000), ..Network::default() }).await;
    let (mut client, mut server) = rig.pair().await;
    server.write_all(b"held back").await.unwrap();
    rig.until("held_bytes", 9).await;
    let (endpoint, control) = (rig.endpoint, rig.control);
    rig.end().await;
    assert_eq!(to_fin(&mut client).await, "held back");
    assert_eq!(to_fin(&mut server).await, "");
    for address in [endpoint, control] {
        assert!(soon(TcpStream::connect(address)).await.is_err(), "{address} is closed");
    }
}

#[tokio::test]
async fn the_proxy_listens_on_loopback_only() {
    let open = || async { TcpListener::bind("0.0.0.0:0").await.unwrap() };
    let local = || async { TcpListener::bind("127.0.0.1:0").await.unwrap() };
    let to = "127.0.0.1:1".parse().unwrap();
    for (listener, control) in [(open().await, local().await), (local().await, open().await)] {
        let run = feedlab_link::run(listener, to, Config::default(), Some(control), CancellationToken::new());
        let error = soon(run).await.unwrap_err();
        assert!(matches!(error, ProxyError::NotLoopback(_)), "{error}");
        assert!(error.to_string().contains("use 127.0.0.1"), "{error}");
    }
}

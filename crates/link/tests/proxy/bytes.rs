//! Bytes arrive unchanged and in order, whatever the link settings are.

use feedlab_feed::link::Network;
use feedlab_link::LinkSettings;
use feedlab_testkit::soon;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::rig::{Rig, ms};

fn settings() -> impl Strategy<Value = LinkSettings> {
    let limits = (prop::option::of(100_000_u64..10_000_000), prop::option::of(1_u64..20_000));
    let reader = (prop::option::of(200_000_u64..10_000_000), 0.1..1.0_f64);
    (0_u64..10, 0_u64..10, limits, reader).prop_map(|(rtt, jitter, limits, reader)| {
        let (bandwidth_bytes_per_s, buffer_bytes) = limits;
        let (rtt, jitter) = (ms(rtt), ms(jitter));
        let network = Network { rtt, jitter, bandwidth_bytes_per_s, buffer_bytes, idle_timeout: None };
        LinkSettings { network, reader_bytes_per_s: reader.0, reader_share: reader.1 }
    })
}

fn chunks() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 1..3000), 0..20)
}

/// Sends the chunks, closes, and reads to the end what the other side sends.
async fn talk(stream: TcpStream, chunks: &[Vec<u8>]) -> Vec<u8> {
    let (mut from, mut to) = stream.into_split();
    let sending = async {
        for chunk in chunks {
            to.write_all(chunk).await.unwrap();
            tokio::task::yield_now().await;
        }
        to.shutdown().await.unwrap();
    };
    let mut received = Vec::new();
    let (_, read) = tokio::join!(sending, from.read_to_end(&mut received));
    read.unwrap();
    received
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn bytes_arrive_unchanged_and_in_order(settings in settings(), up in chunks(), down in chunks()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let rig = Rig::start(settings).await;
            let (client, server) = rig.pair().await;
            let talk = async { tokio::join!(talk(client, &up), talk(server, &down)) };
            let (at_client, at_server) = soon(talk).await;
            assert!(at_client == down.concat() && at_server == up.concat());
            rig.until("open", 0).await;
            let stats = rig.stats().await;
            let bytes = |chunks: &[Vec<u8>]| chunks.concat().len() as u64;
            assert_eq!((stats["bytes_up"].as_u64(), stats["bytes_down"].as_u64()), (Some(bytes(&up)), Some(bytes(&down))));
            assert_eq!(stats["held_bytes"], 0);
            rig.end().await;
        });
    }
}

#[tokio::test]
async fn much_more_than_fits_in_flight_passes_too() {
    for rtt in [0, 10] {
        let rig = Rig::start(Network { rtt: ms(rtt), ..Network::default() }).await;
        let (client, server) = rig.pair().await;
        let chunk = |seed: u32| (0..100_003_u32).map(|byte| (byte.wrapping_mul(31) ^ seed) as u8).collect();
        let up: Vec<Vec<u8>> = (0..80).map(chunk).collect();
        let late = async {
            tokio::time::sleep(ms(200)).await;
            talk(server, &up).await
        };
        let (at_client, at_server) = soon(async { tokio::join!(talk(client, &up), late) }).await;
        assert!(at_client == up.concat() && at_server == up.concat());
        rig.end().await;
    }
}

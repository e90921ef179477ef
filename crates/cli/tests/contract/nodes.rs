//! A feed on a broker: whatever happens to its nodes and to the broker, nothing is missed, duplicated or out of order.

use std::time::Duration;

use feedlab_feed::Transport;
use feedlab_feed::settings::Settings;
use feedlab_feed::source::SourceConfig;
use feedlab_testkit::{Broker, http, soon};

use crate::harness::{Backend, Node, Server, follow, publish};
use crate::relay::Relay;
use crate::{for_backends, open};

/// Returns the settings of a node of a stream.
fn of(broker: &Broker, stream: &str) -> Settings {
    Settings { source: Some(SourceConfig::Stream(broker.stream(stream).parse().unwrap())), ..open() }
}

/// Waits until a node answers a health check with a status.
async fn until_health(node: &Node, status: u16) {
    soon(async {
        while http::ask_async(node.addr, "GET", "/healthz", "", "").await.status != status {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_switch_nodes_at_each_reconnect_miss_nothing() {
    const ROUNDS: u64 = 20;
    let Some(broker) = Broker::start() else { return };
    for_backends(&[Backend::Broker(broker.address())], &|transport, backend: Backend| async move {
        let server = backend.start(open()).await;
        let relay = Relay::to(server.addrs()).await;
        let client = follow(&relay.url(transport), transport);
        for round in 0..ROUNDS {
            publish(server.addr(), round * 20 + 1..=round * 20 + 20).await;
            client.until(transport, |seen| seen.seqs.len() as u64 >= round * 20 + 5).await;
            relay.cut();
        }
        let seen = client.until(transport, |seen| seen.seqs.len() as u64 >= ROUNDS * 20).await;
        assert_eq!(seen.seqs, (1..=ROUNDS * 20).collect::<Vec<_>>(), "{transport}");
        assert_eq!((seen.gaps.len(), seen.resets.len()), (0, 0), "{transport}: {:?}", seen.gaps);
        server.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn updates_that_left_a_nodes_history_come_from_the_stream() {
    let Some(broker) = Broker::start() else { return };
    for_backends(&[Backend::Broker(broker.address())], &|transport, backend: Backend| async move {
        let server = backend.start(Settings { history: 10, queue: 10, ..open() }).await;
        let relay = Relay::to(server.addrs()).await;
        let client = follow(&relay.url(transport), transport);
        publish(server.addr(), 1..=3).await;
        client.until(transport, |seen| seen.seqs.len() == 3).await;
        relay.close();
        publish(server.addr(), 4..=700).await;
        relay.open();
        let late = follow(&server.url(transport), transport);
        for client in [client, late] {
            let seen = client.until(transport, |seen| seen.seqs.last() == Some(&700)).await;
            assert_eq!(seen.seqs, (1..=700).collect::<Vec<_>>(), "{transport}: {:?}", seen.gaps);
        }
        server.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_killed_and_restarted_loses_nothing() {
    let Some(mut broker) = Broker::start() else { return };
    let server =
        Server { nodes: vec![Node::start(of(&broker, "KILLED")).await, Node::start(of(&broker, "KILLED")).await] };
    let relays = [Relay::to(server.addrs()).await, Relay::to(server.addrs()).await];
    let clients: Vec<_> =
        Transport::ALL.map(|transport| (transport, follow(&relays[0].url(transport), transport))).into();
    publish(server.addr(), 1..=50).await;
    for (transport, client) in &clients {
        client.until(*transport, |seen| seen.seqs.len() == 50).await;
    }
    broker.kill();
    for node in &server.nodes {
        until_health(node, 503).await;
    }
    // Clients stay connected, and others may connect: they get what the nodes have in their histories.
    relays[0].cut();
    let late = follow(&relays[1].url(Transport::Sse), Transport::Sse);
    late.until(Transport::Sse, |seen| seen.seqs.len() == 50).await;
    broker.restart();
    for node in &server.nodes {
        until_health(node, 200).await;
    }
    publish(server.addr(), 51..=100).await;
    for (transport, client) in &clients {
        let seen = client.until(*transport, |seen| seen.seqs.last() == Some(&100)).await;
        assert_eq!(seen.seqs, (1..=100).collect::<Vec<_>>(), "{transport}");
        assert_eq!((seen.gaps.len(), seen.resets.len()), (0, 0), "{transport}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_node_continues_where_the_old_one_stopped() {
    let Some(broker) = Broker::start() else { return };
    let node = Node::start(of(&broker, "RENEWED")).await;
    let relay = Relay::to(vec![node.addr]).await;
    let clients: Vec<_> = Transport::ALL.map(|transport| (transport, follow(&relay.url(transport), transport))).into();
    publish(node.addr, 1..=30).await;
    for (transport, client) in &clients {
        client.until(*transport, |seen| seen.seqs.len() == 30).await;
    }
    relay.close();
    node.stop().await;
    let node = Node::start(of(&broker, "RENEWED")).await;
    publish(node.addr, 31..=60).await;
    relay.redirect(vec![node.addr]);
    relay.open();
    for (transport, client) in &clients {
        let seen = client.until(*transport, |seen| seen.seqs.last() == Some(&60)).await;
        assert_eq!(seen.seqs, (1..=60).collect::<Vec<_>>(), "{transport}");
        assert_eq!((seen.gaps.len(), seen.resets.len()), (0, 0), "{transport}");
    }
    node.stop().await;
}

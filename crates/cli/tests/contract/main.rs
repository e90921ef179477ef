//! The contract that all four transports keep, with the project's own clients at the project's own endpoints.
//!
//! Each test is one `check(transport)` that runs for every transport.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod harness;
mod nodes;
mod relay;

use feedlab_feed::settings::Settings;
use feedlab_feed::{Gap, Transport};

use feedlab_testkit::Broker;
use harness::{Backend, Seen, follow, publish};
use relay::Relay;

/// Runs a check for each transport, in parallel, because they mostly wait: first with a feed in its only server, then
/// with one on a broker with two servers, between which clients switch at each reconnect.
async fn for_all<F: Future<Output = ()> + Send + 'static>(check: impl Fn(Transport, Backend) -> F) {
    for_backends(&[Backend::Server], &check).await;
    if let Some(broker) = Broker::start() {
        for_backends(&[Backend::Broker(broker.address())], &check).await;
    }
}

async fn for_backends<F: Future<Output = ()> + Send + 'static>(
    backends: &[Backend],
    check: &impl Fn(Transport, Backend) -> F,
) {
    for backend in backends {
        for check in Transport::ALL.map(|transport| check(transport, *backend)).map(tokio::spawn) {
            check.await.unwrap();
        }
    }
}

fn open() -> Settings {
    Settings { allow_publish: true, ..Settings::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_update_arrives_once_and_in_order() {
    for_all(|transport, backend| async move {
        let server = backend.start(open()).await;
        let client = follow(&server.url(transport), transport);
        publish(server.addr(), 1..=500).await;
        let seen = client.until(transport, |seen| seen.seqs.len() >= 500).await;
        assert_eq!(seen.seqs, (1..=500).collect::<Vec<_>>(), "{transport}");
        assert_eq!((seen.gaps.len(), seen.reconnects), (0, 0), "{transport}");
        server.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_connection_resumes_without_loss() {
    for_all(|transport, backend| async move {
        let server = backend.start(open()).await;
        let relay = Relay::to(server.addrs()).await;
        let client = follow(&relay.url(transport), transport);
        for round in 0..3 {
            publish(server.addr(), round * 50 + 1..=round * 50 + 50).await;
            client.until(transport, |seen| seen.seqs.len() as u64 >= round * 50 + 10).await;
            relay.cut();
        }
        let seen = client.until(transport, |seen| seen.seqs.len() >= 150).await;
        assert_eq!(seen.seqs, (1..=150).collect::<Vec<_>>(), "{transport}");
        assert!(seen.gaps.is_empty(), "{transport}: {:?}", seen.gaps);
        server.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn updates_that_left_the_history_are_reported_as_a_gap() {
    for_backends(&[Backend::Server], &|transport, backend: Backend| async move {
        let server = backend.start(Settings { history: 10, ..open() }).await;
        let relay = Relay::to(server.addrs()).await;
        let client = follow(&relay.url(transport), transport);
        publish(server.addr(), 1..=3).await;
        client.until(transport, |seen| seen.seqs.len() == 3).await;
        relay.close();
        publish(server.addr(), 4..=50).await;
        relay.open();
        let seen = client.until(transport, |seen| seen.seqs.last() == Some(&50)).await;
        assert_eq!(seen.everything(), (1..=50).collect::<Vec<_>>(), "{transport}: {:?}", seen.gaps);
        assert!(!seen.gaps.is_empty(), "{transport}");
        server.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_delays_no_other_client_and_gets_every_update_or_a_gap() {
    for_all(|transport, backend| async move {
        let server = backend.start(Settings { history: 50, ..open() }).await;
        let relay = Relay::to(server.addrs()).await;
        let slow = follow(&relay.url(transport), transport);
        publish(server.addr(), 1..=1).await;
        slow.until(transport, |seen| seen.seqs.len() == 1).await;
        relay.hold();
        let others: Vec<_> = (0..5).map(|_| follow(&server.url(transport), transport)).collect();
        harness::publish_large(server.addr(), 2..=800, 20_000).await;
        for other in &others {
            let seen = other.until(transport, |seen| seen.seqs.last() == Some(&800)).await;
            assert_eq!(seen.everything().last(), Some(&800), "{transport}");
        }
        relay.release();
        let seen = slow.until(transport, |seen| seen.seqs.last() == Some(&800)).await;
        assert_eq!(seen.everything(), (1..=800).collect::<Vec<_>>(), "{transport}");
        server.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_vanish_leave_nothing_behind() {
    for_all(|transport, backend| async move {
        let server = backend.start(open()).await;
        for _ in 0..3 {
            let relay = Relay::to(server.addrs()).await;
            let clients: Vec<_> = (0..20).map(|_| follow(&relay.url(transport), transport)).collect();
            publish(server.addr(), 1..=1).await;
            for client in &clients {
                client.until(transport, |seen| !seen.seqs.is_empty()).await;
            }
            relay.close();
            drop(clients);
            server.until_empty(transport).await;
        }
        server.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d1_a_restarted_feed_sends_a_reset_and_its_whole_history() {
    for_backends(&[Backend::Server], &|transport, backend: Backend| async move {
        let server = backend.start(open()).await;
        let relay = Relay::to(server.addrs()).await;
        let client = follow(&relay.url(transport), transport);
        publish(server.addr(), 1..=20).await;
        client.until(transport, |seen| seen.seqs.len() == 20).await;
        server.stop().await;
        relay.close();
        // It is beyond the client's cursor when the client reconnects, so the numbers alone would look like a
        // continuation.
        let server = backend.start(Settings { history: 30, ..open() }).await;
        publish(server.addr(), 1..=40).await;
        relay.redirect(server.addrs());
        relay.open();
        let seen = client.until(transport, |seen| seen.seqs.last() == Some(&40)).await;
        let (reset, had) = seen.resets[0];
        assert_eq!((seen.resets.len(), had, reset.asked.seq, reset.resume.seq), (1, 20, 20, 0), "{transport}");
        assert_ne!(reset.asked.epoch, reset.resume.epoch, "{transport}");
        assert_eq!(seen.gaps, [Gap { from: 1, to: 10 }], "{transport}: its beginning is gone");
        assert_eq!(seen.seqs[20..], (11..=40).collect::<Vec<_>>(), "{transport}");
        server.stop().await;
    })
    .await;
}

impl Seen {
    /// Returns every `seq` that was received or reported lost, in order.
    fn everything(&self) -> Vec<u64> {
        let lost = self.gaps.iter().flat_map(|gap| gap.from..=gap.to);
        let mut all: Vec<u64> = self.seqs.iter().copied().chain(lost).collect();
        all.sort_unstable();
        all
    }
}

//! Several servers of one feed in a process.

use feedlab_feed::{Transport, clock};
use feedlab_server::{Config, Feed, Server as OneServer};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::harness::{Client, PATIENCE, publishing};

/// A running server of a feed.
struct Address {
    addr: std::net::SocketAddr,
    shutdown: CancellationToken,
    run: JoinHandle<()>,
    figures: feedlab_server::Figures,
}

impl Address {
    async fn of(feed: &Feed) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (addr, shutdown) = (listener.local_addr().unwrap(), CancellationToken::new());
        let server = OneServer::of(feed, Config::from(publishing()));
        let (figures, token) = (server.figures(), shutdown.clone());
        let run = tokio::spawn(async move { server.run(listener, token).await.unwrap() });
        Self { addr, shutdown, run, figures }
    }

    fn publish(&self) {
        let mut client = Client::connect(self.addr);
        client.send("POST /feed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx");
        client.until("}");
    }

    /// Opens a stream of each kind and a poll that is held.
    async fn clients(&self, head: u64) -> Clients {
        let connect = || Client::connect(self.addr);
        let clients = Clients { sse: connect().open_sse(""), websocket: connect().open_websocket(""), poll: connect() };
        let mut clients = clients;
        clients.ask(head);
        let deadline = clock::now() + PATIENCE;
        while self.figures.stats().await.unwrap().feed.waiting < 3 {
            assert!(clock::now() < deadline, "they do not wait");
            tokio::task::yield_now().await;
        }
        clients
    }
}

struct Clients {
    sse: Client,
    websocket: Client,
    poll: Client,
}

impl Clients {
    fn ask(&mut self, after: u64) {
        self.poll.send(&format!("GET /feed/long-poll?after={after}&hold=60s HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    }

    /// Each gets one update, and the poll is asked again.
    #[track_caller]
    fn expect(&mut self, seq: u64) {
        assert_eq!(self.sse.event(), (seq, None));
        assert!(self.websocket.until("}").contains(&format!("\"seq\":{seq},")));
        assert!(self.poll.until("\"gap\":null}").contains(&format!("\"seq\":{seq},")));
        self.ask(seq);
    }

    /// Each connection has ended, gracefully or not.
    #[track_caller]
    fn expect_end(self) {
        use std::io::Read as _;
        for mut client in [self.sse, self.websocket, self.poll] {
            let end = std::iter::from_fn(|| match client.stream.read(&mut [0; 4096]) {
                Ok(0) => Some(Some(Ok(()))),
                Ok(_) => Some(None),
                Err(error) => Some(Some(Err(error.kind()))),
            });
            let end = end.flatten().next().unwrap();
            assert!(matches!(end, Ok(()) | Err(std::io::ErrorKind::ConnectionReset)), "{end:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_address_of_a_feed_gets_its_updates_until_it_ends() {
    let feed = Feed::open(&publishing().into()).await.unwrap();
    let [first, second, third] = [Address::of(&feed).await, Address::of(&feed).await, Address::of(&feed).await];
    let addresses = [&first, &second, &third];
    let mut all = Vec::new();
    for address in addresses {
        all.push(address.clients(0).await);
    }
    for seq in 1..=30 {
        addresses[seq as usize % 3].publish();
        all.iter_mut().for_each(|clients| clients.expect(seq));
    }
    for address in addresses {
        let endpoints = address.figures.stats().await.unwrap().endpoints;
        let updates = [Transport::Sse, Transport::WebSocket, Transport::LongPolling].map(|of| endpoints[&of].updates);
        assert_eq!(updates, [30; 3]);
    }
    let (of_third, of_second, mut of_first) = (all.pop().unwrap(), all.pop().unwrap(), all.pop().unwrap());

    second.shutdown.cancel();
    of_second.expect_end();
    feedlab_testkit::soon(second.run).await.unwrap();
    first.publish();
    of_first.expect(31);

    // Without a shutdown, the shards end with the server's future.
    third.run.abort();
    assert!(feedlab_testkit::soon(third.run).await.unwrap_err().is_cancelled());
    of_third.expect_end();
    first.publish();
    of_first.expect(32);
}

//! Hundreds of clients of every kind that a shard serves, all at once.

use std::sync::Arc;
use std::time::Duration;

use feedlab_feed::Transport;
use feedlab_feed::settings::Settings;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::crowd::messages::{Kind, Messages};
use crate::harness::{PATIENCE, Server, publishing};

mod messages;

const STREAMS: usize = 200;
const HELD: usize = 50;
const BURSTS: u64 = 40;
const BURST: u64 = 15;
const UPDATES: u64 = BURSTS * BURST;

/// What a client does besides reading.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Habit {
    Reads,
    /// Stops reading until most of the updates are published.
    Pauses,
    /// Connects after a number of bursts, and reads from the start.
    Joins(u64),
    /// Disconnects after a number of updates.
    Leaves(u64),
}

impl Habit {
    /// The habits of clients one after another, with some that leave or without.
    fn of(index: usize, leave: bool) -> Self {
        match index % 5 {
            1 => Self::Pauses,
            2 => Self::Joins(index as u64 % BURSTS),
            3 if leave => Self::Leaves(1 + index as u64 % UPDATES),
            _ => Self::Reads,
        }
    }
}

/// A client from its connection to the last update; returns the bytes that it has read.
async fn client(server: std::net::SocketAddr, kind: Kind, habit: Habit, mut bursts: watch::Receiver<u64>) -> u64 {
    if let Habit::Joins(burst) = habit {
        bursts.wait_for(|published| *published >= burst).await.unwrap();
    }
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 << 10).unwrap(); // a client that does not read is full soon
    let mut messages = Messages::new(kind, socket.connect(server).await.unwrap());
    let mut seen = 0;
    messages.ask(seen).await;
    while seen < UPDATES {
        match habit {
            Habit::Pauses if seen > 10 => drop(bursts.wait_for(|published| *published >= BURSTS - 5).await.unwrap()),
            Habit::Leaves(after) if seen >= after => return messages.bytes,
            _ => {}
        }
        for seq in messages.next().await {
            seen += 1;
            assert_eq!(seq, seen, "every update once, in order");
        }
        if kind == Kind::LongPoll && seen < UPDATES {
            messages.ask(seen).await;
        }
    }
    messages.bytes
}

/// Publishes bursts of updates, each with one segment of requests.
async fn publish(stream: &mut TcpStream) {
    let update = "x".repeat(200);
    let request = format!("POST /feed HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{update}", update.len());
    stream.write_all(request.repeat(BURST as usize).as_bytes()).await.unwrap();
    let (mut answers, mut buffer) = (String::new(), [0; 4096]);
    while answers.matches("\"seq\":").count() < BURST as usize {
        let count = stream.read(&mut buffer).await.unwrap();
        assert!(count > 0, "{answers}");
        answers.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
}

/// Serves a crowd while bursts are published, and returns the server and the bytes that its SSE clients have read.
async fn crowd(leave: bool) -> (Server, u64) {
    let (keepalive, send_buffer) = (Duration::from_secs(60), Some(8 << 10));
    let (history, queue) = (5_000, 5_000);
    let server = Server::start(Settings { keepalive, send_buffer, history, queue, ..publishing() });
    let (published, bursts) = watch::channel(0);
    let mut clients = JoinSet::new();
    for (kind, count) in [(Kind::Sse, STREAMS), (Kind::WebSocket, STREAMS), (Kind::LongPoll, HELD)] {
        for index in 0..count {
            let client = client(server.addr, kind, Habit::of(index, leave), bursts.clone());
            clients.spawn(async move { (kind, client.await) });
        }
    }
    let mut publisher = TcpStream::connect(server.addr).await.unwrap();
    for burst in 1..=BURSTS {
        publish(&mut publisher).await;
        published.send(burst).unwrap();
    }
    let mut sse_bytes = 0;
    let ends = async {
        while let Some(ended) = clients.join_next().await {
            let (kind, bytes) = ended.unwrap();
            sse_bytes += if kind == Kind::Sse { bytes } else { 0 };
        }
    };
    assert!(tokio::time::timeout(3 * PATIENCE, ends).await.is_ok(), "updates are missing");
    drop(publisher);
    (server, sse_bytes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everyone_gets_every_update_once_and_the_counters_are_exact() {
    let (server, sse_bytes) = crowd(false).await;
    server.until("all are gone", |stats| stats.connections.open == 0 && stats.feed.waiting == 0);
    for (transport, count) in
        [(Transport::Sse, STREAMS), (Transport::WebSocket, STREAMS), (Transport::LongPolling, HELD)]
    {
        let endpoint = server.endpoint(transport);
        assert_eq!((endpoint.active, endpoint.connections), (0, count as u64), "{transport}");
        assert_eq!(endpoint.updates, count as u64 * UPDATES, "{transport}");
        assert_eq!(endpoint.payload_bytes, count as u64 * UPDATES * 200, "{transport}");
        assert_eq!((endpoint.gaps, endpoint.slow_disconnected), (0, 0), "{transport}");
    }
    assert_eq!(server.endpoint(Transport::Sse).bytes_out, sse_bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_leave_in_the_middle_take_nothing_from_the_others() {
    let (server, _) = crowd(true).await;
    server.until("all are gone", |stats| {
        let active = stats.endpoints.values().map(|endpoint| endpoint.active).sum::<u64>();
        (stats.connections.open, stats.feed.waiting, active) == (0, 0, 0)
    });
    let gaps: u64 = server.stats().endpoints.values().map(|endpoint| endpoint.gaps).sum();
    assert_eq!(gaps, 0);
}

/// A publication between a poll's look and its wait is seen by the pass that follows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_publication_is_missed_by_polls_that_begin_to_wait() {
    const ROUNDS: u64 = 300;
    let server = Arc::new(Server::open());
    let mut pollers = Vec::new();
    for _ in 0..4 {
        pollers.push(Messages::new(Kind::LongPoll, TcpStream::connect(server.addr).await.unwrap()));
    }
    let mut publisher = TcpStream::connect(server.addr).await.unwrap();
    for round in 0..ROUNDS {
        let waits = pollers.iter_mut().map(async |messages| {
            messages.ask(round).await;
            let got = tokio::time::timeout(PATIENCE, messages.next()).await;
            assert_eq!(got.expect("the update wakes the poll"), [round + 1]);
        });
        let publication = async {
            publisher.write_all(b"POST /feed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx").await.unwrap();
            assert!(publisher.read(&mut [0; 1024]).await.unwrap() > 0);
        };
        futures_util::join!(futures_util::future::join_all(waits), publication);
    }
    assert_eq!(server.endpoint(Transport::LongPolling).requests_empty, 0);
}

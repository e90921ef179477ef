//! A thousand attackers at once, with a different attack in each test, while two clients watch: memory stays within a
//! limit, and the watching clients miss nothing.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use feedlab_feed::clock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::client::Kind;
use crate::frames;
use crate::server::Server;
use crate::watcher::Watcher;

const ATTACKERS: usize = 1_000;
/// How far memory may rise above that of the server with its two watchers and its history, bytes.
const ALLOWED_BYTES: u64 = 64_000_000;
/// How much may be logged, bytes: a library's warnings are shown ten times per minute.
const ALLOWED_LOG_BYTES: u64 = 16 << 10;
/// How long an attack lasts.
const ATTACK: Duration = Duration::from_secs(15);
/// Descriptors for the attackers, with some to spare.
const DESCRIPTORS: u64 = 4_000;

/// The server without attackers: its flags, how long it takes to fill its history, and the number of polls that then
/// read all of it, half a second apart, until the allocator has the memory for that.
struct Rest {
    flags: &'static str,
    fills_in: Duration,
    polls: usize,
}

/// A default feed.
const PLAIN: Rest = Rest { flags: "--feed synthetic --rate 50", fills_in: Duration::from_secs(2), polls: 1 };
/// The same, but clients may publish.
const PUBLISHING: Rest = Rest { flags: "--feed synthetic --rate 50 --allow-publish", ..PLAIN };
/// A feed with a full history: 64 MiB, which it replaces within 8 s.
const FULL: Rest = Rest {
    flags: "--feed synthetic --rate 500 --payload-bytes 16384 --history 100000",
    fills_in: Duration::from_secs(10),
    polls: 20,
};

/// When the attackers start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begin {
    AtOnce,
    /// Over most of the attack, so that each is at a different position in the feed.
    OneAfterTheOther,
}

/// Attacks with a thousand connections, each of which reconnects when closed, and checks the rise of memory against the
/// limit.
#[expect(clippy::print_stdout, reason = "the figures are as useful as the result of the test")]
fn attack<F: Future<Output = std::io::Result<()>> + Send>(
    (name, begin): (&str, Begin),
    rest: &Rest,
    attacker: impl Fn(TcpStream) -> F + Clone + Send + 'static,
) {
    let descriptors = feedlab_feed::process::raise_open_file_limit();
    assert!(descriptors.is_none_or(|most| most >= DESCRIPTORS), "`ulimit -n` allows {descriptors:?}");
    let server = Server::start(&rest.flags.split(' ').collect::<Vec<_>>());
    let watchers = [Kind::Sse, Kind::WebSocket].map(|kind| Watcher::start(&server, kind));
    std::thread::sleep(rest.fills_in);
    for _ in 0..rest.polls {
        server.read_history();
        std::thread::sleep(Duration::from_millis(500));
    }
    let before = server.rss_bytes();
    let attacks = AtomicU64::new(0);
    let is_over = AtomicBool::new(false);
    let peak = std::thread::scope(|scope| {
        let sampler = scope.spawn(|| {
            let mut peak = 0;
            while !is_over.load(Ordering::Relaxed) {
                peak = peak.max(server.rss_bytes());
                std::thread::sleep(Duration::from_millis(50));
            }
            peak
        });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(all((server.endpoint, begin), &attacks, attacker));
        is_over.store(true, Ordering::Relaxed);
        sampler.join().unwrap()
    });
    let head = server.head();
    watchers.iter().for_each(|watcher| watcher.reach(head));
    let risen = peak.saturating_sub(before);
    println!(
        "{name}: rest {:.1} MiB, peak {:.1} MiB, risen by {:.1} MiB; {} connections, {} bytes logged",
        mib(before),
        mib(peak),
        mib(risen),
        attacks.load(Ordering::Relaxed),
        server.logged_bytes(),
    );
    assert!(risen <= ALLOWED_BYTES, "{name}: memory rose by {risen} bytes, {ALLOWED_BYTES} are allowed");
    let logged = server.logged_bytes();
    assert!(logged <= ALLOWED_LOG_BYTES, "{name}: {logged} bytes on standard error");
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Runs all attackers to the end of the attack.
async fn all<F: Future<Output = std::io::Result<()>> + Send>(
    (endpoint, begin): (SocketAddr, Begin),
    attacks: &AtomicU64,
    attacker: impl Fn(TcpStream) -> F + Clone + Send + 'static,
) {
    let end = clock::now() + ATTACK;
    let each = (0..ATTACKERS).map(|index| {
        let attacker = attacker.clone();
        async move {
            let mut count = 0;
            if begin == Begin::OneAfterTheOther {
                tokio::time::sleep(ATTACK.mul_f64(0.8 * index as f64 / ATTACKERS as f64)).await;
            }
            while clock::now() < end {
                if let Ok(stream) = connect(endpoint, index).await {
                    count += 1;
                    let _ = tokio::time::timeout_at(end.into(), attacker(stream)).await;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            count
        }
    });
    let tasks: tokio::task::JoinSet<u64> = each.collect();
    attacks.store(tasks.join_all().await.iter().sum(), Ordering::Relaxed);
}

/// Connects from one of many addresses, with a small receive buffer.
async fn connect(endpoint: SocketAddr, index: usize) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(4 << 10)?;
    socket.bind(([127, 0, 0, 2 + (index % 250) as u8], 0).into())?;
    let stream = socket.connect(endpoint).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

const HOST: &str = "HTTP/1.1\r\nHost: localhost\r\n";

/// Sends most of a body at once, then one byte per segment.
async fn body_in_bytes(mut stream: TcpStream) -> std::io::Result<()> {
    stream.write_all(format!("POST /feed {HOST}Content-Length: 60000\r\n\r\n").as_bytes()).await?;
    stream.write_all(&[b'x'; 50_000]).await?;
    for _ in 0..9_999 {
        stream.write_all(b"x").await?;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}

/// Sends bodies in several requests of one connection.
async fn bodies_on_http2(mut stream: TcpStream, requests: u32) -> std::io::Result<()> {
    stream.write_all(&frames::preface()).await?;
    let ids = || (0..requests).map(|request| 2 * request + 1);
    for id in ids() {
        stream.write_all(&frames::post(id, "/feed")).await?;
    }
    let (mut answers, mut requests) = stream.into_split();
    let send = async {
        // One part of the connection's window at a time; the server reopens it as it reads.
        for _ in 0..12 {
            for id in ids() {
                requests.write_all(&frames::data(id, &[b'x'; 4_000])).await?;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        loop {
            for id in ids() {
                requests.write_all(&frames::data(id, b"x")).await?;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
    };
    tokio::select! {
        end = send => end,
        end = read_all(&mut answers) => end,
    }
}

async fn read_all(answers: &mut (impl tokio::io::AsyncRead + Unpin)) -> std::io::Result<()> {
    tokio::io::copy(answers, &mut tokio::io::sink()).await.map(|_| ())
}

/// Sends requests, and reads nothing of the answers, or a few bytes per second.
async fn ask_and_take(mut stream: TcpStream, requests: &[u8], trickles: bool) -> std::io::Result<()> {
    stream.write_all(requests).await?;
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        if trickles && stream.read(&mut [0; 16]).await? == 0 {
            return Ok(());
        }
    }
}

/// Sends `begin` on an HTTP/2 connection, and then `flood` in an endless loop.
async fn flood(mut stream: TcpStream, begin: Vec<u8>, mut flood: impl FnMut() -> Vec<u8>) -> std::io::Result<()> {
    stream.write_all(&[frames::preface(), begin].concat()).await?;
    let (mut answers, mut frames) = stream.split();
    let send = async {
        loop {
            frames.write_all(&flood()).await?;
        }
    };
    tokio::select! {
        end = send => end,
        end = read_all(&mut answers) => end,
    }
}

fn poll() -> Vec<u8> {
    format!("GET /feed/poll?after=0 {HOST}\r\n").into_bytes()
}

fn stream() -> Vec<u8> {
    format!("GET /feed/sse?after=0 {HOST}\r\n").into_bytes()
}

fn polls_on_http2(count: u32) -> Vec<u8> {
    let polls = (0..count).flat_map(|request| frames::get(2 * request + 1, "/feed/poll?after=0"));
    [frames::preface(), polls.collect()].concat()
}

#[test]
#[ignore = "measures memory: scripts/check-attacks runs it alone"]
fn r1_a_thousand_bodies_sent_byte_by_byte_without_publishing() {
    attack(("bodies, HTTP/1.1, publishing off", Begin::AtOnce), &PLAIN, body_in_bytes);
}

#[test]
#[ignore = "measures memory: scripts/check-attacks runs it alone"]
fn r1_a_thousand_bodies_sent_byte_by_byte_with_publishing() {
    attack(("bodies, HTTP/1.1, publishing on", Begin::AtOnce), &PUBLISHING, body_in_bytes);
}

#[test]
#[ignore = "measures memory: scripts/check-attacks runs it alone"]
fn r1_a_thousand_http2_connections_with_bodies_without_publishing() {
    attack(("bodies, HTTP/2, publishing off", Begin::AtOnce), &PLAIN, |stream| bodies_on_http2(stream, 4));
}

#[test]
#[ignore = "measures memory: scripts/check-attacks runs it alone"]
fn r1_a_thousand_http2_connections_with_bodies_with_publishing() {
    attack(("bodies, HTTP/2, publishing on", Begin::AtOnce), &PUBLISHING, |stream| bodies_on_http2(stream, 4));
}

#[test]
#[ignore = "measures memory: scripts/check-attacks runs it alone"]
fn r2_a_thousand_connections_with_unsolicited_acknowledgements() {
    attack(("PING acknowledgements", Begin::AtOnce), &PLAIN, |stream| {
        let acknowledgements = frames::ping_ack().repeat(1_000);
        flood(stream, Vec::new(), move || acknowledgements.clone())
    });
}

#[test]
#[ignore = "measures memory: scripts/check-attacks runs it alone"]
fn r4_a_thousand_connections_with_settings_pings_and_priorities() {
    attack(("control frames", Begin::AtOnce), &PLAIN, |stream| {
        let frames = frames::control().repeat(300);
        flood(stream, Vec::new(), move || frames.clone())
    });
}

#[test]
#[ignore = "measures memory: scripts/check-attacks runs it alone"]
fn r4_a_thousand_connections_with_rapid_resets() {
    attack(("rapid resets", Begin::AtOnce), &PLAIN, |stream| {
        let mut streams = (1..).step_by(2);
        flood(stream, Vec::new(), move || {
            let stream = streams.next().unwrap();
            [frames::get(stream, "/feed/sse?after=0"), frames::reset(stream)].concat()
        })
    });
}

#[test]
#[ignore = "measures memory: scripts/check-attacks runs it alone"]
fn r4_a_thousand_requests_without_end() {
    attack(("endless headers", Begin::AtOnce), &PLAIN, |stream| {
        flood(stream, frames::unfinished(1), || frames::continuation(1))
    });
}

#[test]
#[ignore = "measures memory: scripts/check-attacks runs it alone"]
fn r3_a_thousand_unfinished_bodies() {
    attack(("unfinished bodies, HTTP/1.1", Begin::AtOnce), &PUBLISHING, async |mut stream| {
        stream.write_all(format!("POST /feed {HOST}Content-Length: 60000\r\n\r\n").as_bytes()).await?;
        stream.write_all(&[b'x'; 59_999]).await?;
        read_all(&mut stream).await
    });
}

#[test]
#[ignore = "measures memory: scripts/check-attacks runs it alone"]
fn r3_a_thousand_unread_polls() {
    attack(("unread polls, HTTP/1.1", Begin::AtOnce), &FULL, async |stream| ask_and_take(stream, &poll(), false).await);
}

#[test]
#[ignore = "measures memory: scripts/check-attacks runs it alone"]
fn r3_a_thousand_unread_streams_from_the_oldest_update() {
    attack(("unread streams", Begin::AtOnce), &FULL, async |connection| {
        ask_and_take(connection, &stream(), false).await
    });
}

#[test]
#[ignore = "measures memory: scripts/check-attacks runs it alone"]
fn r3_a_thousand_http2_connections_with_unread_polls() {
    attack(("unread polls, HTTP/2", Begin::AtOnce), &FULL, async |stream| {
        ask_and_take(stream, &polls_on_http2(2), false).await
    });
}

#[test]
#[ignore = "measures memory: scripts/check-attacks runs it alone"]
fn r3_a_thousand_trickling_polls_of_a_feed_that_advances() {
    attack(("trickling polls, HTTP/1.1", Begin::OneAfterTheOther), &FULL, async |stream| {
        ask_and_take(stream, &poll(), true).await
    });
}

#[test]
#[ignore = "measures memory: scripts/check-attacks runs it alone"]
fn r3_a_thousand_http2_connections_with_trickling_polls_of_a_feed_that_advances() {
    attack(("trickling polls, HTTP/2", Begin::OneAfterTheOther), &FULL, async |stream| {
        ask_and_take(stream, &polls_on_http2(2), true).await
    });
}

//! Closed connections leave nothing behind, and clients that do not read cost no more than documented: tested on the
//! real binary, from outside.
//!
//! Counts (connections, tasks, descriptors, waiting clients) are checked here with few cycles. Memory needs many cycles
//! and a machine without other load: those tests are ignored unless `scripts/check-leaks` runs them.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

mod client;
mod frames;
mod server;
mod thousand;
mod watcher;

use client::{End, Kind};
use server::{Counts, Server};

/// The number of cycles of each kind and end when only counts are checked.
const FEW: u32 = 50;
/// The number of cycles when memory is checked.
const MANY: u32 = 1_000;
/// How much memory may grow: this fraction, or this number of bytes, whichever is larger. The allocator rounds to pages
/// and keeps some for each thread.
const ALLOWED_PART: f64 = 0.02;
const ALLOWED_BYTES: u64 = 256 << 10;

fn cycles(server: &Server, kind: Kind, end: End, count: u32) {
    for _ in 0..count {
        kind.open(server.endpoint).close(end);
    }
}

fn all() -> impl Iterator<Item = (Kind, End)> {
    Kind::ALL.into_iter().flat_map(|kind| [End::Fin, End::Reset].map(|end| (kind, end)))
}

#[test]
fn closed_connections_leave_nothing_behind() {
    let server = Server::start(&["--feed", "none", "--allow-publish"]);
    cycles(&server, Kind::ShortPoll, End::Fin, 1); // the first one allocates what is needed only once
    let baseline = server.at_rest();
    for (kind, end) in all() {
        cycles(&server, kind, end, FEW);
        let after = server.settled(baseline);
        assert!(
            after.is_within(baseline),
            "{after:?}, before {baseline:?}, after {FEW} of {kind:?}, closed by {end:?}"
        );
    }
}

#[test]
fn vanished_clients_are_detected() {
    const CLIENTS: usize = 10;
    // Enough to fill the kernel's buffers for a client that does not read.
    let flags = "--feed synthetic --rate 200 --payload-bytes 8192 --send-buffer 8192 --keepalive 300ms";
    let server = Server::start(&flags.split(' ').collect::<Vec<_>>());
    let baseline = server.at_rest();
    let mut vanished = Vec::new();
    for kind in [Kind::Sse, Kind::WebSocket] {
        vanished.extend((0..CLIENTS).map(|_| kind.open(server.endpoint)));
    }
    let after = server.settled(baseline);
    assert!(
        after.is_within(baseline),
        "{after:?}, before {baseline:?}: {} clients that neither read nor answer",
        vanished.len()
    );
}

/// The memory that one connection may take for a request or an answer, bytes: its buffers and state, and a body or a
/// piece of at most 64 KiB. This is far below the size of the bodies and histories in these tests.
const ALLOWED_CONNECTION: u64 = 128 << 10;
/// The memory that the allocator may keep in addition, with few connections, bytes.
const ALLOWED_ANYWAY: u64 = 8 << 20;

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.endpoint).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

#[test]
fn r1_a_body_sent_byte_by_byte_pins_no_buffers() {
    const BODIES: u64 = 20;
    const BYTES: u64 = 1_500;
    let server = Server::start(&["--feed", "none", "--allow-publish"]);
    let mut clients: Vec<_> = (0..BODIES).map(|_| connect(&server)).collect();
    for client in &mut clients {
        client.write_all(b"POST /feed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n").unwrap();
    }
    let before = server.rss_bytes();
    for _ in 0..BYTES {
        for client in &mut clients {
            client.write_all(b"x").unwrap();
        }
    }
    let (grown, allowed) = (server.rss_bytes().saturating_sub(before), BODIES * ALLOWED_CONNECTION + ALLOWED_ANYWAY);
    let pinned = (BODIES * BYTES * 4) >> 10;
    assert!(grown <= allowed, "{grown} bytes, {allowed} are allowed; a buffer for each byte would be {pinned} MiB");
}

#[test]
fn r3_an_unread_poll_holds_only_a_piece_of_its_answer() {
    const POLLS: u64 = 20;
    const UPDATES: u64 = 640;
    let server = Server::start(&["--feed", "none", "--allow-publish", "--history", "1000"]);
    let mut publisher = connect(&server);
    for _ in 0..UPDATES {
        let text = "x".repeat(60_000);
        write!(publisher, "POST /feed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n{text}").unwrap();
    }
    while server.head() < UPDATES {
        std::thread::sleep(Duration::from_millis(20));
    }
    server.read_history();
    let before = server.rss_bytes();
    let unread: Vec<_> = (0..POLLS)
        .map(|_| {
            let mut client = connect(&server);
            client.write_all(b"GET /feed/poll?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
            client
        })
        .collect();
    while server.polls() < POLLS + 1 {
        std::thread::sleep(Duration::from_millis(20));
    }
    let (grown, allowed) = (server.rss_bytes().saturating_sub(before), POLLS * ALLOWED_CONNECTION + ALLOWED_ANYWAY);
    let copies = (POLLS * UPDATES * 60_000) >> 20;
    assert!(grown <= allowed, "{grown} bytes, {allowed} are allowed; a copy for each would be {copies} MiB");
    drop(unread);
}

#[test]
#[ignore = "measures memory: scripts/check-leaks runs it alone"]
fn memory_does_not_grow_in_a_thousand_cycles_of_each_kind() {
    let server = Server::start(&["--feed", "none", "--allow-publish"]);
    for (kind, end) in all() {
        cycles(&server, kind, end, MANY);
    }
    let (baseline, before) = (server.at_rest(), server.rss_bytes());
    println!("{:<12} {:<6} {:>8} {:>12}", "kind", "end", "cycles", "RSS, KiB");
    println!("{:<12} {:<6} {:>8} {:>12}", "(baseline)", "", "", before >> 10);
    for (kind, end) in all() {
        cycles(&server, kind, end, MANY);
        let after = server.settled(baseline);
        println!("{:<12} {:<6} {MANY:>8} {:>12}", format!("{kind:?}"), format!("{end:?}"), server.rss_bytes() >> 10);
        assert!(
            after.is_within(baseline),
            "{after:?}, before {baseline:?}, after {MANY} of {kind:?}, closed by {end:?}"
        );
    }
    let grown = server.rss_bytes().saturating_sub(before);
    let allowed = ((before as f64 * ALLOWED_PART) as u64).max(ALLOWED_BYTES);
    println!("grown by {} KiB, {} KiB are allowed", grown >> 10, allowed >> 10);
    assert!(grown <= allowed, "memory grew by {grown} bytes, {allowed} are allowed");
}

#[test]
#[ignore = "measures memory: scripts/check-leaks runs it alone"]
fn clients_that_do_not_read_cost_no_more_than_documented() {
    const CLIENTS: usize = 50;
    const UPDATE: u64 = 1_024 + 128;
    // `SlowPolicy` of crates/feed/src/settings.rs: 64 KiB and one update, and the stream itself.
    let allowed = CLIENTS as u64 * ((64 << 10) + UPDATE + (8 << 10)) + ALLOWED_BYTES;
    for policy in ["block", "latest"] {
        let flags = format!(
            "--feed synthetic --rate 1000 --payload-bytes 1024 --queue 256 --history 0 --send-buffer 8192 \
             --keepalive 60s --slow-policy {policy}"
        );
        let server = Server::start(&flags.split_whitespace().collect::<Vec<_>>());
        std::thread::sleep(Duration::from_secs(2)); // the ring is full
        let before = server.rss_bytes();
        let stuck: Vec<_> = (0..CLIENTS).map(|_| Kind::Sse.open(server.endpoint)).collect();
        std::thread::sleep(Duration::from_secs(5));
        let (Counts { waiting, .. }, grown) = (server.counts(), server.rss_bytes().saturating_sub(before));
        println!("{policy}: {CLIENTS} stuck clients, grown by {} KiB, {} KiB are allowed", grown >> 10, allowed >> 10);
        assert_eq!(waiting, stuck.len() as u64, "{policy}");
        assert!(grown <= allowed, "{policy}: memory grew by {grown} bytes, {allowed} are allowed");
    }
}

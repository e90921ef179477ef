//! HTTP/2 clients that send more than a server has to bear: their connection ends, and others are served.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use h2::Reason;

use super::client::BEGIN;
use crate::harness::{Client, Server};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const UNKNOWN: u8 = 0xFA;

/// The flags of HEADERS (RFC 9113, section 6.2), and the acknowledgement of PING.
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const ACK: u8 = 1;

/// Concurrent streams, resets per second, errors and empty frames per second that are allowed: docs/limits.md.
const STREAMS: u32 = 250;
const RESETS: u32 = 500;
const ERRORS: u32 = 250;
const EMPTY_FRAMES: u32 = 1_000;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = &(payload.len() as u32).to_be_bytes()[1..];
    [len, &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Returns a request without a body, with HPACK's static table and plain literals (RFC 7541).
fn get(stream: u32, path: &str) -> Vec<u8> {
    let fields = [&[0x82, 0x86, 0x44, path.len() as u8], path.as_bytes(), b"\x41\x09localhost"].concat();
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &fields)
}

fn reset(stream: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &8u32.to_be_bytes())
}

/// The identifier of a client's stream: RFC 9113, section 5.1.1.
const fn id(index: u32) -> u32 {
    2 * index + 1
}

/// Returns the head and the payload of the next frame; `None` if the connection has ended.
fn next_frame(stream: &mut TcpStream) -> Option<([u8; 9], Vec<u8>)> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).ok()?;
    let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
    stream.read_exact(&mut payload).ok()?;
    Some((head, payload))
}

/// Sends `begin` and then `flood` in an endless loop, and returns why the server ends the connection.
fn end_of(server: &Server, begin: &[u8], mut flood: impl FnMut() -> Vec<u8> + Send) -> Option<Reason> {
    let Client { mut stream, .. } = server.client();
    let mut sending = stream.try_clone().unwrap();
    sending.write_all(&[BEGIN, begin].concat()).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || while sending.write_all(&flood()).is_ok() {});
        let mut reason = None;
        while let Some((head, payload)) = next_frame(&mut stream) {
            if head[3] == GOAWAY {
                reason = Some(Reason::from(u32::from_be_bytes(payload[4..8].try_into().unwrap())));
            }
        }
        let _ = stream.shutdown(std::net::Shutdown::Both);
        reason
    })
}

/// Checks that a flood ends its connection with a request to be calm, and that other clients get their updates.
fn check(what: &str, begin: &[u8], flood: impl FnMut() -> Vec<u8> + Send) {
    let server = Server::open();
    let mut other = server.client().open_sse("");
    let reason = end_of(&server, begin, flood);
    assert_eq!(reason, Some(Reason::ENHANCE_YOUR_CALM), "{what}");
    server.publish("still there");
    assert_eq!(other.event().0, 1, "{what}");
    server.until("the connection is gone", |stats| stats.connections.open == 1);
}

#[test]
fn frames_without_content_end_a_connection() {
    for (what, frame) in [
        ("pings", frame(PING, 0, 0, b"feed-lab")),
        ("acknowledgements of no pings", frame(PING, ACK, 0, b"feed-lab")),
        ("settings", frame(SETTINGS, 0, 0, b"")),
        ("priorities", frame(PRIORITY, 0, 1, b"\0\0\0\x03\x10")),
        ("window updates", frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\x01")),
        ("unknown frames", frame(UNKNOWN, 0, 0, b"")),
    ] {
        check(what, b"", || frame.repeat(100));
    }
}

#[test]
fn a_request_without_end_ends_a_connection() {
    let fields = &get(1, "/feed/poll")[9..];
    let begin = frame(HEADERS, END_STREAM, 1, fields);
    check("continuations", &begin, || frame(CONTINUATION, 0, 1, b""));
    let cookie = [&b"\x40\x06cookie\x7F\xFF\x1F"[..], &[b'x'; 4_222]].concat();
    check("continuations with fields", &begin, || frame(CONTINUATION, 0, 1, &cookie));
    let post = [&b"\x83\x86\x44\x05/feed"[..], b"\x41\x09localhost"].concat();
    let post = frame(HEADERS, END_HEADERS, 1, &post);
    check("empty data", &post, || frame(DATA, 0, 1, b""));
}

#[test]
fn rapid_resets_end_a_connection() {
    let mut streams = (0..).map(id);
    check("at once", b"", || {
        let id = streams.next().unwrap();
        [get(id, "/feed/sse"), reset(id)].concat()
    });
    check("of one stream", &get(1, "/feed/poll"), || reset(1));
}

#[test]
fn streams_that_the_client_makes_the_server_reset_end_a_connection() {
    let mut streams = (0..).map(id);
    check("too large a window", b"", || {
        let id = streams.next().unwrap();
        [get(id, "/feed/sse"), frame(WINDOW_UPDATE, 0, id, &i32::MAX.to_be_bytes())].concat()
    });
    let mut streams = (0..).map(id);
    check("a dependency on itself", b"", || {
        let id = streams.next().unwrap();
        [get(id, "/feed/sse"), frame(PRIORITY, 0, id, &[&id.to_be_bytes()[..], &[0]].concat())].concat()
    });
    let mut streams = (0..).map(id);
    check("too many streams", b"", || get(streams.next().unwrap(), "/feed/sse"));
}

#[test]
fn what_is_within_the_limits_keeps_a_connection() {
    let server = Server::open();
    let mut client = server.client();
    let all = |part: fn(u32) -> Vec<u8>| (0..STREAMS).map(id).flat_map(part).collect::<Vec<_>>();
    client.send_bytes(&[BEGIN, &all(|id| get(id, "/feed/sse"))].concat());
    server.until("all are open", |stats| stats.endpoints[&feedlab_feed::Transport::Sse].active == u64::from(STREAMS));
    client.send_bytes(&[all(reset), reset(1).repeat((RESETS - STREAMS) as usize)].concat());
    // The settings and their acknowledgement count too.
    client.send_bytes(&frame(PING, 0, 0, b"feed-lab").repeat(EMPTY_FRAMES as usize - 2));
    let last = ERRORS + 2 * STREAMS;
    client.send_bytes(&get(id(last), "/feed/poll"));
    let is_answer = |(head, _): &([u8; 9], Vec<u8>)| {
        assert_ne!(head[3], GOAWAY);
        (head[3], &head[5..]) == (HEADERS, &id(last).to_be_bytes())
    };
    while !is_answer(&next_frame(&mut client.stream).expect("the connection stays open")) {}
    assert_eq!(server.stats().connections.open, 1);
}

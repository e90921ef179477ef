use std::time::Duration;

use crate::harness::{Client, Server, publishing};
use feedlab_feed::Transport;
use feedlab_feed::settings::Settings;
use feedlab_server::Config;

const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const UPGRADE: &str = "Host: localhost\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n";

fn open(server: &Server, query: &str) -> Client {
    let mut client = server.client();
    client.send(&format!("GET /feed/ws{query} HTTP/1.1\r\n{UPGRADE}Sec-WebSocket-Version: 13\r\n{KEY}\r\n"));
    let head = client.until("\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 101") && head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    let (first, hello) = read(&mut client);
    assert!(first == 0x81 && hello.starts_with(b"{\"hello\":{\"cursor\":\""), "{}", String::from_utf8_lossy(&hello));
    client
}

/// Returns a complete masked frame; the mask is zero, so that the payload is readable here.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        len @ 0..=125 => frame.push(0x80 | len as u8),
        len => frame.extend([0xFE, (len >> 8) as u8, len as u8]),
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// Returns the server's next frame: its first byte and its payload.
#[track_caller]
fn read(client: &mut Client) -> (u8, Vec<u8>) {
    let head = client.exactly(2);
    let len = match head[1] {
        126 => client.exactly(2).iter().fold(0, |len, byte| len << 8 | usize::from(*byte)),
        len => usize::from(len),
    };
    (head[0], client.exactly(len))
}

#[track_caller]
fn expect_close(client: &mut Client, code: u16) {
    let (first, payload) = read(client);
    assert_eq!((first, &payload[..2]), (0x88, &code.to_be_bytes()[..]), "{}", String::from_utf8_lossy(&payload));
    assert_eq!(client.rest(), "", "the connection ends after the close frame");
}

#[test]
fn updates_are_text_frames_and_bytes_are_binary_ones() {
    let server = Server::open();
    server.publish("before");
    let mut client = open(&server, "?after=0");
    assert!(String::from_utf8(read(&mut client).1).unwrap().contains("\"data\":\"before\""));
    let mut up = server.client();
    up.send("POST /feed HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\nContent-Length: 3\r\n\r\n\0\x01\x02");
    let (first, payload) = read(&mut client);
    assert_eq!((first, &payload[..8], &payload[16..]), (0x82, &2u64.to_be_bytes()[..], &b"\x07message\0\x01\x02"[..]));
}

#[test]
fn early_or_fragmented_input_is_not_lost() {
    let server = Server::open();
    let mut client = server.client();
    let request = format!("GET /feed/ws HTTP/1.1\r\n{UPGRADE}Sec-WebSocket-Version: 13\r\n{KEY}\r\n");
    client.send_bytes(&[request.as_bytes(), &frame(9, b"early")].concat());
    client.until("\r\n\r\n");
    client.until("}}");
    assert_eq!(read(&mut client), (0x8A, b"early".to_vec()));
    for byte in frame(9, b"slow") {
        client.send_bytes(&[byte]);
    }
    assert_eq!(read(&mut client), (0x8A, b"slow".to_vec()));
}

#[test]
fn a_client_may_send_a_thousand_pings_before_it_reads() {
    const PINGS: usize = 1_000;
    let server = Server::open();
    let pings = frame(9, b"").repeat(PINGS);
    let request = format!("GET /feed/ws HTTP/1.1\r\n{UPGRADE}Sec-WebSocket-Version: 13\r\n{KEY}\r\n");
    let mut early = server.client();
    early.send_bytes(&[request.as_bytes(), &pings].concat());
    early.until("\r\n\r\n");
    early.until("}}");
    let mut later = open(&server, "");
    later.send_bytes(&pings);
    for client in [&mut early, &mut later] {
        for _ in 0..PINGS {
            assert_eq!(read(client), (0x8A, vec![]));
        }
        client.send_bytes(&frame(8, &1000u16.to_be_bytes()));
        expect_close(client, 1000);
    }
}

#[test]
fn publishing_is_acknowledged_and_comes_back_as_an_update() {
    let server = Server::open();
    let mut client = open(&server, "");
    client.send_bytes(&frame(1, br#"{"type":"chat","data":"hi"}"#));
    let mut texts = [read(&mut client).1, read(&mut client).1].map(|payload| String::from_utf8(payload).unwrap());
    texts.sort();
    assert_eq!(texts[0], r#"{"ack":{"seq":1}}"#);
    assert!(texts[1].contains(r#""type":"chat","data":"hi""#), "{}", texts[1]);
}

#[test]
fn publishing_is_off_unless_allowed() {
    let server = Server::start(Config::default());
    let mut client = open(&server, "");
    client.send_bytes(&frame(1, br#"{"data":"hi"}"#));
    expect_close(&mut client, 1008);
}

#[test]
fn a_close_is_answered_with_its_code() {
    let server = Server::open();
    let mut client = open(&server, "");
    client.send_bytes(&frame(8, &1000u16.to_be_bytes()));
    expect_close(&mut client, 1000);
    server.until("forgotten", |stats| stats.endpoints[&Transport::WebSocket].active == 0);
}

#[test]
fn garbage_ends_in_a_close_code() {
    let server = Server::start(Config { max_message_bytes: 1000, ..publishing().into() });
    let unmasked = [0x81, 1, b'x'];
    for (bytes, code) in [
        (&unmasked[..], 1002),
        (&frame(3, b"")[..], 1002),
        (&frame(1, b"\xFF")[..], 1007),
        (&frame(2, &[0; 2000])[..], 1009),
        (&frame(1, b"not json")[..], 1008),
        (b"GET / HTTP/1.1\r\n\r\n", 1002),
    ] {
        let mut client = open(&server, "");
        client.send_bytes(bytes);
        expect_close(&mut client, code);
    }
    server
        .until("forgotten", |stats| stats.endpoints[&Transport::WebSocket].active == 0 && stats.connections.open == 0);
}

#[test]
fn a_silent_client_is_pinged_and_one_that_does_not_answer_is_dropped() {
    let server = Server::start(Settings { keepalive: Duration::from_millis(400), ..Settings::default() });
    let mut lively = open(&server, "");
    let mut dead = open(&server, "");
    for _ in 0..3 {
        assert_eq!(read(&mut lively), (0x89, vec![]));
        lively.send_bytes(&frame(10, b""));
    }
    assert_eq!(read(&mut dead), (0x89, vec![]));
    assert_eq!(dead.rest(), "");
    server.until("one left", |stats| stats.endpoints[&Transport::WebSocket].active == 1);
}

#[test]
fn a_request_that_is_not_an_upgrade_is_refused_with_the_reason() {
    let server = Server::open();
    let ask = |headers: &str| server.ask(format!("GET /feed/ws HTTP/1.1\r\n{headers}").trim_end());
    assert!(ask("").starts_with("HTTP/1.1 426"));
    let upgrade = UPGRADE.trim_start_matches("Host: localhost\r\n");
    let tunnel =
        server.ask(&format!("CONNECT /feed/ws HTTP/1.1\r\n{upgrade}Sec-WebSocket-Version: 13\r\n{}", KEY.trim_end()));
    assert!(tunnel.starts_with("HTTP/1.1 501"), "CONNECT is only for HTTP/2: {tunnel}");
    let mut client = server.client();
    for (headers, expected) in [
        (format!("{UPGRADE}Sec-WebSocket-Version: 8\r\n{KEY}"), "HTTP/1.1 426"),
        (format!("{UPGRADE}Sec-WebSocket-Version: 13\r\n"), "HTTP/1.1 400"),
        (format!("{UPGRADE}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n"), "HTTP/1.1 400"),
        (format!("{UPGRADE}Sec-WebSocket-Version: 13\r\n{KEY}Origin: https://evil.example\r\n"), "HTTP/1.1 403"),
    ] {
        client.send(&format!("GET /feed/ws HTTP/1.1\r\n{headers}\r\n"));
        let head = client.until("\r\n\r\n");
        assert!(head.starts_with(expected), "{headers} gave {head}");
        let len = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
        client.exactly(len);
    }
}

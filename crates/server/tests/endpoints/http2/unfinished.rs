//! HTTP/2 requests that are answered before they are complete.

use std::io::Read as _;
use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use tokio::time::timeout;

use super::client::{BEGIN, Client, Stream};
use crate::harness::{self, PATIENCE, Server};

/// The head of `POST /feed/poll`, which is refused whatever its body: HEADERS (RFC 9113, section 6.2) without the end
/// of the stream, with HPACK's static table and plain literals (RFC 7541).
const POST: &[u8] = b"\0\0\x19\x01\x04\0\0\0\x01\x83\x86\x44\x0A/feed/poll\x41\x09localhost";
/// One byte of its body, not the last and the last: DATA (RFC 9113, section 6.1).
const MORE: &[u8] = b"\0\0\x01\0\0\0\0\0\x01x";
const LAST: &[u8] = b"\0\0\x01\0\x01\0\0\0\x01x";
/// Requests an acknowledgement (RFC 9113, section 6.7).
const PING: &[u8] = b"\0\0\x08\x06\0\0\0\0\0feed-lab";

const IS_HEADERS: u8 = 1;
const IS_PING: u8 = 6;
const IS_GOAWAY: u8 = 7;

/// Returns the type of the next frame.
fn next_frame(client: &mut harness::Client) -> u8 {
    let head = client.exactly(9);
    client.exactly(usize::from(u16::from_be_bytes([head[1], head[2]])));
    head[3]
}

#[tokio::test(flavor = "multi_thread")]
async fn r1_a_connection_ends_after_the_answer_to_an_unfinished_request() {
    let server = Server::open();
    let client = Client::connect(server.addr).await;
    let (refused, mut send) = client.begin_post("/feed/poll").await;
    send.send_data(Bytes::from_static(b"x"), false).unwrap();
    let mut answer = Stream::of(refused, send).await;
    assert_eq!(answer.head.status(), StatusCode::METHOD_NOT_ALLOWED);
    answer.rest().await;
    server.until("it is closed", |stats| stats.connections.open == 0);
    assert!(client.is_left().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn r1_other_streams_outlast_the_answer_to_an_unfinished_request() {
    let server = Server::open();
    let client = Client::connect(server.addr).await;
    let mut events = client.get("/feed/sse").await;
    let (refused, send) = client.begin_post("/feed/poll").await;
    assert_eq!(Stream::of(refused, send).await.head.status(), StatusCode::METHOD_NOT_ALLOWED);
    let left = async {
        while !client.is_left().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, left).await.expect("no more requests");
    server.publish("after");
    events.until("after").await;
    server.until("only the stream is left", |stats| stats.connections.open == 1);
    drop((events, client));
    server.until("it ends with its last stream", |stats| stats.connections.open == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn r1_a_client_that_cancels_its_request_keeps_the_connection() {
    let server = Server::open();
    let client = Client::connect(server.addr).await;
    let (_, mut send) = client.begin_post("/feed").await;
    send.send_data(Bytes::from_static(b"x"), false).unwrap();
    send.send_reset(h2::Reason::CANCEL);
    assert_eq!(client.get("/feed/poll").await.head.status(), StatusCode::OK);
    let (response, mut send) = client.begin_post("/feed").await;
    send.send_data(Bytes::from_static(b"one"), true).unwrap();
    assert_eq!(Stream::of(response, send).await.head.status(), StatusCode::ACCEPTED);
    assert_eq!(client.get("/feed/poll").await.head.status(), StatusCode::OK);
    assert_eq!(server.stats().connections.accepted, 1);
}

#[test]
fn r1_a_connection_ends_even_if_its_client_acknowledges_nothing() {
    let server = Server::open();
    let mut client = server.client();
    client.send_bytes(&[BEGIN, POST, MORE].concat());
    while next_frame(&mut client) != IS_GOAWAY {}
    client.stream.read_to_end(&mut Vec::new()).expect("gracefully, so that what was sent arrives");
    server.until("it is closed", |stats| stats.connections.open == 0);
}

#[test]
fn r1_a_complete_request_keeps_the_connection_even_if_its_body_is_not_read() {
    let server = Server::open();
    let mut client = server.client();
    client.send_bytes(&[BEGIN, POST, LAST].concat());
    for awaited in [IS_HEADERS, IS_PING] {
        if awaited == IS_PING {
            client.send_bytes(PING);
        }
        loop {
            match next_frame(&mut client) {
                IS_GOAWAY => panic!("the server closes the connection"),
                frame if frame == awaited => break,
                _ => {}
            }
        }
    }
    assert_eq!(server.stats().connections.open, 1);
}

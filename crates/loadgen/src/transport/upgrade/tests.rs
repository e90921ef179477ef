use std::time::Duration;

use bytes::Bytes;
use feedlab_experiment::scenario::Options;
use feedlab_feed::wire::websocket::{Decoder, Incoming, Opcode, close, frame, update_frame};
use feedlab_feed::{Data, EventType, Update};
use h2::RecvStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::transport::script::h2::{Http2Settings, send};
use crate::transport::script::tls::Identity;
use crate::transport::script::{Log, Server, run_script};
use crate::transport::{Link, run};

const WEBSOCKET: Options = Options::WebSocket { keepalive: Duration::ZERO };
const WILLING: Http2Settings = Http2Settings { streams: None, websockets: true };

async fn over(link: impl FnOnce(Client) -> Client, script: impl AsyncFnOnce(&mut Server)) -> Vec<String> {
    let client = async |client, log: &mut Log, stop: &CancellationToken| {
        run(link(client), &WEBSOCKET, log, stop).await;
    };
    run_script("/feed/ws", client, script).await
}

fn h2c(pool: Option<Pool>) -> impl FnOnce(Client) -> Client {
    move |client| Client { link: Link { http: Http::V2, pool, ..Link::default() }, ..client }
}

fn update(seq: u64) -> Bytes {
    update_frame(&Update { seq, at: 1, event_type: EventType::default(), data: Data::Text("x".into()) })
}

/// Reads what the client sent on a stream, as whole messages.
async fn receive(body: &mut RecvStream) -> Vec<Incoming> {
    let mut messages = Vec::new();
    let mut decoder = Decoder::new(1_000);
    while messages.is_empty() {
        let data = body.data().await.expect("the client ended the stream").unwrap();
        body.flow_control().release_capacity(data.len()).unwrap();
        let mut bytes = &data[..];
        messages.extend(std::iter::from_fn(|| decoder.decode(&mut bytes).unwrap()));
    }
    messages
}

#[tokio::test]
async fn an_http_2_stream_carries_frames_in_both_directions() {
    for pool in [None, Some(Pool::default())] {
        let mut server_side = None;
        let seen = over(h2c(pool), async |server| {
            let mut connection = server.accept_h2(WILLING).await;
            let mut exchange = connection.request().await;
            let protocol = exchange.request.extensions().get::<h2::ext::Protocol>().unwrap();
            assert_eq!((exchange.request.method().as_str(), protocol.as_str()), ("CONNECT", "websocket"));
            assert_eq!(
                (exchange.target().as_str(), exchange.header("sec-websocket-version")),
                ("/feed/ws", Some("13"))
            );
            assert!(exchange.header("sec-websocket-key").is_none() && exchange.header("upgrade").is_none());
            let mut stream = exchange.head(200, "application/octet-stream");
            let frames = [update(1), update(2)].concat();
            frames.chunks(3).for_each(|part| send(&mut stream, part));
            server.observed("update 2").await;
            send(&mut stream, frame(Opcode::Ping, b"hello"));
            assert_eq!(receive(exchange.request.body_mut()).await, [Incoming::Pong]);
            server_side = Some((connection, exchange, stream));
        })
        .await;
        assert_eq!(seen, ["opened", "update 1", "update 2"]);
        let (_connection, mut exchange, _stream) = server_side.unwrap();
        assert_eq!(receive(exchange.request.body_mut()).await, [Incoming::Close(Some(close::GOING_AWAY))]);
    }
}

#[tokio::test]
async fn a_broken_http_2_connection_is_not_a_close() {
    let seen = over(h2c(Some(Pool::default())), async |server| {
        let mut connection = server.accept_h2(WILLING).await;
        let mut stream = connection.request().await.head(200, "x/y");
        send(&mut stream, update(4));
        server.observed("update 4").await;
        drop(connection);
        let mut connection = server.accept_h2(WILLING).await;
        let mut exchange = connection.request().await;
        assert_eq!(exchange.target(), "/feed/ws?after=4");
        let _stream = exchange.head(200, "x/y");
        server.observed("reconnect").await;
    })
    .await;
    assert_eq!(seen, ["opened", "update 4", "Disconnected", "reconnect", "opened"]);
}

#[tokio::test]
async fn a_server_without_websockets_over_http_2_is_reported() {
    for pool in [None, Some(Pool::default())] {
        let seen = over(h2c(pool), async |server| {
            let _connection = server.accept_h2(Http2Settings::default()).await;
            server.observed("Status").await;
            assert!(server.errors()[0].contains("RFC 8441"), "{:?}", server.errors());
        })
        .await;
        assert_eq!(seen[0], "Status");
    }
}

#[tokio::test]
async fn a_refused_connect_is_a_status() {
    let seen = over(h2c(None), async |server| {
        let mut connection = server.accept_h2(WILLING).await;
        let _stream = connection.request().await.head(403, "text/plain");
        server.observed("Status").await;
        assert!(server.errors()[0].contains("403"), "{:?}", server.errors());
    })
    .await;
    assert_eq!(seen[0], "Status");
}

#[tokio::test]
async fn an_upgrade_may_be_encrypted() {
    let identity = Identity::new(&["http/1.1"]);
    let seen = over(
        |client| identity.client(client, Http::V1),
        async |server| {
            let mut peer = server.accept_tls(&identity).await;
            let (head, key) = peer.upgrade_request().await;
            assert!(head.starts_with("get /feed/ws http/1.1"), "{head}");
            let accept = derive_accept_key(key.as_bytes());
            let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
            peer.send(format!("{head}Sec-WebSocket-Accept: {accept}\r\n\r\n")).await;
            peer.send_bytewise(update(1)).await;
            server.observed("update 1").await;
        },
    )
    .await;
    assert_eq!(seen, ["opened", "update 1"]);
}

#[tokio::test]
async fn a_large_message_passes_a_small_window_in_pieces() {
    let large = "x".repeat(300_000);
    let large = Update { seq: 1, at: 1, event_type: EventType::default(), data: Data::Text(large) };
    let seen = over(h2c(None), async |server| {
        let mut connection = server.accept_h2(WILLING).await;
        let mut exchange = connection.request().await;
        let mut stream = exchange.head(200, "x/y");
        send(&mut stream, update_frame(&large));
        server.observed("update 1").await;
        // More than the 64 KiB that the server lets a client send ahead: the pongs must wait for room.
        for _ in 0..1_000 {
            send(&mut stream, frame(Opcode::Ping, &[7; 120]));
            assert_eq!(receive(exchange.request.body_mut()).await, [Incoming::Pong]);
        }
    })
    .await;
    assert_eq!(seen, ["opened", "update 1"]);
}

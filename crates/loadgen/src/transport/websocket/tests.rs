use feedlab_feed::wire::websocket::{
    Decoder, Incoming, Opcode, close_frame, frame, gap_frame, hello_frame, reset_frame, update_frame,
};
use feedlab_feed::{Data, EventType, Gap, Reset, Update};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::*;
use crate::transport::script::{Log, Peer, Server, run_script};

async fn listen(script: impl AsyncFnOnce(&mut Server)) -> Vec<String> {
    let listener = async |client, log: &mut Log, stop: &_| run(client, Options::default(), log, stop).await;
    run_script("/feed/ws", listener, script).await
}

/// Accepts the upgrade and returns the request's head.
async fn upgrade(server: &mut Server) -> (Peer, String) {
    let mut peer = server.accept().await;
    let (request, key) = peer.upgrade_request().await;
    let accept = derive_accept_key(key.as_bytes());
    let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    peer.send(format!("{head}Sec-WebSocket-Accept: {accept}\r\n\r\n")).await;
    peer.send(hello_frame("k3f9.0".parse().unwrap())).await;
    (peer, request)
}

fn update(seq: u64, data: Data) -> Update {
    Update { seq, at: 1, event_type: EventType::default(), data }
}

fn text(seq: u64) -> bytes::Bytes {
    update_frame(&update(seq, Data::Text("x".into())))
}

/// Reads what the client sent, as whole messages.
async fn receive(peer: &mut Peer) -> Vec<Incoming> {
    let mut messages = Vec::new();
    let mut decoder = Decoder::new(1_000);
    while messages.is_empty() {
        let received = peer.receive().await;
        let mut bytes = &received[..];
        messages.extend(std::iter::from_fn(|| decoder.decode(&mut bytes).unwrap()));
    }
    messages
}

#[tokio::test]
async fn text_binary_and_gaps_are_read_in_pieces_of_any_size() {
    let seen = listen(async |server| {
        let (mut peer, head) = upgrade(server).await;
        assert!(head.starts_with("get /feed/ws http/1.1"), "{head}");
        let binary = update_frame(&update(2, Data::Binary(vec![0, 1, 2].into())));
        let gap = gap_frame(Gap { from: 3, to: 6 });
        peer.send_bytewise([&text(1)[..], &binary[..], &gap[..], &text(7)[..]].concat()).await;
        peer.send([text(8), text(9)].concat()).await;
        server.observed("update 9").await;
    })
    .await;
    assert_eq!(
        seen,
        ["opened", "update 1", "update 2", "gap 3-6, on after k3f9.6", "update 7", "update 8", "update 9"]
    );
}

#[tokio::test]
async fn pings_are_answered_and_leaving_sends_a_close_frame() {
    let mut server_side = None;
    let seen = listen(async |server| {
        let (mut peer, _) = upgrade(server).await;
        peer.send(frame(Opcode::Ping, b"hello")).await;
        assert_eq!(receive(&mut peer).await, [Incoming::Pong]);
        server_side = Some(peer);
    });
    let ((), seen) = tokio::join!(async {}, seen);
    assert_eq!(seen, ["opened"]);
    assert_eq!(receive(&mut server_side.unwrap()).await, [Incoming::Close(Some(close::GOING_AWAY))]);
}

#[tokio::test]
async fn after_a_server_goes_away_the_client_resumes_from_its_cursor() {
    let seen = listen(async |server| {
        let (mut peer, _) = upgrade(server).await;
        peer.send(text(4)).await;
        peer.send(close_frame(close::GOING_AWAY, "restart")).await;
        assert_eq!(receive(&mut peer).await, [Incoming::Close(Some(close::GOING_AWAY))]);
        drop(peer);
        let (_peer, head) = upgrade(server).await;
        assert!(head.starts_with("get /feed/ws?after=k3f9.4 "), "{head}");
        server.observed("reconnect").await;
    })
    .await;
    assert_eq!(seen, ["opened", "update 4", "Closed", "reconnect", "opened"]);
}

#[tokio::test]
async fn a_cut_connection_is_not_a_close() {
    let seen = listen(async |server| {
        let (mut peer, _) = upgrade(server).await;
        peer.send(&text(4)[..5]).await;
        drop(peer);
        upgrade(server).await;
        server.observed("reconnect").await;
    })
    .await;
    assert_eq!(seen[..2], ["opened", "Disconnected"]);
}

#[tokio::test]
async fn garbage_in_a_frame_is_reported_and_garbage_instead_of_one_ends_the_connection() {
    let seen = listen(async |server| {
        let (mut peer, _) = upgrade(server).await;
        peer.send(frame(Opcode::Text, b"garbage")).await;
        peer.send(frame(Opcode::Binary, b"short")).await;
        peer.send(text(4)).await;
        peer.send(b"\xff\x00").await;
        let (_peer, head) = upgrade(server).await;
        assert!(head.contains("?after=k3f9.4 "));
        server.observed("reconnect").await;
    })
    .await;
    assert_eq!(seen, ["opened", "Malformed", "Malformed", "update 4", "Malformed", "reconnect", "opened"]);
}

#[tokio::test]
async fn a_refused_upgrade_is_tried_again() {
    let seen = listen(async |server| {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.answer("503 Service Unavailable", "", "full").await;
        let (_peer, _) = upgrade(server).await;
        server.observed("opened").await;
    })
    .await;
    assert_eq!(seen, ["Status", "opened"]);
}

#[tokio::test]
async fn a_response_that_is_not_an_upgrade_is_malformed() {
    let seen = listen(async |server| {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n").await;
        server.observed("Malformed").await;
    })
    .await;
    assert_eq!(seen, ["Malformed"]);
}

#[tokio::test]
async fn a_refused_connection_is_a_failure_and_tried_again() {
    let seen = listen(async |server| {
        server.close();
        server.observed("Connect").await;
    })
    .await;
    assert!(!seen.is_empty() && seen.iter().all(|line| line == "Connect"), "{seen:?}");
}

#[tokio::test]
async fn publications_are_sent_and_acknowledged_on_the_same_socket() {
    let now = clock::unix_us();
    let publishing = crate::Publishing { updates_per_s: 1_000.0, payload_bytes: 30 };
    let author = async |mut client: Client, log: &mut Log, stop: &_| {
        let rng = client.rng.clone();
        let publications = Publications::alone(publishing, now, rng);
        client.publications = Some(Box::new(publications));
        run(client, Options::default(), log, stop).await;
    };
    let seen = run_script("/feed/ws", author, async |server| {
        let (mut peer, _) = upgrade(server).await;
        let Incoming::Text(first) = receive(&mut peer).await.remove(0) else { panic!("no text") };
        assert!(first.starts_with(r#"{"type":"message","data":""#), "{first}");
        peer.send(text(1)).await;
        peer.send(websocket::ack_frame(1)).await;
        server.observed("acknowledged").await;
    })
    .await;
    assert_eq!(seen, ["opened", "update 1", "acknowledged"]);
}

#[tokio::test]
async fn a_client_may_reconnect_without_its_cursor() {
    let forgetful = async |mut client: Client, log: &mut Log, stop: &_| {
        client.reconnect.with_cursor = false;
        run(client, Options::default(), log, stop).await;
    };
    run_script("/feed/ws", forgetful, async |server| {
        let (mut peer, _) = upgrade(server).await;
        peer.send(text(4)).await;
        server.observed("update 4").await;
        drop(peer);
        let (_peer, head) = upgrade(server).await;
        assert!(head.starts_with("get /feed/ws http/1.1"), "{head}");
    })
    .await;
}

#[tokio::test]
async fn d1_a_reset_moves_the_client_to_the_start_of_another_epoch() {
    let seen = listen(async |server| {
        let (mut peer, _) = upgrade(server).await;
        peer.send(text(31)).await;
        drop(peer);
        let (mut peer, head) = upgrade(server).await;
        assert!(head.contains("?after=k3f9.31 "), "{head}");
        let reset = Reset { asked: "k3f9.31".parse().unwrap(), resume: "p0q2.0".parse().unwrap() };
        peer.send([reset_frame(reset), text(1)].concat()).await;
        server.observed("update 1").await;
        drop(peer);
        let (_peer, head) = upgrade(server).await;
        assert!(head.contains("?after=p0q2.1 "), "{head}");
    })
    .await;
    let seen: Vec<_> =
        seen.into_iter().filter(|line| line.starts_with("update") || line.starts_with("reset")).collect();
    assert_eq!(seen, ["update 31", "reset k3f9.31, on after p0q2.0", "update 1"]);
}

#[tokio::test]
async fn m2_only_a_response_with_the_feed_counts_as_served() {
    listen(async |server| {
        let mut peer = server.accept().await;
        peer.upgrade_request().await;
        peer.answer("503 Service Unavailable", "", "").await;
        drop(peer);
        server.observed("Status").await;
        assert_eq!(server.served(), 0);
        let (mut peer, _) = upgrade(server).await;
        peer.send(text(1)).await;
        server.observed("update 1").await;
        assert_eq!(server.served(), 1);
    })
    .await;
}

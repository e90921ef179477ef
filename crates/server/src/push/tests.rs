use std::time::Duration;

use feedlab_feed::source::Item;
use feedlab_feed::wire::websocket::{Opcode, frame};
use feedlab_feed::{Data, EventType, Transport};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::*;
use crate::app::App;
use crate::config::Config;
use crate::feed::Feed;
use crate::hub::Position;
use crate::socket::Socket;
use crate::socket::tests::narrow;
use crate::transport::sse::Events;
use crate::transport::websocket::Frames;

mod resume;

const PATIENCE: Duration = Duration::from_secs(20);
/// A client's ping without a payload; its mask is zero. No client frame is shorter.
const PING: [u8; 6] = [0x89, 0x80, 0, 0, 0, 0];
const PINGS: usize = 1_000;
/// Bytes that a shard reads at a time.
const READ: usize = 2 << 10;

/// Every idle client pays for what is in every stream; box what only a few streams need.
#[test]
fn a_stream_stays_small() {
    assert_eq!(size_of::<Wire>(), size_of::<Socket>(), "the other wires are boxed");
    let (stream, events, frames) = (size_of::<Push>(), size_of::<Events>(), size_of::<Frames>());
    assert!(stream <= 208 && events <= 8 && frames <= 136, "{stream}, {events} and {frames} bytes");
}

/// A WebSocket stream from the start of its feed, and its client, which does not read.
struct Stuck {
    push: Push,
    client: TcpStream,
    _feed: Feed,
}

impl Stuck {
    /// Creates a feed with `updates` updates of `payload_bytes` bytes each.
    async fn new(updates: u64, payload_bytes: usize) -> Self {
        let config = Config::default();
        let feed = Feed::open(&config).await.unwrap();
        let app = App::new(&feed, config);
        for _ in 0..updates {
            let data = Data::Text("x".repeat(payload_bytes));
            app.hub.publish_now(Item { event_type: EventType::default(), data });
        }
        let (socket, _, client) = narrow().await;
        let endpoint = app.meters.endpoint(Transport::WebSocket).clone();
        let frames = Frames::new(&app, &endpoint);
        let start = Start::new(&app, frames, Position { seq: 0, reset: None }, endpoint);
        let mut push = Push::new(Wire::Plain(socket), start, Bytes::new());
        push.outbox.clear(); // the greeting has been sent
        Self { push, client, _feed: feed }
    }

    /// Polls the stream until a condition holds.
    async fn until(&mut self, what: &str, holds: impl Fn(&Push) -> bool) {
        let push = &mut self.push;
        let reached = std::future::poll_fn(|cx| {
            assert!(push.poll(cx, &mut [0; READ]).is_pending(), "the stream ended before {what}");
            if holds(push) { Poll::Ready(()) } else { Poll::Pending }
        });
        assert!(timeout(PATIENCE, reached).await.is_ok(), "still not: {what}");
    }

    /// Returns the number of waiting answers, and all waiting bytes.
    fn waiting(&self) -> (usize, usize) {
        let answers = self.push.outbox.iter().filter(|piece| piece[0] == 0x80 | Opcode::Pong as u8).count();
        (answers, self.push.outbox.iter().map(Bytes::len).sum())
    }

    /// Makes the client read until all its pings are answered.
    async fn expect_all_pongs(mut self) {
        let Self { push, client, .. } = &mut self;
        let reads = async {
            let mut pongs = 0;
            while pongs < PINGS {
                let [first, len] = [client.read_u8().await.unwrap(), client.read_u8().await.unwrap()];
                let len = if len == 126 { client.read_u16().await.unwrap() } else { len.into() };
                client.read_exact(&mut vec![0; len.into()]).await.unwrap();
                pongs += usize::from(first == 0x80 | Opcode::Pong as u8);
            }
        };
        tokio::select! {
            result = timeout(PATIENCE, reads) => result.expect("all pings are answered in the end"),
            _ = std::future::poll_fn(|cx| push.poll(cx, &mut [0; READ])) => panic!("the stream ended"),
        }
    }
}

#[test]
fn the_bounds_match_the_documentation() {
    assert_eq!(
        (MAX_PIECES, MAX_BATCH_BYTES, MAX_WAITING),
        (64, 64 << 10, 128),
        "docs/architecture.md, \"Slow clients\""
    );
}

#[tokio::test]
async fn updates_beyond_64_pieces_or_64_kib_stay_in_the_ring() {
    for (payload_bytes, updates, pieces) in
        [(16, 4_000, MAX_PIECES), (1_000, 500, 62), (10_000, 100, 7), (60_000, 100, 2), (200_000, 100, 1)]
    {
        let mut stuck = Stuck::new(updates, payload_bytes).await;
        assert!(stuck.push.poll_refill(&Context::from_waker(std::task::Waker::noop())).is_ready());
        let (_, bytes) = stuck.waiting();
        let update = bytes / stuck.push.outbox.len();
        assert_eq!(stuck.push.outbox.len(), pieces, "{payload_bytes} bytes each");
        assert!(bytes <= MAX_BATCH_BYTES + update, "{bytes} bytes of {payload_bytes} each");
        stuck.until("it is blocked", |push| push.blocked_at.is_some()).await;
        let (_, bytes) = stuck.waiting();
        assert!((1..=MAX_PIECES).contains(&stuck.push.outbox.len()) && bytes <= MAX_BATCH_BYTES + update);
    }
}

#[tokio::test]
async fn pings_beyond_the_bound_wait_undecoded_until_the_client_reads() {
    let mut stuck = Stuck::new(2_000, 100).await;
    stuck.until("it is blocked", |push| push.blocked_at.is_some()).await;
    stuck.client.write_all(&PING.repeat(PINGS)).await.unwrap();
    stuck.until("there is no room", |push| !push.has_room() && !push.rest.is_empty()).await;
    let (answers, bytes) = stuck.waiting();
    assert_eq!(stuck.push.outbox.len(), MAX_WAITING);
    assert!(answers >= MAX_WAITING - MAX_PIECES && bytes <= MAX_BATCH_BYTES, "{answers} answers, {bytes} bytes");
    assert!(stuck.push.rest.len() <= 2_048, "{} bytes undecoded", stuck.push.rest.len());
    stuck.expect_all_pongs().await;
}

#[tokio::test]
async fn pings_that_came_with_the_request_are_bounded_too() {
    let mut stuck = Stuck::new(0, 0).await;
    stuck.push.rest = PING.repeat(PINGS).into();
    let push = &mut stuck.push;
    let input = std::future::poll_fn(|cx| Poll::Ready(push.poll_input(cx, &mut [0; READ]))).await;
    assert!(matches!(input, Poll::Ready(Ok(()))), "there is more");
    assert_eq!(stuck.waiting(), (MAX_WAITING, MAX_WAITING * frame(Opcode::Pong, b"").len()));
    assert_eq!(stuck.push.rest.len(), (PINGS - MAX_WAITING) * PING.len());
    stuck.expect_all_pongs().await;
}

#[tokio::test]
async fn answers_are_as_small_as_control_frames() {
    let mut stuck = Stuck::new(2_000, 100).await;
    stuck.until("it is blocked", |push| push.blocked_at.is_some()).await;
    let ping = [&[0x89, 0x80 | 125, 0, 0, 0, 0][..], &[b'x'; 125]].concat();
    stuck.client.write_all(&ping.repeat(PINGS / 10)).await.unwrap();
    let before = stuck.push.outbox.len();
    stuck.until("all are answered", |push| push.outbox.len() >= before + PINGS / 10).await;
    let (answers, bytes) = stuck.waiting();
    assert_eq!(answers, PINGS / 10);
    assert!(bytes <= MAX_BATCH_BYTES + answers * (2 + 125), "{bytes} bytes");
}

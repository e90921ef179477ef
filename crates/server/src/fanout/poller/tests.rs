use std::sync::Arc;

use feedlab_feed::source::Item;
use feedlab_feed::{Data, EventType, Transport};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;
use crate::access::Access;
use crate::app::App;
use crate::config::Config;
use crate::feed::Feed;
use crate::limits::MAX_HEADER_BYTES;
use crate::push::Push;
use crate::socket::Link;
use crate::socket::tests::narrow;

const PLACE: usize = 7;
const PATIENCE: Duration = Duration::from_secs(8);
const SHORT: &str = "GET /feed/poll?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n";
const POST: &str = "POST /feed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\ntwo";
const LONG: &str = "GET /feed/long-poll?after=0&hold=60s HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A connection on a shard's desk, and its client.
struct Seat {
    poller: Poller,
    desk: Desk,
    client: TcpStream,
    app: Arc<App>,
    link: Arc<Link>,
    sockets: mio::Poll,
    _feed: Feed,
}

impl Seat {
    async fn new() -> Self {
        let mut config = Config { max_message_bytes: 1 << 20, ..Config::default() };
        config.settings.allow_publish = true;
        let feed = Feed::open(&config).await.unwrap();
        let access = Access::new(&config, false);
        let app = Arc::new(App::new(&feed, config));
        let direct = Direct::new(app.clone(), access);
        let buffer = vec![0; MAX_HEADER_BYTES].into();
        let desk = Desk { direct, holds: DelayQueue::new(), buffer, patience: PATIENCE };
        let (mut socket, link, client) = narrow().await;
        let sockets = mio::Poll::new().unwrap();
        socket.leave_runtime(sockets.registry(), mio::Token(PLACE)).unwrap();
        Self { poller: Poller::new(socket), desk, client, app, link, sockets, _feed: feed }
    }

    fn publish(&self, bytes: usize) {
        let data = Data::Text("x".repeat(bytes));
        self.app.hub.publish_now(Item { event_type: EventType::default(), data });
    }

    /// Sends this, and tells the connection once it has arrived.
    async fn send(&mut self, text: &str) -> Next {
        self.client.write_all(text.as_bytes()).await.unwrap();
        self.arrived(false).await
    }

    async fn arrived(&mut self, is_ending: bool) -> Next {
        let mut events = mio::Events::with_capacity(8);
        while !events.iter().any(mio::event::Event::is_readable) {
            self.sockets.poll(&mut events, Some(Duration::from_secs(20))).unwrap();
            assert!(!events.is_empty(), "nothing arrives");
        }
        self.poller.ready((true, is_ending), PLACE, &mut self.desk)
    }

    fn active(&self) -> u64 {
        self.link.meter.count_for(Transport::LongPolling).active.get()
    }

    /// Returns what the client receives up to the end of a head.
    async fn head(&mut self) -> String {
        let mut text = String::new();
        while !text.ends_with("\r\n\r\n") {
            text.push(char::from(self.client.read_u8().await.unwrap()));
        }
        text
    }
}

#[test]
fn a_poller_takes_no_more_room_than_a_stream() {
    assert!(size_of::<Poller>() <= size_of::<Push>(), "{} bytes", size_of::<Poller>());
}

#[tokio::test]
async fn an_idle_connection_is_closed_when_the_time_for_headers_is_over() {
    let seat = Seat::new().await;
    let (since, almost) = (seat.poller.since, HEADER_TIMEOUT - Duration::from_millis(1));
    assert!(matches!(seat.poller.check_pace(since + almost, PATIENCE), Next::Stay));
    assert!(matches!(seat.poller.check_pace(since + HEADER_TIMEOUT, PATIENCE), Next::Close));
    assert!(matches!(seat.poller.check_pace(since - almost, PATIENCE), Next::Stay), "clocks of threads may differ");
}

#[tokio::test]
async fn an_answer_begins_the_time_for_the_next_request() {
    let mut seat = Seat::new().await;
    let begun = seat.poller.since;
    assert!(matches!(seat.send(SHORT).await, Next::Stay));
    assert!(seat.poller.since > begun);
}

#[tokio::test]
async fn a_held_poll_has_its_own_time() {
    let mut seat = Seat::new().await;
    assert!(matches!(seat.send(LONG).await, Next::Stay));
    assert_eq!((seat.active(), seat.desk.holds.len()), (1, 1));
    let late = seat.poller.since + 100 * HEADER_TIMEOUT;
    assert!(matches!(seat.poller.check_pace(late, PATIENCE), Next::Stay));
}

/// A client may send something now and then, and still read nothing.
#[tokio::test]
async fn only_reading_prolongs_the_time_for_an_answer() {
    let mut seat = Seat::new().await;
    (0..8).for_each(|_| seat.publish(900_000));
    assert!(matches!(seat.send(SHORT).await, Next::Stay));
    assert!(matches!(seat.poller.state, State::Sending { .. }), "it does not fit");
    // What is still on its way to the client's buffer counts as read.
    let mut before = None;
    for _ in 0..100 {
        if before.replace(seat.poller.since) == Some(seat.poller.since) {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
        assert!(matches!(seat.poller.ready((false, false), PLACE, &mut seat.desk), Next::Stay));
    }
    let since = seat.poller.since;
    assert!(matches!(seat.send("x").await, Next::Stay));
    assert_eq!(seat.poller.since, since, "sending is not reading");
    assert!(matches!(seat.poller.check_pace(since + PATIENCE, PATIENCE), Next::Drop));

    while seat.poller.since == since {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let _ = seat.client.try_read(&mut [0; 1 << 16]);
        assert!(matches!(seat.poller.ready((false, false), PLACE, &mut seat.desk), Next::Stay));
    }
    assert!(matches!(seat.poller.check_pace(since + PATIENCE, PATIENCE), Next::Stay), "it reads");
}

#[tokio::test]
async fn the_timer_of_a_held_poll_ends_with_it() {
    // By an update.
    let mut seat = Seat::new().await;
    seat.send(LONG).await;
    assert!(matches!(seat.poller.publish(PLACE, &mut seat.desk), Next::Stay));
    assert_eq!((seat.active(), seat.desk.holds.len()), (1, 1), "there is nothing for it yet");
    seat.publish(1);
    assert!(matches!(seat.poller.publish(PLACE, &mut seat.desk), Next::Stay));
    assert_eq!((seat.active(), seat.desk.holds.len()), (0, 0));
    assert!(seat.head().await.starts_with("HTTP/1.1 200"));

    // With its connection: the place may be another's soon.
    let mut seat = Seat::new().await;
    seat.send(LONG).await;
    assert_eq!((seat.active(), seat.desk.holds.len()), (1, 1));
    let other = Seat::new().await.poller;
    drop(std::mem::replace(&mut seat.poller, other).into_socket(&mut seat.desk));
    assert_eq!((seat.active(), seat.desk.holds.len()), (0, 0));
}

#[tokio::test]
async fn a_hold_that_ends_for_another_request_changes_nothing() {
    let mut seat = Seat::new().await;
    assert!(matches!(seat.poller.hold_ended(PLACE, &mut seat.desk), Next::Stay));
    seat.send(LONG).await;
    assert!(matches!(seat.poller.hold_ended(PLACE, &mut seat.desk), Next::Stay));
    assert_eq!((seat.active(), seat.desk.holds.len()), (0, 0));
    assert!(seat.head().await.starts_with("HTTP/1.1 204"));
}

#[tokio::test]
async fn requests_behind_a_held_poll_wait_and_end_with_it() {
    let mut seat = Seat::new().await;
    assert!(matches!(seat.send(&[LONG, LONG, SHORT].concat()).await, Next::Stay));
    assert_eq!((seat.active(), seat.desk.holds.len()), (1, 1));
    assert_eq!(seat.poller.rest.len(), LONG.len() + SHORT.len());
    seat.client.shutdown().await.unwrap();
    let next = seat.arrived(true).await;
    assert!(matches!(next, Next::Close | Next::Drop), "each is answered at once");
    assert_eq!((seat.active(), seat.desk.holds.len()), (0, 0));
    for status in ["204", "204", "200"] {
        let head = seat.head().await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{status}: {head}");
    }
}

#[tokio::test]
async fn a_shutdown_answers_the_held_poll_and_nothing_behind_it() {
    let mut seat = Seat::new().await;
    seat.send(&[LONG, SHORT].concat()).await;
    seat.desk.direct.close();
    assert!(matches!(seat.poller.close(PLACE, &mut seat.desk), Next::Close));
    drop(seat.poller.into_socket(&mut seat.desk));
    let mut text = String::new();
    seat.client.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 204") && text.contains("connection: close"), "{text}");
    assert_eq!(text.matches("HTTP/1.1").count(), 1, "{text}");
}

#[tokio::test]
async fn publications_behind_each_other_are_answered_in_one_turn() {
    let mut seat = Seat::new().await;
    assert!(matches!(seat.send(&[POST, SHORT, POST, POST].concat()).await, Next::Stay));
    assert_eq!((seat.app.hub.head(), seat.poller.rest.len()), (3, 0));
    for (status, body) in [("202", 9), ("200", 0), ("202", 9), ("202", 9)] {
        let head = seat.head().await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{head}");
        let len = head.split("content-length: ").nth(1).unwrap().split('\r').next().unwrap().parse().unwrap();
        assert!(body == 0 || body == len);
        seat.client.read_exact(&mut vec![0; len]).await.unwrap();
    }
}

#[tokio::test]
async fn a_client_that_sends_without_end_goes_to_the_library() {
    let mut seat = Seat::new().await;
    let head = |len: usize| format!("POST /feed HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len}\r\n\r\n");
    let len = MAX_HEADER_BYTES - head(MAX_HEADER_BYTES - 99).len();
    let request = [head(len), "x".repeat(len)].concat();
    assert_eq!(request.len(), MAX_HEADER_BYTES);
    seat.client.write_all(request.as_bytes()).await.unwrap();
    std::thread::sleep(Duration::from_millis(50)); // all of it may have arrived
    let Next::Library(bytes) = seat.arrived(false).await else { panic!("it stays") };
    assert_eq!((bytes.len(), seat.app.hub.head()), (MAX_HEADER_BYTES, 0));
}

#[tokio::test]
async fn what_is_not_answered_here_goes_to_the_library_unread() {
    let post = &POST[..POST.len() - 1];
    for (input, library) in [
        (post.to_owned(), post.to_owned()),
        (POST[..30].to_owned(), POST[..30].to_owned()),
        ([SHORT, post].concat(), post.to_owned()),
        ([POST, post].concat(), post.to_owned()),
        ([POST, &SHORT[..20]].concat(), SHORT[..20].to_owned()),
        ([SHORT, &SHORT[..20]].concat(), SHORT[..20].to_owned()),
        (SHORT[..20].to_owned(), SHORT[..20].to_owned()),
        (SHORT.repeat(1 + MAX_PIPELINED_BYTES / SHORT.len()), String::new()),
        (SHORT.repeat(2 + MAX_PIPELINED_BYTES / SHORT.len()), SHORT.repeat(2 + MAX_PIPELINED_BYTES / SHORT.len())),
    ] {
        let mut seat = Seat::new().await;
        match seat.send(&input).await {
            Next::Library(bytes) => assert_eq!(bytes, library.as_bytes()),
            Next::Stay => assert_eq!(library, ""),
            _ => panic!("it ends"),
        }
    }
}

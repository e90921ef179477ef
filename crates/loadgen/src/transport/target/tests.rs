use std::time::{Duration, Instant};

use feedlab_experiment::scenario::{CursorSource, StampRecipe, TimeUnit};
use feedlab_feed::wire::websocket::{Opcode, close_frame, frame, gap_frame, hello_frame};
use feedlab_feed::wire::{RawUpdate, Stamp};
use feedlab_feed::{Cursor, Gap, Reset, clock};

use super::*;
use crate::observer::Opened;
use crate::transport::script::{Log, Peer, Server, run_script};

const LONG: Options = Options::LongPolling { hold: Duration::from_secs(25), keep_alive: true };
const SHORT: Options =
    Options::ShortPolling { interval: Duration::from_millis(5), keep_alive: true, conditional: false };
const SSE: Options = Options::Sse { keepalive: Duration::from_secs(15) };
const WEBSOCKET: Options = Options::WebSocket { keepalive: Duration::from_secs(15) };

/// Notes what a target's client reports.
struct Noted<'a>(&'a mut Log);

impl Observer for Noted<'_> {
    fn opened(&mut self, opened: Opened) {
        self.0.opened(opened);
    }

    fn update(&mut self, stamp: Stamp, _raw: RawUpdate<'_>, received_at_us: u64) {
        assert_eq!(stamp.epoch, "k3f9".parse().ok());
        let age_us = clock::unix_us().saturating_sub(received_at_us);
        assert!(age_us < 60_000_000, "it was read at {received_at_us}");
        self.0.note(format!("update {}", stamp.seq));
    }

    fn message(&mut self, _message: &[u8], updates: usize, _has_cursor: bool) {
        if updates == 0 {
            self.0.note("nothing".to_owned());
        }
    }

    fn gap(&mut self, gap: Gap, resume: Cursor) {
        self.0.gap(gap, resume);
    }

    fn reset(&mut self, reset: Reset) {
        self.0.reset(reset);
    }

    fn failure(&mut self, error: &ClientError) {
        self.0.failure(error);
    }

    fn reconnect(&mut self) {
        self.0.reconnect();
    }

    fn served(&mut self, since_us: u64) {
        self.0.served(since_us);
    }
}

/// Runs a client of a target against a script.
async fn check(
    path: &str,
    stamp: StampRecipe,
    cursor: CursorRecipe,
    options: Options,
    with_cursor: bool,
    script: impl AsyncFnOnce(&mut Server),
) -> Vec<String> {
    let recipe = Recipe::new(Finder::new(&stamp).unwrap(), cursor, "k3f9".parse().ok());
    let client = async |mut client: Client, log: &mut Log, stop: &CancellationToken| {
        client.link.target = Some(Arc::new(recipe));
        client.after = Some(Cursor::default());
        client.reconnect.with_cursor = with_cursor;
        crate::transport::run(client, &options, &mut Noted(log), stop).await;
    };
    run_script(path, client, script).await
}

async fn poll(cursor: CursorRecipe, options: Options, script: impl AsyncFnOnce(&mut Server)) -> Vec<String> {
    check("/lp?room=1", StampRecipe::Text, cursor, options, true, script).await
}

fn query(from: CursorSource) -> CursorRecipe {
    CursorRecipe::Query { name: "after".to_owned(), from }
}

/// The text of an update.
fn text(seq: u64) -> String {
    feedlab_experiment::stamp::text(format!("k3f9.{seq}").parse().unwrap(), 1, 64)
}

#[tokio::test]
async fn a_poll_sends_the_value_that_the_recipe_finds() {
    for (from, header, body, value) in [
        (CursorSource::Header("x-next".to_owned()), "X-Next: n5\r\n", text(5), "n5"),
        (CursorSource::Pointer("/next".to_owned()), "", format!(r#"{{"next":"n 5","all":["{}"]}}"#, text(5)), "n+5"),
        (CursorSource::Seq, "", format!("{}{}", text(4), text(5)), "5"),
    ] {
        for options in [LONG, SHORT] {
            let seen = poll(query(from.clone()), options, async |server| {
                let mut peer = server.accept().await;
                let request = peer.request().await;
                assert!(request.starts_with("get /lp?room=1 http/1.1"), "{request}");
                assert!(!request.contains("if-none-match"), "{request}");
                peer.answer("200 OK", header, &body).await;
                let expected = format!("get /lp?room=1&after={value} http/1.1");
                for status in ["204 No Content", "200 OK"] {
                    let request = peer.request().await;
                    assert!(request.starts_with(&expected), "{request}");
                    peer.answer(status, "", "").await;
                }
                peer.request().await;
            })
            .await;
            assert_eq!(seen.last().unwrap(), "update 5", "{from:?}: {seen:?}");
        }
    }
}

#[tokio::test]
async fn a_poll_repeats_the_conditions_of_the_last_response() {
    let seen = poll(CursorRecipe::Etag, LONG, async |server| {
        let mut peer = server.accept().await;
        let request = peer.request().await;
        assert!(!request.contains("if-none-match") && !request.contains("after="), "{request}");
        let conditions = "ETag: 0\r\nLast-Modified: Mon, 30 Nov 2026 00:00:00 GMT\r\n";
        peer.answer("200 OK", conditions, &text(1)).await;
        for status in ["304 Not Modified", "204 No Content"] {
            let request = peer.request().await;
            assert!(request.contains("if-none-match: 0\r\n"), "{request}");
            assert!(request.contains("if-modified-since: mon, 30 nov 2026 00:00:00 gmt\r\n"), "{request}");
            peer.send(format!("HTTP/1.1 {status}\r\n\r\n")).await;
        }
        peer.request().await;
        peer.answer("200 OK", "ETag: 1\r\n", &text(2)).await;
        assert!(peer.request().await.contains("if-none-match: 1\r\n"));
    })
    .await;
    assert_eq!(seen, ["opened", "update 1", "update 2"]);
}

#[tokio::test]
async fn without_a_recipe_a_poll_sends_nothing_and_a_long_poll_without_a_cursor_neither() {
    for (cursor, options, with_cursor, is_sent) in [
        (CursorRecipe::None, LONG, true, false),
        (CursorRecipe::Standard, SHORT, true, false),
        (query(CursorSource::Seq), LONG, false, false),
        (query(CursorSource::Seq), SHORT, false, true),
    ] {
        check("/lp", StampRecipe::Text, cursor, options, with_cursor, async |server| {
            let mut peer = server.accept().await;
            peer.request().await;
            peer.answer("200 OK", "ETag: 0\r\n", &text(1)).await;
            let request = peer.request().await;
            let expected = if is_sent { "get /lp?after=1 http" } else { "get /lp http" };
            assert!(request.starts_with(expected) && !request.contains("if-none-match"), "{request}");
        })
        .await;
    }
}

#[tokio::test]
async fn a_failure_is_counted_and_the_next_poll_asks_for_the_same() {
    for options in [LONG, SHORT] {
        let from = CursorSource::Header("x-next".to_owned());
        let seen = poll(query(from), options, async |server| {
            let mut peer = server.accept().await;
            peer.request().await;
            peer.answer("200 OK", "X-Next: 1\r\n", &text(1)).await;
            for status in ["404 Not Found", "500 Internal Server Error", "206 Partial Content"] {
                assert!(peer.request().await.contains("&after=1 "));
                peer.answer(status, "X-Next: 9\r\n", &text(9)).await;
            }
            assert!(peer.request().await.contains("&after=1 "));
            // The body ends too early.
            peer.send(format!("HTTP/1.1 200 OK\r\nX-Next: 2\r\nContent-Length: 900\r\n\r\n{}", text(2))).await;
            drop(peer);
            let mut peer = server.accept().await;
            assert!(peer.request().await.contains("&after=1 "));
            peer.answer("200 OK", "X-Next: 2\r\n", &text(2)).await;
            assert!(peer.request().await.contains("&after=2 "));
        })
        .await;
        let expected =
            ["opened", "update 1", "Status", "Status", "Status", "Disconnected", "reconnect", "opened", "update 2"];
        assert_eq!(seen, expected);
    }
}

#[tokio::test]
async fn a_target_that_holds_no_poll_is_not_asked_as_fast_as_it_answers() {
    const POLLS: u32 = 12;
    let mut took = Duration::ZERO;
    poll(CursorRecipe::None, LONG, async |server| {
        let mut peer = server.accept().await;
        peer.request().await;
        let began: Instant = clock::now();
        for _ in 0..POLLS {
            // The same update again is no news either.
            peer.answer("200 OK", "", &text(1)).await;
            peer.request().await;
        }
        took = began.elapsed();
    })
    .await;
    // The first answer brings news, and is followed by the next request at once.
    assert!(took >= Duration::from_millis(10) * (POLLS - 1) - Duration::from_millis(10), "{took:?}");
}

#[tokio::test]
async fn the_recipe_alone_says_what_an_update_is() {
    let pattern = StampRecipe::Pattern { pattern: r"n=(?<seq>\d+) t=(?<at>\d+)".to_owned(), unit: TimeUnit::Millis };
    let pointers = StampRecipe::Pointers { seq: "/id".to_owned(), at: "/ts".to_owned(), unit: TimeUnit::Millis };
    let ours = format!(r#"{{"seq":99,"at":1,"type":"t","data":"{}"}}"#, text(7));
    let foreign = text(8).replace("k3f9", "0ld0");
    for (stamp, messages, expected) in [
        (StampRecipe::Text, ["hello", &ours, &foreign], ["nothing", "update 7", "nothing"]),
        (pattern, ["n=1 t=5;n=2 t=6", &ours, "n=3 t=x"], ["update 1", "update 2", "nothing"]),
        (pointers, [r#"{"id":1,"ts":5}"#, "hello", r#"{"id":2}"#], ["update 1", "nothing", "nothing"]),
    ] {
        let seen = check("/ws", stamp.clone(), CursorRecipe::Standard, WEBSOCKET, true, async |server| {
            let mut peer = server.accept().await;
            assert!(peer.upgrade().await.starts_with("get /ws http/1.1"));
            for message in messages {
                peer.send(frame(Opcode::Text, message.as_bytes())).await;
            }
            peer.send(frame(Opcode::Text, b"the end")).await;
            while server.observations() < 5 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
        assert_eq!(seen[1..4], expected, "{stamp:?}: {seen:?}");
    }
}

#[tokio::test]
async fn a_websocket_is_read_unparsed_and_continues_with_the_recipes_value() {
    let recipe = query(CursorSource::Pointer("/id".to_owned()));
    let seen = check("/ws?x=1", StampRecipe::Text, recipe, WEBSOCKET, true, async |server| {
        let mut peer = server.accept().await;
        assert!(peer.upgrade().await.starts_with("get /ws?x=1 http/1.1"));
        // Messages of feedlab's own servers mean nothing here.
        peer.send([hello_frame("k3f9.9".parse().unwrap()), gap_frame(Gap { from: 1, to: 8 })].concat()).await;
        peer.send(frame(Opcode::Binary, format!(r#"{{"id":17,"text":"{}"}}"#, text(1)).as_bytes())).await;
        peer.send(frame(Opcode::Text, text(2).as_bytes())).await;
        server.observed("update 2").await;
        peer.send(close_frame(1001, "")).await;
        let mut peer = server.accept().await;
        assert!(peer.upgrade().await.starts_with("get /ws?x=1&after=17 http/1.1"));
        server.observed("reconnect").await;
    })
    .await;
    assert_eq!(seen, ["opened", "nothing", "nothing", "update 1", "update 2", "Closed", "reconnect", "opened"]);
}

/// Starts an event stream and returns its request.
async fn stream(server: &mut Server, events: &str) -> (Peer, String) {
    let mut peer = server.accept().await;
    let request = peer.request().await;
    peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Next: n1\r\n\r\nretry: 10\n\n").await;
    peer.send(events).await;
    (peer, request)
}

#[tokio::test]
async fn an_event_stream_continues_as_its_recipe_says() {
    let header = || query(CursorSource::Header("X-Next".to_owned()));
    for (cursor, with_cursor, path, id) in [
        (CursorRecipe::Standard, true, "/sse", Some("1:0")),
        (CursorRecipe::Standard, false, "/sse", None),
        (CursorRecipe::None, true, "/sse", None),
        (query(CursorSource::Seq), true, "/sse?after=2", None),
        (query(CursorSource::Seq), false, "/sse", None),
        (header(), true, "/sse?after=n1", None),
    ] {
        let seen = check("/sse", StampRecipe::Text, cursor.clone(), SSE, with_cursor, async |server| {
            let events = format!("id: 1:0\ndata: {}\n\nevent: gap\ndata: {}\n\n", text(1), text(2));
            let (peer, request) = stream(server, &events).await;
            assert!(request.starts_with("get /sse http/1.1") && !request.contains("last-event-id"), "{request}");
            server.observed("update 2").await;
            drop(peer);
            let (_peer, request) = stream(server, "").await;
            assert!(request.starts_with(&format!("get {path} http/1.1")), "{cursor:?}: {request}");
            let sent = request.lines().find_map(|line| line.strip_prefix("last-event-id: "));
            assert_eq!(sent, id, "{cursor:?}");
        })
        .await;
        assert_eq!(seen[..4], ["opened", "update 1", "update 2", "Closed"], "{cursor:?}");
    }
}

#[tokio::test]
async fn a_request_names_the_target_wherever_its_client_connects_to() {
    for options in [SSE, WEBSOCKET, LONG] {
        let client = async |mut client: Client, log: &mut Log, stop: &CancellationToken| {
            client.link.target =
                Some(Arc::new(Recipe::new(Finder::new(&StampRecipe::Text).unwrap(), CursorRecipe::None, None)));
            client.headers.insert(hyper::header::HOST, "mine:9000".parse().unwrap());
            crate::transport::run(client, &options, &mut Noted(log), stop).await;
        };
        run_script("/", client, async |server| {
            let request = server.accept().await.request().await;
            let hosts: Vec<_> = request.lines().filter(|line| line.starts_with("host:")).collect();
            assert_eq!(hosts, ["host: mine:9000"], "{options:?}");
        })
        .await;
    }
}

#[tokio::test]
async fn a_wrong_path_ends_an_event_stream_permanently() {
    let seen = check("/sse", StampRecipe::Text, CursorRecipe::Standard, SSE, true, async |server| {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.answer("404 Not Found", "", "no").await;
        server.observed("GaveUp").await;
    })
    .await;
    assert_eq!(seen, ["opened", "GaveUp"]);
}

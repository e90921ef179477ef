use std::cell::Cell;
use std::time::Duration;

use feedlab_experiment::scenario::{Options, StampRecipe, TimeUnit};
use feedlab_feed::wire::websocket::{Opcode, frame};
use tokio::sync::Notify;

use super::*;
use crate::target::tests::{job, target};
use crate::transport::script::{Log, Peer, Server};

/// Long enough for what arrives in these tests, and not too long to wait for what does not.
const WAIT: Duration = Duration::from_millis(700);

const LONG: Options = Options::LongPolling { hold: Duration::from_secs(25), keep_alive: true };
const SHORT: Options =
    Options::ShortPolling { interval: Duration::from_millis(20), keep_alive: true, conditional: false };
const SSE: Options = Options::Sse { keepalive: Duration::from_secs(15) };
const WEBSOCKET: Options = Options::WebSocket { keepalive: Duration::from_secs(15) };

const STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

/// What is tried: the options of the contender, and the recipes of the target.
struct Case {
    options: Options,
    cursor: CursorRecipe,
    stamp: StampRecipe,
    publishes: bool,
}

impl Case {
    const fn of(options: Options) -> Self {
        Self { options, cursor: CursorRecipe::Standard, stamp: StampRecipe::Text, publishes: true }
    }

    /// Tries the target against a script, which learns when the update is published. What the script returns is kept
    /// open until the trial ends.
    async fn check<T>(self, script: impl AsyncFnOnce(&mut Server, &Notify) -> T) -> Result<(), String> {
        let (mut server, address) = Server::bind(Log::default()).await;
        let transport = feedlab_experiment::scenario::Contender::new("", self.options).transport();
        let mut target = target(transport, "/feed?key=secret", self.cursor);
        target.target.stamp = self.stamp;
        target.publishes = self.publishes;
        let job = job(address, self.options, target);
        let published = Notify::new();
        let trial = within(WAIT, &job, async || {
            assert!(self.publishes, "the target publishes its own feed");
            published.notify_one();
            Ok(())
        });
        let script = async {
            let _open = script(&mut server, &published).await;
            std::future::pending::<()>().await;
        };
        let result = tokio::select! {
            result = trial => result,
            () = script => Ok(()),
        };
        result.map_err(|error| error.to_string().replace(&address.to_string(), "HOST"))
    }
}

fn query(from: CursorSource) -> CursorRecipe {
    CursorRecipe::Query { name: "after".to_owned(), from }
}

/// The text of the update of a trial.
fn text() -> String {
    feedlab_experiment::stamp::text("k3f9.0".parse().unwrap(), 1, 64)
}

async fn stream(server: &mut Server) -> Peer {
    let mut peer = server.accept().await;
    peer.request().await;
    peer.send(STREAM).await;
    peer
}

#[tokio::test]
async fn an_update_in_a_message_of_any_form_passes_over_every_transport() {
    let sse = Case::of(SSE).check(async |server, published| {
        let mut peer = stream(server).await;
        peer.send("data: welcome\n\n").await;
        published.notified().await;
        peer.send(format!("event: news\ndata: <li>{}</li>\n\n", text())).await;
        peer
    });
    assert_eq!(sse.await, Ok(()));
    let websocket = Case::of(WEBSOCKET).check(async |server, published| {
        let mut peer = server.accept().await;
        peer.upgrade().await;
        published.notified().await;
        peer.send(frame(Opcode::Text, format!("[{:?}]", text()).as_bytes())).await;
        peer
    });
    assert_eq!(websocket.await, Ok(()));
    let held = Case { cursor: CursorRecipe::Etag, ..Case::of(LONG) }.check(async |server, published| {
        let mut peer = server.accept().await;
        peer.request().await;
        published.notified().await;
        peer.answer("200 OK", "ETag: 1\r\n", &text()).await;
        peer
    });
    assert_eq!(held.await, Ok(()));
    let short = Case { cursor: query(CursorSource::Seq), ..Case::of(SHORT) }.check(async |server, published| {
        let mut peer = server.accept().await;
        let is_published = Cell::new(false);
        let answer = async {
            loop {
                peer.request().await;
                peer.answer("200 OK", "", &if is_published.get() { text() } else { "[]".to_owned() }).await;
            }
        };
        let publish = async {
            published.notified().await;
            is_published.set(true);
            std::future::pending::<()>().await;
        };
        tokio::join!(answer, publish)
    });
    assert_eq!(short.await, Ok(()));
}

#[tokio::test]
async fn a_targets_own_feed_is_waited_for_and_not_published_to() {
    let stamp = StampRecipe::Pattern { pattern: r"(?<seq>\d+)@(?<at>\d+)".to_owned(), unit: TimeUnit::Seconds };
    let passed = Case { stamp, publishes: false, ..Case::of(SSE) }.check(async |server, _| {
        let mut peer = stream(server).await;
        for seq in 0..100 {
            peer.send(format!("data: {seq}@1795997031\n\n")).await;
            sleep(Duration::from_millis(20)).await;
        }
        peer
    });
    assert_eq!(passed.await, Ok(()));
}

#[tokio::test]
async fn the_error_of_a_wrong_path_shows_what_the_path_answers() {
    for (options, name, why) in [
        (SSE, "SSE", "the server answered 404 Not Found, which closes an event stream permanently"),
        (WEBSOCKET, "WebSocket", "the server answered 404 Not Found"),
        (SHORT, "short polling", "the server answered 404 Not Found"),
        (LONG, "long polling", "the server answered 404 Not Found"),
    ] {
        let failed = Case::of(options).check(async |server, _| {
            loop {
                let mut peer = server.accept().await;
                peer.request().await;
                peer.answer("404 Not Found", "Connection: close\r\n", "Cannot GET\n/feed\u{1b}").await;
            }
        });
        let expected = format!(
            "{name} at http://HOST/feed?key=… does not work: {why}; a plain request is answered with 404 Not Found and \
             `Cannot GET\\n/feed\\u{{1b}}`; check the path of the endpoint"
        );
        assert_eq!(failed.await, Err(expected));
    }
}

#[tokio::test]
async fn a_target_that_nobody_serves_is_an_endpoint_that_does_not_work() {
    let job = job("127.0.0.1:1".parse().unwrap(), SSE, target(Transport::Sse, "/sse", CursorRecipe::Standard));
    let error = within(WAIT, &job, async || Ok(())).await.unwrap_err().to_string();
    assert!(error.starts_with("SSE at http://127.0.0.1:1/sse does not work: ") && error.contains("refused"), "{error}");
}

#[tokio::test]
async fn the_error_without_an_update_shows_the_first_message_and_what_was_looked_for() {
    let pointers = StampRecipe::Pointers { seq: "/id".to_owned(), at: "/ts".to_owned(), unit: TimeUnit::Millis };
    let failed = Case { stamp: pointers, ..Case::of(WEBSOCKET) }.check(async |server, published| {
        let mut peer = server.accept().await;
        peer.upgrade().await;
        peer.send(frame(Opcode::Text, b"welcome")).await;
        published.notified().await;
        peer.send(frame(Opcode::Text, format!("\u{1b}{}", "x".repeat(400)).as_bytes())).await;
        peer.send(frame(Opcode::Text, b"another")).await;
        peer
    });
    let error = failed.await.unwrap_err();
    assert!(error.starts_with("no update was found in what arrived from WebSocket at http://HOST/feed"), "{error}");
    let shown = format!("the first message was `\\u{{1b}}{}…`; check `stamp`", "x".repeat(299));
    assert!(error.contains("looked for ") && error.contains("/id") && error.contains(&shown), "{error}");
}

#[tokio::test]
async fn the_text_of_another_epoch_is_not_the_update() {
    let failed = Case::of(SSE).check(async |server, published| {
        let mut peer = stream(server).await;
        published.notified().await;
        peer.send(format!("data: {}\n\n", text().replace("k3f9", "0ld0"))).await;
        peer
    });
    let error = failed.await.unwrap_err();
    assert!(error.contains("with the epoch k3f9; the first message was `feedlab:0ld0.0:1:"), "{error}");
}

#[tokio::test]
async fn a_welcome_is_shown_if_nothing_else_arrives() {
    let failed = Case::of(SSE).check(async |server, _| {
        let mut peer = stream(server).await;
        peer.send("data: welcome\n\n").await;
        peer
    });
    assert!(failed.await.unwrap_err().contains("the first message was `welcome`;"));
}

#[tokio::test]
async fn silence_and_a_poll_without_an_answer_are_different_errors() {
    let silent = Case::of(SSE).check(async |server, _| stream(server).await);
    let expected = "no message arrived from SSE at http://HOST/feed?key=… within 0.7 s after an update was published; \
                    check its path and `publish`";
    assert_eq!(silent.await, Err(expected.to_owned()));
    let unanswered = Case::of(LONG).check(async |server, _| {
        let mut peer = server.accept().await;
        peer.request().await;
        peer
    });
    let expected = "long polling at http://HOST/feed?key=… was not answered within 0.7 s after an update was published; \
                    check its path and `publish`";
    assert_eq!(unanswered.await, Err(expected.to_owned()));
}

#[tokio::test]
async fn a_cursor_that_is_not_found_is_an_error_that_shows_where_it_should_be() {
    for (cursor, expected) in [
        (
            query(CursorSource::Header("X-Next".to_owned())),
            "its response has no field `X-Next`; the response had the fields `content-length: 64, x-other: 1`",
        ),
        (
            query(CursorSource::Pointer("/next".to_owned())),
            "there is no string or number at `/next` in it; the message was `feedlab:k3f9.0:1:",
        ),
        (
            CursorRecipe::Etag,
            "its response has neither `ETag` nor `Last-Modified`; the response had the fields `content-length",
        ),
    ] {
        let failed = Case { cursor, ..Case::of(LONG) }.check(async |server, published| {
            let mut peer = server.accept().await;
            peer.request().await;
            published.notified().await;
            peer.answer("200 OK", "X-Other: 1\r\n", &text()).await;
            peer
        });
        let error = failed.await.unwrap_err();
        assert!(error.contains(expected) && error.ends_with("check its `cursor`"), "{error}");
    }
}

#[tokio::test]
async fn what_the_publisher_says_is_the_error() {
    let (mut server, address) = Server::bind(Log::default()).await;
    let job = job(address, SSE, target(Transport::Sse, "/sse", CursorRecipe::Standard));
    let trial = within(WAIT, &job, async || Err("POST /pub was answered 405".to_owned()));
    let (result, _peer) = tokio::join!(trial, stream(&mut server));
    assert_eq!(result.unwrap_err().to_string(), "no update can be published: POST /pub was answered 405");
}

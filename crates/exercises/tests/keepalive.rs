//! Exercise 5: a stream under an idle timeout. Time is paused: ten minutes take no time.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::time::Duration;

use exercise::{KEEPALIVE, write_stream};
use feedlab_exercises::clock::now;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

feedlab_exercises::subject!(keepalive, "../yours/keepalive.rs");

const MAX_IDLE: Duration = Duration::from_secs(15);
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A stream with one update after each of these waits, s. Then the feed publishes nothing more, but does not end.
fn stream(waits: Vec<u64>) -> (mpsc::Receiver<String>, JoinHandle<()>) {
    let (publish, updates) = mpsc::channel(1);
    let (out, wire) = mpsc::channel(1);
    tokio::spawn(async move {
        for (index, wait) in waits.into_iter().enumerate() {
            sleep(secs(wait)).await;
            publish.send(index.to_string()).await.unwrap();
        }
        publish.closed().await;
    });
    (wire, tokio::spawn(write_stream(updates, out, MAX_IDLE)))
}

/// Returns what is written within a time, each piece with its time in seconds.
async fn written_within(wire: &mut mpsc::Receiver<String>, time: Duration) -> Vec<(u64, String)> {
    let (began, mut pieces) = (now(), Vec::new());
    let _ = timeout(time, async {
        while let Some(piece) = wire.recv().await {
            pieces.push(((now() - began).as_secs(), piece));
        }
    })
    .await;
    pieces
}

#[tokio::test(start_paused = true)]
async fn updates_are_written_at_once_and_in_order() {
    let (mut wire, _task) = stream(vec![1, 0, 40]);
    let mut pieces = written_within(&mut wire, secs(42)).await;
    pieces.retain(|(_, piece)| !piece.starts_with(':'));
    let expected = [(1, "data: 0\n\n"), (1, "data: 1\n\n"), (41, "data: 2\n\n")];
    assert_eq!(
        pieces,
        expected.map(|(at, piece)| (at, piece.to_owned())),
        "no update waits for a timer, and none is lost"
    );
}

#[tokio::test(start_paused = true)]
async fn a_quiet_stream_outlives_the_idle_timeout() {
    let (mut wire, _task) = stream(Vec::new());
    let end = now() + secs(600);
    while now() < end {
        let piece = timeout(IDLE_TIMEOUT, wire.recv()).await;
        let Ok(piece) = piece else {
            panic!(
                "nothing was written for {IDLE_TIMEOUT:?}: the proxy has closed the connection without giving a reason"
            )
        };
        assert_eq!(piece.as_deref(), Some(KEEPALIVE), "a keepalive is a comment, which no page sees");
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_stream_has_no_keepalives() {
    let (mut wire, _task) = stream(vec![10; 30]);
    let comments = written_within(&mut wire, secs(300)).await.iter().filter(|(_, piece)| piece == KEEPALIVE).count();
    assert_eq!(
        comments, 0,
        "an update every 10 s is enough traffic for K = {MAX_IDLE:?}. A comment costs bytes and a wake-up for every \
         client: with a timer that runs next to the updates, a hundred thousand clients pay for nothing"
    );
}

#[tokio::test(start_paused = true)]
async fn the_silence_counts_from_the_last_write() {
    let (mut wire, _task) = stream(vec![10]);
    let pieces: Vec<_> = written_within(&mut wire, secs(41)).await.into_iter().map(|(at, _)| at).collect();
    assert_eq!(
        pieces,
        [10, 25, 40],
        "an update after 10 s, a comment {MAX_IDLE:?} after it, and the next comment {MAX_IDLE:?} after that"
    );
}

#[tokio::test(start_paused = true)]
async fn the_stream_ends_with_the_feed() {
    let (publish, updates) = mpsc::channel(1);
    let (out, mut wire) = mpsc::channel(4);
    tokio::spawn(write_stream(updates, out, MAX_IDLE));
    publish.send("last".to_owned()).await.unwrap();
    drop(publish);
    let pieces: Vec<_> = written_within(&mut wire, secs(60)).await.into_iter().map(|(_, piece)| piece).collect();
    assert_eq!(pieces, ["data: last\n\n"], "the updates have ended: there is nothing to keep alive");
    assert!(wire.is_closed(), "the stream is closed too, so that its client notices");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_gone_is_noticed_although_nothing_is_published() {
    let (wire, task) = stream(Vec::new());
    drop(wire);
    assert!(
        timeout(MAX_IDLE + secs(1), task).await.is_ok(),
        "the client is gone and nothing is published: without a write nobody notices, and its task and memory stay \
         forever"
    );
}

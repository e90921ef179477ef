//! Exercise 3: a long-poll handler, and updates at the worst moments. Time is paused: a hold of 25 s takes no time.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::sync::Arc;
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{Query, State};
use exercise::{Ask, MAX_HOLD, long_poll};
use feedlab_exercises::clock::now;
use feedlab_exercises::feed::Feed;
use serde_json::Value;
use tokio::time::{sleep, timeout};

feedlab_exercises::subject!(long_poll_handler, "../yours/long_poll_handler.rs");

const HOLD: Duration = Duration::from_secs(25);

/// What a client sees of a response.
#[derive(Debug, PartialEq)]
struct Seen {
    status: u16,
    /// Parsed as JSON, where the order of keys does not matter; null if there is no body.
    body: Value,
    after: Duration,
}

fn seen(status: u16, body: &str, after: Duration) -> Seen {
    let body = if body.is_empty() { Value::Null } else { serde_json::from_str(body).expect("a body is JSON") };
    Seen { status, body, after }
}

async fn ask(feed: &Arc<Feed>, after: u64, hold: Duration) -> Seen {
    let began = now();
    let hold_ms = u64::try_from(hold.as_millis()).unwrap();
    let answer = long_poll(State(feed.clone()), Query(Ask { after, hold_ms })).await;
    let after = now() - began;
    assert_eq!(
        answer.headers().get("cache-control").unwrap(),
        "no-store",
        "otherwise a cache may answer the next request too"
    );
    let status = answer.status().as_u16();
    let body = String::from_utf8(to_bytes(answer.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap();
    seen(status, &body, after)
}

/// Publishes one update after each of these waits, s.
fn publish_after(feed: &Arc<Feed>, waits: &'static [u64]) {
    let feed = feed.clone();
    tokio::spawn(async move {
        for wait in waits {
            sleep(Duration::from_secs(*wait)).await;
            feed.publish();
        }
    });
}

#[tokio::test(start_paused = true)]
async fn existing_updates_are_returned_at_once() {
    let feed = Arc::new(Feed::default());
    (0..3).for_each(|_| feed.publish());
    let expected = seen(200, r#"{"next":3,"updates":[2,3]}"#, Duration::ZERO);
    assert_eq!(
        ask(&feed, 1, HOLD).await,
        expected,
        "2 and 3 follow the cursor and exist already: there is no reason to wait"
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_is_held_until_there_is_news() {
    let feed = Arc::new(Feed::default());
    publish_after(&feed, &[7]);
    let expected = seen(200, r#"{"next":1,"updates":[1]}"#, Duration::from_secs(7));
    assert_eq!(
        ask(&feed, 0, HOLD).await,
        expected,
        "the update was published after 7 s, and the response is due with it"
    );
}

#[tokio::test(start_paused = true)]
async fn without_news_the_response_is_204_after_the_hold() {
    let feed = Arc::new(Feed::default());
    assert_eq!(ask(&feed, 0, HOLD).await, seen(204, "", HOLD), "the client sets the hold; the response has no body");
    let long = ask(&feed, 0, Duration::from_secs(86_400)).await;
    assert_eq!(
        long.after, MAX_HOLD,
        "a client that asks for a day would hold a connection for a day: MAX_HOLD is the limit"
    );
}

#[tokio::test(start_paused = true)]
async fn an_update_between_the_look_and_the_wait_is_not_lost() {
    let feed = Arc::new(Feed::default());
    feed.right_after_the_next_look(Feed::publish);
    let answer = ask(&feed, 0, HOLD).await;
    assert_eq!(
        answer,
        seen(200, r#"{"next":1,"updates":[1]}"#, Duration::ZERO),
        "update 1 was published right after the handler had looked and found nothing. It must be returned at once; \
         here the client got it after {:?}. A handler that subscribes only after the look hears only later updates",
        answer.after
    );
}

#[tokio::test(start_paused = true)]
async fn a_wake_up_without_news_does_not_end_the_wait() {
    let feed = Arc::new(Feed::default());
    publish_after(&feed, &[5, 5, 5]);
    assert_eq!(
        ask(&feed, 2, HOLD).await,
        seen(200, r#"{"next":3,"updates":[3]}"#, Duration::from_secs(15)),
        "this client already has 2, so the publications of 1 and 2 (after 5 s and 10 s) wake its handler without news"
    );
    publish_after(&feed, &[20]);
    let answer = ask(&feed, 9, HOLD).await;
    assert_eq!(answer, seen(204, "", HOLD), "a wake-up without news neither restarts the hold nor ends it");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_polls_again_and_again_gets_everything_once() {
    let feed = Arc::new(Feed::default());
    let (mut cursor, mut got) = (0, Vec::new());
    while cursor < 100 {
        // Sometimes an update is published between the look and the wait, and always one while no request is pending.
        if cursor % 3 == 0 {
            feed.right_after_the_next_look(Feed::publish);
        } else {
            publish_after(&feed, &[1]);
        }
        let answer = ask(&feed, cursor, HOLD).await;
        assert!(answer.after < HOLD, "after {cursor} the client waited for the whole hold although there was news");
        let body = answer.body;
        got.extend(body["updates"].as_array().unwrap().iter().filter_map(Value::as_u64));
        cursor = body["next"].as_u64().unwrap();
        feed.publish();
    }
    assert_eq!(got, (1..=cursor).collect::<Vec<_>>(), "every update once, in order");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_keeps_no_subscription() {
    let feed = Arc::new(Feed::default());
    let gone = timeout(Duration::from_secs(3), ask(&feed, 0, HOLD)).await;
    assert!(gone.is_err(), "the client left after 3 s, before any response");
    assert_eq!(feed.subscribers(), 0, "its future was dropped, and its subscription must be dropped with it");
}

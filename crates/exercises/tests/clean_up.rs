//! Exercise 8: the counters of a server, and every way in which a connection can end.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use exercise::{Registry, connection};
use tokio::sync::watch;
use tokio::time::sleep;

feedlab_exercises::subject!(clean_up, "../yours/clean_up.rs");

/// Lets every other task run until it waits: time is paused.
async fn everybody_waits() {
    sleep(Duration::from_secs(1)).await;
}

fn counters(registry: &Registry) -> (usize, usize) {
    (registry.open(), registry.waiting())
}

#[tokio::test(start_paused = true)]
async fn an_open_connection_is_counted_as_long_as_it_is_open() {
    let (registry, feed) = (Arc::new(Registry::default()), watch::Sender::new(0));
    let task = tokio::spawn(connection(registry.clone(), feed.subscribe(), |_| Ok(())));
    everybody_waits().await;
    assert_eq!(
        counters(&registry),
        (1, 1),
        "one connection is open and waits; a guard that is dropped at once counts nothing"
    );
    feed.send_replace(1);
    everybody_waits().await;
    assert_eq!(counters(&registry), (1, 1), "it has written and waits again: counted once, not twice");
    drop(task);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_writes_is_not_waiting() {
    let (registry, feed) = (Arc::new(Registry::default()), watch::Sender::new(0));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (log, watched) = (seen.clone(), registry.clone());
    let write = move |head| {
        log.lock()
            .map(|mut log| log.push((head, watched.open(), watched.waiting())))
            .map_err(|_| io::ErrorKind::Other.into())
    };
    tokio::spawn(connection(registry.clone(), feed.subscribe(), write));
    for head in 1..=2 {
        everybody_waits().await;
        feed.send_replace(head);
    }
    everybody_waits().await;
    let seen = seen.lock().map(|seen| seen.clone()).unwrap_or_default();
    assert_eq!(seen, [(1, 1, 0), (2, 1, 0)], "(head, open, waiting) while it writes");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_feed_leaves_nothing() {
    let (registry, feed) = (Arc::new(Registry::default()), watch::Sender::new(0));
    let task = tokio::spawn(connection(registry.clone(), feed.subscribe(), |_| Ok(())));
    everybody_waits().await;
    drop(feed);
    assert!(matches!(task.await, Ok(Ok(()))), "the end of the feed is not an error");
    assert_eq!(counters(&registry), (0, 0), "the feed has ended, and the connection with it");
}

#[tokio::test(start_paused = true)]
async fn a_write_that_fails_leaves_nothing() {
    let (registry, feed) = (Arc::new(Registry::default()), watch::Sender::new(0));
    let broken = |_| Err(io::ErrorKind::BrokenPipe.into());
    let task = tokio::spawn(connection(registry.clone(), feed.subscribe(), broken));
    everybody_waits().await;
    feed.send_replace(1);
    assert!(matches!(task.await, Ok(Err(_))), "the error is returned");
    assert_eq!(counters(&registry), (0, 0), "`?` leaves the function; the lines below it do not run");
}

#[tokio::test(start_paused = true)]
async fn a_future_that_is_dropped_while_it_waits_leaves_nothing() {
    let (registry, feed) = (Arc::new(Registry::default()), watch::Sender::new(0));
    let tasks: Vec<_> =
        (0..1_000).map(|_| tokio::spawn(connection(registry.clone(), feed.subscribe(), |_| Ok(())))).collect();
    everybody_waits().await;
    assert_eq!(counters(&registry), (1_000, 1_000), "a thousand clients have connected");
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    everybody_waits().await;
    assert_eq!(
        counters(&registry),
        (0, 0),
        "(open, waiting) after all thousand clients have gone. Their futures were dropped at the `await`, and no line \
         after it ran. A server that counts like this will one day reject clients because it seems to be full"
    );
}

#[tokio::test(start_paused = true)]
async fn a_panic_leaves_nothing() {
    let (registry, feed) = (Arc::new(Registry::default()), watch::Sender::new(0));
    let task = tokio::spawn(connection(registry.clone(), feed.subscribe(), |_| panic!("a bug, for this test")));
    everybody_waits().await;
    feed.send_replace(1);
    assert!(task.await.is_err(), "the panic ends only this task");
    assert_eq!(counters(&registry), (0, 0), "a panic drops what the function holds, and runs nothing else of it");
}

#[tokio::test(start_paused = true)]
async fn a_future_that_never_ran_was_never_open() {
    let (registry, feed) = (Arc::new(Registry::default()), watch::Sender::new(0));
    drop(connection(registry.clone(), feed.subscribe(), |_| Ok(())));
    assert_eq!(counters(&registry), (0, 0), "a future does nothing before it is polled: it neither counts up nor down");
}

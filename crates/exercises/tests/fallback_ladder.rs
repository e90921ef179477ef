//! Exercise 9: a client, and ways that break one transport or another. Time is paused: a watchdog of 20 s takes none.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use exercise::{Connector, Message, Patience, Rung, follow};
use feedlab_exercises::clock::now;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

feedlab_exercises::subject!(fallback_ladder, "../yours/fallback_ladder.rs");

const PATIENCE: Patience = Patience { watchdog: Duration::from_secs(20), interval: Duration::from_secs(5) };

/// What a connection does.
#[derive(Clone, Copy)]
enum Act {
    /// Seconds in which nothing comes.
    Wait(u64),
    /// The update after the cursor, and so on.
    Next,
    /// The update before: it was handed over already.
    Again,
    Keepalive,
    /// Stays open and says nothing more.
    Hang,
}

use Act::{Again, Hang, Keepalive, Next, Wait};

type Opened = Arc<Mutex<Vec<(u64, Rung, u64)>>>;

/// A way on which connections do what a script has for their rung.
struct Scripted<S> {
    script: S,
    began: Instant,
    /// When, which rung, after which update.
    opened: Opened,
}

impl<S: FnMut(Rung) -> Vec<Act> + Send> Connector for Scripted<S> {
    fn open(&mut self, rung: Rung, after: u64) -> mpsc::Receiver<Message> {
        let seconds = (now() - self.began).as_secs();
        self.opened.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((seconds, rung, after));
        let (sender, connection) = mpsc::channel(1);
        let acts = (self.script)(rung);
        tokio::spawn(async move {
            let mut cursor = after;
            for act in acts {
                let message = match act {
                    Wait(seconds) => {
                        sleep(Duration::from_secs(seconds)).await;
                        continue;
                    }
                    Hang => std::future::pending().await,
                    Keepalive => Message::Keepalive,
                    Again => Message::Update(cursor),
                    Next => {
                        cursor += 1;
                        Message::Update(cursor)
                    }
                };
                if sender.send(message).await.is_err() {
                    return;
                }
            }
        });
        connection
    }
}

/// Follows for so many seconds: what was handed over, and which rungs were opened.
async fn followed(seconds: u64, script: impl FnMut(Rung) -> Vec<Act> + Send) -> (Vec<u64>, Vec<(u64, Rung, u64)>) {
    let opened = Opened::default();
    let connector = Scripted { script, began: now(), opened: opened.clone() };
    let (sender, mut updates) = mpsc::channel(1_000);
    let _ = timeout(Duration::from_secs(seconds), follow(connector, PATIENCE, sender)).await;
    let mut got = Vec::new();
    while let Ok(update) = updates.try_recv() {
        got.push(update);
    }
    let opened = opened.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    (got, opened)
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_works_is_kept() {
    let (got, opened) =
        followed(64, |_| vec![Next, Wait(15), Keepalive, Wait(15), Keepalive, Wait(15), Next, Hang]).await;
    assert_eq!(got, [1, 2], "both updates are handed over");
    assert_eq!(
        opened,
        [(0, Rung::Sse, 0)],
        "(seconds, rung, after) of what was opened. The best rung comes first, and a keepalive is a sign of life: this stream was \
         never silent for {:?}",
        PATIENCE.watchdog
    );
}

#[tokio::test(start_paused = true)]
async fn silence_is_a_reason_to_fall() {
    let buffered = |rung| if rung == Rung::Sse { vec![Hang] } else { vec![Next, Wait(1), Next, Wait(1), Next] };
    let (got, opened) = followed(23, buffered).await;
    assert_eq!(
        opened.get(1),
        Some(&(20, Rung::LongPolling, 0)),
        "a proxy that buffers keeps the stream open and everything in it: no error will ever come, so silence for {:?} has to do. \
         Opened were (seconds, rung, after): {opened:?}",
        PATIENCE.watchdog
    );
    assert_eq!(got[..3], [1, 2, 3], "and the next rung brings what is there");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_refused_is_a_reason_to_fall() {
    let refused = |rung| if rung == Rung::Polling { vec![Next] } else { Vec::new() };
    let (_, opened) = followed(1, refused).await;
    let rungs: Vec<Rung> = opened.iter().map(|(_, rung, _)| *rung).collect();
    assert_eq!(
        rungs,
        [Rung::Sse, Rung::LongPolling, Rung::Polling],
        "a connection that ends and has brought nothing is a rung that does not work: rung by rung, down to the last"
    );
}

#[tokio::test(start_paused = true)]
async fn a_cut_is_no_reason_to_fall() {
    let (got, opened) = followed(95, |_| vec![Next, Wait(10)]).await;
    assert!(
        opened.iter().all(|(_, rung, _)| *rung == Rung::Sse),
        "a stream that has brought something and is cut is opened again: deploys happen. Opened were {opened:?}"
    );
    assert_eq!(got, (1..=10).collect::<Vec<_>>(), "every connection went on where the one before ended");
}

#[tokio::test(start_paused = true)]
async fn the_cursor_goes_along_and_nothing_comes_twice() {
    let (got, opened) = followed(45, |rung| match rung {
        Rung::Sse => vec![Next, Next, Hang],
        Rung::LongPolling => vec![Again, Next, Hang],
        Rung::Polling => vec![Again, Next, Hang],
    })
    .await;
    let cursors: Vec<_> = opened.iter().map(|(_, rung, after)| (*rung, *after)).collect();
    let expected = [(Rung::Sse, 0), (Rung::LongPolling, 2), (Rung::Polling, 3)];
    assert_eq!(cursors, expected, "each rung asks after the last update that was handed over, whichever brought it");
    assert_eq!(got, [1, 2, 3, 4], "the new rungs brought 2 and 3 once more: an update is handed over once");
}

#[tokio::test(start_paused = true)]
async fn the_last_rung_is_kept_and_polls() {
    let (got, opened) = followed(33, |rung| if rung == Rung::Polling { vec![Next] } else { Vec::new() }).await;
    let polls: Vec<_> = opened.iter().filter(|(_, rung, _)| *rung == Rung::Polling).map(|(at, ..)| *at).collect();
    assert_eq!(
        polls,
        [0, 5, 10, 15, 20, 25, 30],
        "a poll every {:?}, for ever: there is nothing below",
        PATIENCE.interval
    );
    assert_eq!(got, (1..=7).collect::<Vec<_>>());
    let (_, opened) = followed(998, |_| Vec::new()).await;
    let polls = opened.iter().filter(|(_, rung, _)| *rung == Rung::Polling).count();
    assert_eq!(polls, 200, "also while everything is refused: with a wait, so that a server in trouble is not flooded");
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_nobody_listens() {
    let (sender, updates) = mpsc::channel(1);
    drop(updates);
    let connector = Scripted { script: |_| vec![Next, Wait(10)], began: now(), opened: Opened::default() };
    assert!(
        timeout(Duration::from_secs(60), follow(connector, PATIENCE, sender)).await.is_ok(),
        "nobody wants the updates: go home"
    );
}

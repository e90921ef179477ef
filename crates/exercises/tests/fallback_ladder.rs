//! Exercise 9: a client, and paths that break one transport or another. Time is paused: a watchdog of 20 s takes no
//! time.

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
    /// Sends nothing for this many seconds.
    Wait(u64),
    /// Sends the next update after the cursor.
    Next,
    /// Sends the last update again, which was already handed over.
    Again,
    Keepalive,
    /// Stays open and sends nothing more.
    Hang,
}

use Act::{Again, Hang, Keepalive, Next, Wait};

type Opened = Arc<Mutex<Vec<(u64, Rung, u64)>>>;

/// Opens connections that follow a script for their rung.
struct Scripted<S> {
    script: S,
    began: Instant,
    /// The connections that were opened: the time in seconds, the rung, and the cursor.
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

/// Follows for this many seconds; returns what was handed over, and which rungs were opened.
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
        "(seconds, rung, after) of each connection. The best rung comes first, and a keepalive is a sign of life: this \
         stream was never silent for {:?}",
        PATIENCE.watchdog
    );
}

#[tokio::test(start_paused = true)]
async fn silence_makes_it_fall() {
    let buffered = |rung| if rung == Rung::Sse { vec![Hang] } else { vec![Next, Wait(1), Next, Wait(1), Next] };
    let (got, opened) = followed(23, buffered).await;
    assert_eq!(
        opened.get(1),
        Some(&(20, Rung::LongPolling, 0)),
        "a proxy that buffers keeps the stream open and holds everything back. No error will ever come, so silence for \
         {:?} must be enough. The connections were (seconds, rung, after): {opened:?}",
        PATIENCE.watchdog
    );
    assert_eq!(got[..3], [1, 2, 3], "and the next rung brings the updates");
}

#[tokio::test(start_paused = true)]
async fn a_refused_connection_makes_it_fall() {
    let refused = |rung| if rung == Rung::Polling { vec![Next] } else { Vec::new() };
    let (_, opened) = followed(1, refused).await;
    let rungs: Vec<Rung> = opened.iter().map(|(_, rung, _)| *rung).collect();
    assert_eq!(
        rungs,
        [Rung::Sse, Rung::LongPolling, Rung::Polling],
        "if a connection ends and has brought nothing, its rung does not work: fall rung by rung, down to the last"
    );
}

#[tokio::test(start_paused = true)]
async fn a_cut_does_not_make_it_fall() {
    let (got, opened) = followed(95, |_| vec![Next, Wait(10)]).await;
    assert!(
        opened.iter().all(|(_, rung, _)| *rung == Rung::Sse),
        "a stream that was cut after it brought something is opened again: deploys happen. Connections: {opened:?}"
    );
    assert_eq!(got, (1..=10).collect::<Vec<_>>(), "every connection continued where the one before ended");
}

#[tokio::test(start_paused = true)]
async fn all_rungs_share_the_cursor_and_nothing_is_delivered_twice() {
    let (got, opened) = followed(45, |rung| match rung {
        Rung::Sse => vec![Next, Next, Hang],
        Rung::LongPolling => vec![Again, Next, Hang],
        Rung::Polling => vec![Again, Next, Hang],
    })
    .await;
    let cursors: Vec<_> = opened.iter().map(|(_, rung, after)| (*rung, *after)).collect();
    let expected = [(Rung::Sse, 0), (Rung::LongPolling, 2), (Rung::Polling, 3)];
    assert_eq!(
        cursors, expected,
        "each rung asks for what follows the last update that was handed over, whichever rung brought it"
    );
    assert_eq!(got, [1, 2, 3, 4], "the new rungs brought 2 and 3 again, but an update is handed over once");
}

#[tokio::test(start_paused = true)]
async fn the_last_rung_is_kept_and_polls() {
    let (got, opened) = followed(33, |rung| if rung == Rung::Polling { vec![Next] } else { Vec::new() }).await;
    let polls: Vec<_> = opened.iter().filter(|(_, rung, _)| *rung == Rung::Polling).map(|(at, ..)| *at).collect();
    assert_eq!(
        polls,
        [0, 5, 10, 15, 20, 25, 30],
        "a poll every {:?}, forever: there is no rung below",
        PATIENCE.interval
    );
    assert_eq!(got, (1..=7).collect::<Vec<_>>());
    let (_, opened) = followed(998, |_| Vec::new()).await;
    let polls = opened.iter().filter(|(_, rung, _)| *rung == Rung::Polling).count();
    assert_eq!(
        polls, 200,
        "it also polls while everything is refused, but with a wait, so that it does not flood a server in trouble"
    );
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_nobody_listens() {
    let (sender, updates) = mpsc::channel(1);
    drop(updates);
    let connector = Scripted { script: |_| vec![Next, Wait(10)], began: now(), opened: Opened::default() };
    assert!(
        timeout(Duration::from_secs(60), follow(connector, PATIENCE, sender)).await.is_ok(),
        "nobody receives the updates: return"
    );
}

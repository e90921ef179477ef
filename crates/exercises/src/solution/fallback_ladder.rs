//! Exercise 9, `fallback-ladder`, solved.
//!
//! A ladder is a cursor that changes its transport. What matters is not whether a connection is open but whether
//! anything arrives, so the server's keepalive is as much a part of it as the client's watchdog.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

/// The rungs, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rung {
    /// Server-Sent Events.
    Sse,
    /// Long polling.
    LongPolling,
    /// Polling.
    Polling,
}

/// What a connection brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// An update.
    Update(u64),
    /// Nothing new, but the connection works: a comment, or an empty response.
    Keepalive,
}

/// Opens connections to the server.
pub trait Connector: Send {
    /// Opens a connection of a rung that brings the updates after a cursor.
    fn open(&mut self, rung: Rung, after: u64) -> mpsc::Receiver<Message>;
}

/// The timeouts of a client.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How long a rung may bring nothing at all. Must be longer than the server's keepalive interval and than its hold.
    pub watchdog: Duration,
    /// The time from one poll to the next.
    pub interval: Duration,
}

/// Hands all updates to `updates`, over the best rung that works.
pub async fn follow(mut connector: impl Connector, patience: Patience, updates: mpsc::Sender<u64>) {
    let mut rung = Rung::Sse;
    let mut client = Client { cursor: 0, updates };
    while !client.updates.is_closed() {
        let connection = connector.open(rung, client.cursor);
        match client.listen(connection, patience_with(rung, patience)).await {
            End::ReceiverClosed => return,
            _ if rung == Rung::Polling => tokio::time::sleep(patience.interval).await,
            End::Cut { brought_something: true } => {}
            End::Cut { .. } | End::Silence => rung = below(rung),
        }
    }
}

/// How long a rung may be silent. There is no rung below the last one, so it is never given up.
fn patience_with(rung: Rung, patience: Patience) -> Duration {
    if rung == Rung::Polling { Duration::MAX } else { patience.watchdog }
}

const fn below(rung: Rung) -> Rung {
    match rung {
        Rung::Sse => Rung::LongPolling,
        Rung::LongPolling | Rung::Polling => Rung::Polling,
    }
}

/// How a connection ended.
enum End {
    Cut {
        brought_something: bool,
    },
    Silence,
    /// Nobody receives the updates any more.
    ReceiverClosed,
}

/// The state that all rungs share.
struct Client {
    cursor: u64,
    updates: mpsc::Sender<u64>,
}

impl Client {
    async fn listen(&mut self, mut connection: mpsc::Receiver<Message>, watchdog: Duration) -> End {
        let mut brought_something = false;
        // The watchdog restarts with each message: it limits the silence, not the time.
        while let Ok(message) = timeout(watchdog, connection.recv()).await {
            match message {
                None => return End::Cut { brought_something },
                // Updates at or before the cursor were handed over by an earlier connection.
                Some(Message::Update(update)) if update > self.cursor => {
                    self.cursor = update;
                    if self.updates.send(update).await.is_err() {
                        return End::ReceiverClosed;
                    }
                }
                Some(Message::Update(_) | Message::Keepalive) => {}
            }
            brought_something = true;
        }
        End::Silence
    }
}

//! Exercise 9, `fallback-ladder`: a client that gets its updates through any proxy.
//!
//! **Build** a ladder of three rungs: SSE, long polling, polling. All rungs share the cursor, so that a fall loses
//! nothing.
//!
//! - Open each rung with the cursor: the number of the last update that was handed over.
//! - If a connection ends (`recv` returns `None`) after it has brought something, open it again on the same rung:
//!   servers restart, and proxies cut connections. If it ends without having brought anything, fall to the next rung.
//! - Fall on silence too, because a proxy that buffers raises no error. If nothing arrived for `watchdog`, not even a
//!   keepalive, the rung is broken although its connection is open.
//! - Keep the last rung, whatever happens. Open it again `interval` after its connection has ended.
//! - Hand over every update once, in order, although a new connection may bring some of them again.
//! - Return when nobody receives the updates any more (`send` fails).
//!
//! **Both halves in feedlab**: `crates/loadgen/src/transport/auto.rs` with `crates/loadgen/src/transport/auto/rung.rs`
//! (which also climbs back); the server's part is the keepalive, `Events::beat` in
//! `crates/server/src/transport/sse.rs`.

use std::time::Duration;

use tokio::sync::mpsc;

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
    // Your turn: this stays on the first rung, and assumes that an open connection works.
    let mut cursor = 0;
    loop {
        let mut connection = connector.open(Rung::Sse, cursor);
        while let Some(message) = connection.recv().await {
            let Message::Update(update) = message else { continue };
            cursor = update;
            if updates.send(update).await.is_err() {
                return;
            }
        }
        tokio::time::sleep(patience.interval).await;
    }
}

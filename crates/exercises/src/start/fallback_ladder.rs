//! Exercise 9, `fallback-ladder`: a client that gets its updates through any proxy.
//!
//! **Build** a ladder of three rungs: SSE, long polling, polling. The cursor goes along, so that a fall loses nothing.
//!
//! - Each rung begins with the cursor: the number of the last update that was handed over.
//! - A connection that ends (`recv` gives `None`) after it has brought something is opened again, on the same rung: servers
//!   restart, and proxies cut. One that ends without having brought anything is a reason to fall to the next rung.
//! - Silence is a reason to fall too: a proxy that buffers raises no error. If nothing came for `watchdog`, not even a
//!   keepalive, the rung is broken, although its connection is open.
//! - The last rung is kept, whatever happens. It is opened again `interval` after its connection has ended.
//! - Every update is handed over once, in order, although a new connection may bring some again.
//! - It ends when nobody wants the updates any more (`send` fails).
//!
//! **Both halves in feedlab**: `crates/loadgen/src/transport/auto.rs` with `crates/loadgen/src/transport/auto/rung.rs` (which
//! also climbs back); the server's part is the keepalive, `Events::beat` in `crates/server/src/transport/sse.rs`.

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
    /// Nothing new, but the way is open: a comment, an empty answer.
    Keepalive,
}

/// The way to the server.
pub trait Connector: Send {
    /// Opens a connection that brings what follows the cursor.
    fn open(&mut self, rung: Rung, after: u64) -> mpsc::Receiver<Message>;
}

/// How patient a client is.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How long a rung may bring nothing at all. Longer than the server's keepalive interval and than its hold.
    pub watchdog: Duration,
    /// The time from one poll to the next.
    pub interval: Duration,
}

/// Hands all updates to `updates`, over the best rung that works.
pub async fn follow(mut connector: impl Connector, patience: Patience, updates: mpsc::Sender<u64>) {
    // Your turn: this stays on the first rung, and believes that an open connection is one that works.
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

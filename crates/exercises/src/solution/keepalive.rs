//! Exercise 5, `keepalive`, solved.
//!
//! The wait for the next update *is* the timer: it restarts in each round of the loop, that is, after each write. An
//! interval next to the loop would write comments into a busy stream, and one that is not reset can leave almost 2·K of
//! silence.
//!
//! The comment has a second use: only by writing does a server notice a client that went away without closing.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

/// A comment in an event stream.
pub const KEEPALIVE: &str = ":\n\n";

/// Formats an update as an event.
#[must_use]
pub fn event(data: &str) -> String {
    format!("data: {data}\n\n")
}

/// Writes `updates` to `out`, and a [`KEEPALIVE`] whenever nothing was written for `max_idle`.
pub async fn write_stream(mut updates: mpsc::Receiver<String>, out: mpsc::Sender<String>, max_idle: Duration) {
    loop {
        // `recv` is cancel safe: no update is lost when the timeout drops it. Many futures are not.
        let piece = match timeout(max_idle, updates.recv()).await {
            Ok(Some(data)) => event(&data),
            Ok(None) => return,
            Err(_silence) => KEEPALIVE.to_owned(),
        };
        if out.send(piece).await.is_err() {
            return;
        }
    }
}

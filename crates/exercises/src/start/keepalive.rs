//! Exercise 5, `keepalive`: a stream that no proxy mistakes for dead.
//!
//! **Build** the loop that writes an event stream. A proxy on the way closes a connection on which nothing was written for
//! its idle timeout I (nginx: 60 s). So when nothing was written for K < I, a comment is written: it is traffic for the proxy
//! and nothing for the page.
//!
//! - Each update becomes an event ([`event`]), at once and in order.
//! - A stream that is busy needs no comments: the silence counts from the last write, whatever that was.
//! - When the updates end, the stream ends. When the client is gone (`out` is closed), the loop ends too; it may notice that
//!   with its next write.
//!
//! **Both halves in feedlab**: `Events::beat` in `crates/server/src/transport/sse.rs` with `Push::beat` in
//! `crates/server/src/push.rs` (no timer a connection: one task beats for all), and the client's watchdog in
//! `crates/loadgen/src/transport/auto/rung.rs`.

use std::time::Duration;

use tokio::sync::mpsc;

/// A comment of an event stream.
pub const KEEPALIVE: &str = ":\n\n";

/// An update as an event.
#[must_use]
pub fn event(data: &str) -> String {
    format!("data: {data}\n\n")
}

/// Writes `updates` to `out`, and a [`KEEPALIVE`] whenever nothing was written for `max_idle`.
pub async fn write_stream(mut updates: mpsc::Receiver<String>, out: mpsc::Sender<String>, max_idle: Duration) {
    // Your turn: between two updates this is silent for as long as it takes.
    let _ = max_idle;
    while let Some(data) = updates.recv().await {
        if out.send(event(&data)).await.is_err() {
            return;
        }
    }
}

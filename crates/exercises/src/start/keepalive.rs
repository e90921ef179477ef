//! Exercise 5, `keepalive`: a stream that no proxy mistakes for dead.
//!
//! **Build** the loop that writes an event stream. A proxy on the path closes a connection on which nothing was written
//! for its idle timeout I (nginx: 60 s). So write a comment when nothing was written for K < I: to the proxy it is
//! traffic, to the page it is nothing.
//!
//! - Write each update as an event ([`event`]), at once and in order.
//! - Write no comments into a busy stream: the silence counts from the last write, whatever that was.
//! - When the updates end, the stream ends. When the client is gone (`out` is closed), the loop ends too; it may notice
//!   that with its next write.
//!
//! **Both halves in feedlab**: `Events::beat` in `crates/server/src/transport/sse.rs` with `Push::beat` in
//! `crates/server/src/push.rs` (no timer per connection: a shard has one for all), and the client's watchdog in
//! `crates/loadgen/src/transport/auto/rung.rs`.

use std::time::Duration;

use tokio::sync::mpsc;

/// A comment in an event stream.
pub const KEEPALIVE: &str = ":\n\n";

/// Formats an update as an event.
#[must_use]
pub fn event(data: &str) -> String {
    format!("data: {data}\n\n")
}

/// Writes `updates` to `out`, and a [`KEEPALIVE`] whenever nothing was written for `max_idle`.
pub async fn write_stream(mut updates: mpsc::Receiver<String>, out: mpsc::Sender<String>, max_idle: Duration) {
    // Your turn: between two updates this writes nothing, however long that takes.
    let _ = max_idle;
    while let Some(data) = updates.recv().await {
        if out.send(event(&data)).await.is_err() {
            return;
        }
    }
}

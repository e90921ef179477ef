//! The standard input of a child process of `feedlab run`: first its task, then possibly orders, one per line, until
//! the end, which is the signal to stop (see `interrupt`).

use std::io::{BufRead as _, Read as _};

use anyhow::Context as _;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// The longest line that a child reads, bytes.
const MAX_LINE: u64 = 1 << 20;

/// Reads the task of a child: the line of JSON that `feedlab run` writes to it (`run/child.rs`).
pub(crate) fn handed_over<T: DeserializeOwned>(what: &str) -> anyhow::Result<T> {
    let mut line = String::new();
    let read = std::io::stdin().lock().take(MAX_LINE).read_line(&mut line);
    read.with_context(|| format!("cannot read the {what}"))?;
    serde_json::from_str(&line)
        .with_context(|| format!("the {what} on standard input is invalid; `feedlab run` writes it"))
}

/// Reads the next line; returns `None` if there is none.
pub(crate) fn next_line() -> Option<String> {
    let mut line = String::new();
    let read = std::io::stdin().lock().take(MAX_LINE).read_line(&mut line).ok()?;
    (read > 0).then_some(line)
}

/// Returns a channel of the orders that arrive on standard input. When it ends, or a line is not a valid order, `stop`
/// is cancelled.
pub(crate) fn orders<T: DeserializeOwned + Send + 'static>(stop: CancellationToken) -> mpsc::Receiver<T> {
    let (sender, receiver) = mpsc::channel(1);
    // A thread, because only a blocking read works with every kind of standard input.
    std::thread::spawn(move || {
        while let Some(order) = next_line().and_then(|line| serde_json::from_str(&line).ok()) {
            if sender.blocking_send(order).is_err() {
                break;
            }
        }
        stop.cancel();
    });
    receiver
}

//! Standard input, as a child process of `feedlab run` has it: first what it is to do, then perhaps more, a line each, until its
//! end, which is the sign to stop (see `interrupt`).

use std::io::{BufRead as _, Read as _};

use anyhow::Context as _;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// The longest line that a child is handed, bytes.
const MAX_LINE: u64 = 1 << 20;

/// What a child is handed: the line of JSON that `feedlab run` writes to it (`run/child.rs`).
pub(crate) fn handed_over<T: DeserializeOwned>(what: &str) -> anyhow::Result<T> {
    let mut line = String::new();
    let read = std::io::stdin().lock().take(MAX_LINE).read_line(&mut line);
    read.with_context(|| format!("cannot read the {what}"))?;
    serde_json::from_str(&line)
        .with_context(|| format!("the {what} on standard input cannot be understood; `feedlab run` writes one"))
}

/// The line behind that; `None` when there is none.
pub(crate) fn next_line() -> Option<String> {
    let mut line = String::new();
    let read = std::io::stdin().lock().take(MAX_LINE).read_line(&mut line).ok()?;
    (read > 0).then_some(line)
}

/// The orders that a child is given while it works, until standard input ends, which is the sign to stop; so is a line that is
/// no such order.
pub(crate) fn orders<T: DeserializeOwned + Send + 'static>(stop: CancellationToken) -> mpsc::Receiver<T> {
    let (tell, told) = mpsc::channel(1);
    // A thread, because a blocking read is the one that every kind of standard input supports.
    std::thread::spawn(move || {
        while let Some(order) = next_line().and_then(|line| serde_json::from_str(&line).ok()) {
            if tell.blocking_send(order).is_err() {
                break;
            }
        }
        stop.cancel();
    });
    told
}

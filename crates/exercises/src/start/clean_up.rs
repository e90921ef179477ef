//! Exercise 8, `clean-up`: a closed connection leaves nothing behind.
//!
//! **Build** the counters of a connection. A connection is *open* from its first moment to its last, and *waiting*
//! while it waits for news. Both counters must be right however the connection ends:
//!
//! - the feed ends;
//! - a write fails, and the error is returned;
//! - the future is dropped while it waits: that is what axum does when the client has gone;
//! - something panics.
//!
//! **Both halves in feedlab**: `Active` and `ConnectionMeter` in `crates/server/src/meter.rs` count down when they are
//! dropped; `scripts/check-leaks` lets a thousand clients of each kind connect and leave
//! (`crates/cli/tests/leaks/main.rs`).

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;

/// What a server counts.
#[derive(Debug, Default)]
pub struct Registry {
    open: AtomicUsize,
    waiting: AtomicUsize,
}

impl Registry {
    /// Returns the number of open connections.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Returns the number of connections that wait for news.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// Serves one connection: writes each new head of the feed, until the feed ends.
///
/// # Errors
/// When a write fails.
pub async fn connection(
    registry: Arc<Registry>,
    mut feed: watch::Receiver<u64>,
    mut write: impl FnMut(u64) -> io::Result<()>,
) -> io::Result<()> {
    // Your turn: this counts down on lines that may never run. They do not run when the future is dropped at an
    // `await`.
    registry.open.fetch_add(1, Ordering::Relaxed);
    loop {
        registry.waiting.fetch_add(1, Ordering::Relaxed);
        let news = feed.changed().await;
        registry.waiting.fetch_sub(1, Ordering::Relaxed);
        if news.is_err() {
            break;
        }
        let head = *feed.borrow_and_update();
        write(head)?;
    }
    registry.open.fetch_sub(1, Ordering::Relaxed);
    Ok(())
}

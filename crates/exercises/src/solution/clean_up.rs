//! Exercise 8, `clean-up`, solved: what must happen at the end goes into a `drop`.
//!
//! A future can end at any `await` without running another line; `?` and a panic leave in the middle too. What always
//! runs is the drop of the values that it holds. So a value counts up when it is created, and down when it is dropped.

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

/// Counts one more, for as long as this value lives.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn one_more(counter: &'a AtomicUsize) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(counter)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
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
    // The value needs a name: `let _ =` would drop it on this line.
    let _open = Counted::one_more(&registry.open);
    loop {
        let waiting = Counted::one_more(&registry.waiting);
        let news = feed.changed().await;
        drop(waiting);
        if news.is_err() {
            return Ok(());
        }
        let head = *feed.borrow_and_update();
        write(head)?;
    }
}

//! Exercise 8, `clean-up`, solved: what must happen at the end is a `drop`.
//!
//! A future can end at every `await` without another line of it being run; `?` and a panic leave in the middle too. What
//! always runs is the drop of what it holds. So the counter is held by a value, and counts down with it.

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
    /// Connections that are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Connections that wait for news.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// One more, for as long as this lives.
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

/// One connection: writes each new head of the feed, until the feed ends.
///
/// # Errors
/// When a write fails.
pub async fn connection(
    registry: Arc<Registry>,
    mut feed: watch::Receiver<u64>,
    mut write: impl FnMut(u64) -> io::Result<()>,
) -> io::Result<()> {
    // It needs a name: `let _ =` would drop it in this line.
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

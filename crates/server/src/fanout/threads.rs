//! The threads on which shards run. They belong to the process: the shards of all its addresses share them.
//!
//! A shard of its own thread stays on one processor with its list and its sockets, and no other thread is woken to look
//! for its work, as the scheduler of a multi-thread runtime does for a task that has become ready.

use std::io;
use std::sync::OnceLock;
use std::thread;

use tokio::runtime::{Builder, Handle};

static THREADS: OnceLock<Vec<Handle>> = OnceLock::new();

/// The number of threads: one for every two processors, so that others are left for publishers and the HTTP library.
pub(super) fn count() -> usize {
    thread::available_parallelism().map_or(1, usize::from).div_ceil(2)
}

/// The runtimes of the threads, at least one.
///
/// # Errors
/// When not a single thread can be started.
pub(super) fn runtimes() -> io::Result<&'static [Handle]> {
    let mut failure = None;
    let started = THREADS.get_or_init(|| {
        let threads = (0..count()).map(start);
        threads.filter_map(|started| started.map_err(|error| failure = Some(error)).ok()).collect()
    });
    match (started.as_slice(), failure) {
        ([], failure) => Err(failure.unwrap_or_else(|| io::ErrorKind::OutOfMemory.into())),
        (started, _) => Ok(started),
    }
}

/// Starts a thread, which runs tasks until the process ends.
fn start(index: usize) -> io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    let run = move || runtime.block_on(std::future::pending::<()>());
    thread::Builder::new().name(format!("fan-out-{index}")).spawn(run)?;
    Ok(handle)
}

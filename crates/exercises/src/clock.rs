//! The clock of a test: the runtime's timer, which stands still while any task has work to do.

use std::time::Duration;

use tokio::time::Instant;

/// Returns the current time of the runtime's timer. With paused time (`#[tokio::test(start_paused = true)]`) an hour
/// passes in an instant, and a test that measures it is exact.
///
/// # Panics
/// When called outside a tokio runtime.
#[must_use]
pub fn now() -> Instant {
    tokio::time::sleep(Duration::ZERO).deadline()
}

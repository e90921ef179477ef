//! The clock of a test: what the runtime's timer shows, which stands still while anything has work to do.

use std::time::Duration;

use tokio::time::Instant;

/// Now, for timers. With paused time (`#[tokio::test(start_paused = true)]`) an hour passes in no time at all, and a test
/// that measures it is exact.
///
/// # Panics
/// Outside a tokio runtime.
#[must_use]
pub fn now() -> Instant {
    tokio::time::sleep(Duration::ZERO).deadline()
}

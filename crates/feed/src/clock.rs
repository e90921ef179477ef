//! The only place that reads the time.
//!
//! Two clocks, for two questions. *When was it?* is [`unix_us`]: the wall clock, which the server, its clients and
//! the measuring process share, so that the age of an update is one subtraction. *How long did it take?* is [`now`]:
//! the monotonic clock, which does not change when an operator sets the wall clock.

#![expect(clippy::disallowed_methods, reason = "this is the file that the ban points to")]

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

mod offset;

pub use offset::{Exchange, Offset};

/// How far the clock that this process uses is ahead of the machine's clock, µs.
static AHEAD_US: AtomicI64 = AtomicI64::new(0);

/// Makes this process use the clock of another machine, which is `us` µs ahead of its own: from now on, every time that
/// it reports or compares is in that clock.
pub fn keep_ahead(us: i64) {
    AHEAD_US.store(us, Ordering::Relaxed);
}

/// The wall clock, in µs since the Unix epoch; 0 if the machine's clock is before it.
#[must_use]
pub fn unix_us() -> u64 {
    own_unix_us().saturating_add_signed(AHEAD_US.load(Ordering::Relaxed))
}

/// The wall clock of this machine, whichever clock the process uses, in µs since the Unix epoch.
#[must_use]
pub fn own_unix_us() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, micros)
}

/// The wall clock as a `SystemTime`, for output that people read; never before the Unix epoch.
#[must_use]
pub fn wall() -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(unix_us())
}

/// The monotonic clock.
#[must_use]
pub fn now() -> Instant {
    Instant::now()
}

/// The monotonic instant at which the wall clock will show `unix_us`; now, if that moment has passed.
#[must_use]
pub fn instant_of(at_us: u64) -> Instant {
    now() + Duration::from_micros(at_us.saturating_sub(unix_us()))
}

/// How far the machine's wall clock is ahead of the monotonic clock since `began`, µs; if this changes, the wall clock
/// was stepped or slewed.
#[must_use]
pub fn wall_ahead_us(began: Instant) -> i64 {
    let (wall, monotonic) = (own_unix_us(), micros(began.elapsed()));
    i64::try_from(wall).unwrap_or(i64::MAX).saturating_sub_unsigned(monotonic)
}

/// A duration as whole µs.
#[must_use]
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

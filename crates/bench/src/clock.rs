//! The two clocks of a measurement. Publisher and readers are on one machine, so one monotonic clock stamps and reads.

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Returns the monotonic time in ns.
#[must_use]
pub fn now_ns() -> u64 {
    ns(clock_gettime(ClockId::Monotonic))
}

/// Returns the CPU time of the calling thread in ns.
#[must_use]
pub fn thread_cpu_ns() -> u64 {
    ns(clock_gettime(ClockId::ThreadCPUTime))
}

fn ns(time: Timespec) -> u64 {
    let (seconds, rest) = (u64::try_from(time.tv_sec).unwrap_or(0), u64::try_from(time.tv_nsec).unwrap_or(0));
    seconds * 1_000_000_000 + rest
}

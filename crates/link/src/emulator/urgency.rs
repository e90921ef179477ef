//! How soon the kernel runs this thread once it has something to do, as far as an ordinary user may ask for it.

use std::num::NonZeroU64;

/// The shortest time slice that the kernel accepts, ns.
const SLICE_NS: u64 = 100_000;

/// Makes the timers of this thread exact, and lets it run before threads that use their time. What the kernel does not know
/// is left out: packets are later then.
pub(super) fn raise() {
    // 1 ns instead of 50 µs.
    let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
    kernel::set_slice(SLICE_NS);
}

/// What no crate of this workspace has a safe wrapper for.
#[expect(unsafe_code, reason = "sched_setattr has no safe wrapper")]
mod kernel {
    use std::mem::size_of;

    /// Asks for a short time slice: since Linux 6.12, a thread that wakes preempts one with a longer slice (sched_setattr(2),
    /// `sched_runtime`). The share of the CPU that each gets is the same. A thread with another policy, as by chrt(1), keeps it.
    pub(super) fn set_slice(nanoseconds: u64) {
        // SAFETY: it only reads the policy of this thread.
        if unsafe { libc::sched_getscheduler(0) } != libc::SCHED_OTHER {
            return;
        }
        // SAFETY: all bytes of a sched_attr may be zero, which is the policy of ordinary threads, and a nice value of 0.
        let mut attributes: libc::sched_attr = unsafe { std::mem::zeroed() };
        attributes.size = size_of::<libc::sched_attr>() as u32;
        attributes.sched_runtime = nanoseconds;
        // SAFETY: of priorities, this only reads that of this process.
        attributes.sched_nice = unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) };
        // SAFETY: the pointer is to a whole sched_attr that says its size, and lives as long as the call.
        let _ = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
    }
}

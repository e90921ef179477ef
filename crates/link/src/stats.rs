//! The proxy's statistics.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rustix::io::Errno;
use serde::Serialize;

/// A snapshot of the proxy's statistics.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stats {
    /// The number of open connections.
    pub open: u64,
    /// The number of connections accepted so far.
    pub accepted: u64,
    /// The number of connections that could not be forwarded because the upstream server could not be reached.
    pub upstream_failed: u64,
    /// The number of connections that could not be accepted or forwarded because the process or the system had no
    /// descriptor left.
    pub no_descriptor: u64,
    /// The number of bytes delivered to the server.
    pub bytes_up: u64,
    /// The number of bytes delivered to the clients.
    pub bytes_down: u64,
    /// The number of bytes in flight or held back by the buffer.
    pub held_bytes: u64,
    /// Whether the port is open: false while new connections are refused.
    pub listening: bool,
    /// How often each kind of fault has been injected.
    pub faults: BTreeMap<&'static str, u64>,
    /// The active and repeating faults.
    pub in_course: Vec<FaultStatus>,
}

/// A fault that is active, repeats, or both.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FaultStatus {
    /// The name of its kind.
    pub kind: &'static str,
    /// How much longer it lasts, ms; absent between two occurrences of a repeating fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining_ms: Option<u64>,
    /// The interval at which it repeats, ms; absent for a fault that does not repeat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every_ms: Option<u64>,
}

/// The counters that the connections update.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) open: AtomicU64,
    pub(crate) accepted: AtomicU64,
    pub(crate) upstream_failed: AtomicU64,
    pub(crate) no_descriptor: AtomicU64,
    pub(crate) bytes_up: AtomicU64,
    pub(crate) bytes_down: AtomicU64,
    pub(crate) held: AtomicU64,
}

impl Counters {
    /// Counts an error if its cause is a lack of descriptors, and logs a warning the first time.
    pub(crate) fn failed(&self, error: &io::Error) {
        let is_shortage =
            [Errno::MFILE, Errno::NFILE].iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()));
        if is_shortage && self.no_descriptor.fetch_add(1, Relaxed) == 0 {
            tracing::warn!("connections fail because there is no descriptor left: {error}; see `ulimit -n`");
        }
    }
}

/// A contribution to a counter, which can change; it is subtracted from the counter when this is dropped.
#[derive(Debug)]
pub(crate) struct Gauge<'a> {
    counter: &'a AtomicU64,
    value: u64,
}

impl<'a> Gauge<'a> {
    pub(crate) fn new(counter: &'a AtomicU64, value: u64) -> Self {
        counter.fetch_add(value, Relaxed);
        Self { counter, value }
    }

    pub(crate) fn set(&mut self, value: u64) {
        if value != self.value {
            self.counter.fetch_add(value.wrapping_sub(self.value), Relaxed);
            self.value = value;
        }
    }
}

impl Drop for Gauge<'_> {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauges_add_up_and_leave_nothing() {
        let counter = AtomicU64::new(0);
        let (mut one, other) = (Gauge::new(&counter, 1), Gauge::new(&counter, 5));
        one.set(10);
        assert_eq!(counter.load(Relaxed), 15);
        one.set(2);
        drop(other);
        assert_eq!(counter.load(Relaxed), 2);
        drop(one);
        assert_eq!(counter.load(Relaxed), 0);
    }
}

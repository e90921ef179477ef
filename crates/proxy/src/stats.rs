//! What the proxy has done so far.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rustix::io::Errno;
use serde::Serialize;

/// A snapshot of what the proxy does and has done.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stats {
    /// Connections that are open now.
    pub open: u64,
    /// Connections that were accepted so far.
    pub accepted: u64,
    /// Connections that could not be led on, because nobody answers upstream.
    pub upstream_failed: u64,
    /// Connections that could not be accepted or led on, because the process or the system has no descriptor left.
    pub no_descriptor: u64,
    /// Bytes that have arrived at the server.
    pub bytes_up: u64,
    /// Bytes that have arrived at the clients.
    pub bytes_down: u64,
    /// Bytes that are on their way, or held back by the buffer.
    pub held_bytes: u64,
    /// Whether new connections are taken; not while they are refused.
    pub listening: bool,
    /// How often each fault has happened.
    pub faults: BTreeMap<&'static str, u64>,
    /// Faults in course.
    pub in_course: Vec<InCourse>,
}

/// A fault that is in course, or comes again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InCourse {
    /// Its name.
    pub kind: &'static str,
    /// How much longer it lasts, ms; absent for one that is over and comes again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining_ms: Option<u64>,
    /// The time between two, ms, if it comes again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every_ms: Option<u64>,
}

/// Counters that the connections keep.
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
    /// Counts it if there was no descriptor, and says so the first time.
    pub(crate) fn failed(&self, error: &io::Error) {
        let is_shortage =
            [Errno::MFILE, Errno::NFILE].iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()));
        if is_shortage && self.no_descriptor.fetch_add(1, Relaxed) == 0 {
            tracing::warn!("connections fail, because there is no descriptor left: {error}; see `ulimit -n`");
        }
    }
}

/// A share of a counter that goes up and down; what is left of it is taken back in the end.
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

//! Parameters of simulated clients: the load generator uses them, and predictions and the bounds of scenarios are
//! derived from them.

use std::time::Duration;

/// The time between the request to start the feed and its start: the request itself must not delay the first update.
pub const START_LEAD: Duration = Duration::from_millis(200);

/// If several processes drive a cell, all times are fixed in advance, with reserves for what a single process would
/// wait for. This is the time before the ramp in which commands reach all processes.
pub const PART_NOTICE: Duration = Duration::from_secs(4);
/// The part of [`PART_NOTICE`] in which the baseline without clients is measured.
pub const PART_BASELINE: Duration = Duration::from_millis(1_500);
/// The time after the ramp in which the last clients connect.
pub const PART_CONNECT_GRACE: Duration = Duration::from_secs(5);
/// The time between two phases in which the counters of busy servers are read.
pub const PART_SLACK: Duration = Duration::from_secs(1);

/// The maximum number of clients per thread.
pub const PER_THREAD: usize = 250;

/// The number of clients that share a connection: Chromium's limit for a server that announces none
/// (`net/spdy/spdy_session.h`, `kInitialMaxConcurrentStreams`), and the minimum that a server should allow (RFC 9113,
/// section 6.5.2). Connections are not shared between threads.
pub const PER_CONNECTION: usize = 100;

/// The ceiling of the first wait of an exponential backoff; it doubles with each failure.
pub const BACKOFF_BASE: Duration = Duration::from_millis(100);
/// The maximum ceiling of a backoff.
pub const BACKOFF_CAP: Duration = Duration::from_secs(10);

/// The maximum random addition to an event stream's reconnection time, as a fraction of it, so that clients do not
/// reconnect at the same time.
pub const SSE_JITTER: f64 = 0.5;

/// Returns the text that a client publishes: when it was due, µs of Unix time, padded to the payload size.
#[must_use]
pub fn publication(due_us: u64, bytes: usize) -> String {
    format!("{due_us} {:x<1$}", "", bytes.saturating_sub(due_us.to_string().len() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publication_starts_with_its_due_time_and_is_not_cut() {
        assert_eq!(publication(17, 6), "17 xxx");
        assert_eq!(publication(17, 0), "17 ");
    }
}

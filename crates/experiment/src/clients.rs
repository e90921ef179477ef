//! How simulated clients behave wherever somebody calculates with it: the load generator acts by these, the prediction
//! and the bounds of a scenario follow from them.

use std::time::Duration;

/// How long after the request for it the feed begins: the request itself must not make the first update late.
pub const START_LEAD: Duration = Duration::from_millis(200);

/// Where several processes drive a cell, all moments are fixed beforehand, with time for what one process alone would wait for:
/// before its ramp for orders to travel,
pub const PART_NOTICE: Duration = Duration::from_secs(4);
/// within that for the look at the time without clients,
pub const PART_BASELINE: Duration = Duration::from_millis(1_500);
/// after its ramp for the last clients to connect,
pub const PART_CONNECT_GRACE: Duration = Duration::from_secs(5);
/// and between two phases for a look at servers that are busy.
pub const PART_SLACK: Duration = Duration::from_secs(1);

/// Clients that are worth a thread of their own.
pub const PER_THREAD: usize = 250;

/// Clients on a connection that they share: Chromium's limit for a server that names none (`net/spdy/spdy_session.h`,
/// `kInitialMaxConcurrentStreams`), and the least that a server should allow (RFC 9113, section 6.5.2). Threads share
/// none.
pub const PER_CONNECTION: usize = 100;

/// The ceiling of the first wait of an exponential backoff; it doubles with each failure.
pub const BACKOFF_BASE: Duration = Duration::from_millis(100);
/// No backoff is longer.
pub const BACKOFF_CAP: Duration = Duration::from_secs(10);

/// How much of an event stream's reconnection time is added at most, at random, so that a fleet does not return in step.
pub const SSE_JITTER: f64 = 0.5;

/// What a client publishes: when it was due, µs of Unix time, and as much more as the payload is to have.
#[must_use]
pub fn publication(due_us: u64, bytes: usize) -> String {
    format!("{due_us} {:x<1$}", "", bytes.saturating_sub(due_us.to_string().len() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publication_begins_with_its_time_and_is_no_shorter() {
        assert_eq!(publication(17, 6), "17 xxx");
        assert_eq!(publication(17, 0), "17 ");
    }
}

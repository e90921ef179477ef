//! The one place of this crate that asks for the time: it depends on nothing of ours, so it has its own.

#![expect(clippy::disallowed_methods, reason = "the proxy knows nothing of the feed, nor of its clock")]

use std::time::Instant;

/// The monotonic clock.
pub(crate) fn now() -> Instant {
    Instant::now()
}

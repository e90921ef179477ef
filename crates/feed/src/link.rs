//! How far a link between clients and server may be set: the bounds of the lab proxy, and of the scenarios that ask for one.

use std::time::Duration;

/// The longest round-trip time and the widest jitter.
pub const MAX_DELAY: Duration = Duration::from_secs(60);

/// The longest idle timeout.
pub const MAX_IDLE_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// The largest buffer, bytes: what comes together in it is memory, for each connection.
pub const MAX_BUFFER_BYTES: u64 = 1 << 20;

/// The most bytes a second that can be asked for; more than that is no limit on any loopback.
pub const MAX_BYTES_PER_S: u64 = 100_000_000_000;

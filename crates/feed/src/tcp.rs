//! TCP constants for everything that listens, closes or counts bytes: the queue of new connections, the wait for the
//! other side to close, and the headers around the bytes.

use std::time::Duration;

/// Connections that the kernel queues until they are accepted (at most `net.core.somaxconn`, 4096 by default). Those
/// beyond are dropped and retried a second later, so with the usual 128 a burst of connections would cause delays of
/// its own.
pub const BACKLOG: u32 = 4096;

/// How long a side that closes waits for the other side to close. Closing a socket with unread bytes sends an RST,
/// which would overtake the last bytes (RFC 1122, section 4.2.2.13), so they are read and discarded meanwhile.
pub const LINGER: Duration = Duration::from_secs(1);

/// IP and TCP headers of a segment without options, bytes, over IPv4 (RFC 791, RFC 8200, RFC 9293).
pub const HEADERS_V4: u64 = 20 + 20;
/// The same over IPv6.
pub const HEADERS_V6: u64 = 40 + 20;
/// The timestamps option in every segment, padded, bytes (RFC 7323, appendix A).
pub const TIMESTAMPS: u64 = 12;
/// Options of the two SYN segments other than timestamps, bytes: maximum segment size 4, window scale 3 and SACK
/// permitted 2 (RFC 9293, RFC 7323, RFC 2018), padded to 8.
pub const SYN_OPTIONS: u64 = 8;
/// The same without timestamps, which would fill up a word.
pub const SYN_OPTIONS_BARE: u64 = 12;

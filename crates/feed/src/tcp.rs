//! What everybody who listens, closes or counts bytes holds of TCP: the queue of new connections, the wait for the other
//! side's end, and the headers around the bytes.

use std::time::Duration;

/// Connections that the kernel keeps until they are accepted (at most `net.core.somaxconn`, 4096 where nobody changed it).
/// What is beyond is dropped and comes again a second later, so the usual 128 would turn a storm into a fault of its own.
pub const BACKLOG: u32 = 4096;

/// How long a side that closes waits for the end of the other. To close a socket with unread bytes sends an RST, and that
/// would overtake the last bytes (RFC 1122, section 4.2.2.13), so they are read and thrown away meanwhile.
pub const LINGER: Duration = Duration::from_secs(1);

/// IP and TCP headers of a segment without options, bytes (RFC 791, RFC 8200, RFC 9293).
pub const HEADERS_V4: u64 = 20 + 20;
/// The same over IPv6.
pub const HEADERS_V6: u64 = 40 + 20;
/// The timestamps option in every segment, padded (RFC 7323, appendix A).
pub const TIMESTAMPS: u64 = 12;
/// What the two SYN segments have in options beyond timestamps: maximum segment size 4, window scale 3 and SACK
/// permitted 2 bytes (RFC 9293, RFC 7323, RFC 2018), padded to 8.
pub const SYN_OPTIONS: u64 = 8;
/// The same where no timestamps fill up a word.
pub const SYN_OPTIONS_BARE: u64 = 12;

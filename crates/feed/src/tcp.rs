//! What IP and TCP wrap around the bytes of a connection.

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

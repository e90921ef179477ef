//! What paces and bounds a stream: the server holds to it, and what is predicted of a stream follows from it.

/// Beats in a keepalive interval. A connection counts those since it last wrote or read, instead of keeping a timer, so
/// that what is due after an interval comes after three to four quarters of it.
pub const BEATS: u8 = 4;

/// Updates that leave in one vectored write. A stream holds at most this many shared updates outside the ring.
pub const MAX_PIECES: usize = 64;

//! The constants that pace and bound a stream: the server keeps to them, and the predictions for streams follow from
//! them.

/// Beats in a keepalive interval. Instead of keeping a timer, a connection counts the beats since it last wrote or
/// read, so what is due after an interval happens after three to four quarters of it.
pub const BEATS: u8 = 4;

/// The largest number of updates in one vectored write. A stream holds at most this many shared updates outside the
/// ring.
pub const MAX_PIECES: usize = 64;

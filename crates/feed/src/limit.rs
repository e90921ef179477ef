//! The description of a limit: each crate lists its own next to the constants that enforce them, and the binary prints
//! them all.

use std::fmt;
use std::time::Duration;

/// A limit on something that a peer decides.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// What is limited.
    pub name: &'static str,
    /// The largest allowed amount.
    pub most: Most,
    /// What the limit protects, and what happens beyond it.
    pub why: &'static str,
}

/// An amount with its unit.
#[derive(Clone, Copy, Debug)]
pub enum Most {
    /// Bytes.
    Bytes(usize),
    /// A number of the things that the limit's name says.
    Count(usize),
    /// A duration.
    Time(Duration),
    /// A number of keepalive intervals.
    Keepalives(u8),
}

impl fmt::Display for Most {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Bytes(bytes) if bytes % (1 << 20) == 0 => write!(f, "{} MiB", bytes >> 20),
            Self::Bytes(bytes) if bytes % (1 << 10) == 0 => write!(f, "{} KiB", bytes >> 10),
            Self::Bytes(bytes) => write!(f, "{bytes} B"),
            Self::Count(count) => count.fmt(f),
            Self::Time(time) => humantime::format_duration(time).fmt(f),
            Self::Keepalives(count) => write!(f, "{count} × --keepalive"),
        }
    }
}

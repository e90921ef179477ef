//! A limit as it is told: each crate lists its own beside the constants that hold, and the binary prints them all.

use std::fmt;
use std::time::Duration;

/// A bound on something that a peer decides.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// What is bounded.
    pub name: &'static str,
    /// How far it may go.
    pub most: Most,
    /// What is spared by that, and what becomes of whoever goes beyond.
    pub why: &'static str,
}

/// An amount with its unit.
#[derive(Clone, Copy, Debug)]
pub enum Most {
    /// Bytes.
    Bytes(usize),
    /// Things, as the limit's name says.
    Count(usize),
    /// A time.
    Time(Duration),
    /// So many keepalive intervals.
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

//! The words in which a server is told what to do, each declared here alone: scenario files, the flags of `feedlab serve`,
//! the labs of the live page and the server itself use these types. Reads no file and no command line.

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub mod duration;

/// From when the age of an update counts: what its `at` is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[cfg_attr(
    feature = "schemars",
    derive(schemars::JsonSchema),
    schemars(description = "From when the age of an update counts.")
)]
#[serde(rename_all = "kebab-case")]
pub enum AgeFrom {
    /// When it was due, however late it was published: a stall ages every update that fell into it.
    #[default]
    #[cfg_attr(feature = "clap", value(help = "When it was due"))]
    Due,
    /// When it was published: what a measurement sees that waits for the system under test, and so omits what a stall
    /// held up (coordinated omission). To be shown beside the other, never instead.
    #[cfg_attr(feature = "clap", value(help = "When it was published"))]
    Publication,
}

impl AgeFrom {
    /// Whether ages count from the due time, as they do unless a contender says otherwise.
    #[must_use]
    pub const fn is_due(&self) -> bool {
        matches!(self, Self::Due)
    }
}

/// A time in which nothing is published. What falls due meanwhile is published at its end, and keeps its due time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stall {
    /// When it begins: in a scenario from the begin of the measured time, at a server from that of the feed.
    #[serde(with = "duration")]
    pub after: Duration,
    /// How long it lasts.
    #[serde(with = "duration", rename = "for")]
    pub length: Duration,
}

impl Stall {
    /// When an update is let through that is due so long after the same begin.
    #[must_use]
    pub fn release(&self, due: Duration) -> Duration {
        let end = self.after.saturating_add(self.length);
        if self.after <= due && due < end { end } else { due }
    }
}

/// What becomes of a stream whose client reads too slowly.
///
/// What such a client costs is bounded whatever the policy, because its updates wait in the ring that all clients share:
/// its own are at most 64 updates that the socket has not taken (references to shared bytes, filled up to 64 KiB and one
/// update), at most 128 answers to what it sent, and the kernel's send buffer (as large as it was told to be, or else up to
/// the last figure of `net.ipv4.tcp_wmem`). TLS adds its buffer of at most 64 KiB, and an HTTP/2 stream one of at most
/// 64 KiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[cfg_attr(
    feature = "schemars",
    derive(schemars::JsonSchema),
    schemars(description = "What becomes of a stream whose client reads too slowly. Memory is bounded by each.")
)]
#[serde(rename_all = "kebab-case")]
pub enum SlowPolicy {
    /// It is sent everything in order as it takes it; what falls out of the history meanwhile is told as a gap.
    #[default]
    #[cfg_attr(feature = "clap", value(help = "It gets everything in order, as it takes it"))]
    Block,
    /// It is sent the newest update whenever it takes something; what was passed over is told as a gap.
    #[cfg_attr(feature = "clap", value(help = "It goes on with the newest update; the others are told as a gap"))]
    Latest,
    /// It is disconnected, and may come back with its cursor.
    #[cfg_attr(feature = "clap", value(help = "It is ended, and may come back with its cursor"))]
    Disconnect,
}

//! The link emulator: packets between two network namespaces, delayed, queued, and lost as on a real path.
//!
//! Unlike the lab proxy, it does not end TCP: the kernels on both sides see a link with a delay, a rate, a queue and
//! losses, and behave as they would behind one. A packet passes, in each direction, in this order:
//!
//! 1. an **outage** drops it;
//! 2. the **queue** takes it, or drops it when it is full (drop-tail);
//! 3. the **rate** sends it, one packet after the other;
//! 4. the **loss** model decides whether it arrives, after it has taken its time on the line, as on a radio link;
//! 5. **delay** and jitter follow; without `reorder`, a packet never overtakes another.
//!
//! [`Direction`] decides, without a clock or a socket; the [`pump`] reads packets, asks it, and sends them when they are
//! due.

mod direction;
mod loss;
#[cfg(target_os = "linux")]
mod packet_socket;
#[cfg(target_os = "linux")]
mod pump;
mod rate;

pub use direction::{Counters, Direction, Fate};
pub use loss::Loss;
#[cfg(target_os = "linux")]
pub use packet_socket::switch_off_offloads;
#[cfg(target_os = "linux")]
pub use pump::{Link, Report};
pub use rate::{Rate, TraceError};

use std::time::Duration;

/// The longest queue, packets: each takes its size in memory.
pub const MAX_PACKETS: usize = 20_000;

/// What a link does to the packets of one direction: nothing, by default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Path {
    /// Propagation delay.
    pub delay: Duration,
    /// Up to this much more, uniformly distributed.
    pub jitter: Duration,
    /// Whether jitter may change the order of packets.
    pub reorder: bool,
    /// Which packets do not arrive.
    pub loss: Loss,
    /// How fast packets are sent; `None` for at once.
    pub rate: Option<Rate>,
    /// How much may wait for the rate.
    pub queue: Queue,
    /// When nothing passes, from the start of the link: beginning and length, in ascending order.
    pub outages: Vec<(Duration, Duration)>,
}

/// How much may wait to be sent; what comes when it is full is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// A number of packets, at most [`MAX_PACKETS`].
    Packets(usize),
    /// A number of bytes.
    Bytes(usize),
    /// The time that a packet would wait.
    Time(Duration),
}

impl Default for Queue {
    /// As long as the default queue of a Linux interface (`txqueuelen`).
    fn default() -> Self {
        Self::Packets(1000)
    }
}

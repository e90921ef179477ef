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
pub use feedlab_feed::link::{Loss, MAX_PACKETS, Path, Queue, Rate};
#[cfg(target_os = "linux")]
pub use packet_socket::switch_off_offloads;
#[cfg(target_os = "linux")]
pub use pump::{Link, Report};

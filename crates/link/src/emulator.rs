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
//! [`Direction`] decides, without a clock or a socket; the pump reads packets, asks it, and sends them when they are
//! due.

mod direction;
mod loss;
#[cfg(target_os = "linux")]
mod packet_socket;
#[cfg(target_os = "linux")]
mod pump;
mod rate;
#[cfg(target_os = "linux")]
mod ring;
#[cfg(target_os = "linux")]
mod urgency;

use feedlab_feed::limit::Limit;
use feedlab_feed::limit::Most::{Bytes, Count};

pub use direction::{Counters, Direction, Fate};
pub use feedlab_feed::link::{Loss, MAX_PACKETS, Path, Queue, Rate};
#[cfg(target_os = "linux")]
pub use packet_socket::switch_off_offloads;
#[cfg(target_os = "linux")]
pub use pump::{Link, Report};

/// The limits on what both sides can make grow.
pub const LIMITS: [Limit; 3] = [
    Limit {
        name: "queue of a direction, packets",
        most: Count(MAX_PACKETS),
        why: "memory; a longer one is refused, and what comes when it is full is dropped",
    },
    Limit {
        name: "packets on the way in a direction",
        most: Count(direction::MAX_ON_THE_WAY),
        why: "memory; what comes then is dropped, and counted as by a full queue",
    },
    Limit {
        name: "bytes on the way in a direction",
        most: Bytes(direction::MAX_BYTES_ON_THE_WAY),
        why: "memory; what comes then is dropped, and counted as by a full queue",
    },
];

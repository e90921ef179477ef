//! What passed the contender's door between two looks at the server.

use feedlab_feed::stats::{DoorStats, Stats, WireStats};

use super::Facts;

impl Facts<'_> {
    /// The contender's door at two moments; `None` if the server was started anew between them. Its counters began
    /// again then, and a difference would say nothing.
    pub(super) fn doors(&self, from: &Stats, to: &Stats) -> Option<(DoorStats, DoorStats)> {
        same_life(from, to).then(|| (self.door(from), self.door(to)))
    }

    /// A client of the ladder uses several doors, and one that publishes comes for no door in particular.
    fn door(&self, stats: &Stats) -> DoorStats {
        if self.job.contender.is_auto() {
            return stats.doors.values().fold(DoorStats::default(), |all, door| sum(&all, door));
        }
        stats.doors.get(&self.job.contender.transport()).cloned().unwrap_or_default()
    }
}

/// Whether the server's counters ran on from one look to the next.
pub(super) const fn same_life(from: &Stats, to: &Stats) -> bool {
    from.life == to.life
}

fn sum(all: &DoorStats, door: &DoorStats) -> DoorStats {
    DoorStats {
        connections: all.connections + door.connections,
        active: all.active + door.active,
        requests: all.requests + door.requests,
        requests_empty: all.requests_empty + door.requests_empty,
        updates: all.updates + door.updates,
        gaps: all.gaps + door.gaps,
        conflated: all.conflated + door.conflated,
        slow_disconnected: all.slow_disconnected + door.slow_disconnected,
        bytes_out: all.bytes_out + door.bytes_out,
        bytes_in: all.bytes_in + door.bytes_in,
        header_bytes: all.header_bytes + door.header_bytes,
        payload_bytes: all.payload_bytes + door.payload_bytes,
        keepalive_bytes: all.keepalive_bytes + door.keepalive_bytes,
        wire: wire(all.wire, door.wire),
    }
}

fn wire(all: Option<WireStats>, door: Option<WireStats>) -> Option<WireStats> {
    let mut wire = all.or(door)?;
    if let (Some(_), Some(door)) = (all, door) {
        wire += door;
    }
    Some(wire)
}

//! What passed the contender's door between two looks at the server.

use feedlab_feed::stats::{DoorStats, Stats};

use super::Facts;
use crate::control::add_door;

impl Facts<'_> {
    /// The contender's door at two moments; `None` if the server was started anew between them. Its counters began
    /// again then, and a difference would say nothing.
    pub(super) fn doors(&self, from: &Stats, to: &Stats) -> Option<(DoorStats, DoorStats)> {
        same_life(from, to).then(|| (self.door(from), self.door(to)))
    }

    /// A client of the ladder uses several doors, and one that publishes comes for no door in particular.
    fn door(&self, stats: &Stats) -> DoorStats {
        if self.job.contender.is_auto() {
            let all = stats.doors.values().cloned().reduce(|mut all, door| {
                add_door(&mut all, &door);
                all
            });
            return all.unwrap_or_default();
        }
        stats.doors.get(&self.job.contender.transport()).cloned().unwrap_or_default()
    }
}

/// Whether the server's counters ran on from one look to the next.
pub(super) const fn same_life(from: &Stats, to: &Stats) -> bool {
    from.life == to.life
}

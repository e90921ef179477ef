//! What else the machine does while a cell is measured.

use std::time::Instant;

use feedlab_feed::clock;
use feedlab_feed::process::{HostLoad, TICK_US, Usage};

/// The CPU time of the machine that other processes use, from a moment on.
pub(crate) struct Others {
    since: Instant,
    busy_us: Option<u64>,
}

impl Others {
    pub(crate) fn watch() -> Self {
        Self { since: clock::now(), busy_us: busy_us() }
    }

    /// Returns how many cores other processes have used since then; 0 where the platform does not report it.
    pub(crate) fn cores(&self) -> f64 {
        let busy_us = busy_us().zip(self.busy_us).map_or(0, |(now, then)| now.saturating_sub(then));
        busy_us as f64 / clock::micros(self.since.elapsed()) as f64
    }
}

fn busy_us() -> Option<u64> {
    Some((HostLoad::now().cpu_busy_ticks? * TICK_US).saturating_sub(Usage::now().cpu_us?))
}

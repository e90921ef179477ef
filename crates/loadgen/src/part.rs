//! One of several processes that drive a cell together: which clients it drives, and the timetable that all of them
//! follow.
//!
//! The processes do not communicate during the cell. Once the start is fixed, every moment follows from the job, so
//! processes that never hear of each other measure the same.

use std::time::Duration;

use feedlab_experiment::Segment;
use feedlab_experiment::clients::{PART_BASELINE, PART_CONNECT_GRACE, PART_SLACK};
use feedlab_feed::clock;
use serde::{Deserialize, Serialize};

use crate::Job;
use crate::recorder::Window;

/// One process's part of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The clients that it drives; `None` if it only queries the servers.
    pub segment: Option<Segment>,
    /// Whether it leads: queries the servers, starts the feed, orders the faults, and runs the join probe. Exactly one
    /// process does.
    pub leads: bool,
}

/// When everything happens, µs of Unix time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timetable {
    /// The baseline starts.
    pub(crate) baseline_us: u64,
    /// The clients start to connect.
    pub(crate) ramp_us: u64,
    /// The settle phase starts. Clients that are not connected yet are missing from it; they still try.
    pub(crate) connected_us: u64,
    pub(crate) settled_us: u64,
    /// The feed's schedule starts.
    pub(crate) feed_us: u64,
    /// The measured time: updates that are due in it are counted.
    pub(crate) window: Window,
    /// The servers are queried for their last figures, with all clients still connected.
    pub(crate) drained_us: u64,
    /// The clients leave.
    pub(crate) leave_us: u64,
    /// All clients have left, and the join probe starts.
    pub(crate) left_us: u64,
}

impl Timetable {
    /// The timetable of a job whose clients start to connect at `ramp_us`.
    pub(crate) fn new(job: &Job, ramp_us: u64) -> Self {
        let after = |moment: u64, time: Duration| moment.saturating_add(clock::micros(time));
        let measure = &job.measure;
        let connected_us = after(ramp_us, job.clients.ramp + PART_CONNECT_GRACE);
        let settled_us = after(connected_us, measure.settle);
        let feed_us = after(settled_us, PART_SLACK);
        let start_us = after(feed_us, measure.warm_up);
        let window = Window { start_us, end_us: after(start_us, measure.duration) };
        let drained_us = after(window.end_us, measure.drain);
        let leave_us = after(drained_us, PART_SLACK);
        let left_us = after(leave_us, 3 * PART_SLACK);
        let baseline_us = ramp_us.saturating_sub(clock::micros(PART_BASELINE));
        Self { baseline_us, ramp_us, connected_us, settled_us, feed_us, window, drained_us, leave_us, left_us }
    }
}

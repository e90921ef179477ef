//! One of several processes that drive a cell together: which of the clients are its own, and the moments that all keep.
//!
//! Nobody says anything on the way: from the start on every moment follows from the job, so that processes which never hear of
//! each other measure the same.

use std::time::Duration;

use feedlab_experiment::Segment;
use feedlab_experiment::clients::{PART_CONNECT_GRACE, PART_QUIET, PART_SLACK};
use feedlab_feed::clock;
use serde::{Deserialize, Serialize};

use crate::Job;
use crate::recorder::Window;

/// What of a job is one process's to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Which of the clients it drives; none if it only looks at the servers.
    pub segment: Option<Segment>,
    /// Whether it asks the servers, lets the feed begin, orders what breaks, and brings the newcomers. One of them does.
    pub leads: bool,
}

/// When everything happens, µs of Unix time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timetable {
    /// The time without clients begins.
    pub(crate) baseline_us: u64,
    /// The clients begin to connect.
    pub(crate) ramp_us: u64,
    /// Who is not connected now is left out of the settled time; clients still try.
    pub(crate) connected_us: u64,
    pub(crate) settled_us: u64,
    /// The feed's time begins.
    pub(crate) feed_us: u64,
    /// What is due in it is counted.
    pub(crate) window: Window,
    /// The servers are asked for their last figures, with every client there.
    pub(crate) drained_us: u64,
    /// The clients leave.
    pub(crate) leave_us: u64,
    /// All have left, and newcomers may come.
    pub(crate) left_us: u64,
}

impl Timetable {
    /// The moments of a job whose clients begin to connect at `ramp_us`.
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
        let baseline_us = ramp_us.saturating_sub(clock::micros(PART_QUIET));
        Self { baseline_us, ramp_us, connected_us, settled_us, feed_us, window, drained_us, leave_us, left_us }
    }
}

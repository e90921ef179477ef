//! Records what the clients of one worker thread see: no lock, no channel and no allocation per sample, and memory that
//! does not grow with the length of the run.

use feedlab_experiment::hlog;
use feedlab_experiment::metric::RECONNECTS_BIN;
use feedlab_experiment::record::Failure;
use feedlab_feed::wire::Stamp;
use feedlab_feed::{Gap, clock};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::audit::Finding;
use crate::observer::Opened;

mod counts;

pub use counts::Counts;

/// The measured time. Updates that are due in it are counted, whenever they arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The start, µs of Unix time.
    pub start_us: u64,
    /// The end, µs of Unix time; exclusive.
    pub end_us: u64,
}

impl Window {
    /// Whether a time is in the window.
    #[must_use]
    pub const fn contains(&self, at_us: u64) -> bool {
        self.start_us <= at_us && at_us < self.end_us
    }

    /// The length in seconds, rounded up.
    #[must_use]
    pub const fn seconds(&self) -> u32 {
        self.end_us.saturating_sub(self.start_us).div_ceil(1_000_000) as u32
    }
}

/// The most bins for counting reconnects: one day of tenths of a second.
const MAX_BINS: u64 = 864_000;
/// The most epochs whose ranges of updates are kept. Updates of further epochs are counted, but how many there were is
/// not known.
const MAX_EPOCHS: usize = 64;
/// The most gaps that are kept until it is known which of their updates were due in the measured time. Further ones are
/// not counted.
const MAX_LATE_GAPS: usize = 1 << 16;

fn bin_us() -> u64 {
    clock::micros(RECONNECTS_BIN)
}

/// An update that arrived at one of the clients.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// How the update relates to those that the client has received.
    pub finding: Finding,
    /// The update's epoch and `seq`, and when it was due.
    pub stamp: Stamp,
    /// The time from which its age counts, µs of Unix time.
    pub since_us: u64,
    /// When it arrived, µs of Unix time.
    pub received_at_us: u64,
    /// Whether it was due while the client had no connection.
    pub replayed: bool,
}

/// The counts and histograms of one worker.
#[derive(Debug)]
pub struct Recorder {
    window: Option<Window>,
    /// The ages of the current second, µs.
    ages: Histogram<u64>,
    counts: Counts,
}

impl Recorder {
    /// Creates a recorder that counts no update until the measured time is set.
    #[must_use]
    pub fn new() -> Self {
        Self { window: None, ages: hlog::new_histogram(), counts: Counts::new() }
    }

    /// Sets the measured time.
    pub fn measure(&mut self, window: Window) {
        let bins = window.end_us.saturating_sub(window.start_us).div_ceil(bin_us());
        self.counts.reconnects_by_bin = vec![0; bins.min(MAX_BINS) as usize];
        self.window = Some(window);
    }

    /// Records an update.
    pub fn update(&mut self, arrival: Arrival) {
        let Arrival { finding, stamp, since_us, received_at_us, replayed } = arrival;
        if !self.measures(stamp.at) {
            return;
        }
        if !finding.is_unique() {
            self.counts.duplicated += 1;
            return;
        }
        self.counts.received += 1;
        self.counts.reordered += u64::from(finding == Finding::Reordered);
        self.counts.replayed += u64::from(replayed);
        if self.counts.ranges.len() < MAX_EPOCHS || self.counts.ranges.contains_key(&stamp.epoch) {
            let (first, last) = self.counts.ranges.entry(stamp.epoch).or_insert((stamp.seq, stamp.seq));
            (*first, *last) = (stamp.seq.min(*first), stamp.seq.max(*last));
        }
        self.ages.saturating_record(received_at_us.saturating_sub(since_us));
    }

    fn measures(&self, at_us: u64) -> bool {
        self.window.is_some_and(|window| window.contains(at_us))
    }

    /// Records that the server reported `count` updates as lost to a client; `ahead` are those that are newer than
    /// everything it has received.
    pub fn reported_lost(&mut self, count: u64, ahead: Option<Gap>, now_us: u64) {
        if self.measures(now_us) {
            self.counts.reported_lost = self.counts.reported_lost.saturating_add(count);
        } else if self.window.is_some_and(|window| now_us >= window.end_us)
            && self.counts.late_gaps.len() < MAX_LATE_GAPS
        {
            self.counts.late_gaps.extend(ahead);
        }
    }

    /// Records the first response on a client's connection; see [`crate::observer::Observer::opened`].
    pub fn opened(&mut self, opened: Opened) {
        self.connected(opened);
        self.counts.requests.saturating_record(opened.request_us);
        self.counts.opens.saturating_record(opened.open_us);
    }

    /// Records only the connect and TLS times, for a connection whose first response may have been held.
    pub fn connected(&mut self, opened: Opened) {
        if let Some(connect_us) = opened.connect_us {
            self.counts.connects.saturating_record(connect_us);
        }
        if let Some(tls_us) = opened.tls_us {
            self.counts.tls.saturating_record(tls_us);
        }
    }

    /// Records that a client has connected again.
    pub fn reconnected(&mut self, now_us: u64) {
        self.counts.reconnects += 1;
        let bin =
            self.window.filter(|window| window.contains(now_us)).map(|window| (now_us - window.start_us) / bin_us());
        if let Some(count) = bin.and_then(|bin| self.counts.reconnects_by_bin.get_mut(bin as usize)) {
            *count += 1;
        }
    }

    /// Records that a client that lost its connection has one again that is served.
    pub fn back(&mut self, lost_us: u64, back_us: u64) {
        if self.measures(lost_us) {
            self.counts.outages.saturating_record(back_us.saturating_sub(lost_us));
        }
    }

    /// Records that a client that lost its connection received an update again.
    pub fn recovered(&mut self, lost_us: u64, received_at_us: u64) {
        if self.measures(lost_us) {
            self.counts.recoveries.saturating_record(received_at_us.saturating_sub(lost_us));
        }
    }

    /// Records that a client fell to a lower rung of the fallback ladder.
    pub const fn fell(&mut self) {
        self.counts.fallbacks += 1;
    }

    /// Records that a client returned to the first rung.
    pub const fn climbed(&mut self) {
        self.counts.climbs += 1;
    }

    /// Records that the server closed a slow reader's connection.
    pub const fn slow_disconnected(&mut self) {
        self.counts.slow_disconnected += 1;
    }

    /// Records that a slow reader received an update twice or after a later one.
    pub const fn slow_disordered(&mut self) {
        self.counts.slow_disordered += 1;
    }

    /// Records that a client's publication was acknowledged.
    pub fn acknowledged(&mut self, due_us: u64, received_at_us: u64) {
        if self.measures(due_us) {
            self.counts.acks.saturating_record(received_at_us.saturating_sub(due_us));
        }
    }

    /// Records polls that were due until `at_us` and were not sent.
    pub fn skipped(&mut self, polls: u64, at_us: u64) {
        if self.measures(at_us) {
            self.counts.skipped += polls;
        }
    }

    /// Records a client's failure.
    pub fn failed(&mut self, failure: Failure) {
        *self.counts.failures.entry(failure).or_default() += 1;
    }

    /// Records that a timer due at `due_us` fired `lag_us` late.
    pub fn timer(&mut self, due_us: u64, lag_us: u64) {
        if self.measures(due_us) {
            self.counts.lags.saturating_record(lag_us);
        }
    }

    /// Ends the current second: returns its ages, and uses an empty histogram for the next.
    pub fn end_second(&mut self, empty: Histogram<u64>) -> Histogram<u64> {
        std::mem::replace(&mut self.ages, empty)
    }

    /// Returns the counts so far.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;

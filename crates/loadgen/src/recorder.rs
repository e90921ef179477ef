//! What the clients of one worker thread saw, counted as it comes: no lock, no channel and no allocation a sample, and
//! memory that does not grow with the length of the run.

use std::collections::BTreeMap;

use feedlab_experiment::hlog;
use feedlab_experiment::record::Failure;
use feedlab_feed::wire::Stamp;
use hdrhistogram::Histogram;

use crate::audit::Finding;
use crate::observer::Opened;

/// The measured time: updates that fell due in it are counted, whenever they arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its begin, µs of Unix time.
    pub start_us: u64,
    /// Its end, µs of Unix time; not part of it.
    pub end_us: u64,
}

impl Window {
    /// Whether a time is part of it.
    #[must_use]
    pub const fn contains(&self, at_us: u64) -> bool {
        self.start_us <= at_us && at_us < self.end_us
    }

    /// Its length in begun seconds.
    #[must_use]
    pub const fn seconds(&self) -> u32 {
        self.end_us.saturating_sub(self.start_us).div_ceil(1_000_000) as u32
    }
}

/// One worker's records.
#[derive(Debug)]
pub struct Recorder {
    window: Option<Window>,
    /// Ages of the running second, µs.
    ages: Histogram<u64>,
    found: Found,
}

/// What was counted over the whole cell, apart from ages.
#[derive(Clone, Debug)]
pub struct Found {
    /// Updates of the measured time that arrived, each counted once a client.
    pub received: u64,
    /// Those that arrived once more.
    pub duplicated: u64,
    /// Those that arrived after a later one.
    pub reordered: u64,
    /// The first and the last `seq` of the measured time that any client saw.
    pub range: Option<(u64, u64)>,
    /// Connections that clients had to open again.
    pub reconnects: u64,
    /// Polls of the measured time that were due and never sent.
    pub skipped: u64,
    /// What went wrong, by kind.
    pub failures: BTreeMap<Failure, u64>,
    /// Times of TCP connects, µs.
    pub connects: Histogram<u64>,
    /// Times from the begin of a TCP connect to the head of the answer, µs.
    pub opens: Histogram<u64>,
    /// How late timers fired in the measured time, µs.
    pub lags: Histogram<u64>,
}

impl Recorder {
    /// A recorder that counts no update until it is told the measured time.
    #[must_use]
    pub fn new() -> Self {
        Self { window: None, ages: hlog::new_histogram(), found: Found::new() }
    }

    /// Sets the measured time.
    pub const fn measure(&mut self, window: Window) {
        self.window = Some(window);
    }

    /// An update arrived at one of the clients.
    pub fn update(&mut self, finding: Finding, stamp: Stamp, received_at_us: u64) {
        if !self.window.is_some_and(|window| window.contains(stamp.at)) {
            return;
        }
        if !finding.is_unique() {
            self.found.duplicated += 1;
            return;
        }
        self.found.received += 1;
        self.found.reordered += u64::from(finding == Finding::Reordered);
        self.found.range = Some(match self.found.range {
            Some((first, last)) => (first.min(stamp.seq), last.max(stamp.seq)),
            None => (stamp.seq, stamp.seq),
        });
        self.ages.saturating_record(received_at_us.saturating_sub(stamp.at));
    }

    /// A client's connection was answered; see [`crate::observer::Observer::opened`].
    pub fn opened(&mut self, opened: Opened) {
        if let Some(connect_us) = opened.connect_us {
            self.found.connects.saturating_record(connect_us);
        }
        self.found.opens.saturating_record(opened.open_us);
    }

    /// A client had to connect again.
    pub const fn reconnected(&mut self) {
        self.found.reconnects += 1;
    }

    /// Polls that were due until `at_us` were not sent.
    pub fn skipped(&mut self, polls: u64, at_us: u64) {
        if self.window.is_some_and(|window| window.contains(at_us)) {
            self.found.skipped += polls;
        }
    }

    /// Something went wrong for a client.
    pub fn failed(&mut self, failure: Failure) {
        *self.found.failures.entry(failure).or_default() += 1;
    }

    /// A timer that was due in the measured time fired this late.
    pub fn timer(&mut self, due_us: u64, lag_us: u64) {
        if self.window.is_some_and(|window| window.contains(due_us)) {
            self.found.lags.saturating_record(lag_us);
        }
    }

    /// Ends the running second: its ages are handed out, and an empty histogram takes the next ones.
    pub fn end_second(&mut self, empty: Histogram<u64>) -> Histogram<u64> {
        std::mem::replace(&mut self.ages, empty)
    }

    /// What was counted.
    #[must_use]
    pub const fn found(&self) -> &Found {
        &self.found
    }
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

impl Found {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            received: 0,
            duplicated: 0,
            reordered: 0,
            range: None,
            reconnects: 0,
            skipped: 0,
            failures: BTreeMap::new(),
            connects: hlog::new_histogram(),
            opens: hlog::new_histogram(),
            lags: hlog::new_histogram(),
        }
    }

    /// Adds what another worker counted.
    pub fn merge(&mut self, other: &Self) {
        self.received += other.received;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
        self.reconnects += other.reconnects;
        self.skipped += other.skipped;
        self.range = match (self.range, other.range) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (range, None) | (None, range) => range,
        };
        for (failure, count) in &other.failures {
            *self.failures.entry(*failure).or_default() += count;
        }
        // All have the same bounds, so that nothing is out of range.
        self.connects += &other.connects;
        self.opens += &other.opens;
        self.lags += &other.lags;
    }
}

impl Default for Found {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Window = Window { start_us: 1_000, end_us: 2_000 };

    fn see(recorder: &mut Recorder, finding: Finding, seq: u64, at: u64) {
        recorder.update(finding, Stamp { seq, at }, at + 70);
    }

    #[test]
    fn only_what_fell_due_in_the_window_counts() {
        let mut recorder = Recorder::new();
        see(&mut recorder, Finding::New, 1, 1_500);
        recorder.measure(WINDOW);
        for (seq, at) in [(2, 999), (3, 1_000), (4, 1_999), (5, 2_000)] {
            see(&mut recorder, Finding::New, seq, at);
        }
        assert_eq!((recorder.found().received, recorder.found().range), (2, Some((3, 4))));
        let ages = recorder.end_second(hlog::new_histogram());
        assert_eq!((ages.len(), ages.max()), (2, 70));
        assert_eq!(recorder.end_second(ages).len(), 0);
    }

    #[test]
    fn findings_are_told_apart() {
        let mut recorder = Recorder::new();
        recorder.measure(WINDOW);
        for finding in [Finding::New, Finding::Ahead, Finding::Reordered, Finding::Duplicate] {
            see(&mut recorder, finding, 7, 1_500);
        }
        let found = recorder.found();
        assert_eq!((found.received, found.reordered, found.duplicated), (3, 1, 1));
    }

    #[test]
    fn workers_add_up() {
        let mut recorder = Recorder::new();
        recorder.measure(WINDOW);
        see(&mut recorder, Finding::New, 9, 1_500);
        recorder.failed(Failure::Status);
        recorder.opened(Opened { connect_us: Some(50), tls_us: None, request_us: 40, open_us: 90 });
        recorder.timer(1_200, 30);
        recorder.timer(2_200, 30);
        let mut all = Found::new();
        all.merge(recorder.found());
        all.merge(&Found::new());
        see(&mut recorder, Finding::New, 3, 1_400);
        all.merge(recorder.found());
        assert_eq!((all.received, all.range, all.failures[&Failure::Status]), (3, Some((3, 9)), 2));
        assert_eq!((all.connects.len(), all.opens.max(), all.lags.len()), (2, 90, 2));
    }

    #[test]
    fn a_clock_that_was_set_back_makes_no_age_of_centuries() {
        let mut recorder = Recorder::new();
        recorder.measure(WINDOW);
        recorder.update(Finding::New, Stamp { seq: 1, at: 1_500 }, 1_400);
        assert_eq!(recorder.end_second(hlog::new_histogram()).max(), 0);
    }

    #[test]
    fn a_begun_second_counts() {
        assert_eq!(Window { start_us: 5, end_us: 2_500_005 }.seconds(), 3);
        assert_eq!(Window { start_us: 5, end_us: 2_000_005 }.seconds(), 2);
    }
}

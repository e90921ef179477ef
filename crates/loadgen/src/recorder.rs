//! What the clients of one worker thread saw, counted as it comes: no lock, no channel and no allocation a sample, and
//! memory that does not grow with the length of the run.

use std::collections::BTreeMap;

use feedlab_experiment::hlog;
use feedlab_experiment::record::Failure;
use feedlab_feed::Gap;
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

/// The bins in which clients that come back are counted, µs.
const BIN_US: u64 = 100_000;
/// A day of them.
const MOST_BINS: u64 = 864_000;
/// Gaps that are kept until it is known which of their updates were due in the measured time. More are not counted.
const LATE_GAPS: usize = 1 << 16;

/// An update that arrived at one of the clients.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// What it is to the client.
    pub finding: Finding,
    /// Who it is, and when it was due.
    pub stamp: Stamp,
    /// From when its age counts, µs of Unix time.
    pub since_us: u64,
    /// When it arrived, µs of Unix time.
    pub received_at_us: u64,
    /// It was due while the client had no connection.
    pub replayed: bool,
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
    /// Those that were due while their client had no connection.
    pub replayed: u64,
    /// Updates that clients were told they had lost, within the measured time.
    pub told_lost: u64,
    /// What they were told after it: which of these updates were due in it, only the server can say.
    pub late_gaps: Vec<Gap>,
    /// Connections that clients had to open again.
    pub reconnects: u64,
    /// The same in the measured time, by tenths of a second.
    pub reconnects_by_bin: Vec<u32>,
    /// Steps down the fallback ladder.
    pub fallbacks: u64,
    /// Returns to its first rung.
    pub climbs: u64,
    /// Polls of the measured time that were due and never sent.
    pub skipped: u64,
    /// Connections of slow readers that the server ended.
    pub slow_disconnected: u64,
    /// Updates that reached slow readers twice, or after later ones.
    pub slow_disordered: u64,
    /// What went wrong, by kind.
    pub failures: BTreeMap<Failure, u64>,
    /// Times of TCP connects, µs.
    pub connects: Histogram<u64>,
    /// Times of TLS handshakes, µs.
    pub tls: Histogram<u64>,
    /// Times from an open connection to the head of its first answer, µs.
    pub requests: Histogram<u64>,
    /// Times from the begin of a TCP connect to the head of the answer, µs.
    pub opens: Histogram<u64>,
    /// Times from a loss in the measured time to the next update, µs.
    pub recoveries: Histogram<u64>,
    /// Times from when a publication of the measured time was due to its acknowledgement, µs.
    pub acks: Histogram<u64>,
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
    pub fn measure(&mut self, window: Window) {
        let bins = window.end_us.saturating_sub(window.start_us).div_ceil(BIN_US);
        self.found.reconnects_by_bin = vec![0; bins.min(MOST_BINS) as usize];
        self.window = Some(window);
    }

    /// An update arrived at one of the clients.
    pub fn update(&mut self, arrival: Arrival) {
        let Arrival { finding, stamp, since_us, received_at_us, replayed } = arrival;
        if !self.measures(stamp.at) {
            return;
        }
        if !finding.is_unique() {
            self.found.duplicated += 1;
            return;
        }
        self.found.received += 1;
        self.found.reordered += u64::from(finding == Finding::Reordered);
        self.found.replayed += u64::from(replayed);
        self.found.range = Some(match self.found.range {
            Some((first, last)) => (first.min(stamp.seq), last.max(stamp.seq)),
            None => (stamp.seq, stamp.seq),
        });
        self.ages.saturating_record(received_at_us.saturating_sub(since_us));
    }

    fn measures(&self, at_us: u64) -> bool {
        self.window.is_some_and(|window| window.contains(at_us))
    }

    /// A client was told that `count` updates are lost to it; `ahead` are those among them that are newer than all it
    /// has.
    pub fn told_lost(&mut self, count: u64, ahead: Option<Gap>, now_us: u64) {
        if self.measures(now_us) {
            self.found.told_lost = self.found.told_lost.saturating_add(count);
        } else if self.window.is_some_and(|window| now_us >= window.end_us) && self.found.late_gaps.len() < LATE_GAPS {
            self.found.late_gaps.extend(ahead);
        }
    }

    /// A client's connection was answered; see [`crate::observer::Observer::opened`].
    pub fn opened(&mut self, opened: Opened) {
        if let Some(connect_us) = opened.connect_us {
            self.found.connects.saturating_record(connect_us);
        }
        if let Some(tls_us) = opened.tls_us {
            self.found.tls.saturating_record(tls_us);
        }
        self.found.requests.saturating_record(opened.request_us);
        self.found.opens.saturating_record(opened.open_us);
    }

    /// A client is connected again.
    pub fn reconnected(&mut self, now_us: u64) {
        self.found.reconnects += 1;
        let bin =
            self.window.filter(|window| window.contains(now_us)).map(|window| (now_us - window.start_us) / BIN_US);
        if let Some(count) = bin.and_then(|bin| self.found.reconnects_by_bin.get_mut(bin as usize)) {
            *count += 1;
        }
    }

    /// A client that had lost its connection has an update again.
    pub fn recovered(&mut self, lost_us: u64, received_at_us: u64) {
        if self.measures(lost_us) {
            self.found.recoveries.saturating_record(received_at_us.saturating_sub(lost_us));
        }
    }

    /// A client fell to a lower rung of the ladder.
    pub const fn fell(&mut self) {
        self.found.fallbacks += 1;
    }

    /// A client is back on the first rung.
    pub const fn climbed(&mut self) {
        self.found.climbs += 1;
    }

    /// The server ended a slow reader's connection.
    pub const fn slow_disconnected(&mut self) {
        self.found.slow_disconnected += 1;
    }

    /// A slow reader was given an update that it had, or that is older than one it had.
    pub const fn slow_disordered(&mut self) {
        self.found.slow_disordered += 1;
    }

    /// A client's publication was acknowledged.
    pub fn acknowledged(&mut self, due_us: u64, received_at_us: u64) {
        if self.measures(due_us) {
            self.found.acks.saturating_record(received_at_us.saturating_sub(due_us));
        }
    }

    /// Polls that were due until `at_us` were not sent.
    pub fn skipped(&mut self, polls: u64, at_us: u64) {
        if self.measures(at_us) {
            self.found.skipped += polls;
        }
    }

    /// Something went wrong for a client.
    pub fn failed(&mut self, failure: Failure) {
        *self.found.failures.entry(failure).or_default() += 1;
    }

    /// A timer that was due in the measured time fired this late.
    pub fn timer(&mut self, due_us: u64, lag_us: u64) {
        if self.measures(due_us) {
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
            replayed: 0,
            told_lost: 0,
            late_gaps: Vec::new(),
            reconnects: 0,
            reconnects_by_bin: Vec::new(),
            fallbacks: 0,
            climbs: 0,
            skipped: 0,
            slow_disconnected: 0,
            slow_disordered: 0,
            failures: BTreeMap::new(),
            connects: hlog::new_histogram(),
            tls: hlog::new_histogram(),
            requests: hlog::new_histogram(),
            opens: hlog::new_histogram(),
            recoveries: hlog::new_histogram(),
            acks: hlog::new_histogram(),
            lags: hlog::new_histogram(),
        }
    }

    /// Adds what another worker counted.
    pub fn merge(&mut self, other: &Self) {
        self.received += other.received;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
        self.replayed += other.replayed;
        self.told_lost = self.told_lost.saturating_add(other.told_lost);
        self.late_gaps.extend(&other.late_gaps);
        self.reconnects += other.reconnects;
        self.merge_bins(&other.reconnects_by_bin);
        self.fallbacks += other.fallbacks;
        self.climbs += other.climbs;
        self.skipped += other.skipped;
        self.slow_disconnected += other.slow_disconnected;
        self.slow_disordered += other.slow_disordered;
        self.range = match (self.range, other.range) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (range, None) | (None, range) => range,
        };
        for (failure, count) in &other.failures {
            *self.failures.entry(*failure).or_default() += count;
        }
        // All have the same bounds, so that nothing is out of range.
        self.connects += &other.connects;
        self.tls += &other.tls;
        self.requests += &other.requests;
        self.opens += &other.opens;
        self.recoveries += &other.recoveries;
        self.acks += &other.acks;
        self.lags += &other.lags;
    }

    fn merge_bins(&mut self, bins: &[u32]) {
        self.reconnects_by_bin.resize(self.reconnects_by_bin.len().max(bins.len()), 0);
        self.reconnects_by_bin.iter_mut().zip(bins).for_each(|(count, more)| *count += more);
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
        let stamp = Stamp { seq, at };
        recorder.update(Arrival { finding, stamp, since_us: at, received_at_us: at + 70, replayed: false });
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
    fn those_who_come_back_together_are_counted_by_tenths_of_a_second() {
        let mut recorder = Recorder::new();
        recorder.reconnected(5);
        recorder.measure(Window { start_us: 1_000_000, end_us: 1_250_000 });
        for at in [999_999, 1_000_000, 1_099_999, 1_100_000, 1_249_999, 1_250_000] {
            recorder.reconnected(at);
        }
        assert_eq!((recorder.found().reconnects, &*recorder.found().reconnects_by_bin), (7, &[2, 1, 1][..]));
        let mut all = Found::new();
        all.merge(recorder.found());
        all.merge(recorder.found());
        assert_eq!(all.reconnects_by_bin, [4, 2, 2]);
    }

    #[test]
    fn what_is_lost_is_counted_in_the_measured_time_and_kept_after_it() {
        let (mut recorder, ahead) = (Recorder::new(), Some(Gap { from: 5, to: 9 }));
        recorder.told_lost(5, ahead, 1_500);
        recorder.measure(WINDOW);
        for now in [999, 1_500, 2_000] {
            recorder.told_lost(5, ahead, now);
        }
        recorder.told_lost(0, None, 2_000);
        let mut all = Found::new();
        all.merge(recorder.found());
        assert_eq!((all.told_lost, all.late_gaps), (5, vec![Gap { from: 5, to: 9 }]));
    }

    #[test]
    fn a_recovery_belongs_to_the_time_of_its_loss() {
        let mut recorder = Recorder::new();
        recorder.measure(WINDOW);
        recorder.recovered(900, 1_100);
        recorder.recovered(1_900, 2_300);
        assert_eq!((recorder.found().recoveries.len(), recorder.found().recoveries.max()), (1, 400));
    }

    #[test]
    fn a_clock_that_was_set_back_makes_no_age_of_centuries() {
        let mut recorder = Recorder::new();
        recorder.measure(WINDOW);
        let stamp = Stamp { seq: 1, at: 1_500 };
        let arrival = Arrival { finding: Finding::New, stamp, since_us: 1_500, received_at_us: 1_400, replayed: true };
        recorder.update(arrival);
        assert_eq!(recorder.end_second(hlog::new_histogram()).max(), 0);
    }

    #[test]
    fn a_begun_second_counts() {
        assert_eq!(Window { start_us: 5, end_us: 2_500_005 }.seconds(), 3);
        assert_eq!(Window { start_us: 5, end_us: 2_000_005 }.seconds(), 2);
    }
}

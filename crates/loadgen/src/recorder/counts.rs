//! The counts of a whole cell, of one worker's clients or of all of them.

use std::collections::BTreeMap;

use feedlab_experiment::hlog;
use feedlab_experiment::record::Failure;
use feedlab_feed::{Epoch, Gap};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Everything that is counted, except ages: over the whole cell, unless a field says otherwise.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Counts {
    /// Updates of the measured time that arrived, once per client.
    pub received: u64,
    /// Updates that arrived again.
    pub duplicated: u64,
    /// Updates that arrived after a later one.
    pub reordered: u64,
    /// The first and the last `seq` of the measured time that any client received, by epoch of the feed.
    #[serde(with = "pairs")]
    pub ranges: BTreeMap<Option<Epoch>, (u64, u64)>,
    /// Updates that were due while their client had no connection.
    pub replayed: u64,
    /// Updates that the server reported to clients as lost, within the measured time.
    pub reported_lost: u64,
    /// Gaps that were reported after the measured time. Only the server can say which of their updates were due in it.
    pub late_gaps: Vec<Gap>,
    /// Connections that clients opened again.
    pub reconnects: u64,
    /// The same within the measured time, per tenth of a second.
    pub reconnects_by_bin: Vec<u32>,
    /// Falls to a lower rung of the fallback ladder.
    pub fallbacks: u64,
    /// Returns to the first rung.
    pub climbs: u64,
    /// Polls that were due in the measured time and never sent.
    pub skipped: u64,
    /// Connections of slow readers that the server closed.
    pub slow_disconnected: u64,
    /// Updates that reached slow readers twice or after a later one.
    pub slow_disordered: u64,
    /// Failures, by kind.
    pub failures: BTreeMap<Failure, u64>,
    /// Times of TCP connects, µs.
    #[serde(with = "hlog::text")]
    pub connects: Histogram<u64>,
    /// Times of TLS handshakes, µs.
    #[serde(with = "hlog::text")]
    pub tls: Histogram<u64>,
    /// Times from the request on an open connection to the head of its first response, µs.
    #[serde(with = "hlog::text")]
    pub requests: Histogram<u64>,
    /// Times from the start of a TCP connect to the response head, µs.
    #[serde(with = "hlog::text")]
    pub opens: Histogram<u64>,
    /// Times from a loss in the measured time until a connection was served again, µs.
    #[serde(with = "hlog::text")]
    pub outages: Histogram<u64>,
    /// Times from a loss in the measured time to the next update, µs.
    #[serde(with = "hlog::text")]
    pub recoveries: Histogram<u64>,
    /// Times from when a publication of the measured time was due to its acknowledgement, µs.
    #[serde(with = "hlog::text")]
    pub acks: Histogram<u64>,
    /// How late timers fired in the measured time, µs.
    #[serde(with = "hlog::text")]
    pub lags: Histogram<u64>,
}

impl Counts {
    /// Creates counts of zero.
    #[must_use]
    pub fn new() -> Self {
        Self {
            received: 0,
            duplicated: 0,
            reordered: 0,
            ranges: BTreeMap::new(),
            replayed: 0,
            reported_lost: 0,
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
            outages: hlog::new_histogram(),
            recoveries: hlog::new_histogram(),
            acks: hlog::new_histogram(),
            lags: hlog::new_histogram(),
        }
    }

    /// Adds the counts of another worker.
    pub fn merge(&mut self, other: &Self) {
        self.received += other.received;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
        self.replayed += other.replayed;
        self.reported_lost = self.reported_lost.saturating_add(other.reported_lost);
        self.late_gaps.extend(&other.late_gaps);
        self.reconnects += other.reconnects;
        self.merge_bins(&other.reconnects_by_bin);
        self.fallbacks += other.fallbacks;
        self.climbs += other.climbs;
        self.skipped += other.skipped;
        self.slow_disconnected += other.slow_disconnected;
        self.slow_disordered += other.slow_disordered;
        for (epoch, (first, last)) in &other.ranges {
            let range = self.ranges.entry(*epoch).or_insert((*first, *last));
            *range = (range.0.min(*first), range.1.max(*last));
        }
        for (failure, count) in &other.failures {
            *self.failures.entry(*failure).or_default() += count;
        }
        // All histograms have the same bounds, so nothing is out of range.
        self.connects += &other.connects;
        self.tls += &other.tls;
        self.requests += &other.requests;
        self.opens += &other.opens;
        self.outages += &other.outages;
        self.recoveries += &other.recoveries;
        self.acks += &other.acks;
        self.lags += &other.lags;
    }

    fn merge_bins(&mut self, bins: &[u32]) {
        self.reconnects_by_bin.resize(self.reconnects_by_bin.len().max(bins.len()), 0);
        self.reconnects_by_bin.iter_mut().zip(bins).for_each(|(count, more)| *count += more);
    }
}

impl Default for Counts {
    fn default() -> Self {
        Self::new()
    }
}

/// Serializes ranges as pairs, because a key in JSON must be a string.
mod pairs {
    use std::collections::BTreeMap;

    use feedlab_feed::Epoch;
    use serde::{Deserialize as _, Deserializer, Serializer};

    type Ranges = BTreeMap<Option<Epoch>, (u64, u64)>;

    pub(super) fn serialize<S: Serializer>(ranges: &Ranges, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(ranges)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Ranges, D::Error> {
        Ok(Vec::<(Option<Epoch>, (u64, u64))>::deserialize(deserializer)?.into_iter().collect())
    }
}

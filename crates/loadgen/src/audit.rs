//! The state needed to judge a client's next update: a cursor and a window of bits.
//!
//! Pure: no clock, no transport. It takes 32 bytes per client, whatever the length of the run.

use feedlab_feed::Gap;

/// The number of updates, counted back from the newest, that the audit remembers.
pub const REACH: u64 = 128;

/// What one client has received.
#[derive(Clone, Copy, Debug, Default)]
pub struct Audit {
    /// The highest `seq` seen.
    head: u64,
    /// Bit `i` is set if the client has received update `head - i`. 0 before the first update.
    seen: u128,
}

/// How an update relates to those that the client has already received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The one after the newest, or the first of all.
    New,
    /// Newer than the next one: the updates in between have not arrived yet.
    Ahead,
    /// Late: it fills a hole.
    Reordered,
    /// Received before. An update more than [`REACH`] behind the newest also counts as a duplicate, because the audit
    /// no longer knows: an update that was received may then be reported missing, never the other way round.
    Duplicate,
}

impl Finding {
    /// Whether the client receives the update for the first time.
    #[must_use]
    pub const fn is_unique(self) -> bool {
        !matches!(self, Self::Duplicate)
    }
}

impl Audit {
    /// Records an update and returns how it relates to the earlier ones.
    pub const fn see(&mut self, seq: u64) -> Finding {
        if self.seen == 0 {
            *self = Self { head: seq, seen: 1 };
            return Finding::New;
        }
        if seq > self.head {
            return self.advance(seq - self.head, seq);
        }
        let behind = self.head - seq;
        if behind >= REACH || self.seen & (1 << behind) != 0 {
            return Finding::Duplicate;
        }
        self.seen |= 1 << behind;
        Finding::Reordered
    }

    /// Returns how many updates of a gap the client has not received. Updates out of reach count as received, because
    /// the audit no longer knows.
    #[must_use]
    pub fn unseen(&self, gap: Gap) -> u64 {
        let ahead = self.ahead(gap).map_or(0, |ahead| ahead.to - ahead.from + 1);
        let from = gap.from.max(self.head.saturating_sub(REACH - 1)).max(1);
        let holes = (from..=gap.to.min(self.head)).filter(|seq| self.seen & (1 << (self.head - seq)) == 0);
        ahead + if self.seen == 0 { 0 } else { holes.count() as u64 }
    }

    /// Returns the part of a gap that is newer than everything the client has received.
    #[must_use]
    pub fn ahead(&self, gap: Gap) -> Option<Gap> {
        let from = gap.from.max(self.head.saturating_add(1));
        (from <= gap.to).then_some(Gap { from, to: gap.to })
    }

    const fn advance(&mut self, step: u64, seq: u64) -> Finding {
        self.seen = if step < REACH { self.seen << step | 1 } else { 1 };
        self.head = seq;
        if step == 1 { Finding::New } else { Finding::Ahead }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    /// The reference model: it remembers everything.
    #[derive(Default)]
    struct Model(BTreeSet<u64>);

    impl Model {
        fn see(&mut self, seq: u64) -> Finding {
            let head = self.0.last().copied();
            let fresh = self.0.insert(seq);
            match head {
                None => Finding::New,
                Some(head) if seq == head.wrapping_add(1) => Finding::New,
                Some(head) if seq > head => Finding::Ahead,
                Some(head) if !fresh || head - seq >= REACH => Finding::Duplicate,
                Some(_) => Finding::Reordered,
            }
        }
    }

    #[track_caller]
    fn check(seqs: &[u64], expected: &[Finding]) {
        let mut audit = Audit::default();
        assert_eq!(seqs.iter().map(|seq| audit.see(*seq)).collect::<Vec<_>>(), expected, "{seqs:?}");
    }

    #[test]
    fn each_finding() {
        use Finding::{Ahead, Duplicate, New, Reordered};
        check(&[7, 8, 9], &[New, New, New]);
        check(&[7, 7, 8, 7], &[New, Duplicate, New, Duplicate]);
        check(&[7, 10, 9, 8, 9, 11], &[New, Ahead, Reordered, Reordered, Duplicate, New]);
        check(&[5, 4, 4], &[New, Reordered, Duplicate]);
    }

    #[test]
    fn an_update_out_of_reach_is_a_duplicate_and_never_received_again() {
        use Finding::{Ahead, Duplicate, New, Reordered};
        check(&[1, 1 + REACH, 1], &[New, Ahead, Duplicate]);
        check(&[1, 1 + REACH, 2], &[New, Ahead, Reordered]);
        check(&[1, 1_000, 1, 872, 873], &[New, Ahead, Duplicate, Duplicate, Reordered]);
        check(&[0, u64::MAX, u64::MAX, 0], &[New, Ahead, Duplicate, Duplicate]);
    }

    #[test]
    fn a_replay_of_any_length_is_new_if_it_is_in_order() {
        let mut audit = Audit::default();
        assert!((1..=10_000).all(|seq| audit.see(seq) == Finding::New));
        assert_eq!(audit.see(20_000), Finding::Ahead, "what came after a gap");
        assert!((20_001..30_000).all(|seq| audit.see(seq) == Finding::New));
    }

    #[test]
    fn only_the_updates_of_a_gap_that_the_client_lacks_are_lost() {
        let mut audit = Audit::default();
        assert_eq!(audit.unseen(Gap { from: 1, to: 5 }), 5, "nothing was seen yet");
        [10, 11, 13].iter().for_each(|seq| assert!(audit.see(*seq).is_unique()));
        for (from, to, unseen, ahead) in [
            (14, 20, 7, Some((14, 20))),
            (11, 15, 3, Some((14, 15))),
            (10, 11, 0, None),
            (12, 12, 1, None),
            (1, 9, 9, None),
        ] {
            let gap = Gap { from, to };
            assert_eq!(audit.unseen(gap), unseen, "{gap:?}");
            assert_eq!(audit.ahead(gap), ahead.map(|(from, to)| Gap { from, to }), "{gap:?}");
        }
        audit.see(1_000);
        assert_eq!(audit.unseen(Gap { from: 1, to: 872 }), 0, "out of reach");
        assert_eq!(audit.unseen(Gap { from: 1, to: 1_002 }), 126 + 1 + 2, "872 is out of reach, 873 to 999 are holes");
    }

    proptest! {
        #[test]
        fn the_audit_agrees_with_a_set(steps in proptest::collection::vec((-140i64..140, 1u8..4), 1..300)) {
            let (mut audit, mut model, mut at) = (Audit::default(), Model::default(), 500i64);
            for (step, runs) in steps {
                at = (at + step).max(0);
                for _ in 0..runs {
                    prop_assert_eq!(audit.see(at as u64), model.see(at as u64), "seq {}", at);
                    at += 1;
                }
            }
        }

        #[test]
        fn a_shuffle_within_reach_loses_nothing_and_duplicates_nothing(
            seqs in Just((1..=REACH).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let mut audit = Audit::default();
            prop_assert_eq!(seqs.iter().filter(|seq| audit.see(**seq).is_unique()).count(), REACH as usize);
        }
    }
}

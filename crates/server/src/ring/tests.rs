use super::*;
use feedlab_feed::{Data, EventType};
use proptest::prelude::*;

fn update(seq: u64, len: usize) -> Update {
    Update { seq, at: seq * 10, event_type: EventType::default(), data: Data::Text("x".repeat(len)) }
}

fn ring(capacity: usize, max_bytes: usize, lens: &[usize]) -> Ring {
    let mut ring = Ring::new(capacity, max_bytes, Snapshot::none(Epoch::random()));
    for len in lens {
        ring.push(|seq| update(seq, *len));
    }
    ring
}

fn seqs(batch: &Batch) -> Vec<u64> {
    batch.entries.iter().map(|entry| entry.update.seq).collect()
}

#[test]
fn a_cursor_gets_what_follows_it() {
    let ring = ring(10, 1000, &[1; 5]);
    let batch = ring.after(2, 2);
    assert_eq!((seqs(&batch), batch.gap, batch.next()), (vec![3, 4], None, 4));
    assert!(ring.after(5, 9).entries.is_empty());
}

#[test]
fn a_cursor_that_is_too_old_gets_its_gap() {
    let batch = ring(3, 1000, &[1; 9]).after(2, 9);
    assert_eq!((seqs(&batch), batch.gap), (vec![7, 8, 9], Some(Gap { from: 3, to: 6 })));
}

#[test]
fn the_last_may_be_fewer_than_are_held_or_none() {
    let ring = ring(9, 1000, &[1; 9]);
    let batch = ring.last(2, 4, 9);
    assert_eq!((seqs(&batch), batch.gap), (vec![8, 9], Some(Gap { from: 5, to: 7 })));
    let batch = ring.last(2, 8, 9);
    assert_eq!((seqs(&batch), batch.gap), (vec![9], None));
    let batch = ring.last(0, 4, 9);
    assert_eq!((seqs(&batch), batch.gap, batch.next()), (vec![], Some(Gap { from: 5, to: 9 }), 9));
    assert_eq!(ring.last(0, 9, 9).gap, None);
    assert_eq!(ring.last(0, 10, 9).gap, Some(Gap { from: 10, to: 10 }));
    assert_eq!(ring.last(100, 0, 99).entries.len(), 9);
}

#[test]
fn a_seq_that_was_never_reached_resumes_at_the_head() {
    let batch = ring(3, 1000, &[1; 4]).after(90, 9);
    assert_eq!((batch.gap, batch.next()), (Some(Gap { from: 5, to: 90 }), 4));
}

#[test]
fn a_cursor_from_a_server_that_is_ahead_waits() {
    let mut ring = ring(3, 1000, &[1; 4]);
    ring.allow_lead(8);
    let batch = ring.after(12, 9);
    assert_eq!((seqs(&batch), batch.gap, batch.next()), (vec![], None, 12));
    assert_eq!(ring.after(13, 9).gap, Some(Gap { from: 5, to: 13 }), "beyond the allowed lead");
}

#[test]
fn bytes_bound_the_ring_too_but_the_newest_stays() {
    assert_eq!(ring(10, 100, &[40, 40, 40]).oldest(), 2);
    assert_eq!(ring(10, 100, &[1, 500]).oldest(), 2);
}

#[test]
fn r3_what_a_long_answer_needs_is_kept_within_a_limit_and_only_while_needed() {
    const LEN: usize = 1 << 20;
    let mut ring = ring(2, usize::MAX, &[LEN; 2]);
    let mut mark = ring.with_bookmark(ring.after(0, 9)).bookmark.unwrap();
    let push = |ring: &mut Ring, count| {
        for _ in 0..count {
            ring.push(|seq| update(seq, LEN));
        }
    };
    push(&mut ring, 5);
    assert_eq!([0, 1, 5, 6, 7, 8].map(|seq| ring.held(seq).is_some()), [false, true, true, true, true, false]);
    assert!(ring.held(3).unwrap().starts_with(b"{\"seq\":3,"));
    mark.move_to(4);
    push(&mut ring, 1);
    assert_eq!([3, 4].map(|seq| ring.held(seq).is_some()), [false, true]);
    push(&mut ring, 20);
    assert!(ring.held(4).is_none() && ring.retired_bytes <= MAX_RETIRED_BYTES, "{}", ring.retired_bytes);
    assert!(ring.held(ring.oldest() - 1).is_some());
    drop(mark);
    push(&mut ring, 1);
    assert!(ring.retired.is_empty() && ring.retired_bytes == 0);
    assert!(ring.with_bookmark(ring.after(29, 9)).bookmark.is_none(), "an empty response is short");
}

#[test]
fn stream_encodings_are_kept_for_recent_updates_and_redone_for_older_ones() {
    const LEN: usize = RECENT_BYTES / 4;
    let mut ring = ring(9, usize::MAX, &[LEN; 4]);
    let sent: Vec<_> = ring.entries.iter().map(|entry| (entry.sse_chunk().clone(), entry.frame().clone())).collect();
    let kept = |ring: &Ring| ring.entries.iter().map(|entry| entry.is_encoded_for_streams()).collect::<Vec<_>>();
    assert_eq!(kept(&ring), [true; 4]);
    ring.push(|seq| update(seq, LEN));
    ring.push(|seq| update(seq, 1));
    assert_eq!(kept(&ring), [false, false, true, true, false, false]);
    assert_eq!((ring.recent, ring.recent_bytes), (4, 3 * LEN + 1));
    assert_eq!((ring.entries[0].sse_chunk(), ring.entries[0].frame()), (&sent[0].0, &sent[0].1));
    let ring = Ring::new(2, usize::MAX, ring.snapshot());
    assert_eq!((ring.recent, ring.recent_bytes), (2, LEN + 1), "the snapshot counts as well");
}

#[test]
fn a_ring_that_skips_holds_nothing_and_counts_from_there() {
    let mut ring = ring(9, usize::MAX, &[RECENT_BYTES / 2; 2]);
    ring.skip_to(7);
    assert_eq!((ring.head(), ring.oldest(), ring.recent, ring.recent_bytes), (7, 8, 0, 0));
    ring.push(|seq| update(seq, RECENT_BYTES));
    ring.push(|seq| update(seq, 1));
    let batch = ring.after(2, 9);
    assert_eq!((seqs(&batch), batch.gap), (vec![8, 9], Some(Gap { from: 3, to: 7 })));
}

#[test]
fn before_counts_what_was_due() {
    let full = ring(10, 1000, &[1; 5]);
    assert_eq!([5, 10, 11, 50, 51].map(|at| full.before(at)), [Some(0), Some(0), Some(1), Some(4), Some(5)]);
    let short = ring(2, 1000, &[1; 5]);
    assert_eq!([40, 41].map(|at| short.before(at)), [None, Some(4)]);
    assert_eq!(ring(1, 1, &[]).before(7), Some(0));
}

proptest! {
    /// The updates that a cursor gets, and the gap, together are everything after it.
    #[test]
    fn gap_and_updates_are_all_there_is(
        capacity in 1usize..20, max_bytes in 1usize..100,
        lens in proptest::collection::vec(0usize..30, 0..40), cursor in 0u64..50, max in 1usize..30,
        last in proptest::option::of(0usize..25),
    ) {
        let ring = ring(capacity, max_bytes, &lens);
        let head = lens.len() as u64;
        let batch = match last {
            Some(count) => ring.last(count, cursor, max),
            None => ring.after(cursor, max),
        };
        prop_assert!(batch.entries.len() <= last.unwrap_or(usize::MAX));
        prop_assert!(ring.head + 1 - ring.oldest() <= capacity as u64);
        if cursor > head {
            prop_assert_eq!(batch.gap, Some(Gap { from: head + 1, to: cursor }));
            prop_assert_eq!(batch.next(), head);
        } else {
            let lost: Vec<u64> = batch.gap.map_or(vec![], |gap| (gap.from..=gap.to).collect());
            let seen: Vec<u64> = lost.into_iter().chain(seqs(&batch)).collect();
            prop_assert_eq!(&seen, &(cursor + 1..=batch.next()).collect::<Vec<_>>());
            prop_assert!(batch.next() == head || batch.entries.len() == max);
        }
    }
}

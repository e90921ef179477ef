use super::*;
use crate::inspect::arrivals::Arrivals;

/// A clump: when (ms), bytes, events, and whether it ends inside a line.
type Clump = (u64, u64, u64, bool);

fn clumps(list: &[Clump]) -> Vec<Arrival> {
    let mut arrivals = Arrivals::default();
    for &(at_ms, wire, events, inside) in list {
        let at_us = at_ms * 1_000;
        arrivals.push(Arrival { at_us, last_us: at_us, wire, bytes: wire, events, inside, comments: 0 }, 0);
    }
    arrivals.clumps()
}

#[test]
fn a_full_buffer_is_cut_inside_an_event() {
    let held = clumps(&[(4_000, 3_800, 30, true), (8_000, 4_096, 31, true), (12_000, 4_096, 31, true)]);
    assert_eq!((cut_inside(&held, 13_000_000, false).len(), aligned(&held)), (3, 2));
    let quick = clumps(&[(100, 300, 1, true), (200, 20, 1, false), (1_200, 300, 1, false)]);
    assert_eq!((cut_inside(&quick, 2_000_000, false).len(), aligned(&quick)), (0, 0));
}

#[test]
fn a_connection_that_broke_inside_an_event_is_no_buffer() {
    let broke = clumps(&[(100, 300, 1, true)]);
    assert_eq!(cut_inside(&broke, 9_000_000, true).len(), 0);
    assert_eq!(cut_inside(&broke, 9_000_000, false).len(), 1);
}

#[test]
fn bursts_need_several_events_and_silence() {
    let steady = clumps(&[(0, 50, 1, false), (1_000, 50, 1, false), (2_000, 50, 1, false), (3_000, 50, 2, false)]);
    let fast: Vec<_> = (0..200).map(|n| (n * 100, 500, 10, false)).collect();
    let bursts = clumps(&[(0, 500, 10, false), (5_000, 700, 12, false), (10_000, 600, 11, false)]);
    assert!(!are_bursts(&steady) && !are_bursts(&clumps(&fast)) && are_bursts(&bursts));
    assert!(!are_bursts(after_greeting(&bursts[..2], 0)), "a history at the start is no burst");
}

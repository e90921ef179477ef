use super::*;

const WINDOW: Window = Window { start_us: 1_000, end_us: 2_000 };

fn see(recorder: &mut Recorder, finding: Finding, seq: u64, at: u64) {
    let stamp = Stamp { epoch: None, seq, at };
    recorder.update(Arrival { finding, stamp, since_us: at, received_at_us: at + 70, replayed: false });
}

#[test]
fn only_updates_due_in_the_window_count() {
    let mut recorder = Recorder::new();
    see(&mut recorder, Finding::New, 1, 1_500);
    recorder.measure(WINDOW);
    for (seq, at) in [(2, 999), (3, 1_000), (4, 1_999), (5, 2_000)] {
        see(&mut recorder, Finding::New, seq, at);
    }
    assert_eq!((recorder.counts().received, &recorder.counts().ranges), (2, &[(None, (3, 4))].into()));
    let ages = recorder.end_second(hlog::new_histogram());
    assert_eq!((ages.len(), ages.max()), (2, 70));
    assert_eq!(recorder.end_second(ages).len(), 0);
}

#[test]
fn findings_are_counted_separately() {
    let mut recorder = Recorder::new();
    recorder.measure(WINDOW);
    for finding in [Finding::New, Finding::Ahead, Finding::Reordered, Finding::Duplicate] {
        see(&mut recorder, finding, 7, 1_500);
    }
    let counts = recorder.counts();
    assert_eq!((counts.received, counts.reordered, counts.duplicated), (3, 1, 1));
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
    let mut all = Counts::new();
    all.merge(recorder.counts());
    all.merge(&Counts::new());
    see(&mut recorder, Finding::New, 3, 1_400);
    all.merge(recorder.counts());
    assert_eq!((all.received, &all.ranges, all.failures[&Failure::Status]), (3, &[(None, (3, 9))].into(), 2));
    assert_eq!((all.connects.len(), all.opens.max(), all.lags.len()), (2, 90, 2));
}

#[test]
fn reconnects_are_counted_per_tenth_of_a_second() {
    let mut recorder = Recorder::new();
    recorder.reconnected(5);
    recorder.measure(Window { start_us: 1_000_000, end_us: 1_250_000 });
    for at in [999_999, 1_000_000, 1_099_999, 1_100_000, 1_249_999, 1_250_000] {
        recorder.reconnected(at);
    }
    assert_eq!((recorder.counts().reconnects, &*recorder.counts().reconnects_by_bin), (7, &[2, 1, 1][..]));
    let mut all = Counts::new();
    all.merge(recorder.counts());
    all.merge(recorder.counts());
    assert_eq!(all.reconnects_by_bin, [4, 2, 2]);
}

#[test]
fn lost_updates_are_counted_in_the_measured_time_and_their_gaps_kept_after_it() {
    let (mut recorder, ahead) = (Recorder::new(), Some(Gap { from: 5, to: 9 }));
    recorder.reported_lost(5, ahead, 1_500);
    recorder.measure(WINDOW);
    for now in [999, 1_500, 2_000] {
        recorder.reported_lost(5, ahead, now);
    }
    recorder.reported_lost(0, None, 2_000);
    let mut all = Counts::new();
    all.merge(recorder.counts());
    assert_eq!((all.reported_lost, all.late_gaps), (5, vec![Gap { from: 5, to: 9 }]));
}

#[test]
fn a_recovery_belongs_to_the_time_of_its_loss() {
    let mut recorder = Recorder::new();
    recorder.measure(WINDOW);
    recorder.recovered(900, 1_100);
    recorder.recovered(1_900, 2_300);
    assert_eq!((recorder.counts().recoveries.len(), recorder.counts().recoveries.max()), (1, 400));
}

#[test]
fn a_clock_that_was_set_back_gives_an_age_of_zero() {
    let mut recorder = Recorder::new();
    recorder.measure(WINDOW);
    let stamp = Stamp { epoch: None, seq: 1, at: 1_500 };
    let arrival = Arrival { finding: Finding::New, stamp, since_us: 1_500, received_at_us: 1_400, replayed: true };
    recorder.update(arrival);
    assert_eq!(recorder.end_second(hlog::new_histogram()).max(), 0);
}

#[test]
fn a_partial_second_counts() {
    assert_eq!(Window { start_us: 5, end_us: 2_500_005 }.seconds(), 3);
    assert_eq!(Window { start_us: 5, end_us: 2_000_005 }.seconds(), 2);
}

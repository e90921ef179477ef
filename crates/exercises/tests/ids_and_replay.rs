//! Exercise 4: a bounded history, and what reconnecting clients get.

use exercise::{History, NotAnId, Replay};

feedlab_exercises::subject!(ids_and_replay, "../yours/ids_and_replay.rs");

/// A history for `capacity` updates into which `count` have been pushed; the data of update 7 is `u7`.
fn history(capacity: usize, count: u64) -> History {
    let mut history = History::new("k3f9", capacity);
    for number in 1..=count {
        assert_eq!(
            history.push(&format!("u{number}")),
            number,
            "numbers continue, 1, 2, 3, …, even when old updates are dropped"
        );
    }
    history
}

fn numbers(replay: &Replay) -> Vec<u64> {
    replay.updates.iter().map(|(number, _)| *number).collect()
}

#[test]
fn the_history_is_bounded_and_its_numbers_continue() {
    let history = history(100, 10_000);
    assert_eq!(history.len(), 100, "10,000 updates were pushed into a history for 100: keeping more is a memory leak");
}

#[test]
fn a_reconnecting_client_gets_what_it_missed() {
    let replay = history(100, 9).replay(Some("k3f9.6")).unwrap();
    let expected = [7, 8, 9].map(|number| (number, format!("u{number}")));
    assert_eq!(
        replay,
        Replay { updates: expected.to_vec(), ..Replay::default() },
        "it has 6; it lacks 7, 8 and 9, and nothing else"
    );
    let level = history(100, 9).replay(Some("k3f9.9")).unwrap();
    assert_eq!(level, Replay::default(), "it has 9, the newest: nothing to replay, nothing lost");
    assert_eq!(numbers(&history(100, 3).replay(Some("k3f9.0")).unwrap()), [1, 2, 3], "0 is before the first update");
}

#[test]
fn a_new_client_starts_now() {
    for id in [None, Some("")] {
        let replay = history(100, 9).replay(id).unwrap();
        assert_eq!(
            replay,
            Replay::default(),
            "{id:?} is not an id: the client asked for nothing from the past, and lost nothing"
        );
    }
}

#[test]
fn an_id_that_is_too_old_gets_a_gap() {
    let replay = history(3, 9).replay(Some("k3f9.2")).unwrap();
    assert_eq!(
        replay.gap,
        Some((3, 6)),
        "7, 8 and 9 are kept and the client has 2: 3 to 6 are lost, and the client must learn that"
    );
    assert_eq!(numbers(&replay), [7, 8, 9], "the kept updates follow the gap");
}

#[test]
fn at_the_edge_of_the_history_nothing_is_lost() {
    let replay = history(3, 9).replay(Some("k3f9.6")).unwrap();
    assert_eq!(
        replay.gap, None,
        "7 is the oldest update that is kept and the first that the client lacks: there is no gap"
    );
    let replay = history(3, 9).replay(Some("k3f9.5")).unwrap();
    assert_eq!(replay.gap, Some((6, 6)), "one further back, one update is lost");
}

#[test]
fn an_id_of_another_epoch_gets_a_reset() {
    for id in ["p0q2.2", "p0q2.4", "p0q2.90"] {
        let replay = history(100, 4).replay(Some(id)).unwrap();
        assert!(
            replay.reset,
            "{id} belongs to a feed that has ended, and this one is at k3f9.4. Without a reset, the client assumes \
             that what it gets continues what it has"
        );
        assert_eq!(numbers(&replay), [1, 2, 3, 4], "it has nothing of this feed: {id} is a number of another one");
    }
    let replay = history(3, 9).replay(Some("p0q2.8")).unwrap();
    assert_eq!((replay.gap, numbers(&replay)), (Some((1, 6)), vec![7, 8, 9]), "the beginning of this feed is gone too");
}

#[test]
fn anything_else_is_an_error() {
    for id in ["seven", "7", "k3f9.", "k3f9.-1", "k3f9.1.5", "k3f9.99999999999999999999999"] {
        assert_eq!(
            history(3, 9).replay(Some(id)),
            Err(NotAnId),
            "`Last-Event-ID: {id}` is not an id: the client must learn of the mistake"
        );
    }
}

#[test]
fn gap_and_updates_are_everything_after_the_id() {
    for (capacity, count, id) in (1..6).flat_map(|c| (0..9).flat_map(move |n| (0..=n).map(move |id| (c, n, id)))) {
        let replay = history(capacity, count).replay(Some(&format!("k3f9.{id}"))).unwrap();
        let mut seen: Vec<u64> = replay.gap.map_or(Vec::new(), |(from, to)| (from..=to).collect());
        seen.extend(numbers(&replay));
        let expected: Vec<u64> = (id + 1..=count).collect();
        assert_eq!(seen, expected, "capacity {capacity}, {count} updates, a client that has {id}");
    }
}

//! Exercise 6: how long clients wait. Each test uses a thousand clients, because one proves nothing about randomness.

use std::time::Duration;

use exercise::Backoff;

feedlab_exercises::subject!(reconnect, "../yours/reconnect.rs");

const BASE: Duration = Duration::from_millis(100);
const CAP: Duration = Duration::from_secs(10);

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Returns the next waits of a thousand clients after `happened` was applied to each, shortest first.
fn waits(happened: impl Fn(&mut Backoff)) -> Vec<Duration> {
    let mut waits: Vec<_> = (0..1_000)
        .map(|seed| {
            let mut backoff = Backoff::new(BASE, CAP, seed);
            happened(&mut backoff);
            backoff.next_wait()
        })
        .collect();
    waits.sort();
    waits
}

fn fail(backoff: &mut Backoff, times: u32) {
    for _ in 0..times {
        backoff.next_wait();
    }
}

/// Asserts that waits are spread evenly from `low` to `low + span`, as far as a thousand clients can show.
fn assert_spread(waits: &[Duration], low: Duration, span: Duration, why: &str) {
    let near = span.mul_f64(0.1);
    let (first, last) = (waits[0], waits[waits.len() - 1]);
    assert!(
        first >= low && last <= low + span,
        "waits of {first:?} to {last:?}, not {low:?} to {:?}: {why}",
        low + span
    );
    let middle = waits[waits.len() / 2];
    let is_even = first <= low + near && last + near >= low + span && middle.abs_diff(low + span / 2) < near;
    assert!(
        is_even,
        "waits of {first:?} to {last:?}, half of them under {middle:?}: not evenly spread from {low:?}: {why}"
    );
}

#[test]
fn a_fleet_that_fails_at_once_returns_spread_over_the_whole_wait() {
    assert_spread(
        &waits(|_| {}),
        Duration::ZERO,
        BASE,
        "full jitter goes from zero to the ceiling: with less, the clients return in waves",
    );
}

#[test]
fn the_ceiling_doubles_with_every_failure() {
    for (failures, ceiling) in [(1, BASE * 2), (2, BASE * 4), (5, BASE * 32)] {
        let why = format!(
            "after {failures} failures the ceiling is {ceiling:?}: a server in trouble needs fewer tries, not the same \
             number"
        );
        assert_spread(&waits(|backoff| fail(backoff, failures)), Duration::ZERO, ceiling, &why);
    }
}

#[test]
fn no_wait_is_longer_than_the_cap() {
    for failures in [7, 31, 32, 64, 1_000] {
        let why = format!("after {failures} failures the ceiling is the cap, and nothing has overflowed");
        assert_spread(&waits(|backoff| fail(backoff, failures)), Duration::ZERO, CAP, &why);
    }
}

#[test]
fn a_try_that_works_starts_over() {
    let waits = waits(|backoff| {
        fail(backoff, 6);
        backoff.succeeded();
    });
    assert_spread(&waits, Duration::ZERO, BASE, "a try worked in between, so this is a first failure again");
}

#[test]
fn the_reconnection_time_of_the_stream_is_part_of_every_wait() {
    let why = "`retry: 3000` is the minimum of every wait until the stream sets another; the jitter is added";
    let waits = waits(|backoff| {
        backoff.set_retry(secs(3));
        fail(backoff, 1);
        backoff.succeeded();
    });
    assert_spread(&waits, secs(3), BASE, why);
}

#[test]
fn retry_after_counts_for_the_next_wait_and_only_for_that() {
    let why = "the server sent `Retry-After: 20`, more than the cap: it knows better. The jitter is added; otherwise \
               all clients that got the same value return at once";
    assert_spread(&waits(|backoff| backoff.set_retry_after(secs(20))), secs(20), BASE, why);
    let later = waits(|backoff| {
        backoff.set_retry_after(secs(20));
        fail(backoff, 1);
    });
    assert_spread(
        &later,
        Duration::ZERO,
        BASE * 2,
        "`Retry-After` was used up by the first wait, and the next response had none",
    );
}

#[test]
fn the_longer_of_both_counts() {
    for (retry, retry_after) in [(3, 20), (20, 3)] {
        let waits = waits(|backoff| {
            backoff.set_retry(secs(retry));
            backoff.set_retry_after(secs(retry_after));
        });
        assert_spread(&waits, secs(20), BASE, "with `retry:` and `Retry-After`, the longer one counts");
    }
}

#[test]
fn the_same_seed_gives_the_same_waits() {
    let ten = |seed| -> Vec<Duration> {
        let mut backoff = Backoff::new(BASE, CAP, seed);
        (0..10).map(|_| backoff.next_wait()).collect()
    };
    assert_eq!(
        ten(7),
        ten(7),
        "a failure that cannot be repeated cannot be fixed: the seed alone determines the waits"
    );
    assert_ne!(ten(7), ten(8), "clients with different seeds wait differently; otherwise the fleet returns at once");
}

//! Compares each closed form with the simulation, within 2%, over a sufficiently long horizon.

use super::super::polling::{Poller, exchanges, tally};
use super::super::stream::keepalives_in;
use super::*;

const SEED: u64 = 11;

fn feed(arrivals: Arrivals) -> FeedModel {
    FeedModel {
        arrivals,
        measured: Span { from: 0.0, to: 0.0 },
        scale: 1.0,
        whole: Span { from: -1.0, to: 0.0 },
        whole_updates: 0.0,
        due: Vec::new(),
        updates: 1.0,
        sizes: Sizes::default(),
    }
}

fn traffic_of(options: &Options, feed: &FeedModel, span: Span, rtt: f64) -> Traffic {
    ask(&contender(*options), far(rtt), |case, arithmetic| arithmetic.traffic(case, feed, span))
}

/// Returns one client's traffic per second from the formula and from the simulation.
fn both(options: &Options, schedule: Schedule, rate: f64, rtt: f64) -> (Traffic, Traffic) {
    // Simulating a stream is fast, and its comments are rare.
    let updates = if matches!(options, Options::Sse { .. }) { 200_000.0 } else { 4_000.0 };
    let end = (updates / rate).max(200.0);
    let span = Span { from: end / 10.0, to: end };
    let times = due(rate, schedule, end);
    let arrivals = match schedule {
        Schedule::Constant => Arrivals::Constant(1.0 / rate),
        // The actual rate of the known schedule.
        _ => Arrivals::Poisson(times.iter().filter(|time| span.contains(**time)).count() as f64 / span.length()),
    };
    let second = |arrivals| traffic_of(options, &feed(arrivals), span, rtt).times(1.0 / span.length());
    let (formula, simulated) = (second(arrivals), second(Arrivals::DueTimes(times)));
    (formula, simulated)
}

fn near(a: f64, b: f64, most: f64) -> bool {
    (a - b).abs() <= 0.02 * b.abs() + 0.002 * most
}

fn check(options: &Options, rates: &[f64], rtts: &[f64]) {
    for schedule in [Schedule::Poisson { seed: SEED }, Schedule::Constant] {
        for &rate in rates {
            for &rtt in rtts {
                let (formula, simulated) = both(options, schedule, rate, rtt);
                let most = formula.requests.max(rate);
                for (name, of) in [
                    ("requests", (|t: &Traffic| t.requests) as fn(&Traffic) -> f64),
                    ("empty", |t| t.empty),
                    ("empty again", |t| t.empty_again),
                    ("updates", |t| t.updates),
                    ("keepalives", |t| t.keepalives),
                ] {
                    let (a, b) = (of(&formula), of(&simulated));
                    let is_needed = name != "empty again" || matches!(options, Options::ShortPolling { .. });
                    assert!(
                        !is_needed || near(a, b, most),
                        "{options:?} {schedule:?} λ={rate} R={rtt}: {name} {a} {b}"
                    );
                }
            }
        }
    }
}

#[test]
fn short_polling_matches_the_simulation() {
    for ms in [200, 1_000] {
        let options =
            Options::ShortPolling { interval: Duration::from_millis(ms), keep_alive: true, conditional: false };
        check(&options, &[0.13, 0.7, 3.1, 10.0], &[0.0, 0.1, 0.35]);
    }
}

#[test]
fn long_polling_matches_the_simulation() {
    for ms in [500, 25_000] {
        for keep_alive in [true, false] {
            let options = Options::LongPolling { hold: Duration::from_millis(ms), keep_alive };
            check(&options, &[0.13, 0.7, 3.1, 10.0, 60.0], &[0.0, 0.05, 0.4]);
        }
    }
}

#[test]
fn keepalives_match_the_simulation() {
    check(&Options::Sse { keepalive: Duration::from_secs(1) }, &[0.13, 0.7, 1.2, 3.1], &[0.0, 0.1]);
    check(&Options::WebSocket { keepalive: Duration::from_secs(1) }, &[0.13, 3.1], &[0.0]);
}

#[test]
fn the_share_of_empty_polls_equals_e02() {
    for (rate, share) in [(0.1, 0.905), (1.0, 0.368), (10.0, 0.0)] {
        let options = Options::ShortPolling { interval: Duration::from_secs(1), keep_alive: true, conditional: false };
        let second = Span { from: 0.0, to: 1.0 };
        let formula = traffic_of(&options, &feed(Arrivals::Poisson(rate)), second, 0.0);
        assert!((formula.empty / formula.requests - share).abs() < 0.001, "{formula:?}");
    }
}

#[test]
fn saved_acknowledgements_match_the_simulation() {
    let options = Options::LongPolling { hold: Duration::from_secs(25), keep_alive: true };
    for (rate, rtt) in [(10.0, 0.0), (60.0, 0.0), (10.0, 0.1)] {
        let (formula, simulated) = both(&options, Schedule::Poisson { seed: SEED }, rate, rtt);
        let share = |traffic: Traffic| traffic.unacknowledged / traffic.requests;
        assert!((share(formula) - share(simulated)).abs() < 0.02, "{formula:?} {simulated:?}");
    }
}

#[test]
fn a_burst_takes_one_request_and_the_time_between_is_held() {
    let options = Options::LongPolling { hold: Duration::from_secs(2), keep_alive: true };
    // 50 updates at once every 5 s: an answer for each burst, and two holds that expire between two bursts.
    let times = due(10.0, Schedule::Burst { size: 50 }, 100.0);
    let traffic = traffic_of(&options, &feed(Arrivals::DueTimes(times)), Span { from: 0.0, to: 100.0 }, 0.0);
    assert_eq!((traffic.requests, traffic.empty, traffic.updates), (20.0 * 3.0, 20.0 * 2.0, 1000.0));
}

#[test]
fn a_round_trip_longer_than_the_interval_skips_slots() {
    let options = Options::ShortPolling { interval: Duration::from_millis(100), keep_alive: true, conditional: false };
    let (formula, _) = both(&options, Schedule::Constant, 1.0, 0.25);
    assert!((formula.requests - 1.0 / 0.3).abs() < 1e-9 && (formula.skipped - (10.0 - 1.0 / 0.3)).abs() < 1e-9);
}

#[test]
fn the_first_comment_comes_after_three_to_four_quarters() {
    for (silence, expected) in
        [(0.0, 0.0), (7.4, 0.0), (8.75, 0.5), (10.0, 1.0), (17.0, 1.0), (18.75, 1.5), (20.0, 2.0)]
    {
        assert_eq!(keepalives_in(silence, 10.0), expected, "{silence}");
    }
}

#[test]
fn a_client_without_updates_only_waits() {
    let poller = Poller { hold: 2.0, gap: 0.0 };
    let traffic = tally(exchanges(&[], poller, 0.0), Span { from: 0.0, to: 9.0 });
    assert_eq!((traffic.requests, traffic.empty), (4.0, 4.0));
}

#[test]
fn the_first_polls_deliver_fewer_updates() {
    let options = Options::ShortPolling { interval: Duration::from_secs(2), keep_alive: true, conditional: false };
    let span = Span { from: 0.5, to: 6.5 };
    for rate in [0.3, 1.0, 10.0] {
        let known = feed(Arrivals::DueTimes(due(rate, Schedule::Constant, 10.0)));
        let simulated = traffic_of(&options, &known, span, 0.0).updates;
        let formula = FeedModel { measured: span, ..feed(Arrivals::Constant(1.0 / rate)) };
        let formula = traffic_of(&options, &formula, span, 0.0).updates;
        assert!((formula - simulated).abs() < 0.05, "λ={rate}: {formula} {simulated}");
    }
}

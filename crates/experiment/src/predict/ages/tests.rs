//! Each distribution against the simulation, within 2 %.

use std::time::Duration;

use feedlab_feed::schedule::Schedule;

use super::super::course::Span;
use super::super::sizes::Sizes;
use super::*;

fn course(arrivals: Arrivals, end: f64) -> Course {
    let measured = Span { from: 1.0, to: end };
    let whole = Span { from: 0.0, to: end + 30.0 };
    Course {
        arrivals,
        measured,
        scale: 1.0,
        whole,
        whole_updates: 1000.0,
        due: Vec::new(),
        updates: 1000.0,
        sizes: Sizes::default(),
    }
}

fn due(rate: f64, schedule: Schedule, end: f64) -> Vec<f64> {
    schedule.due_times(rate).map(|due| due.as_secs_f64()).take_while(|time| *time < end + 30.0).collect()
}

fn check(options: &Options, schedule: Schedule, rate: f64, rtt: f64) {
    let end = 5_000.0 / rate;
    let arrivals = match schedule {
        Schedule::Constant => Arrivals::Constant(1.0 / rate),
        _ => Arrivals::Poisson(rate),
    };
    let formula = ages(options, &course(arrivals, end), rtt).unwrap();
    let known = course(Arrivals::Known(due(rate, schedule, end)), end);
    let simulated = simulated(options, &known, gap(options, rtt), rtt / 2.0).unwrap();
    let scale = simulated.quantile(1.0);
    let near = |a: f64, b: f64| (a - b).abs() <= 0.02 * b + 0.002 * scale;
    let at = format!("{options:?} {schedule:?} λ={rate} R={rtt}");
    assert!(near(formula.mean(), simulated.mean()), "{at}: mean {} {}", formula.mean(), simulated.mean());
    for share in [0.1, 0.5, 0.9, 0.99, 1.0] {
        let (a, b) = (formula.quantile(share), simulated.quantile(share));
        assert!(near(a, b), "{at}: p{} {a} {b}", share * 100.0);
    }
}

#[test]
fn a_short_poller_is_late_by_anything_up_to_its_interval() {
    for rtt in [0.0, 0.1, 1.3] {
        for schedule in [Schedule::Poisson { seed: 3 }, Schedule::Constant, Schedule::Burst { size: 20 }] {
            let options =
                Options::ShortPolling { interval: Duration::from_secs(1), keep_alive: true, conditional: false };
            check(&options, schedule, 7.3, rtt);
        }
    }
    let options = Options::ShortPolling { interval: Duration::from_secs(1), keep_alive: true, conditional: false };
    let ages = ages(&options, &course(Arrivals::Poisson(5.0), 10.0), 0.1).unwrap();
    for (found, expected) in [(ages.quantile(0.5), 0.55), (ages.quantile(0.95), 1.0), (ages.mean(), 0.55)] {
        assert!((found - expected).abs() < 1e-9, "{found} {expected}: E01");
    }
}

#[test]
fn a_long_poller_is_late_by_its_re_request_gap() {
    let options = |ms| Options::LongPolling { hold: Duration::from_millis(ms), keep_alive: true };
    for (rate, rtt) in [(1.0, 0.1), (10.0, 0.1), (10.0, 0.3), (100.0, 0.1)] {
        for hold in [300, 25_000] {
            check(&options(hold), Schedule::Poisson { seed: 3 }, rate, rtt);
        }
    }
    // Evenly: above the gap nothing waits, below it everything does.
    check(&options(25_000), Schedule::Constant, 7.0, 0.1);
    check(&options(25_000), Schedule::Constant, 30.7, 0.1);
}

#[test]
fn the_mean_of_long_polling_is_the_one_of_e04() {
    let options = Options::LongPolling { hold: Duration::from_secs(3600), keep_alive: true };
    for (rate, rtt) in [(1.0f64, 0.1), (10.0, 0.1), (50.0, 0.2)] {
        let mean = ages(&options, &course(Arrivals::Poisson(rate), 10.0), rtt).unwrap().mean() - rtt / 2.0;
        let e04 = rate * rtt * rtt / (2.0 * (rate * rtt + (-rate * rtt).exp()));
        assert!((mean / e04 - 1.0).abs() < 1e-9, "{mean} {e04}");
    }
    let even = ages(&options, &course(Arrivals::Constant(0.01), 10.0), 0.1).unwrap();
    assert!((even.mean() - 0.1).abs() < 1e-9 && (even.quantile(1.0) - 0.15).abs() < 1e-9);
}

#[test]
fn a_push_takes_the_way_and_a_connection_for_each_poll_takes_two() {
    let push = Options::Sse { keepalive: Duration::from_secs(15) };
    let of = |options: &Options| ages(options, &course(Arrivals::Poisson(10.0), 10.0), 0.1).unwrap();
    assert_eq!((of(&push).quantile(0.0), of(&push).quantile(1.0)), (0.05, 0.05));
    let fresh = Options::LongPolling { hold: Duration::from_secs(25), keep_alive: false };
    assert_eq!(of(&fresh).quantile(1.0), 0.25, "the gap is two round trips");
}

#[test]
fn a_sample_has_the_quantiles_of_its_ranks() {
    let sample = Ages::Sample((1..=100).map(f64::from).collect());
    assert_eq!([0.0, 0.01, 0.5, 0.99, 1.0].map(|share| sample.quantile(share)), [1.0, 1.0, 50.0, 99.0, 100.0]);
    assert_eq!(sample.mean(), 50.5);
    assert!(sample.pairs().windows(2).all(|pair| pair[0] < pair[1] || pair[0].1 == pair[1].1));
}

#[test]
fn updates_in_step_with_the_polls_leave_the_age_to_the_phases() {
    let near = |found: Option<f64>, expected: f64| assert!((found.unwrap() - expected).abs() < 1e-3, "{found:?}");
    near(scatter(1.0, 1.0, 100.0), 0.0577);
    near(scatter(1.0, 5.0, 100.0), 0.0577);
    near(scatter(1.0, 0.1, 100.0), 0.0058);
    assert_eq!(scatter(1.0, 0.618_034, 100.0), None);
}

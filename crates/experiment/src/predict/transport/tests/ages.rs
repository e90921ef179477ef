//! Compares each distribution with the simulation, within 2%.

use super::super::short_polling::scatter;
use super::*;
use crate::predict::tests::feed;
use crate::scenario::{Network, Serving};

/// Returns the ages of a contender with a transport's options.
fn ages_of(options: &Options, feed: &FeedModel, rtt: f64) -> Ages {
    ages_for(&contender(*options), feed, far(rtt))
}

fn ages_for(contender: &Contender, feed: &FeedModel, path: NetworkPath) -> Ages {
    ask(contender, path, |case, arithmetic| arithmetic.ages(case, feed)).unwrap()
}

/// Returns the simulated ages over known due times; for short polling, from its cycle.
fn simulated(options: &Options, feed: &FeedModel, rtt: f64) -> Ages {
    let Options::ShortPolling { interval, .. } = options else { return ages_of(options, feed, rtt) };
    let interval = interval.as_secs_f64();
    let cycle = interval * (rtt / interval).ceil().max(1.0);
    let starts = short_polling::phases(cycle, feed.measured.to);
    polling::simulated_ages(feed, polling::Poller { hold: 0.0, gap: cycle }, &starts, rtt / 2.0).unwrap()
}

fn check(options: &Options, schedule: Schedule, rate: f64, rtt: f64) {
    let end = 5_000.0 / rate;
    let arrivals = match schedule {
        Schedule::Constant => Arrivals::Constant(1.0 / rate),
        _ => Arrivals::Poisson(rate),
    };
    let formula = ages_of(options, &feed(arrivals, end), rtt);
    let simulated = simulated(options, &feed(Arrivals::DueTimes(due(rate, schedule, end + 30.0)), end), rtt);
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
fn ages_of_short_polling_are_uniform_over_the_interval() {
    for rtt in [0.0, 0.1, 1.3] {
        for schedule in [Schedule::Poisson { seed: 3 }, Schedule::Constant, Schedule::Burst { size: 20 }] {
            let options =
                Options::ShortPolling { interval: Duration::from_secs(1), keep_alive: true, conditional: false };
            check(&options, schedule, 7.3, rtt);
        }
    }
    let options = Options::ShortPolling { interval: Duration::from_secs(1), keep_alive: true, conditional: false };
    let ages = ages_of(&options, &feed(Arrivals::Poisson(5.0), 10.0), 0.1);
    for (found, expected) in [(ages.quantile(0.5), 0.55), (ages.quantile(0.95), 1.0), (ages.mean(), 0.55)] {
        assert!((found - expected).abs() < 1e-9, "{found} {expected}: E01");
    }
}

#[test]
fn ages_of_long_polling_follow_from_the_re_request_gap() {
    let options = |ms| Options::LongPolling { hold: Duration::from_millis(ms), keep_alive: true };
    for (rate, rtt) in [(1.0, 0.1), (10.0, 0.1), (10.0, 0.3), (100.0, 0.1)] {
        for hold in [300, 25_000] {
            check(&options(hold), Schedule::Poisson { seed: 3 }, rate, rtt);
        }
    }
    // Evenly spaced updates: with a period above the gap none waits, below it all do.
    check(&options(25_000), Schedule::Constant, 7.0, 0.1);
    check(&options(25_000), Schedule::Constant, 30.7, 0.1);
}

#[test]
fn the_mean_of_long_polling_equals_e04() {
    let options = Options::LongPolling { hold: Duration::from_secs(3600), keep_alive: true };
    for (rate, rtt) in [(1.0f64, 0.1), (10.0, 0.1), (50.0, 0.2)] {
        let mean = ages_of(&options, &feed(Arrivals::Poisson(rate), 10.0), rtt).mean() - rtt / 2.0;
        let e04 = rate * rtt * rtt / (2.0 * (rate * rtt + (-rate * rtt).exp()));
        assert!((mean / e04 - 1.0).abs() < 1e-9, "{mean} {e04}");
    }
    let even = ages_of(&options, &feed(Arrivals::Constant(0.01), 10.0), 0.1);
    assert!((even.mean() - 0.1).abs() < 1e-9 && (even.quantile(1.0) - 0.15).abs() < 1e-9);
}

#[test]
fn a_push_takes_one_delay_and_a_poll_with_its_own_connection_two_round_trips() {
    let push = Options::Sse { keepalive: Duration::from_secs(15) };
    let of = |options: &Options| ages_of(options, &feed(Arrivals::Poisson(10.0), 10.0), 0.1);
    assert_eq!((of(&push).quantile(0.0), of(&push).quantile(1.0)), (0.05, 0.05));
    let fresh = Options::LongPolling { hold: Duration::from_secs(25), keep_alive: false };
    assert_eq!(of(&fresh).quantile(1.0), 0.25, "the gap is two round trips");
}

#[test]
fn ages_of_updates_in_sync_with_polls_depend_on_phases() {
    let near = |found: Option<f64>, expected: f64| assert!((found.unwrap() - expected).abs() < 1e-3, "{found:?}");
    near(scatter(1.0, 1.0, 100.0), 0.0577);
    near(scatter(1.0, 5.0, 100.0), 0.0577);
    near(scatter(1.0, 0.1, 100.0), 0.0058);
    assert_eq!(scatter(1.0, 0.618_034, 100.0), None);
}

#[test]
fn long_polling_at_a_constant_rate_equals_e04() {
    let long = Options::LongPolling { hold: Duration::from_secs(25), keep_alive: true };
    let push = Options::WebSocket { keepalive: Duration::from_secs(15) };
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
    // With a round trip of 50 ms and an update every 20 ms, the mean is near R and the maximum near 1.5 R; with an
    // update every 100 ms, all take one one-way delay.
    let often = feed(Arrivals::Constant(0.02), 10.0);
    near(ages_of(&long, &often, 0.05).mean(), 0.05);
    near(ages_of(&long, &often, 0.05).quantile(1.0), 0.075);
    near(ages_of(&push, &often, 0.05).quantile(1.0), 0.025);
    let rarely = feed(Arrivals::Constant(0.1), 10.0);
    near(ages_of(&long, &rarely, 0.05).quantile(1.0), 0.025);
}

#[test]
fn a_coalesced_stream_waits_for_the_end_of_the_pause() {
    let sse = contender(Options::Sse { keepalive: Duration::from_secs(15) });
    let serving = Serving { coalesce: Some(Duration::from_millis(100)), ..Serving::default() };
    let sse = Contender { serving, ..sse };
    for rate in [1.0, 10.0, 100.0] {
        let found = ages_for(&sse, &feed(Arrivals::Poisson(rate), 10.0), far(0.05));
        // The server's loop: wake up, send what is due, pause.
        let (mut free, mut waits) = (0.0f64, Vec::new());
        let due = due(rate, Schedule::Poisson { seed: 4 }, 20_000.0 / rate + 30.0);
        let mut index = 0;
        while index < due.len() {
            let wakes = due[index].max(free);
            let upto = due.partition_point(|due| *due <= wakes);
            waits.extend(due[index..upto].iter().map(|due| wakes - due));
            (index, free) = (upto, wakes + 0.1);
        }
        let mean = 0.025 + waits.iter().sum::<f64>() / waits.len() as f64;
        assert!((found.mean() / mean - 1.0).abs() < 0.02, "λ={rate}: {} {mean}", found.mean());
    }
}

#[test]
fn jitter_is_added_to_every_transport() {
    let path = NetworkPath { rtt: 0.1, jitter: 0.02, tls: false };
    let at = feed(Arrivals::Poisson(1.0), 10.0);
    let mean = |options| ages_for(&contender(options), &at, path).mean();
    let near = |a: f64, b: f64| assert!((a - b).abs() < 0.001, "{a} {b}");
    near(mean(Options::Sse { keepalive: Duration::from_secs(15) }), 0.06);
    let short = Options::ShortPolling { interval: Duration::from_secs(1), keep_alive: true, conditional: false };
    near(mean(short), 0.56);
}

#[test]
fn a_buffer_spreads_ages_over_its_fill_time() {
    let sse = contender(Options::Sse { keepalive: Duration::from_secs(15) });
    let mut feed = feed(Arrivals::Constant(0.1), 1000.0);
    feed.sizes.chunk = 400.0;
    let mut scenario = fixture::scenario();
    scenario.network = Some(Network { buffer_bytes: Some(4000), ..Network::default() });
    let case = Case { scenario: &scenario, contender: &sse, clients: 1.0, path: far(0.1) };
    // Ten updates of 400 B fill 4,000 B: the first waits for nine others.
    let ages = of(&sse.options).ages(&case, &feed).unwrap();
    let near = |a: f64, b: f64| assert!((a - b).abs() < 0.005, "{a} {b}");
    near(ages.quantile(0.0), 0.05);
    near(ages.quantile(1.0), 0.95);
    near(ages.mean(), 0.05 + 0.45);
    assert_eq!(stream::batch(&case, 400.0, 4001), 11);
    assert_eq!(stream::batch(&case, 400.0, 1), 1, "what is larger than the buffer is not held back");
}

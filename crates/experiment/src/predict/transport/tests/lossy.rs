//! Compares the losses of long polling without a cursor or history with a simulation of one client.

use super::super::long_polling::lossy;
use super::*;

const HOLD: f64 = 25.0;

fn lost(why: NotPredicted, rate: f64, gap: f64) -> f64 {
    1.0 - lossy(why, HOLD, gap, &Arrivals::Poisson(rate)).unwrap().1 / rate
}

#[test]
fn the_loss_without_a_cursor_equals_e06() {
    for (rate, gap) in [(10.0, 0.1), (10.0, 0.000_05), (2.0, 0.5)] {
        let e06 = rate * gap / (1.0 + rate * gap);
        let found = lost(NotPredicted::NoCursor, rate, gap);
        assert!((found - e06).abs() < 1e-6, "{found} {e06}");
    }
    assert!((lost(NotPredicted::NoCursor, 10.0, 0.1) - 0.5).abs() < 1e-6);
}

/// Simulates one client, update by update.
fn simulated(why: NotPredicted, due: &[f64], gap: f64) -> f64 {
    let (mut requested, mut next, mut got) = (0.0, 0, 0.0);
    while next < due.len() {
        let missed = due[next..].iter().take_while(|due| **due <= requested).count();
        next += missed;
        if missed > 0 && why == NotPredicted::NoHistory {
            requested += gap;
            continue;
        }
        let Some(due) = due.get(next) else { break };
        if *due > requested + HOLD {
            requested += HOLD + gap;
            continue;
        }
        (got, next, requested) = (got + 1.0, next + 1, due + gap);
    }
    1.0 - got / due.len() as f64
}

#[test]
fn losses_match_the_simulation() {
    for why in [NotPredicted::NoCursor, NotPredicted::NoHistory] {
        for (rate, gap) in [(10.0, 0.1), (1.0, 0.3), (30.0, 0.1)] {
            let schedule = Schedule::Poisson { seed: 9 };
            let due: Vec<f64> = schedule.due_times(rate).take(50_000).map(|due| due.as_secs_f64()).collect();
            let (a, b) = (lost(why, rate, gap), simulated(why, &due, gap));
            assert!((a - b).abs() < 0.01, "{why:?} λ={rate} R={gap}: {a} {b}");
        }
        for (period, gap) in [(0.1, 0.05), (0.1, 0.25), (0.1, 0.12)] {
            let due: Vec<f64> = (1..10_000).map(|i| f64::from(i) * period).collect();
            let arrivals = Arrivals::Constant(period);
            let (_, updates) = lossy(why, HOLD, gap, &arrivals).unwrap();
            let (a, b) = (1.0 - updates * period, simulated(why, &due, gap));
            assert!((a - b).abs() < 0.01, "{why:?} p={period} R={gap}: {a} {b}");
        }
    }
    assert_eq!(lossy(NotPredicted::NoCursor, HOLD, 0.2, &Arrivals::Constant(0.1)), None, "by chance");
}

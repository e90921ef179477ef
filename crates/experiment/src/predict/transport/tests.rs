//! Compares formulas with simulations, and sizes with captures.

use std::time::Duration;

use feedlab_feed::schedule::Schedule;

use super::super::tests::contender;
use super::*;
use crate::fixture;
use crate::predict::model::Arrivals;
use crate::scenario::Contender;

mod ages;
mod captured;
mod lossy;
mod requests;

/// Evaluates a question about a contender on a network path.
fn ask<T>(contender: &Contender, path: NetworkPath, question: impl FnOnce(&Case<'_>, &dyn Arithmetic) -> T) -> T {
    let scenario = fixture::scenario();
    question(&Case { scenario: &scenario, contender, clients: 1.0, path }, &*of(&contender.options))
}

fn far(rtt: f64) -> NetworkPath {
    NetworkPath { rtt, ..NetworkPath::default() }
}

fn due(rate: f64, schedule: Schedule, end: f64) -> Vec<f64> {
    schedule.due_times(rate).map(|due| due.as_secs_f64()).take_while(|time| *time < end).collect()
}

//! What the arithmetic of each transport says, before anything is measured: read beside the measured figures by the
//! report, compared with them by thresholds, printed by `feedlab predict`.
//!
//! In reading order: a course is what the feed does, with the sizes of its updates, and the way is what lies between; from
//! them follow requests, from those ages, bytes and packets, and what breaks costs what its kind of failure costs: each in
//! a file with its formulas, their sources and their assumptions. The simulation stands in where there is no closed form,
//! and its tests confirm those that there are. What would be a guess is left out. [`scale`] carries measured costs on to
//! more clients than were measured.

use feedlab_feed::Transport;
use serde::Serialize;

use crate::metric::Pooling;
use crate::plan::{self, Point};
use crate::record::CellRecord;
use crate::scenario::{AgeFrom, Contender};
use crate::summary::{Entry, Predicted};
use crate::{Metric, Scenario};

mod course;
mod sizes;
mod way;

mod requests;
mod simulation;

mod ages;
mod buffer;
mod jitter;
mod memory;

mod bytes;
mod heads;
mod packets;
mod quiet;

mod failure;
mod ladder;
mod opening;
mod publishing;

mod assumptions;
mod counted;
mod known;

pub mod scale;

use ages::Ages;
use assumptions::assumptions;
use counted::Case;
use course::Course;
use known::Known;
use way::Way;

/// What is predicted for one contender at one client count and payload size.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// The contender's label.
    pub label: String,
    /// Its transport.
    pub transport: Transport,
    /// Number of clients.
    pub clients: u32,
    /// Payload of an update, bytes; present only where the scenario sweeps over several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload_bytes: Option<usize>,
    /// What is predicted.
    pub predicted: Predicted,
}

/// Predicts every result of a scenario over its network, in the order of its summary. What nobody can know is left out:
/// a feed that comes from standard input, a recording that cannot be read.
#[must_use]
pub fn of(scenario: &Scenario) -> Vec<Prediction> {
    plan::points(scenario).into_iter().filter_map(|point| prediction(scenario, point)).collect()
}

/// Sets what is predicted in each entry of a summary whose cells were all measured.
pub fn fill(scenario: &Scenario, entries: &mut [Entry]) {
    set(scenario, entries, |_| scenario.measure.repetitions);
}

/// As [`fill`], for a run that was interrupted: what is summed over repetitions is predicted for as many as there are.
pub fn fill_measured(scenario: &Scenario, cells: &[CellRecord], entries: &mut [Entry]) {
    set(scenario, entries, |point| cells.iter().filter(|cell| point.is_of(scenario, cell)).count() as u32);
}

fn set(scenario: &Scenario, entries: &mut [Entry], repetitions: impl Fn(Point) -> u32) {
    for point in plan::points(scenario) {
        let label = &scenario.contenders[point.contender].label;
        let entry = entries.iter_mut().find(|entry| {
            entry.label == *label && entry.clients == point.clients && entry.payload_bytes == point.payload_bytes
        });
        let Some(entry) = entry else { continue };
        let mut scenario = scenario.clone();
        scenario.measure.repetitions = repetitions(point);
        entry.predicted = prediction(&scenario, point).map(|prediction| prediction.predicted);
    }
}

fn prediction(scenario: &Scenario, point: Point) -> Option<Prediction> {
    let contender = &scenario.contenders[point.contender];
    let courses = Course::of(scenario, point.payload_bytes);
    let way = Way::of(scenario, contender);
    let case = Case { scenario, contender, clients: point.clients.into(), way: &way };
    let mut metrics = case.pooled(&courses)?;
    let ages = courses.first().and_then(|course| ages(scenario, contender, course, &way));
    metrics.extend(ages.iter().flat_map(age_metrics));
    Some(Prediction {
        label: contender.label.clone(),
        transport: contender.transport(),
        clients: point.clients,
        payload_bytes: point.payload_bytes,
        predicted: Predicted {
            metrics,
            ages: ages.map(|ages| ages.pairs()).unwrap_or_default(),
            assumptions: assumptions(scenario, contender, point.clients, courses.first()?),
        },
    })
}

/// The ages of a contender, where there is a formula for them.
fn ages(scenario: &Scenario, contender: &Contender, course: &Course, way: &Way) -> Option<Ages> {
    let known = Known::of(scenario, contender, course, way);
    if !known.ages() {
        return None;
    }
    let ages = match scenario.network.and_then(|network| network.buffer_bytes) {
        Some(buffer) if known.buffered => buffer::ages(contender, course, buffer, way),
        _ => ages::ages(contender, course, way, known.memory),
    }?;
    let ages = if known.publishing { publishing::ages(ages, way) } else { ages };
    Some(if contender.age_from == AgeFrom::Due { stalled(ages, scenario) } else { ages })
}

fn age_metrics(ages: &Ages) -> impl Iterator<Item = (Metric, f64)> {
    let row = |row: &'static crate::metric::Row| match row.pooling {
        Pooling::AgeMean => Some((row.metric, ages.mean() * 1e6)),
        Pooling::AgeQuantile(share) => Some((row.metric, ages.quantile(share) * 1e6)),
        _ => None,
    };
    crate::metric::TABLE.iter().filter_map(row)
}

/// A stall holds up what falls due in it until its end (E30): these updates, evenly spread over it, are older by what
/// was left of it.
fn stalled(ages: Ages, scenario: &Scenario) -> Ages {
    let Some(stall) = scenario.feed.stall else { return ages };
    let measured = scenario.measure.duration.as_secs_f64();
    let length = stall.length.as_secs_f64();
    let within = (measured - stall.after.as_secs_f64()).clamp(0.0, length);
    ages.held_up(within / measured, length - within..length)
}

/// What one client does in a second, expected, whatever the seed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rates {
    /// Updates handed to it.
    pub(crate) updates: f64,
    /// Requests answered.
    pub(crate) requests: f64,
    /// Bytes on the wire, both directions.
    pub(crate) wire_bytes: f64,
    /// Packets, both directions.
    pub(crate) packets: f64,
}

/// The traffic of a contender that nothing disturbs, of HTTP/1.1 in the clear; `None` where nobody can know what the feed
/// will bring.
pub(crate) fn rates(scenario: &Scenario, contender: &Contender, payload_bytes: Option<usize>) -> Option<Rates> {
    let course = Course::expected(scenario, payload_bytes)?;
    let way = Way::of(scenario, contender);
    let traffic = requests::traffic(contender, &course, course.measured, &way);
    let bytes = bytes::bytes(contender, scenario.clients.headers, &course.sizes, &traffic);
    let wire = packets::wire(contender, &traffic, &bytes, &way);
    let second = 1.0 / course.measured.length();
    Some(Rates {
        updates: traffic.updates * second,
        requests: traffic.requests * second,
        wire_bytes: wire.bytes * second,
        packets: wire.packets * second,
    })
}

#[cfg(test)]
mod tests;

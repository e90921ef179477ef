//! What the arithmetic of each transport says, before anything is measured: read beside the measured figures by the
//! report, compared with them by thresholds, printed by `feedlab predict`.
//!
//! In reading order: a course is what the feed does, with the sizes of its updates; from it follow requests, from those
//! ages, bytes and packets, each in a file with its formulas, their sources and their assumptions. The simulation stands
//! in where there is no closed form, and its tests confirm those that there are. [`scale`] carries measured costs on to
//! more clients than were measured.

use std::collections::BTreeMap;
use std::time::Duration;

use feedlab_feed::Transport;
use serde::Serialize;

use crate::metric::Pooling;
use crate::plan::{self, Point};
use crate::record::CellRecord;
use crate::scenario::{AgeFrom, Contender, Options};
use crate::summary::{Entry, Predicted};
use crate::{Metric, Scenario};

mod course;
mod sizes;

mod requests;
mod simulation;

mod ages;
mod bytes;
mod heads;
mod packets;
mod quiet;

mod assumptions;

pub mod scale;

use ages::{Ages, ages};
use assumptions::assumptions;
use course::Course;

/// The way between clients and server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// The round-trip time; zero is plain loopback.
    pub rtt: Duration,
}

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

/// Predicts every result of a scenario, in the order of its summary. What nobody can know is left out: a feed that
/// comes from standard input, a recording that cannot be read.
#[must_use]
pub fn of(scenario: &Scenario, network: &Network) -> Vec<Prediction> {
    let points = plan::points(scenario);
    points.into_iter().filter_map(|point| prediction(scenario, network, point)).collect()
}

/// Sets what is predicted in each entry of a summary whose cells were all measured.
pub fn fill(scenario: &Scenario, network: &Network, entries: &mut [Entry]) {
    set(scenario, network, entries, |_| scenario.measure.repetitions);
}

/// As [`fill`], for a run that was interrupted: what is summed over repetitions is predicted for as many as there are.
pub fn fill_measured(scenario: &Scenario, network: &Network, cells: &[CellRecord], entries: &mut [Entry]) {
    set(scenario, network, entries, |point| cells.iter().filter(|cell| point.is_of(scenario, cell)).count() as u32);
}

fn set(scenario: &Scenario, network: &Network, entries: &mut [Entry], repetitions: impl Fn(Point) -> u32) {
    for point in plan::points(scenario) {
        let label = &scenario.contenders[point.contender].label;
        let entry = entries.iter_mut().find(|entry| {
            entry.label == *label && entry.clients == point.clients && entry.payload_bytes == point.payload_bytes
        });
        let Some(entry) = entry else { continue };
        let mut scenario = scenario.clone();
        scenario.measure.repetitions = repetitions(point);
        entry.predicted = prediction(&scenario, network, point).map(|prediction| prediction.predicted);
    }
}

fn prediction(scenario: &Scenario, network: &Network, point: Point) -> Option<Prediction> {
    let contender = &scenario.contenders[point.contender];
    let courses = Course::of(scenario, point.payload_bytes);
    let rtt = network.rtt.as_secs_f64();
    let ages = courses.first().and_then(|course| ages(&contender.options, course, rtt));
    let ages = ages.map(|ages| if contender.age_from == AgeFrom::Due { stalled(ages, scenario) } else { ages });
    let mut metrics = counted(scenario, contender, point.clients, &courses, rtt)?;
    if let Some(ages) = &ages {
        metrics.extend(age_metrics(ages));
    }
    Some(Prediction {
        label: contender.label.clone(),
        transport: contender.transport(),
        clients: point.clients,
        payload_bytes: point.payload_bytes,
        predicted: Predicted {
            metrics,
            ages: ages.map(|ages| ages.pairs()).unwrap_or_default(),
            assumptions: assumptions(scenario, contender, point.clients, network),
        },
    })
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

/// Everything but ages. Repetitions are pooled as those that are measured are.
fn counted(
    scenario: &Scenario,
    contender: &Contender,
    clients: u32,
    courses: &[Course],
    rtt: f64,
) -> Option<BTreeMap<Metric, f64>> {
    let repetitions = f64::from(scenario.measure.repetitions);
    let each: Vec<_> = courses.iter().map(|course| repetition(scenario, contender, clients, course, rtt)).collect();
    let mut pooled = BTreeMap::new();
    for metric in each.first()?.keys() {
        let values: Vec<f64> = each.iter().filter_map(|metrics| metrics.get(metric)).copied().collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        pooled.insert(*metric, if metric.row().pooling == Pooling::Sum { mean * repetitions } else { mean });
    }
    Some(pooled)
}

/// One repetition, all clients.
fn repetition(
    scenario: &Scenario,
    contender: &Contender,
    clients: u32,
    course: &Course,
    rtt: f64,
) -> BTreeMap<Metric, f64> {
    let (options, headers) = (&contender.options, scenario.clients.headers);
    let clients = f64::from(clients);
    let mut traffic = requests::traffic(options, course, course.measured, rtt).times(course.scale);
    if matches!(options, Options::WebSocket { .. }) {
        traffic.keepalives = quiet::pings(scenario, options, course.measured) * course.scale;
    }
    let bytes = bytes::bytes(contender, headers, &course.sizes, &traffic);
    let wire = packets::wire(contender, &traffic, &bytes, rtt);
    let answered = requests::traffic(options, course, course.whole, rtt).requests;
    let mut metrics = BTreeMap::from([
        (Metric::UpdatesPublished, course.updates),
        (Metric::UpdatesExpected, course.updates * clients),
        (Metric::Requests, traffic.requests * clients),
        (Metric::RequestsEmpty, traffic.empty * clients),
        (Metric::RequestsSkipped, traffic.skipped * clients),
        (Metric::ConnectionsOpened, quiet::connections(scenario, options, answered, rtt) * clients),
        (Metric::SocketBytesUp, bytes.up * clients),
        (Metric::SocketBytesDown, bytes.down * clients),
        (Metric::HandshakeBytes, bytes::handshake(contender, headers, &course.sizes)),
    ]);
    if traffic.updates > 0.0 {
        metrics.extend(
            [
                (Metric::PayloadBytesPerUpdate, bytes.payload),
                (Metric::HeaderBytesPerUpdate, bytes.headers),
                (Metric::FramingBytesPerUpdate, bytes.framing),
                (Metric::KeepaliveBytesPerUpdate, bytes.keepalive),
                (Metric::SocketBytesPerUpdate, bytes.up + bytes.down),
                (Metric::WireBytesPerUpdate, wire.bytes),
                (Metric::PacketsPerUpdate, wire.packets),
            ]
            .map(|(metric, amount)| (metric, amount / traffic.updates)),
        );
    }
    let idle = quiet::idle_bytes_per_min(scenario, contender, rtt);
    metrics.extend(idle.map(|bytes| (Metric::IdleBytesPerClientMin, bytes)));
    metrics
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

/// The traffic of a contender; `None` where nobody can know what the feed will bring.
pub(crate) fn rates(
    scenario: &Scenario,
    contender: &Contender,
    payload_bytes: Option<usize>,
    network: &Network,
) -> Option<Rates> {
    let course = Course::expected(scenario, payload_bytes)?;
    let rtt = network.rtt.as_secs_f64();
    let traffic = requests::traffic(&contender.options, &course, course.measured, rtt);
    let bytes = bytes::bytes(contender, scenario.clients.headers, &course.sizes, &traffic);
    let wire = packets::wire(contender, &traffic, &bytes, rtt);
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

//! What the arithmetic of each transport says, before anything is measured: read beside the measured figures by the
//! report, compared with them by thresholds, printed by `feedlab predict`.
//!
//! In reading order: the `model` has the words (a course is what the feed does, the way is what lies between), and
//! `transport` the arithmetic, a file a transport with its formulas, their sources and their assumptions; `reach` says
//! what would be a guess. The rest is the same for every transport: figures, openings, what breaks, and the sentences that
//! stand beside them. [`scale`] carries measured costs on to more clients than were measured.

use std::collections::BTreeSet;

use feedlab_feed::Transport;
use serde::Serialize;

use crate::metric::Pooling;
use crate::plan::{self, Point};
use crate::record::CellRecord;
use crate::scenario::{AgeFrom, Contender};
use crate::summary::{Entry, Predicted};
use crate::{Metric, Scenario};

mod model;
mod transport;

mod failure;
mod reach;

mod churn;
mod idle;
mod open_time;
mod publishing;

mod assumptions;
mod figures;

pub mod scale;

mod samples;

pub use samples::{OutOfReach, out_of_reach};

use assumptions::assumptions;
use figures::Figures;
use model::{Ages, Case, FeedModel, FigureKind, LongRun, NotPredicted, Traffic};
use transport::Arithmetic;

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
    let case = Case::new(scenario, contender, point.clients);
    let arithmetic = &*transport::of(&contender.options);
    let feeds = FeedModel::of(scenario, point.payload_bytes);
    let Figures { mut metrics, mut reasons } = Figures::of(&case, arithmetic, &feeds)?;
    let ages = ages(&case, arithmetic, feeds.first()?, &reasons);
    reasons.extend(ages.as_ref().err());
    metrics.extend(ages.iter().flat_map(age_metrics));
    Some(Prediction {
        label: contender.label.clone(),
        transport: contender.transport(),
        clients: point.clients,
        payload_bytes: point.payload_bytes,
        predicted: Predicted {
            metrics,
            ages: ages.map(|ages| ages.pairs()).unwrap_or_default(),
            assumptions: assumptions(&case, arithmetic, &reasons),
        },
    })
}

/// The ages of a contender, where nothing hides them.
fn ages(
    case: &Case<'_>,
    arithmetic: &dyn Arithmetic,
    feed: &FeedModel,
    reasons: &BTreeSet<NotPredicted>,
) -> Result<Ages, NotPredicted> {
    if let Some(reason) = reasons.iter().find(|reason| reason.hides(FigureKind::Ages)) {
        return Err(*reason);
    }
    if feed.updates < 1.0 {
        return Err(NotPredicted::NothingDue);
    }
    let ages = arithmetic.ages(case, feed)?;
    let is_published = reasons.contains(&NotPredicted::Publishing);
    let ages = if is_published { publishing::ages(ages, &case.path) } else { ages };
    Ok(if case.contender.age_from == AgeFrom::Due { stalled(ages, case.scenario) } else { ages })
}

fn age_metrics(ages: &Ages) -> impl Iterator<Item = (Metric, f64)> {
    let row = |row: &'static crate::metric::MetricInfo| match row.pooling {
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
    ages.delayed(within / measured, length - within..length)
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

/// The traffic of a contender that nothing disturbs, of HTTP/1.1 in the clear, over a course of the [long run](LongRun):
/// there every client is handed the feed's own rate, and what a poll brings of the time before is no more than what it
/// leaves to the time after.
pub(crate) fn rates(scenario: &Scenario, contender: &Contender, feed: &FeedModel) -> Rates {
    let (case, arithmetic) = (Case::new(scenario, contender, 1), transport::of(&contender.options));
    let traffic = arithmetic.traffic(&case, feed, feed.measured);
    let traffic = Traffic { updates: feed.updates, ..traffic };
    let bytes = arithmetic.bytes(scenario.clients.headers, &feed.sizes, &traffic);
    let wire = arithmetic.wire(&case.path, &traffic, &bytes);
    let second = 1.0 / feed.measured.length();
    Rates {
        updates: traffic.updates * second,
        requests: traffic.requests * second,
        wire_bytes: wire.bytes * second,
        packets: wire.packets * second,
    }
}

/// Within how many seconds clients of a contender are back that lost their connections at one moment, if they come evenly:
/// the widest of what spreads them; 0 where nothing does.
pub(crate) fn reconnect_s(scenario: &Scenario, contender: &Contender) -> f64 {
    let (case, arithmetic) = (Case::new(scenario, contender, 1), transport::of(&contender.options));
    let wait = failure::wait(&case, &*arithmetic);
    wait.spread.max(wait.more).max(arithmetic.time_to_notice())
}

#[cfg(test)]
mod tests;

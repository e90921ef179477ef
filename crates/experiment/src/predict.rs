//! Predictions: what arithmetic says about each transport before anything is measured. The report shows them next to
//! the measured figures, thresholds compare with them, and `feedlab predict` prints them.
//!
//! In reading order: `model` has the shared types (the feed, the network path, the traffic), and `transport` has the
//! arithmetic, with one file per transport that contains its formulas, their sources and their assumptions; `reach`
//! decides what would be a guess. The rest is the same for every transport: figures, the time to open a connection,
//! faults, delays at known times (`injected`), a simulation of TCP where no formula exists (`simulated` and `tcp`), and the
//! assumptions. [`scale`] extrapolates measured costs to more clients than were measured.

use std::collections::BTreeSet;

use feedlab_feed::Transport;
use serde::Serialize;

use crate::metric::Pooling;
use crate::plan::{self, Point};
use crate::record::CellRecord;
use crate::scenario::{AgeFrom, Contender, Headers};
use crate::summary::{Entry, Predicted};
use crate::{Metric, Scenario};

mod model;
mod transport;

mod failure;
mod injected;
mod reach;
mod simulated;

mod churn;
mod idle;
mod open_time;
mod publishing;
mod tcp;

mod assumptions;
mod figures;

pub mod scale;

mod samples;

pub use samples::{OutOfReach, out_of_reach};

use assumptions::assumptions;
use figures::Figures;
use publishing::Message;

use model::{Ages, Case, FeedModel, FigureKind, LongRun, NotPredicted, Traffic};
use transport::Arithmetic;

/// The prediction for one contender at one client count and payload size.
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
    /// The predicted figures.
    pub predicted: Predicted,
}

/// Predicts every result of a scenario over its network, in the order of its summary. Omitted are the contenders of a
/// target, whose bytes are its own choice, and feeds that cannot be known in advance: a recording that cannot be read, for
/// example.
#[must_use]
pub fn of(scenario: &Scenario) -> Vec<Prediction> {
    plan::points(scenario).into_iter().filter_map(|point| prediction(scenario, point)).collect()
}

/// Sets the prediction in each entry of a summary whose cells were all measured.
pub fn fill(scenario: &Scenario, entries: &mut [Entry]) {
    set(scenario, entries, |_| scenario.measure.repetitions);
}

/// Like [`fill`], for an interrupted run: sums over repetitions are predicted for the repetitions that were measured.
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
    if contender.target.is_some() {
        return None;
    }
    let case = Case::new(scenario, contender, point.clients);
    let arithmetic = &*transport::of(&contender.options);
    let feeds = FeedModel::of(scenario, point.payload_bytes);
    let Figures { mut metrics, mut reasons } = Figures::of(&case, arithmetic, &feeds)?;
    let injected = injected::ages(&case, arithmetic, feeds.first()?);
    // The largest age depends on chance, unless each update was followed.
    metrics.extend(injected.iter().map(|ages| (Metric::AgeMax, ages.quantile(1.0) * 1e6)));
    let simulated = || simulated::ages(&case, arithmetic, feeds.first()?);
    let ages = match injected.or_else(|| reasons.contains(&NotPredicted::Simulated).then(simulated).flatten()) {
        Some(ages) => Ok(ages),
        None => ages(&case, arithmetic, feeds.first()?, &reasons),
    };
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

/// Returns the ages of a contender, unless there is a reason not to predict them.
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

/// Adds the effect of a stall, which delays updates that fall due during it until its end (E30): these updates,
/// uniformly distributed over the stall, are older by what is left of it.
fn stalled(ages: Ages, scenario: &Scenario) -> Ages {
    let Some(stall) = scenario.feed.stall else { return ages };
    let measured = scenario.measure.duration.as_secs_f64();
    let length = stall.length.as_secs_f64();
    let within = (measured - stall.after.as_secs_f64()).clamp(0.0, length);
    ages.delayed(within / measured, length - within..length)
}

/// The expected traffic of one client per second, independent of the seed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rates {
    /// Updates delivered to it.
    pub(crate) updates: f64,
    /// Requests answered.
    pub(crate) requests: f64,
    /// Bytes on the wire, both directions.
    pub(crate) wire_bytes: f64,
    /// Packets, both directions.
    pub(crate) packets: f64,
}

/// Returns the traffic of a contender without disturbances, over unencrypted HTTP/1.1, for a feed in the [long
/// run](LongRun): every client receives updates at the feed's own rate, and what a poll delivers from before the
/// measured time equals what it leaves for after it.
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

/// Returns what a client of a contender sends to publish a text of `payload` bytes.
pub(crate) fn message(contender: &Contender, headers: Headers, payload: usize) -> Message {
    publishing::message(contender, &*transport::of(&contender.options), headers, payload)
}

/// Returns the number of seconds over which a contender's clients reconnect evenly after losing their connections at
/// the same time: the widest of the mechanisms that spread them, or 0 if there is none.
pub(crate) fn reconnect_s(scenario: &Scenario, contender: &Contender) -> f64 {
    let (case, arithmetic) = (Case::new(scenario, contender, 1), transport::of(&contender.options));
    let wait = failure::wait(&case, &*arithmetic);
    wait.spread.max(wait.more).max(arithmetic.time_to_notice())
}

#[cfg(test)]
mod tests;

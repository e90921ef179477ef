//! Checks: whether results meet a scenario's thresholds.

use std::fmt;

use serde::Serialize;

use crate::Metric;
use crate::metric::Group;
use crate::scenario::{Comparison, Scenario, Threshold};
use crate::summary::{Entry, Loss};

/// One threshold applied to one entry, and whether it is met.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// What was measured: contender, client count and payload, as in a table.
    pub name: String,
    /// The contender's label.
    pub label: String,
    /// The number of clients.
    pub clients: u32,
    /// Payload of an update, bytes; present only in a sweep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload_bytes: Option<usize>,
    /// The metric.
    pub metric: Metric,
    /// The measured value; `None` if it was not measured.
    pub measured: Option<f64>,
    /// The predicted value, whether or not the threshold refers to it; `None` if there is none.
    pub predicted: Option<f64>,
    /// The value to which a distance or factor refers: the prediction, or the value of another contender; `None` if the
    /// threshold needs none or there is none.
    pub reference: Option<f64>,
    /// The range in which the measured value must be, for thresholds with a distance.
    pub band: Option<(f64, f64)>,
    /// The requirement as written in a scenario: `within 5% of predicted`.
    pub requirement: String,
    /// How the values are compared.
    pub comparison: Comparison,
    /// The label of the contender to compare with, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub than: Option<String>,
    /// For a threshold on ages: the label and the loss of a contender, either the measured one or the one compared
    /// with, that did not deliver everything. Its remaining updates look fresher the more it lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<(String, Loss)>,
    /// For a threshold on ages that is missed: by how much 1% of the harness's own timers were late, µs, where that is
    /// more than the band allows. Ages include it, so that the machine may be the cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late_us: Option<f64>,
    /// Whether the threshold is met. A value that was not measured never meets it, nor does a comparison with a missing
    /// prediction, nor ages of a contender with losses.
    pub met: bool,
}

/// Returns the checks of every threshold on every result that it applies to, in the order of the results and then of
/// the thresholds.
#[must_use]
pub fn checks(scenario: &Scenario, entries: &[Entry]) -> Vec<Check> {
    let thresholds = |entry| scenario.thresholds.iter().map(move |threshold| (entry, threshold));
    let concerned = entries.iter().flat_map(thresholds).filter(|(entry, threshold)| threshold.concerns(entry));
    concerned.map(|(entry, threshold)| check(entry, threshold, entries)).collect()
}

/// Returns the checks that are not met.
#[must_use]
pub fn misses(scenario: &Scenario, entries: &[Entry]) -> Vec<Check> {
    checks(scenario, entries).into_iter().filter(|check| !check.met).collect()
}

impl Threshold {
    /// Whether it applies to an entry. No contender is compared with itself.
    fn concerns(&self, entry: &Entry) -> bool {
        self.transport.is_none_or(|transport| transport == entry.transport)
            && self.contender.as_ref().is_none_or(|label| *label == entry.label)
            && self.than.as_ref().is_none_or(|label| *label != entry.label)
    }

    /// Returns the range in which a value may be, around a reference.
    fn band(&self, reference: f64) -> Option<(f64, f64)> {
        let distance = match self.comparison {
            Comparison::Within => reference.abs() * self.value / 100.0,
            Comparison::Near => self.value,
            _ => return None,
        };
        Some((reference - distance, reference + distance))
    }

    fn holds(&self, measured: f64, reference: Option<f64>) -> bool {
        let Self { comparison, value, .. } = *self;
        match (reference, comparison) {
            (Some(reference), Comparison::Within) => comparison.holds(percent_off(measured, reference), value),
            (Some(reference), Comparison::Near) => comparison.holds((measured - reference).abs(), value),
            (Some(reference), _) => comparison.holds(measured, value * reference),
            (None, _) => !comparison.is_distance() && self.than.is_none() && comparison.holds(measured, value),
        }
    }
}

fn check(entry: &Entry, threshold: &Threshold, entries: &[Entry]) -> Check {
    let Threshold { metric, comparison, ref than, .. } = *threshold;
    let measured = entry.value(metric);
    let predicted = entry.predicted.as_ref().and_then(|predicted| predicted.metrics.get(&metric)).copied();
    let other = than.as_ref().and_then(|label| at_same_point(entry, label, entries));
    let reference = match than {
        Some(_) => other.and_then(|other| other.value(metric)),
        None => predicted.filter(|_| comparison.is_distance()),
    };
    let lost =
        [Some(entry), other].into_iter().flatten().filter(|_| metric.row().group == Group::Freshness).find_map(loss_of);
    let met = lost.is_none() && measured.is_some_and(|measured| threshold.holds(measured, reference));
    let band = reference.and_then(|reference| threshold.band(reference));
    Check {
        name: entry.name(),
        label: entry.label.clone(),
        clients: entry.clients,
        payload_bytes: entry.payload_bytes,
        metric,
        measured,
        predicted,
        reference,
        band,
        requirement: threshold.requirement(),
        comparison,
        than: than.clone(),
        late_us: band.filter(|_| !met && metric.row().group == Group::Freshness).and_then(|band| late(entry, band)),
        met,
        lost,
    }
}

/// Returns by how much 1% of the harness's own timers were late, µs, if that can explain an age outside the band. The
/// server's timer is exact, so whatever delays it delays an update's later steps as much again; the clients' timers are
/// whole milliseconds on any machine.
fn late(entry: &Entry, (from, to): (f64, f64)) -> Option<f64> {
    let allowed = (to - from) / 2.0;
    let beyond = |metric, most: f64| entry.value(metric).filter(|lag| *lag > most);
    let lags = [beyond(Metric::PublishLagP99, allowed / 2.0), beyond(Metric::ScheduleLagP99, allowed)];
    lags.into_iter().flatten().reduce(f64::max)
}

fn loss_of(entry: &Entry) -> Option<(String, Loss)> {
    entry.loss().map(|loss| (entry.label.clone(), loss))
}

/// Returns another contender's entry with the same client count and payload.
fn at_same_point<'a>(entry: &Entry, label: &str, entries: &'a [Entry]) -> Option<&'a Entry> {
    let is_at_same_point = |other: &&Entry| {
        other.label == label && other.clients == entry.clients && other.payload_bytes == entry.payload_bytes
    };
    entries.iter().find(is_at_same_point)
}

/// Returns how far a value is from a reference, in percent of the reference; infinite if the reference is 0.
fn percent_off(value: f64, reference: f64) -> f64 {
    if value == reference { 0.0 } else { 100.0 * ((value - reference) / reference).abs() }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, metric, measured, reference, requirement, comparison, than, lost, late_us, .. } = self;
        let Some(measured) = measured else {
            return write!(f, "{name}: {metric} was not measured, expected {requirement}");
        };
        write!(f, "{name}: {metric} is {measured}")?;
        match (reference, than) {
            (Some(reference), Some(label)) => write!(f, " ({label}: {reference})")?,
            (Some(reference), None) => write!(f, ", predicted {reference}")?,
            (None, Some(label)) => write!(f, " and was not measured for {label}")?,
            (None, None) if comparison.is_distance() => f.write_str(" and there is no prediction")?,
            (None, None) => {}
        }
        let off = reference.map(|reference| percent_off(*measured, reference));
        if let Some(off) = off.filter(|off| off.is_finite() && comparison.is_distance()) {
            write!(f, ": {off:.1}% off")?;
        }
        write!(f, ", expected {requirement}")?;
        match (lost, late_us) {
            (Some((label, loss)), _) => write!(f, "; not judged, because {label} {loss}"),
            (None, Some(late_us)) => {
                let ms = late_us / 1000.0;
                write!(f, "; 1% of feedlab's own timers were {ms:.1} ms late, so measure again on a quieter machine")
            }
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;

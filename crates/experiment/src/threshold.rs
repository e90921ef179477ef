//! Checks: what a scenario requires of its results, and whether they are so.

use std::fmt;

use serde::Serialize;

use crate::Metric;
use crate::metric::Group;
use crate::scenario::{Comparison, Scenario, Threshold};
use crate::summary::{Entry, Loss};

/// One demand on one entry, and how it was met.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// Who was measured: contender, client count and payload, as in a table.
    pub name: String,
    /// The contender's label.
    pub label: String,
    /// Number of clients.
    pub clients: u32,
    /// Payload of an update, bytes; present only in a sweep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload_bytes: Option<usize>,
    /// The metric.
    pub metric: Metric,
    /// What was measured; `None` if it was not.
    pub measured: Option<f64>,
    /// What is predicted, asked for or not; `None` if nothing is.
    pub predicted: Option<f64>,
    /// The figure that a distance or a factor is about: what is predicted, or what another contender measured; `None`
    /// where the demand needs none or there is none.
    pub reference: Option<f64>,
    /// From where to where the measured value had to be, for requires about a distance.
    pub band: Option<(f64, f64)>,
    /// What was required, as a scenario writes it: `within 5% of predicted`.
    pub demand: String,
    /// How it is compared.
    pub comparison: Comparison,
    /// The label of the contender that is compared with, if one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub than: Option<String>,
    /// For a demand about ages: who was not given everything, the one measured or the one compared with, by label. What is left
    /// to them looks the fresher the more they lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<(String, Loss)>,
    /// Whether it is so. What was not measured meets no demand, what is not predicted none that asks for it, and ages of what
    /// was left none at all.
    pub met: bool,
}

/// Every demand of the scenario on every result that it concerns, results in their order, requires as written.
#[must_use]
pub fn checks(scenario: &Scenario, entries: &[Entry]) -> Vec<Check> {
    let requires = |entry| scenario.thresholds.iter().map(move |threshold| (entry, threshold));
    let concerned = entries.iter().flat_map(requires).filter(|(entry, threshold)| threshold.concerns(entry));
    concerned.map(|(entry, threshold)| check(entry, threshold, entries)).collect()
}

/// The requires that are not met.
#[must_use]
pub fn misses(scenario: &Scenario, entries: &[Entry]) -> Vec<Check> {
    checks(scenario, entries).into_iter().filter(|check| !check.met).collect()
}

impl Threshold {
    /// Whether it requires anything of an entry. Nobody is compared with himself.
    fn concerns(&self, entry: &Entry) -> bool {
        self.transport.is_none_or(|transport| transport == entry.transport)
            && self.contender.as_ref().is_none_or(|label| *label == entry.label)
            && self.than.as_ref().is_none_or(|label| *label != entry.label)
    }

    /// From where to where a value may be, around a figure.
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
    let other = than.as_ref().and_then(|label| beside(entry, label, entries));
    let reference = match than {
        Some(_) => other.and_then(|other| other.value(metric)),
        None => predicted.filter(|_| comparison.is_distance()),
    };
    let lost =
        [Some(entry), other].into_iter().flatten().filter(|_| metric.row().group == Group::Freshness).find_map(loser);
    Check {
        name: entry.name(),
        label: entry.label.clone(),
        clients: entry.clients,
        payload_bytes: entry.payload_bytes,
        metric,
        measured,
        predicted,
        reference,
        band: reference.and_then(|reference| threshold.band(reference)),
        demand: threshold.demand(),
        comparison,
        than: than.clone(),
        met: lost.is_none() && measured.is_some_and(|measured| threshold.holds(measured, reference)),
        lost,
    }
}

fn loser(entry: &Entry) -> Option<(String, Loss)> {
    entry.loss().map(|loss| (entry.label.clone(), loss))
}

/// Another contender's entry at the same point.
fn beside<'a>(entry: &Entry, label: &str, entries: &'a [Entry]) -> Option<&'a Entry> {
    let is_beside = |other: &&Entry| {
        other.label == label && other.clients == entry.clients && other.payload_bytes == entry.payload_bytes
    };
    entries.iter().find(is_beside)
}

/// How far a value is from a figure, in percent of the latter. Of nothing, anything is infinitely far.
fn percent_off(value: f64, reference: f64) -> f64 {
    if value == reference { 0.0 } else { 100.0 * ((value - reference) / reference).abs() }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, metric, measured, reference, demand, comparison, than, lost, .. } = self;
        let Some(measured) = measured else { return write!(f, "{name}: {metric} was not measured, expected {demand}") };
        write!(f, "{name}: {metric} is {measured}")?;
        match (reference, than) {
            (Some(reference), Some(label)) => write!(f, ", of {label} {reference}")?,
            (Some(reference), None) => write!(f, ", predicted {reference}")?,
            (None, Some(label)) => write!(f, " and it was not measured of {label}")?,
            (None, None) if comparison.is_distance() => f.write_str(" and nothing is predicted for it")?,
            (None, None) => {}
        }
        let off = reference.map(|reference| percent_off(*measured, reference));
        if let Some(off) = off.filter(|off| off.is_finite() && comparison.is_distance()) {
            write!(f, ": {off:.1}% off")?;
        }
        write!(f, ", expected {demand}")?;
        match lost {
            Some((label, loss)) => write!(f, "; not judged by what arrived, for {label} {loss}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;

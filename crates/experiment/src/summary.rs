//! `summary.json`: the pooled results, one entry per contender, client count and (in a sweep) payload size.

use std::collections::BTreeMap;
use std::fmt;

use feedlab_feed::Transport;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Metric;
use crate::precision::Outcome;
use crate::verdict::Verdict;

mod json_schema;

pub use json_schema::json_schema;

/// The contents of `summary.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// The version of the format: 1.
    pub schema: u32,
    /// The run's id.
    pub run: String,
    /// The run's verdict.
    pub verdict: Verdict,
    /// The results: contenders in the scenario's order, client counts and payload sizes ascending.
    pub contenders: Vec<Entry>,
    /// How precisely each metric was measured for which the scenario asks for a precision; absent without one.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub precision: Vec<Outcome>,
}

/// The results of one contender at one client count, and one payload size if the scenario sweeps over several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// The contender's label.
    pub label: String,
    /// Its transport.
    pub transport: Transport,
    /// The name of the target that it measured; absent for feedlab's own server.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<String>,
    /// The number of clients.
    pub clients: u32,
    /// The payload of an update, bytes; present only if the scenario sweeps over several.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub payload_bytes: Option<usize>,
    /// The measured metrics; those that were not measured are absent.
    #[schemars(schema_with = "json_schema::estimates")]
    pub metrics: BTreeMap<Metric, Estimate>,
    /// The prediction, for comparison with the measured values; absent for a target.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub predicted: Option<Predicted>,
}

/// The prediction for one contender at one client count and payload size.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Predicted {
    /// The predicted values, in the metrics' units; metrics without a formula are absent.
    #[schemars(schema_with = "json_schema::values")]
    pub metrics: BTreeMap<Metric, f64>,
    /// The distribution of ages: pairs of a share of all updates and the age in µs that it does not exceed, both
    /// ascending. Empty if it is not predicted.
    pub ages: Vec<(f64, f64)>,
    /// The assumptions, one sentence each.
    pub assumptions: Vec<String>,
}

impl Entry {
    /// Returns a display name of what was measured: "SSE, 50 clients".
    #[must_use]
    pub fn name(&self) -> String {
        name(&self.label, self.clients, self.payload_bytes)
    }

    /// Returns the measured value of a metric, in its unit.
    #[must_use]
    pub fn value(&self, metric: Metric) -> Option<f64> {
        self.metrics.get(&metric).map(|estimate| estimate.value)
    }
}

/// The losses of a contender's clients, over all repetitions. Ages and recovery times of such a contender cover only
/// the remaining updates and clients, and are not ranked against those of others.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Loss {
    /// The number of expected updates that never arrived.
    pub missed: f64,
    /// The number of clients that closed permanently.
    pub gave_up: f64,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = |number: f64, one: &str| format!("{number} {one}{}", if number == 1.0 { "" } else { "s" });
        let missed = (self.missed > 0.0).then(|| format!("missed {}", counted(self.missed, "update")));
        let gave_up = (self.gave_up > 0.0).then(|| format!("lost {} that gave up", counted(self.gave_up, "client")));
        f.write_str(&missed.into_iter().chain(gave_up).collect::<Vec<_>>().join(" and "))
    }
}

impl Entry {
    /// Returns the losses of its clients; `None` if they received everything, or nothing was counted.
    #[must_use]
    pub fn loss(&self) -> Option<Loss> {
        let count = |metric| self.value(metric).filter(|count| *count > 0.0).unwrap_or(0.0);
        let loss = Loss { missed: count(Metric::UpdatesMissed), gave_up: count(Metric::ClientsGaveUp) };
        (loss.missed + loss.gave_up > 0.0).then_some(loss)
    }
}

pub(crate) fn name(label: &str, clients: u32, payload_bytes: Option<usize>) -> String {
    let plural = if clients == 1 { "" } else { "s" };
    let payload = payload_bytes.map_or_else(String::new, |bytes| format!(", {bytes} B"));
    format!("{label}, {clients} client{plural}{payload}")
}

/// A pooled value with its 95% confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// The value over all repetitions, in the metric's unit.
    pub value: f64,
    /// The lower end of the 95% bootstrap interval over repetitions; `None` with a single repetition.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
}

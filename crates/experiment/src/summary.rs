//! `summary.json`: the pooled result, one entry a contender, client count and (in a sweep) payload size.

use std::collections::BTreeMap;
use std::fmt;

use feedlab_feed::Transport;
use serde::{Deserialize, Serialize};

use crate::Metric;
use crate::verdict::Verdict;

/// The whole file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// [`crate::record::SCHEMA`].
    pub schema: u32,
    /// The run's id.
    pub run: String,
    /// What the run may claim.
    pub verdict: Verdict,
    /// The results, contenders in the scenario's order, client counts and payload sizes ascending.
    pub contenders: Vec<Entry>,
}

/// One contender at one client count, and one payload size where the scenario sweeps over several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The contender's label.
    pub label: String,
    /// Its transport.
    pub transport: Transport,
    /// Number of clients.
    pub clients: u32,
    /// Payload of an update, bytes; present only where the scenario sweeps over several.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub payload_bytes: Option<usize>,
    /// What was measured; what was not is absent.
    pub metrics: BTreeMap<Metric, Estimate>,
    /// What the arithmetic of the transport says, to be read beside the measured.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub predicted: Option<Predicted>,
}

/// What [`crate::predict`] says about one contender at one client count and payload size.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Predicted {
    /// Values in the metrics' own units; what no formula covers is absent.
    pub metrics: BTreeMap<Metric, f64>,
    /// The age's distribution: pairs of a share of all updates and the age in µs that it does not exceed, both
    /// ascending. Empty where there is none.
    pub ages: Vec<(f64, f64)>,
    /// What had to be assumed, a sentence each.
    pub assumptions: Vec<String>,
}

impl Entry {
    /// Who was measured, for people: "SSE, 50 clients".
    #[must_use]
    pub fn name(&self) -> String {
        name(&self.label, self.clients, self.payload_bytes)
    }

    /// The measured value of a metric, in its unit.
    #[must_use]
    pub fn value(&self, metric: Metric) -> Option<f64> {
        self.metrics.get(&metric).map(|estimate| estimate.value)
    }
}

/// What the clients of a contender were not given, all repetitions together. Ages and recoveries of such a contender are
/// those of the updates and clients that were left, and are ranked beside nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Loss {
    /// Updates that were expected and never arrived.
    pub missed: f64,
    /// Clients that closed permanently.
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
    /// What its clients were not given; `None` if they were given everything, or nobody counted.
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

/// A pooled value with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The value over all repetitions, in the metric's unit.
    pub value: f64,
    /// Lower end of the 95 % bootstrap interval over repetitions; `None` with one repetition.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
}

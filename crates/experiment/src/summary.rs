//! `summary.json`: the pooled result, one entry a contender, client count and (in a sweep) payload size.

use std::collections::BTreeMap;

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

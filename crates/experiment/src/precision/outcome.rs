//! What became of each goal: a line of the summary, and a reason of the verdict if it was not reached.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::goal::percent;
use super::{Goal, Kind, Look, Obstacle, Progress};
use crate::Metric;
use crate::summary::{self, Entry, Estimate};
use crate::verdict::{Reason, Status};

/// How precisely one metric of one contender was measured, at one client count and payload size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// The contender's label.
    pub label: String,
    /// The number of clients.
    pub clients: u32,
    /// The payload of an update, bytes; present only if the scenario sweeps over several.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub payload_bytes: Option<usize>,
    /// The metric's id.
    #[schemars(with = "String")]
    pub metric: Metric,
    /// The share of the value that the interval may reach on either side: 0.05 is ± 5%.
    pub asked: f64,
    /// The share that it reaches; absent without an interval.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reached: Option<f64>,
    /// The number of repetitions.
    pub repetitions: u32,
    /// The value, with an interval that is wider than Student's, because it was looked at after each repetition;
    /// absent without a value.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub estimate: Option<Estimate>,
    /// Why it cannot be measured as precisely as asked; absent if it was.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub obstacle: Option<Obstacle>,
}

/// Returns the outcomes of the last look.
#[must_use]
pub fn outcomes(looks: Vec<Look>) -> Vec<Outcome> {
    looks.into_iter().map(Outcome::from).collect()
}

impl From<Look> for Outcome {
    fn from(look: Look) -> Self {
        let reached = look.share().filter(|share| share.is_finite());
        let Look { point, label, goal, repetitions, estimate, progress } = look;
        let obstacle = match progress {
            Progress::Obstructed(obstacle) => Some(obstacle),
            Progress::Narrow => None,
            Progress::Open { needed } => Some(super::obstacle::stopped(reached, needed)),
        };
        Self {
            label,
            clients: point.clients,
            payload_bytes: point.payload_bytes,
            metric: goal.metric,
            asked: goal.share,
            reached,
            repetitions,
            estimate,
            obstacle,
        }
    }
}

impl Outcome {
    /// Puts its interval, which is valid although it was looked at repeatedly, in place of the one of fixed repetitions.
    pub fn put_into(&self, entries: &mut [Entry]) {
        let is_own = |entry: &&mut Entry| {
            entry.label == self.label && entry.clients == self.clients && entry.payload_bytes == self.payload_bytes
        };
        let Some(entry) = entries.iter_mut().find(is_own) else { return };
        if let (Some(kept), Some(estimate)) = (entry.metrics.get_mut(&self.metric), self.estimate) {
            *kept = estimate;
        }
    }

    fn goal(&self) -> Goal {
        Goal { metric: self.metric, share: self.asked }
    }

    fn name(&self) -> String {
        summary::name(&self.label, self.clients, self.payload_bytes)
    }
}

/// Returns the reasons of the verdict: one per kind of obstacle and metric, with the first contender that has it.
#[must_use]
pub fn reasons(outcomes: &[Outcome]) -> Vec<Reason> {
    let mut seen: Vec<(Metric, Kind)> = Vec::new();
    let mut reasons = Vec::new();
    for (one, obstacle) in outcomes.iter().filter_map(|one| Some((one, one.obstacle.as_ref()?))) {
        let key = (one.metric, obstacle.kind);
        if seen.contains(&key) {
            continue;
        }
        seen.push(key);
        let same = |other: &&Outcome| {
            other.metric == one.metric && other.obstacle.as_ref().is_some_and(|found| found.kind == obstacle.kind)
        };
        let others = match outcomes.iter().filter(same).count() - 1 {
            0 => String::new(),
            count => format!(" (and so in {count} more)"),
        };
        let what = format!("{}{others}: {} cannot be measured here, because {}", one.name(), one.goal(), obstacle.what);
        reasons.push(Reason::new(Status::Suspect, what, obstacle.advice.clone()));
    }
    reasons
}

/// Returns one line per metric for people: how many intervals are as narrow as asked, and after how many repetitions.
#[must_use]
pub fn lines(outcomes: &[Outcome]) -> Vec<String> {
    let mut metrics: Vec<Metric> = Vec::new();
    outcomes.iter().map(|one| one.metric).for_each(|metric| {
        if !metrics.contains(&metric) {
            metrics.push(metric);
        }
    });
    metrics
        .into_iter()
        .map(|metric| line(&outcomes.iter().filter(|one| one.metric == metric).collect::<Vec<_>>()))
        .collect()
}

fn line(outcomes: &[&Outcome]) -> String {
    let Some(first) = outcomes.first() else { return String::new() };
    let narrow = outcomes.iter().filter(|one| one.obstacle.is_none()).count();
    let least = outcomes.iter().map(|one| one.repetitions).min().unwrap_or_default();
    let most = outcomes.iter().map(|one| one.repetitions).max().unwrap_or_default();
    let repetitions = if least == most { most.to_string() } else { format!("{least} to {most}") };
    let widest = outcomes.iter().filter_map(|one| one.reached).reduce(f64::max);
    let widest = widest.map_or_else(String::new, |share| format!(", the widest is ± {} %", percent(share)));
    let all = outcomes.len();
    format!("{}: reached for {narrow} of {all}{widest}, after {repetitions} repetitions", first.goal())
}

/// Returns the state of the widest open interval for people: `age_p99_us of SSE, 20 clients is ± 12.3 % (asked: ± 5 %)`.
#[must_use]
pub fn widest(looks: &[Look]) -> Option<String> {
    let open = |look: &&Look| matches!(look.progress, Progress::Open { .. });
    let excess = |look: &Look| look.share().unwrap_or(f64::INFINITY) / look.goal.share;
    let widest = looks.iter().filter(open).max_by(|a, b| excess(a).total_cmp(&excess(b)))?;
    let Goal { metric, share } = widest.goal;
    let now =
        widest.share().map_or_else(|| "without an interval".to_owned(), |share| format!("± {} %", percent(share)));
    let more = match widest.progress {
        Progress::Open { needed: Some(needed) } => {
            let more = needed.saturating_sub(widest.repetitions);
            format!(", about {more} more repetition{}", if more == 1 { "" } else { "s" })
        }
        _ => String::new(),
    };
    Some(format!(
        "{metric} of {} is {now} after {} repetitions (asked: ± {} %){more}",
        widest.name(),
        widest.repetitions,
        percent(share)
    ))
}

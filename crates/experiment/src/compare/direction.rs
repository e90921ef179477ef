//! The direction in which a metric is better.

use serde::Serialize;

use crate::Metric;
use crate::metric::Group;

/// The direction in which a metric is better. No metric is better when it is higher: what should not decrease is
/// measured by what was missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Less is better: ages, losses, costs.
    LowerIsBetter,
    /// Neither: a condition, or something that the scenario defines.
    Neutral,
}

impl Direction {
    /// Whether a change by `difference` is a deterioration.
    #[must_use]
    pub fn is_worse(self, difference: f64) -> bool {
        match self {
            Self::LowerIsBetter => difference > 0.0,
            Self::Neutral => false,
        }
    }
}

/// Returns the direction of a metric.
#[must_use]
pub fn direction(metric: Metric) -> Direction {
    use Direction::{LowerIsBetter, Neutral};
    match (metric.row().group, metric) {
        (Group::Delivery, Metric::UpdatesMissed | Metric::UpdatesDuplicated | Metric::UpdatesReordered)
        | (Group::Requests, Metric::Reconnects | Metric::RequestsSkipped) => LowerIsBetter,
        // The payload, how often a transport sends requests, and what the harness observed about itself.
        (_, Metric::PayloadBytesPerUpdate) | (Group::Delivery | Group::Requests | Group::Trust, _) => Neutral,
        (
            Group::Freshness
            | Group::Bandwidth
            | Group::ServerLeg
            | Group::ConnectionCost
            | Group::Cpu
            | Group::Proxies
            | Group::Recovery,
            _,
        ) => LowerIsBetter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_and_losses_are_better_lower_and_conditions_are_neutral() {
        for (id, expected) in [
            ("age_p99_us", Direction::LowerIsBetter),
            ("updates_missed", Direction::LowerIsBetter),
            ("updates_received", Direction::Neutral),
            ("updates_published", Direction::Neutral),
            ("requests", Direction::Neutral),
            ("reconnects", Direction::LowerIsBetter),
            ("payload_bytes_per_update", Direction::Neutral),
            ("packets_per_update", Direction::LowerIsBetter),
            ("server_rss_bytes_per_connection", Direction::LowerIsBetter),
            ("connect_p99_us", Direction::LowerIsBetter),
            ("recovery_p50_us", Direction::LowerIsBetter),
            ("publish_lag_p99_us", Direction::Neutral),
        ] {
            assert_eq!(direction(id.parse().unwrap()), expected, "{id}");
        }
    }

    #[test]
    fn a_neutral_metric_is_never_worse() {
        for (direction, more) in [(Direction::LowerIsBetter, true), (Direction::Neutral, false)] {
            assert_eq!([1.0, 0.0, -1.0].map(|d| direction.is_worse(d)), [more, false, false], "{direction:?}");
        }
    }
}

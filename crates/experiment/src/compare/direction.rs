//! Which way of a metric is the better one.

use serde::Serialize;

use crate::Metric;
use crate::metric::Group;

/// Which way of a metric is the better one. None is better when it is higher: what must not shrink is told by what was
/// missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Less is better: ages, losses, costs.
    LowerIsBetter,
    /// Neither: a circumstance, or what the scenario asks for.
    Neutral,
}

impl Direction {
    /// Whether a change by `difference` is one for the worse.
    #[must_use]
    pub fn is_worse(self, difference: f64) -> bool {
        match self {
            Self::LowerIsBetter => difference > 0.0,
            Self::Neutral => false,
        }
    }
}

/// The direction of a metric.
#[must_use]
pub fn direction(metric: Metric) -> Direction {
    use Direction::{LowerIsBetter, Neutral};
    match (metric.row().group, metric) {
        (Group::Delivery, Metric::UpdatesMissed | Metric::UpdatesDuplicated | Metric::UpdatesReordered)
        | (Group::Requests, Metric::Reconnects | Metric::RequestsSkipped) => LowerIsBetter,
        // What the application wants to say, how often a transport asks, and what the harness saw of itself.
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
    fn costs_and_losses_are_better_lower_and_circumstances_are_neither() {
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
    fn nothing_is_worse_than_before_in_a_circumstance() {
        for (direction, more) in [(Direction::LowerIsBetter, true), (Direction::Neutral, false)] {
            assert_eq!([1.0, 0.0, -1.0].map(|d| direction.is_worse(d)), [more, false, false], "{direction:?}");
        }
    }
}

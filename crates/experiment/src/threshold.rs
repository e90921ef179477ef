//! Thresholds: whether a run met what its scenario demands.

use std::fmt;

use crate::Metric;
use crate::scenario::{Comparison, Scenario, Threshold};
use crate::summary::Entry;

/// A demand that was not met.
#[derive(Clone, Debug, PartialEq)]
pub struct Miss {
    /// Who missed it: contender and client count, as in a table.
    pub name: String,
    /// The metric.
    pub metric: Metric,
    /// What was measured; `None` if it was not.
    pub value: Option<f64>,
    /// What was demanded.
    pub comparison: Comparison,
    /// The threshold's figure, in the metric's unit.
    pub expected: f64,
}

/// The demands of the scenario that its results do not meet. What was not measured meets none.
#[must_use]
pub fn misses(scenario: &Scenario, entries: &[Entry]) -> Vec<Miss> {
    let applies = |threshold: &Threshold, entry: &Entry| threshold.transport.is_none_or(|t| t == entry.transport);
    entries
        .iter()
        .flat_map(|entry| scenario.thresholds.iter().map(move |threshold| (entry, threshold)))
        .filter(|(entry, threshold)| applies(threshold, entry))
        .filter_map(|(entry, threshold)| miss(entry, threshold))
        .collect()
}

fn miss(entry: &Entry, threshold: &Threshold) -> Option<Miss> {
    let value = entry.metrics.get(&threshold.metric).map(|estimate| estimate.value);
    let met = value.is_some_and(|value| threshold.comparison.holds(value, threshold.value));
    (!met).then(|| Miss {
        name: entry.name(),
        metric: threshold.metric,
        value,
        comparison: threshold.comparison,
        expected: threshold.value,
    })
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, metric, value, comparison, expected } = self;
        match value {
            Some(value) => write!(f, "{name}: {metric} is {value}, expected {comparison} {expected}"),
            None => write!(f, "{name}: {metric} was not measured, expected {comparison} {expected}"),
        }
    }
}

impl Comparison {
    /// Every comparison, the two-character ones first: `<=` begins with `<`.
    pub const ALL: [Self; 6] = [Self::Equal, Self::NotEqual, Self::AtMost, Self::AtLeast, Self::Less, Self::Greater];

    /// The operator.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
        }
    }

    /// Whether `value` compares to `expected` as demanded.
    #[must_use]
    #[expect(clippy::float_cmp, reason = "`==` is what the scenario wrote, and counts are exact")]
    pub fn holds(self, value: f64, expected: f64) -> bool {
        match self {
            Self::Equal => value == expected,
            Self::NotEqual => value != expected,
            Self::Less => value < expected,
            Self::AtMost => value <= expected,
            Self::Greater => value > expected,
            Self::AtLeast => value >= expected,
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol())
    }
}

#[cfg(test)]
mod tests {
    use feedlab_feed::Transport;

    use super::*;
    use crate::fixture;

    #[test]
    fn every_comparison_holds_where_it_should() {
        use Comparison::{AtLeast, AtMost, Equal, Greater, Less, NotEqual};
        for (value, holding) in
            [(1.0, [NotEqual, AtMost, Less]), (2.0, [Equal, AtMost, AtLeast]), (3.0, [NotEqual, AtLeast, Greater])]
        {
            let held: Vec<_> = Comparison::ALL.into_iter().filter(|comparison| comparison.holds(value, 2.0)).collect();
            assert_eq!(held, holding, "{value}");
        }
    }

    #[test]
    fn a_miss_says_who_what_and_how_far() {
        let mut scenario = fixture::scenario();
        let told = |scenario: &Scenario, metrics: &[(Metric, f64)]| {
            misses(scenario, &[fixture::entry(metrics)]).iter().map(Miss::to_string).collect::<Vec<_>>()
        };
        assert_eq!(told(&scenario, &[(Metric::UpdatesMissed, 0.0)]), [""; 0]);
        let missed = told(&scenario, &[(Metric::UpdatesMissed, 3.0)]);
        assert_eq!(missed, ["SSE, 50 clients: updates_missed is 3, expected == 0"]);
        assert_eq!(told(&scenario, &[]), ["SSE, 50 clients: updates_missed was not measured, expected == 0"]);
        scenario.thresholds[0].transport = Some(Transport::WebSocket);
        assert_eq!(told(&scenario, &[]), [""; 0], "the threshold is another transport's");
    }
}

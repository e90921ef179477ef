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
    /// What is predicted; `None` if nothing is, or it was not asked for.
    pub predicted: Option<f64>,
    /// What was demanded.
    pub comparison: Comparison,
    /// The threshold's figure, in the metric's unit, or in percent of what is predicted.
    pub expected: f64,
}

/// The demands of the scenario that its results do not meet. What was not measured meets none, and what is not
/// predicted meets none that asks for it.
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
    let Threshold { metric, comparison, value: expected, .. } = *threshold;
    let value = entry.metrics.get(&metric).map(|estimate| estimate.value);
    let predicted = entry.predicted.as_ref().filter(|_| comparison == Comparison::Within);
    let predicted = predicted.and_then(|predicted| predicted.metrics.get(&metric)).copied();
    let figure = match comparison {
        Comparison::Within => value.zip(predicted).map(|(value, predicted)| distance(value, predicted)),
        _ => value,
    };
    let met = figure.is_some_and(|figure| comparison.holds(figure, expected));
    (!met).then(|| Miss { name: entry.name(), metric, value, predicted, comparison, expected })
}

/// How far a value is from what is predicted, in percent of the latter. Of nothing, anything is infinitely far.
fn distance(value: f64, predicted: f64) -> f64 {
    if value == predicted { 0.0 } else { 100.0 * ((value - predicted) / predicted).abs() }
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, metric, value, predicted, comparison, expected } = self;
        let demand = comparison.demand(*expected);
        match (value, predicted, comparison) {
            (None, _, _) => write!(f, "{name}: {metric} was not measured, expected {demand}"),
            (Some(value), None, Comparison::Within) => {
                write!(f, "{name}: {metric} is {value} and nothing is predicted for it, expected {demand}")
            }
            (Some(value), Some(predicted), _) if distance(*value, *predicted).is_finite() => {
                let distance = distance(*value, *predicted);
                write!(f, "{name}: {metric} is {value}, predicted {predicted}: {distance:.1}% off, expected {demand}")
            }
            (Some(value), Some(predicted), _) => {
                write!(f, "{name}: {metric} is {value}, predicted {predicted}, expected {demand}")
            }
            (Some(value), None, _) => write!(f, "{name}: {metric} is {value}, expected {demand}"),
        }
    }
}

impl Threshold {
    /// What is demanded, as a scenario writes it: `== 0`, `within 5% of predicted`.
    #[must_use]
    pub fn demand(&self) -> String {
        self.comparison.demand(self.value)
    }
}

impl Comparison {
    /// Every comparison with a figure, the two-character ones first: `<=` begins with `<`.
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
            Self::Within => "within",
        }
    }

    fn demand(self, expected: f64) -> String {
        match self {
            Self::Within => format!("within {expected}% of predicted"),
            _ => format!("{self} {expected}"),
        }
    }

    /// Whether `value` compares to `expected` as demanded; for [`Self::Within`] both are distances in percent.
    #[must_use]
    #[expect(clippy::float_cmp, reason = "`==` is what the scenario wrote, and counts are exact")]
    pub fn holds(self, value: f64, expected: f64) -> bool {
        match self {
            Self::Equal => value == expected,
            Self::NotEqual => value != expected,
            Self::Less => value < expected,
            Self::AtMost | Self::Within => value <= expected,
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

    #[test]
    fn a_demand_may_be_about_what_is_predicted() {
        use crate::summary::Predicted;
        let mut scenario = fixture::scenario();
        scenario.thresholds[0] =
            Threshold { metric: Metric::AgeP50, comparison: Comparison::Within, value: 5.0, transport: None };
        let told = |measured: &[(Metric, f64)], predicted: Option<f64>| {
            let metrics = predicted.map(|value| (Metric::AgeP50, value)).into_iter().collect();
            let predicted = Some(Predicted { metrics, ..Predicted::default() });
            let entry = Entry { predicted, ..fixture::entry(measured) };
            misses(&scenario, &[entry]).first().map(Miss::to_string)
        };
        let measured = &[(Metric::AgeP50, 512_000.0)];
        for (predicted, miss) in [
            (Some(500_000.0), None),
            (Some(490_000.0), None),
            (Some(512_000.0), None),
            (Some(400_000.0), Some("is 512000, predicted 400000: 28.0% off, expected within 5% of predicted")),
            (Some(0.0), Some("is 512000, predicted 0, expected within 5% of predicted")),
            (None, Some("is 512000 and nothing is predicted for it, expected within 5% of predicted")),
        ] {
            let expected = miss.map(|miss| format!("SSE, 50 clients: age_p50_us {miss}"));
            assert_eq!(told(measured, predicted), expected, "{predicted:?}");
        }
        assert_eq!(told(&[(Metric::AgeP50, 0.0)], Some(0.0)), None, "nothing, as predicted");
        assert!(told(&[], Some(1.0)).unwrap().contains("was not measured"));
        assert_eq!(scenario.thresholds[0].demand(), "within 5% of predicted");
    }
}

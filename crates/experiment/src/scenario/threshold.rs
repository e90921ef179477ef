//! A threshold: what a scenario requires of a metric.

use std::fmt;

use feedlab_feed::Transport;
use serde::{Deserialize, Serialize};

use crate::Metric;
use crate::metric::Unit;

/// A condition on one metric of the contenders that it concerns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// The metric.
    pub metric: Metric,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what: a figure in the metric's unit; for [`Comparison::Within`] a distance in percent, for
    /// [`Comparison::Near`] one in the metric's unit. With [`Self::than`], of the other comparisons a factor.
    pub value: f64,
    /// The label of the contender that is compared with, at the same number of clients and the same payload.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub than: Option<String>,
    /// Only contenders of this transport; all without it.
    pub transport: Option<Transport>,
    /// Only the contender with this label; all without it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub contender: Option<String>,
}

/// How a threshold compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// `==`
    #[serde(rename = "==")]
    Equal,
    /// `!=`
    #[serde(rename = "!=")]
    NotEqual,
    /// `<`
    #[serde(rename = "<")]
    Less,
    /// `<=`
    #[serde(rename = "<=")]
    AtMost,
    /// `>`
    #[serde(rename = ">")]
    Greater,
    /// `>=`
    #[serde(rename = ">=")]
    AtLeast,
    /// `within … % of predicted`, or of another contender: that figure, more or less so many percent.
    #[serde(rename = "within")]
    Within,
    /// `within … ms of predicted`, or of another contender: that figure, more or less so much.
    #[serde(rename = "near")]
    Near,
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
            Self::Within | Self::Near => "within",
        }
    }

    /// Whether it is about the distance from a figure.
    #[must_use]
    pub const fn is_distance(self) -> bool {
        matches!(self, Self::Within | Self::Near)
    }

    /// Whether `value` compares to `expected` as required; of distances both are distances.
    #[must_use]
    #[expect(clippy::float_cmp, reason = "`==` is what the scenario wrote, and counts are exact")]
    pub fn holds(self, value: f64, expected: f64) -> bool {
        match self {
            Self::Equal => value == expected,
            Self::NotEqual => value != expected,
            Self::Less => value < expected,
            Self::AtMost | Self::Within | Self::Near => value <= expected,
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

impl Threshold {
    /// What is required, as a scenario writes it: `== 0`, `within 5% of predicted`, `<= 1.1 x SSE`.
    #[must_use]
    pub fn demand(&self) -> String {
        let Self { metric, comparison, value, than, .. } = self;
        match (comparison, than) {
            (Comparison::Within, _) => format!("within {value}% of {}", self.of()),
            (Comparison::Near, _) => format!("within {} of {}", amount(*value, metric.row().unit), self.of()),
            (_, None) => format!("{comparison} {value}"),
            (_, Some(label)) if *value == 1.0 => format!("{comparison} {label}"),
            (_, Some(label)) => format!("{comparison} {value} x {label}"),
        }
    }

    fn of(&self) -> &str {
        self.than.as_deref().unwrap_or("predicted")
    }
}

/// What an amount can be written in: the symbol, and how many of the metric's unit it is. The largest come first.
pub(super) const fn symbols(unit: Unit) -> &'static [(&'static str, f64)] {
    match unit {
        Unit::Microseconds => &[("s", 1e6), ("ms", 1e3), ("us", 1.0)],
        Unit::Bytes => &[("MiB", 1_048_576.0), ("KiB", 1024.0), ("B", 1.0)],
        Unit::Count => &[("", 1.0)],
    }
}

/// An amount in the largest unit of which it is one.
fn amount(value: f64, unit: Unit) -> String {
    let symbols = symbols(unit);
    let fits = symbols.iter().find(|(_, size)| value >= *size).or(symbols.last());
    fits.map_or_else(|| value.to_string(), |(symbol, size)| format!("{}{symbol}", value / size))
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_demand_reads_as_it_was_written() {
        let demand = |metric, comparison, value, than: Option<&str>| {
            let than = than.map(str::to_owned);
            Threshold { metric, comparison, value, than, transport: None, contender: None }.demand()
        };
        assert_eq!(demand(Metric::UpdatesMissed, Comparison::Equal, 0.0, None), "== 0");
        assert_eq!(demand(Metric::AgeP50, Comparison::Within, 5.0, None), "within 5% of predicted");
        assert_eq!(demand(Metric::AgeP50, Comparison::Near, 2000.0, None), "within 2ms of predicted");
        assert_eq!(demand(Metric::AgeP50, Comparison::Near, 1500.0, None), "within 1.5ms of predicted");
        assert_eq!(demand(Metric::AgeP50, Comparison::Near, 0.0, None), "within 0us of predicted");
        assert_eq!(demand(Metric::SocketBytesUp, Comparison::Near, 2048.0, None), "within 2KiB of predicted");
        assert_eq!(demand(Metric::Requests, Comparison::Near, 3.0, Some("SSE")), "within 3 of SSE");
        assert_eq!(demand(Metric::AgeP50, Comparison::Less, 1.0, Some("SSE")), "< SSE");
        assert_eq!(demand(Metric::AgeP50, Comparison::AtMost, 1.1, Some("SSE")), "<= 1.1 x SSE");
    }
}

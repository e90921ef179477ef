//! Thresholds: what a scenario requires of a metric.

use std::fmt;

use feedlab_feed::Transport;
use serde::{Deserialize, Serialize};

use crate::Metric;
use crate::metric::Unit;

/// A condition on one metric of the contenders to which it applies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// The metric.
    pub metric: Metric,
    /// How the values are compared.
    pub comparison: Comparison,
    /// The value to compare with, in the metric's unit; for [`Comparison::Within`] a distance in percent, and for
    /// [`Comparison::Near`] a distance in the metric's unit. For the other comparisons, a factor if [`Self::than`] is
    /// set.
    pub value: f64,
    /// The label of the contender to compare with, at the same number of clients and the same payload.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub than: Option<String>,
    /// Applies only to contenders with this transport; `None` for all.
    pub transport: Option<Transport>,
    /// Applies only to the contender with this label; `None` for all.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub contender: Option<String>,
}

/// How a threshold compares values.
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
    /// `within …% of predicted`, or of another contender: at most this many percent above or below that value.
    #[serde(rename = "within")]
    Within,
    /// `within … ms of predicted`, or of another contender: at most this far above or below that value.
    #[serde(rename = "near")]
    Near,
}

impl Comparison {
    /// All comparisons with a value, the two-character ones first, because `<=` starts with `<`.
    pub const ALL: [Self; 6] = [Self::Equal, Self::NotEqual, Self::AtMost, Self::AtLeast, Self::Less, Self::Greater];

    /// Returns the operator.
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

    /// Whether it compares the distance from a value.
    #[must_use]
    pub const fn is_distance(self) -> bool {
        matches!(self, Self::Within | Self::Near)
    }

    /// Whether `value` compares to `expected` as required; for distances, both are distances.
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
    /// Returns the requirement as written in a scenario: `== 0`, `within 5% of predicted`, `<= 1.1 x SSE`.
    #[must_use]
    pub fn requirement(&self) -> String {
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

/// Returns the symbols in which an amount can be written, each with its size in the metric's unit, largest first.
pub(super) const fn symbols(unit: Unit) -> &'static [(&'static str, f64)] {
    match unit {
        Unit::Microseconds => &[("s", 1e6), ("ms", 1e3), ("us", 1.0)],
        Unit::Bytes => &[("MiB", 1_048_576.0), ("KiB", 1024.0), ("B", 1.0)],
        Unit::Count => &[("", 1.0)],
    }
}

/// Returns an amount in the largest unit of which it is at least one.
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
    fn a_requirement_reads_as_written() {
        let requirement = |metric, comparison, value, than: Option<&str>| {
            let than = than.map(str::to_owned);
            Threshold { metric, comparison, value, than, transport: None, contender: None }.requirement()
        };
        assert_eq!(requirement(Metric::UpdatesMissed, Comparison::Equal, 0.0, None), "== 0");
        assert_eq!(requirement(Metric::AgeP50, Comparison::Within, 5.0, None), "within 5% of predicted");
        assert_eq!(requirement(Metric::AgeP50, Comparison::Near, 2000.0, None), "within 2ms of predicted");
        assert_eq!(requirement(Metric::AgeP50, Comparison::Near, 1500.0, None), "within 1.5ms of predicted");
        assert_eq!(requirement(Metric::AgeP50, Comparison::Near, 0.0, None), "within 0us of predicted");
        assert_eq!(requirement(Metric::SocketBytesUp, Comparison::Near, 2048.0, None), "within 2KiB of predicted");
        assert_eq!(requirement(Metric::Requests, Comparison::Near, 3.0, Some("SSE")), "within 3 of SSE");
        assert_eq!(requirement(Metric::AgeP50, Comparison::Less, 1.0, Some("SSE")), "< SSE");
        assert_eq!(requirement(Metric::AgeP50, Comparison::AtMost, 1.1, Some("SSE")), "<= 1.1 x SSE");
    }
}

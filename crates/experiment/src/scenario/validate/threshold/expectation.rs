//! Parses the `expect` key of a threshold: a comparison with a number or another contender, or a distance.

use super::super::super::error::FieldError;
use super::super::super::threshold::symbols;
use super::super::super::written::At;
use super::super::super::{Comparison, Contender};
use crate::metric::Unit;

/// The parsed fields of a threshold.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Expectation {
    pub(super) comparison: Comparison,
    pub(super) value: f64,
    pub(super) than: Option<String>,
}

pub(super) fn read(written: &At<String>, unit: Unit, contenders: &[Contender]) -> Result<Expectation, FieldError> {
    let text = written.trim();
    let is_label = |text: &str| contenders.iter().any(|contender| contender.label == text);
    let read = compared(text, unit, is_label).or_else(|| distance(text, unit, is_label));
    read.filter(|read| read.value.is_finite()).ok_or_else(|| {
        let written_in = symbols(unit).iter().map(|(symbol, _)| format!("2{symbol}")).collect::<Vec<_>>().join(" or ");
        let labels = contenders.iter().map(|contender| format!("{:?}", contender.label)).collect::<Vec<_>>().join(", ");
        let problem = format!(
            "{:?} is not a condition; write a comparison (==, !=, <, <=, >, >=) with a number in the metric's unit, a \
             number with a unit, or a contender's label, as in \"== 0\" or \"<= 1.1 x SSE\"; or a distance from the \
             prediction or from a contender, as in \"within 5% of predicted\", where {written_in} may replace 5%; the labels are {labels}",
            written.as_str()
        );
        FieldError::at(written, problem)
    })
}

/// Parses `< 5`, `< 2s`, `< SSE` or `< 1.1 x SSE`.
fn compared(text: &str, unit: Unit, is_label: impl Fn(&str) -> bool) -> Option<Expectation> {
    let comparison = Comparison::ALL.into_iter().find(|comparison| text.starts_with(comparison.symbol()))?;
    let rest = text[comparison.symbol().len()..].trim();
    if let Some(value) = rest.parse().ok().or_else(|| figure(rest, unit)) {
        return Some(Expectation { comparison, value, than: None });
    }
    let (value, label) = match is_label(rest) {
        true => (1.0, rest),
        false => {
            let (factor, label) = rest.split_once(['x', '×'])?;
            (factor.trim().parse().ok()?, label.trim())
        }
    };
    is_label(label).then(|| Expectation { comparison, value, than: Some(label.to_owned()) })
}

/// Parses a number with its unit, `2s` or `1.5 KiB`, and converts it to the metric's unit.
fn figure(text: &str, unit: Unit) -> Option<f64> {
    in_unit(&text.split_whitespace().collect::<String>(), unit)
}

/// Parses `within 5% of predicted` or `within 2ms of SSE`, with any spacing.
fn distance(text: &str, unit: Unit, is_label: impl Fn(&str) -> bool) -> Option<Expectation> {
    let (amount, of) = text.strip_prefix("within ")?.split_once(" of ")?;
    let amount: String = amount.split_whitespace().collect();
    let (comparison, value) = match amount.strip_suffix('%') {
        Some(percent) => (Comparison::Within, percent.parse().ok()?),
        None => (Comparison::Near, in_unit(&amount, unit)?),
    };
    let of = of.trim();
    let than = if of == "predicted" { None } else { Some(of.to_owned()).filter(|of| is_label(of))?.into() };
    (value >= 0.0).then_some(Expectation { comparison, value, than })
}

/// Converts a number with its unit to the metric's unit; µs may be written with µ.
fn in_unit(amount: &str, unit: Unit) -> Option<f64> {
    let amount = amount.replace(['µ', 'μ'], "u");
    let number = |(symbol, size): &(&str, f64)| {
        let number: f64 = amount.strip_suffix(symbol)?.parse().ok()?;
        Some(number * size)
    };
    symbols(unit).iter().find_map(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_may_have_a_unit() {
        let value = |text: &str, unit| compared(text, unit, |_| false).map(|read| read.value);
        assert_eq!(value("< 2s", Unit::Microseconds), Some(2e6));
        assert_eq!(value("<= 1.5 ms", Unit::Microseconds), Some(1_500.0));
        assert_eq!(value("< 2000000", Unit::Microseconds), Some(2e6));
        assert_eq!(value(">= 2KiB", Unit::Bytes), Some(2_048.0));
        assert_eq!(value("< 2s", Unit::Bytes), None);
        assert_eq!(value("== 0", Unit::Count), Some(0.0));
    }
}

//! Decides what a set of measured values shows: which contenders differ, and which do not.
//!
//! Every title and finding uses this module, so that none of them claims more than the intervals allow.

use feedlab_experiment::summary::Estimate;

use crate::series::Series;
use crate::{human, wording};

/// Sorted values fall into two groups where a value is at least this many times its predecessor. A smaller factor in a
/// single run is too little for a headline.
const GROUP_GAP: f64 = 2.0;

/// Below this factor between the smallest and the largest cost, no contender is named.
pub(crate) const WORTH_NAMING: f64 = 1.2;

/// Looks up, for two contenders given by their labels, whether the interval of their difference excludes zero; `None`
/// if the difference was not computed. It is a sharper test than whether two intervals overlap, and takes precedence
/// over it.
pub(crate) type DifferenceShown<'a> = dyn Fn(&str, &str) -> Option<bool> + 'a;

/// The lookup without any differences: only the values and their intervals decide.
pub(crate) fn undetermined(_: &str, _: &str) -> Option<bool> {
    None
}

/// A contender's value of one metric.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Named {
    /// The contender's label.
    pub(crate) label: String,
    /// Its name in a sentence.
    pub(crate) name: String,
    /// Its value.
    pub(crate) estimate: Estimate,
}

impl Named {
    pub(crate) fn new(series: &Series, estimate: Estimate) -> Self {
        Self { label: series.label.clone(), name: series.spoken.clone(), estimate }
    }

    pub(crate) fn value(&self) -> f64 {
        self.estimate.value
    }

    fn interval(&self) -> Option<(f64, f64)> {
        self.estimate.low.zip(self.estimate.high)
    }
}

/// What the values show. Every list is in ascending order and has at least one value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    /// There is no value.
    Nothing,
    /// There is a single value, with nothing to compare it with.
    One(Named),
    /// All intervals overlap, and no difference is shown.
    NoDifference(Vec<Named>),
    /// The values differ, but not by the factor that separates two groups.
    OneGroup(Vec<Named>),
    /// The values fall into two groups, separated at the widest gap.
    TwoGroups {
        /// The smaller values.
        low: Vec<Named>,
        /// The larger ones.
        high: Vec<Named>,
    },
}

/// Returns what the values show.
pub(crate) fn shape(mut values: Vec<Named>, shown: &DifferenceShown) -> Shape {
    values.sort_by(|a, b| a.value().total_cmp(&b.value()));
    match values.len() {
        0 => Shape::Nothing,
        1 => Shape::One(values.remove(0)),
        _ if all_overlap(&values) && !any_differs(&values, shown) => Shape::NoDifference(values),
        _ => match widest_gap(&values, shown) {
            Some(at) => {
                let high = values.split_off(at);
                Shape::TwoGroups { low: values, high }
            }
            None => Shape::OneGroup(values),
        },
    }
}

/// Whether two values differ: the lookup says so, or if it has no answer, their intervals do not overlap. Values
/// without an interval differ if they are not equal.
pub(crate) fn distinct(a: &Named, b: &Named, shown: &DifferenceShown) -> bool {
    shown(&a.label, &b.label).unwrap_or_else(|| match (a.interval(), b.interval()) {
        (Some((a_low, a_high)), Some((b_low, b_high))) => a_high < b_low || b_high < a_low,
        _ => a.value() != b.value(),
    })
}

fn any_differs(values: &[Named], shown: &DifferenceShown) -> bool {
    let differs = |a: &Named| values.iter().any(|b| shown(&a.label, &b.label) == Some(true));
    values.iter().any(differs)
}

fn all_overlap(values: &[Named]) -> bool {
    let intervals: Option<Vec<_>> = values.iter().map(Named::interval).collect();
    intervals.is_some_and(|intervals| {
        let low = intervals.iter().map(|i| i.0).fold(f64::MIN, f64::max);
        let high = intervals.iter().map(|i| i.1).fold(f64::MAX, f64::min);
        low <= high
    })
}

/// Returns where sorted values fall into two groups: before the index with the largest ratio to its predecessor, if
/// that is at least [`GROUP_GAP`] and no interval spans the gap.
fn widest_gap(values: &[Named], shown: &DifferenceShown) -> Option<usize> {
    let gaps = (1..values.len()).filter(|&at| is_clear(values, at, shown)).map(|at| (at, ratio(values, at)));
    gaps.max_by(|a, b| a.1.total_cmp(&b.1)).filter(|gap| gap.1 >= GROUP_GAP).map(|gap| gap.0)
}

fn is_clear(values: &[Named], at: usize, shown: &DifferenceShown) -> bool {
    values[..at].iter().all(|low| values[at..].iter().all(|high| distinct(low, high, shown)))
}

/// The ratio to the predecessor, with one unit added to both, so that zero and a tiny value do not differ by an
/// infinite factor.
fn ratio(values: &[Named], at: usize) -> f64 {
    (values[at].value() + 1.0) / (values[at - 1].value().max(0.0) + 1.0)
}

/// Lists the names of values; three or more contenders of one transport are only counted.
pub(crate) fn names(values: &[Named]) -> String {
    let transport = |name: &str| name.split_once(" (").map(|(transport, _)| transport.to_owned());
    let mut names: Vec<String> = Vec::new();
    for value in values {
        let kin = |transport_name: &String| {
            values.iter().filter(|other| transport(&other.name).as_ref() == Some(transport_name)).count()
        };
        let name = match transport(&value.name).map(|name| (kin(&name), name)) {
            Some((number @ 3.., transport)) => format!("{} {transport} contenders", human::word(number)),
            _ => value.name.clone(),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    wording::list(&names)
}

/// The second group of a sentence: `the other three` if the two groups are all contenders, otherwise its names.
pub(crate) fn others(values: &[Named], complete: bool) -> String {
    if complete && values.len() > 1 { format!("the other {}", human::word(values.len())) } else { names(values) }
}

/// `both` or `all four` if the values cover all `contenders`, otherwise their names.
pub(crate) fn everyone(values: &[Named], contenders: usize) -> String {
    match values.len() {
        number if number < contenders => names(values),
        2 => "both".to_owned(),
        number => format!("all {}", human::word(number)),
    }
}

/// The smallest and the largest of sorted values: `310 µs to 1.2 ms`, or a single figure if both have the same text.
pub(crate) fn range(values: &[Named], format: impl Fn(f64) -> String) -> String {
    let (Some(first), Some(last)) = (values.first(), values.last()) else { return human::ABSENT.to_owned() };
    let (low, high) = (format(first.value()), format(last.value()));
    if low == high { low } else { format!("{low} to {high}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, value: f64, interval: Option<(f64, f64)>) -> Named {
        let estimate = Estimate { value, low: interval.map(|i| i.0), high: interval.map(|i| i.1) };
        Named { label: name.to_owned(), name: name.to_owned(), estimate }
    }

    fn names(values: &[Named]) -> String {
        values.iter().map(|v| v.name.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_widest_gap_separates_the_groups() {
        let values = [("poll", 512e3), ("ws", 300.0), ("sse", 310.0), ("long", 900.0)];
        let Shape::TwoGroups { low, high } = shape(values.map(|(n, v)| named(n, v, None)).to_vec(), &undetermined)
        else {
            panic!()
        };
        assert_eq!((names(&low).as_str(), names(&high).as_str()), ("ws sse long", "poll"));
    }

    #[test]
    fn overlapping_intervals_show_no_difference() {
        let values = vec![named("a", 100.0, Some((80.0, 300.0))), named("b", 250.0, Some((90.0, 400.0)))];
        assert!(matches!(shape(values, &undetermined), Shape::NoDifference(_)));
    }

    #[test]
    fn an_interval_across_a_gap_closes_it() {
        let values = vec![
            named("a", 100.0, Some((90.0, 110.0))),
            named("b", 150.0, Some((140.0, 900.0))),
            named("c", 800.0, Some((700.0, 850.0))),
        ];
        assert!(
            matches!(shape(values, &undetermined), Shape::OneGroup(_)),
            "b's interval overlaps c's, and a and b are within a factor of 2"
        );
    }

    #[test]
    fn few_values_make_few_claims() {
        assert_eq!(shape(Vec::new(), &undetermined), Shape::Nothing);
        assert!(matches!(shape(vec![named("a", 1.0, None)], &undetermined), Shape::One(_)));
        assert!(matches!(shape(vec![named("a", 0.0, None), named("b", 0.4, None)], &undetermined), Shape::OneGroup(_)));
    }

    #[test]
    fn the_interval_of_a_difference_decides_over_those_of_the_values() {
        let overlapping = || vec![named("a", 100.0, Some((80.0, 130.0))), named("b", 120.0, Some((90.0, 140.0)))];
        assert!(matches!(shape(overlapping(), &|_, _| Some(false)), Shape::NoDifference(_)));
        let shown = |a: &str, b: &str| (a != b).then_some(true);
        assert!(matches!(shape(overlapping(), &shown), Shape::OneGroup(_)));
        let [a, b] = [named("a", 100.0, Some((80.0, 99.0))), named("b", 120.0, Some((110.0, 140.0)))];
        assert!(distinct(&a, &b, &undetermined) && !distinct(&a, &b, &|_, _| Some(false)));
    }
}

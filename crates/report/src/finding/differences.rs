//! Differences between contenders, one sentence per pair, each with the interval of the difference.

use feedlab_experiment::Metric;
use feedlab_experiment::metric::Unit;
use feedlab_experiment::statistics::Difference;

use crate::dataset::{Differences, Pair};
use crate::{human, wording};

/// Returns sentences with their full stops.
pub(super) fn sentences(differences: &Differences) -> Vec<String> {
    differences.pairs.iter().map(|pair| format!("{}.", wording::sentence(&sentence(pair)))).collect()
}

fn sentence(pair: &Pair) -> String {
    let shown: Vec<_> = pair.ages.iter().filter(|(_, difference)| difference.is_shown() == Some(true)).collect();
    let Pair { first, second, .. } = pair;
    if shown.is_empty() {
        let ages = pair.ages.iter().map(|(metric, difference)| match if_zero(positive(*difference)) {
            Some(interval) => format!("{} does not differ{interval}", percentile(*metric)),
            None => format!("{} differs by {}", percentile(*metric), with_interval(positive(*difference))),
        });
        let ages: Vec<String> = ages.collect();
        return format!("{} and {}: no difference shown; {}", first.spoken, second.spoken, ages.join("; "));
    }
    let mut clauses = Vec::new();
    for is_first in [true, false] {
        let (fresher, staler) = if is_first { (first, second) } else { (second, first) };
        let ages = shown.iter().filter(|(_, difference)| (difference.value > 0.0) == is_first);
        let ages: Vec<String> = ages
            .map(|(metric, difference)| format!("{} by {}", percentile(*metric), with_interval(positive(*difference))))
            .collect();
        if !ages.is_empty() {
            clauses.push(format!("{} is fresher than {}: {}", fresher.spoken, staler.spoken, ages.join("; ")));
        }
    }
    let rest = pair.ages.iter().filter(|(_, difference)| difference.is_shown() != Some(true));
    clauses.extend(rest.map(|(metric, difference)| {
        format!("no difference shown at {}: {}", percentile(*metric), with_interval(positive(*difference)))
    }));
    clauses.join("; ")
}

const fn percentile(metric: Metric) -> &'static str {
    match metric {
        Metric::AgeP50 => "p50",
        _ => "p99",
    }
}

/// Returns the difference with a positive value, by swapping the two sides if necessary.
fn positive(Difference { value, interval }: Difference) -> Difference {
    if value < 0.0 {
        Difference { value: -value, interval: interval.map(|(low, high)| (-high, -low)) }
    } else {
        Difference { value, interval }
    }
}

/// `, 95 % interval −0.4 … 0.3 ms` for a difference that rounds to zero; `None` for any other.
fn if_zero(Difference { value, interval }: Difference) -> Option<String> {
    let (low, high) = interval.unwrap_or((value, value));
    let [rounded, ..] = human::together([value, low, high], Unit::Microseconds);
    let [high, low] = human::together([high, low], Unit::Microseconds);
    rounded.starts_with("0 ").then(|| format!(", 95 % interval {low} … {high}"))
}

/// `0.3 ms, 95 % interval −0.4 … 1`.
fn with_interval(Difference { value, interval }: Difference) -> String {
    let Some((low, high)) = interval else { return human::time(value) };
    let [value, low, high] = human::together([value, low, high], Unit::Microseconds);
    format!("{value}, 95 % interval {low} … {high}")
}

//! A comparison as test cases.

use feedlab_experiment::compare::{Comparison, Finding, Point, Row};
use feedlab_experiment::verdict::Status;

use super::words;
use crate::junit::{Case, Outcome, Suite};

/// A case for each metric of each point, and one for what the two runs may claim.
pub(super) fn suite(comparison: &Comparison) -> Suite {
    let class = format!("{}.compare", comparison.scenario);
    let of_point =
        |point: &Point| point.rows.iter().map(|row| case(comparison, point, row, &class)).collect::<Vec<_>>();
    let mut cases = vec![verdict(comparison, &class)];
    cases.extend(comparison.points.iter().flat_map(of_point));
    Suite {
        name: format!("{}: {} compared with {}", comparison.scenario, comparison.b.run, comparison.a.run),
        timestamp: None,
        cases,
        output: words::sides(comparison).iter().flat_map(|(letter, side)| words::doubts(*letter, side)).collect(),
    }
}

fn case(comparison: &Comparison, point: &Point, row: &Row, class: &str) -> Case {
    let outcome = match row.finding {
        Finding::Regression => Outcome::Failed(words::sentence(point, row, comparison.tolerance)),
        _ => Outcome::Passed,
    };
    Case { class: class.to_owned(), name: format!("{}: {}", point.name, row.metric), time_us: 0, outcome }
}

fn verdict(comparison: &Comparison, class: &str) -> Case {
    let invalid = words::sides(comparison).into_iter().filter(|(_, side)| side.verdict.status == Status::Invalid);
    let told: Vec<String> = invalid.flat_map(|(letter, side)| words::doubts(letter, side)).collect();
    let outcome = if told.is_empty() { Outcome::Passed } else { Outcome::Error(told.join("; ")) };
    Case { class: class.to_owned(), name: "both runs measure the transports".to_owned(), time_us: 0, outcome }
}

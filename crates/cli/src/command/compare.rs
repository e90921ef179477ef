//! `feedlab compare`: compares two runs of one scenario, and reports whether the second is worse.

use std::path::{Path, PathBuf};

use feedlab_experiment::Metric;
use feedlab_experiment::compare::{self, Comparison, Finding, MetricComparison, Point};
use feedlab_experiment::results::Results;
use feedlab_experiment::verdict::Status;

use crate::exit::{Exit, bad_input};
use crate::junit::{Case, Junit, Outcome, Suite};
use crate::output::{self, Format};

mod words;

/// Compare two runs of one scenario: what changed, and whether that is more than chance
///
/// Prints how the conditions of the runs differ (version, machine, seed), then every metric of interest with its
/// difference and the 95% interval of the difference. A regression is a change for the worse that exceeds the tolerance
/// and that chance does not explain: the interval excludes zero. With one repetition, there is no interval: times,
/// memory and CPU are shown but not judged; bytes and counts are judged by their values alone.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  feedlab compare results/20261121T120030Z-ticker results/20261122T093011Z-ticker
  feedlab compare before after --tolerance 10% --metric age_p99_us,server_cpu_us_per_update
  feedlab compare before after --format json | jq '.points[].rows[].sentence'

Exit status:
    0  no regression beyond the tolerance
    1  something failed
    2  wrong usage, folders that are not results, or runs of different scenarios
    3  a regression beyond the tolerance
    4  one of the runs is invalid: the figures do not measure the transports

Next:
  increase `repetitions` in the scenario until the intervals are narrow enough
  feedlab merge RUN RUN    merge runs of one scenario, for more repetitions")]
pub(crate) struct Args {
    /// The results folder of the baseline run
    #[arg(value_name = "A")]
    a: PathBuf,

    /// The results folder of the run to judge
    #[arg(value_name = "B")]
    b: PathBuf,

    /// How much worse B may be, as a share of A's value: 5% or 0.05
    #[arg(long, value_name = "SHARE", default_value = "5%", value_parser = share)]
    tolerance: f64,

    /// Compare these metrics, by id, instead of those of interest; repeatable [list: docs/metrics.md]
    #[arg(long = "metric", value_name = "ID", value_delimiter = ',')]
    metrics: Vec<Metric>,

    /// Output format of the comparison: text, or JSON
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Also write a JUnit report for CI systems, with one test case per metric
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// Compares the runs and prints the comparison. The exit status says whether B is worse.
pub(crate) fn execute(args: &Args) -> anyhow::Result<Exit> {
    let read = |folder: &Path| Results::read(folder).map_err(bad_input);
    let (a, b) = (read(&args.a)?, read(&args.b)?);
    let mut junit = args.junit.as_deref().map(Junit::create).transpose()?;
    let comparison = compare::compare(&a, &b, &args.metrics, args.tolerance).map_err(bad_input)?;
    match args.format {
        Format::Text => output::data(&words::text(&comparison))?,
        Format::Json => output::json_pretty(&words::json(&comparison)?)?,
    }
    if let Some(junit) = &mut junit {
        junit.add(suite(&comparison))?;
    }
    Ok(exit(&comparison))
}

fn exit(comparison: &Comparison) -> Exit {
    let invalid = [&comparison.a, &comparison.b].iter().any(|side| side.verdict.status == Status::Invalid);
    match comparison.regressions().next() {
        _ if invalid => Exit::Invalid,
        Some(_) => Exit::ThresholdMissed,
        None => Exit::Done,
    }
}

/// Returns the comparison as test cases: one per metric and point, and one for the verdicts of the two runs.
fn suite(comparison: &Comparison) -> Suite {
    let class = format!("{}.compare", comparison.scenario);
    let of_point =
        |point: &Point| point.rows.iter().map(|row| case(comparison, point, row, &class)).collect::<Vec<_>>();
    let mut cases = vec![verdict_case(comparison, &class)];
    cases.extend(comparison.points.iter().flat_map(of_point));
    Suite {
        name: format!("{}: {} compared with {}", comparison.scenario, comparison.b.run, comparison.a.run),
        timestamp: None,
        cases,
        output: words::sides(comparison).iter().flat_map(|(letter, side)| words::doubts(*letter, side)).collect(),
    }
}

fn case(comparison: &Comparison, point: &Point, row: &MetricComparison, class: &str) -> Case {
    let outcome = match row.finding {
        Finding::Regression => Outcome::Failed(words::sentence(point, row, comparison.tolerance)),
        _ => Outcome::Passed,
    };
    Case { class: class.to_owned(), name: format!("{}: {}", point.name, row.metric), time_us: 0, outcome }
}

fn verdict_case(comparison: &Comparison, class: &str) -> Case {
    let invalid = words::sides(comparison).into_iter().filter(|(_, side)| side.verdict.status == Status::Invalid);
    let reasons: Vec<String> = invalid.flat_map(|(letter, side)| words::doubts(letter, side)).collect();
    let outcome = if reasons.is_empty() { Outcome::Passed } else { Outcome::Error(reasons.join("; ")) };
    Case { class: class.to_owned(), name: "both runs measure the transports".to_owned(), time_us: 0, outcome }
}

/// Parses `5%` or `0.05`. Rejects a bare number above 1, which is ambiguous.
fn share(text: &str) -> Result<f64, String> {
    let refuse = || "must be a share of zero or more, as in 5% or 0.05".to_owned();
    let percent = text.trim().strip_suffix('%');
    let number: f64 = percent.unwrap_or(text).trim().parse().map_err(|_| refuse())?;
    let share = if percent.is_some() { number / 100.0 } else { number };
    match share {
        share if !share.is_finite() || share < 0.0 => Err(refuse()),
        share if percent.is_none() && share > 1.0 => {
            Err(format!("is that {number}% or {}%? Write it with a % sign", 100.0 * number))
        }
        share => Ok(share),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tolerance_is_a_percentage_or_a_fraction() {
        for (text, expected) in
            [("5%", 0.05), ("0.05", 0.05), (" 7.5 % ", 0.075), ("0", 0.0), ("1", 1.0), ("150%", 1.5)]
        {
            assert_eq!(share(text), Ok(expected), "{text}");
        }
        for text in ["", "%", "five", "-1%", "-0.1", "nan", "inf", "inf%"] {
            assert!(share(text).is_err_and(|error| error.contains("5% or 0.05")), "{text}");
        }
        assert_eq!(share("5"), Err("is that 5% or 500%? Write it with a % sign".to_owned()));
    }
}

//! One goal: a metric and how narrow its interval must be, as in `age_p99_us ± 5 %`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Metric;
use crate::metric::{Pooling, UnknownMetric};

/// A metric, and the share of its value that its 95% interval may reach on either side.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Goal {
    /// The metric.
    pub metric: Metric,
    /// The share: 0.05 is ± 5%.
    pub share: f64,
}

/// Why a text is not a goal.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GoalError {
    /// It is not of the form `METRIC ± SHARE %`.
    #[error("`{}` is not a precision; write a metric and a percentage, as in \"age_p99_us ± 5 %\"", .0.escape_debug())]
    Form(String),
    /// There is no such metric.
    #[error(transparent)]
    Metric(#[from] UnknownMetric),
    /// The share is out of bounds.
    #[error("`± {0} %` cannot be measured; ask for 0.1 % to 50 %")]
    Share(f64),
    /// The metric is a largest value.
    #[error(
        "`{0}` is the largest value of all repetitions, which has no interval; ask for a percentile, such as age_p999_us"
    )]
    Largest(Metric),
}

/// The shares that can be asked for, in percent.
const PERCENT: std::ops::RangeInclusive<f64> = 0.1..=50.0;

impl FromStr for Goal {
    type Err = GoalError;

    fn from_str(text: &str) -> Result<Self, GoalError> {
        let form = || GoalError::Form(text.to_owned());
        let (metric, percent) = text.split_once('±').or_else(|| text.split_once("+-")).ok_or_else(form)?;
        let percent = percent.trim().strip_suffix('%').ok_or_else(form)?;
        let percent: f64 = percent.trim().parse().map_err(|_| form())?;
        let metric: Metric = metric.trim().parse()?;
        if !PERCENT.contains(&percent) {
            return Err(GoalError::Share(percent));
        }
        // A bootstrap of the largest value says nothing about it (Bickel and Freedman, "Some asymptotic theory for the
        // bootstrap", 1981, section 6).
        if matches!(metric.row().pooling, Pooling::AgeMax | Pooling::Max) {
            return Err(GoalError::Largest(metric));
        }
        Ok(Self { metric, share: percent / 100.0 })
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ± {} %", self.metric, percent(self.share))
    }
}

/// Returns a share in percent, with at most three digits that count.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let digits = match percent {
        percent if percent >= 100.0 => 0,
        percent if percent >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{percent:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_read_in_each_spelling_and_reads_back() {
        let expected = Goal { metric: Metric::AgeP99, share: 0.05 };
        for text in ["age_p99_us ± 5 %", "age_p99_us ±5%", " age_p99_us+-5% ", "age_p99_us +- 5.0 %"] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        assert_eq!(expected.to_string(), "age_p99_us ± 5 %");
        assert_eq!("age_p50_us ± 0.25%".parse::<Goal>().unwrap().to_string(), "age_p50_us ± 0.25 %");
    }

    #[test]
    fn an_error_names_the_remedy() {
        let error = |text: &str| text.parse::<Goal>().unwrap_err().to_string();
        for text in ["age_p99_us", "age_p99_us ± 5", "± %", "age_p99_us ± five %", ""] {
            assert!(error(text).contains("as in \"age_p99_us ± 5 %\""), "{text}: {}", error(text));
        }
        assert_eq!(error("age_p95_us ± 5 %"), "no metric is called `age_p95_us`; the nearest is `age_p90_us`");
        for percent in ["0", "-1", "51", "1e999", "NaN"] {
            assert!(error(&format!("age_p50_us ± {percent} %")).ends_with("ask for 0.1 % to 50 %"), "{percent}");
        }
        assert!(error("age_max_us ± 5 %").ends_with("such as age_p999_us"), "{}", error("age_max_us ± 5 %"));
    }
}

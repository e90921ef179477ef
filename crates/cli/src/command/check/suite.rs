//! A check as a JUnit suite: one test case per case of the contract, and one per stale entry of the baseline.

use feedlab_check::outcome::{CaseResult, Report, Verdict};
use feedlab_check::report::Baseline;

use crate::junit::{Case, Outcome, Suite};

/// Returns the suite of a report.
pub(super) fn of(report: &Report, baseline: &Baseline, stale: &[String]) -> Suite {
    let stages = report.stages.iter().flat_map(|stage| {
        let class = format!("{}.stage {} {}", report.profile, stage.stage, stage.title);
        stage.cases.iter().map(move |case| self::case(&class, case, baseline))
    });
    let baseline = stale.iter().map(|entry| Case {
        class: format!("{}.baseline", report.profile),
        name: entry.clone(),
        time_us: 0,
        outcome: Outcome::Failed(entry.clone()),
    });
    let publisher = report.publisher.as_deref().unwrap_or("none");
    Suite {
        name: format!("feedlab check {}", report.url),
        timestamp: None,
        cases: stages.chain(baseline).collect(),
        output: vec![
            format!("profile: {} ({})", report.profile, report.profile_reason),
            format!("publisher: {publisher}"),
        ],
    }
}

fn case(class: &str, case: &CaseResult, baseline: &Baseline) -> Case {
    let outcome = match &case.verdict {
        Verdict::Passed => Outcome::Passed,
        Verdict::NotTried { reason } => Outcome::Skipped(reason.clone()),
        Verdict::Failed(failure) => {
            let why = format!(
                "expected {}; {}. Rule: {} ({}: {}). {}",
                failure.expected, failure.came, case.rule, case.source, case.url, case.fix
            );
            match (baseline.contains(&case.id), case.is_advice()) {
                (true, _) => Outcome::Skipped(format!("fails as expected: {why}")),
                (false, true) => Outcome::Skipped(format!("advice: {why}")),
                (false, false) => Outcome::Failed(why),
            }
        }
    };
    Case { class: class.to_owned(), name: case.id.clone(), time_us: case.took_ms.saturating_mul(1_000), outcome }
}

//! The report as a JUnit suite: a case for each finding.

use feedlab_check::inspect::{Finding, Mark, Report};

use crate::junit::{Case, Outcome, Suite, document};

/// Returns the document.
pub(super) fn report(report: &Report) -> String {
    let warnings =
        report.with(Mark::Warn).map(|finding| format!("warning: {}: {}", finding.id.name(), advice(finding)));
    document(&[Suite {
        name: report.url.clone(),
        timestamp: None,
        cases: report.findings.iter().map(case).collect(),
        output: warnings.collect(),
    }])
}

fn case(finding: &Finding) -> Case {
    let outcome = match finding.mark {
        // JUnit has no warnings; they are in the output.
        Mark::Good | Mark::Warn => Outcome::Passed,
        Mark::NotTested => Outcome::Skipped(advice(finding)),
        Mark::Bad => Outcome::Failed(advice(finding)),
    };
    Case { class: "inspect".to_owned(), name: finding.id.name().to_owned(), time_us: 0, outcome }
}

fn advice(finding: &Finding) -> String {
    std::iter::once(finding.evidence.as_str())
        .chain(finding.fix.iter().map(String::as_str))
        .collect::<Vec<_>>()
        .join("; ")
}

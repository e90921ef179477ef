//! The end of a report: how many cases passed, where to start, and what could not be tried.

use std::cmp::Reverse;

use feedlab_feed::text::visible;

use super::{Baseline, Color, Style, indented};
use crate::outcome::{CaseResult, Report, Verdict};

/// The most reasons why cases were not tried that are shown.
const MOST_REASONS: usize = 6;

/// The reason of all cases that need another one, which has its own line.
const REQUIRED: &str = "they need another case, which failed or was not tried";

/// Returns the summary of a report.
#[must_use]
pub fn summary(report: &Report, baseline: &Baseline, style: Style) -> String {
    let mut text = format!("\n{}\n", counts(report, baseline, style));
    if let Some(case) = start_with(report, baseline) {
        let start = style.paint(Color::Bold, &format!("start with: {}", visible(&case.id)));
        text += &format!("\n{start}\n{}", indented(&visible(&case.fix), "  "));
    }
    text + &not_tried(report)
}

/// The case to look at first: later ones may fail for the same reason.
fn start_with<'a>(report: &'a Report, baseline: &Baseline) -> Option<&'a CaseResult> {
    let advice = || report.cases().find(|case| case.is_advice() && !baseline.contains(&case.id));
    report.cases().find(|case| baseline.is_surprise(case)).or_else(advice)
}

fn counts(report: &Report, baseline: &Baseline, style: Style) -> String {
    let count = |is: &dyn Fn(&CaseResult) -> bool| report.cases().filter(|case| is(case)).count();
    let is_expected = |case: &CaseResult| baseline.contains(&case.id) && matches!(case.verdict, Verdict::Failed(_));
    let counts = [
        (count(&|case| matches!(case.verdict, Verdict::Passed)), "passed", Color::Green),
        (count(&|case| baseline.is_surprise(case)), "failed", Color::Red),
        (count(&|case| case.is_advice() && !is_expected(case)), "advice", Color::Yellow),
        (count(&is_expected), "failed as expected", Color::Yellow),
        (count(&|case| matches!(case.verdict, Verdict::NotTried { .. }) && case.is_chosen()), "not tried", Color::Dim),
    ];
    let shown = counts.into_iter().filter(|(count, name, _)| *count > 0 || matches!(*name, "passed" | "failed"));
    let parts: Vec<String> = shown.map(|(count, name, color)| part(count, name, color, style)).collect();
    let interrupted = if report.interrupted { "interrupted: " } else { "" };
    format!("{interrupted}{}", parts.join(", "))
}

fn part(count: usize, name: &str, color: Color, style: Style) -> String {
    let text = format!("{count} {name}");
    if count == 0 { text } else { style.paint(color, &text) }
}

/// The reasons why cases were not tried, each with the number of its cases.
fn not_tried(report: &Report) -> String {
    let reasons = reasons(report);
    if reasons.is_empty() {
        return String::new();
    }
    let mut text = "\nnot tried:\n".to_owned();
    for (reason, count) in reasons.iter().take(MOST_REASONS) {
        let cases = if *count == 1 { "case " } else { "cases" };
        let reason = indented(&visible(reason), &" ".repeat(13));
        text += &format!("  {count:>3} {cases}  {}", reason.trim_start());
    }
    let others: usize = reasons.iter().skip(MOST_REASONS).map(|(_, count)| count).sum();
    if others > 0 {
        text += &format!("  {others:>3} more for other reasons: --format json has each\n");
    }
    text
}

/// The reasons, the one with the most cases first. Last is the one that goes away with the failures themselves.
fn reasons(report: &Report) -> Vec<(&str, usize)> {
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    for case in report.cases().filter(|case| case.is_chosen()) {
        let Verdict::NotTried { reason } = &case.verdict else { continue };
        let reason = if is_about_another(reason) { REQUIRED } else { reason };
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => reasons.push((reason, 1)),
        }
    }
    reasons.sort_by_key(|(reason, count)| (*reason == REQUIRED, Reverse(*count)));
    reasons
}

/// Whether a case was not tried because of another that did not pass, as in `needs poll-cursor, which did not pass`.
fn is_about_another(reason: &str) -> bool {
    reason.starts_with("needs ") && reason.ends_with(", which did not pass")
}

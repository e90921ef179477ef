//! A check as text: lines while it runs, and a summary at its end. `feedlab check` prints them; nothing here does.

use feedlab_feed::text::visible;

use crate::contract::{Profile, Stage};
use crate::outcome::{CaseResult, Report, Verdict};
use crate::trace::columns::{padded, shortened, width, wrapped};

mod baseline;
mod bytes;
mod failure;
mod summary;

pub use baseline::{Baseline, BaselineError, Stale};
pub use failure::failure_text;
pub use summary::summary;

/// How many columns the text has.
pub const WIDTH: usize = 100;
/// The columns of a verdict.
const MARK: usize = "not tried".len();

/// How the text is laid out.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Whether verdicts are colored.
    pub colored: bool,
    /// The columns of a case's name.
    pub id: usize,
}

impl Style {
    /// Returns the style for the cases of these stages.
    #[must_use]
    pub fn of(stages: &[Stage], colored: bool) -> Self {
        let ids = stages.iter().flat_map(|stage| &stage.cases).map(|case| width(&case.id));
        Self { colored, id: ids.max().unwrap_or(0) }
    }

    fn paint(self, color: Color, text: &str) -> String {
        if self.colored { format!("\u{1b}[{}m{text}\u{1b}[0m", color as u8) } else { text.to_owned() }
    }
}

/// A color of a terminal (ECMA-48, section 8.3.117).
#[derive(Clone, Copy)]
enum Color {
    Bold = 1,
    Dim = 2,
    Red = 31,
    Green = 32,
    Yellow = 33,
}

impl Profile {
    /// What a server of this kind is, for people.
    fn kind(self) -> &'static str {
        match self {
            Self::Feedlab => "a feedlab server",
            Self::Sse => "an event stream",
            Self::Websocket => "a WebSocket",
            Self::Poll => "a poll",
        }
    }
}

/// Returns what is judged and how.
#[must_use]
pub fn heading(report: &Report) -> String {
    let Report { url, profile, profile_reason, publisher, .. } = report;
    let publishes = publisher.as_deref().map_or_else(
        || "publishes nothing: it only listens to what the server sends".to_owned(),
        |publisher| format!("publishes with {}", visible(publisher)),
    );
    let judged = format!("judged as {} (--profile {profile}): {}", profile.kind(), visible(profile_reason));
    format!("{}\n{}{}", visible(url), indented(&judged, "  "), indented(&publishes, "  "))
}

/// Returns the heading of a stage.
#[must_use]
pub fn stage_heading(stage: u8, title: &str, question: &str, style: Style) -> String {
    let title = style.paint(Color::Bold, &format!("Stage {stage}: {}", visible(title)));
    format!("\n{title}\n{}", indented(&visible(question), "  "))
}

/// Returns the line of a case. `is_expected` is for a failure that the baseline names.
#[must_use]
pub fn case_line(case: &CaseResult, is_expected: bool, style: Style) -> String {
    let (mark, color) = match &case.verdict {
        Verdict::Passed => ("pass", Color::Green),
        Verdict::NotTried { .. } => ("not tried", Color::Dim),
        Verdict::Failed(_) if is_expected => ("expected", Color::Yellow),
        Verdict::Failed(_) if case.is_advice() => ("advice", Color::Yellow),
        Verdict::Failed(_) => ("FAIL", Color::Red),
    };
    let mark = style.paint(color, &padded(mark, MARK));
    let rule = shortened(&visible(&case.rule), WIDTH.saturating_sub(2 + MARK + 2 + style.id + 2));
    let line = format!("  {mark}  {}  {rule}", padded(&visible(&case.id), style.id));
    line.trim_end().to_owned() + "\n"
}

/// Returns the whole report as text, as it is printed while a check runs.
#[must_use]
pub fn text(report: &Report, baseline: &Baseline, colored: bool) -> String {
    let id = report.cases().map(|case| width(&case.id)).max().unwrap_or(0);
    let style = Style { colored, id };
    let mut text = heading(report);
    for stage in report.stages.iter().filter(|stage| stage.cases.iter().any(CaseResult::is_chosen)) {
        text += &stage_heading(stage.stage, &stage.title, &stage.question, style);
        text.extend(stage.cases.iter().filter(|case| case.is_chosen()).map(|case| case_text(case, baseline, style)));
    }
    text + &summary(report, baseline, style)
}

/// Returns the line of a case, and what a failure shows unless it is expected.
#[must_use]
pub fn case_text(case: &CaseResult, baseline: &Baseline, style: Style) -> String {
    let is_expected = baseline.contains(&case.id);
    let failure = match &case.verdict {
        Verdict::Failed(failure) if !is_expected => failure_text(case, failure, style),
        _ => String::new(),
    };
    case_line(case, is_expected, style) + &failure
}

/// Returns the stages and their cases, with the rules and where they are written.
#[must_use]
pub fn list(stages: &[Stage], colored: bool) -> String {
    let style = Style::of(stages, colored);
    let mut text = String::new();
    for Stage { stage, title, question, cases } in stages {
        let gap = if text.is_empty() { 1 } else { 0 };
        text += &stage_heading(*stage, title, question, style)[gap..];
        for case in cases {
            let profiles = case.profiles.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            text += &field(&padded(&case.id, style.id), &case.rule);
            text += &field(&" ".repeat(style.id), &format!("{} ({profiles})", case.source));
            text += &field(&" ".repeat(style.id), &case.url);
        }
    }
    text
}

/// Returns a text with its name on the left, wrapped.
fn field(name: &str, text: &str) -> String {
    let indent = " ".repeat(width(name) + 4);
    let text = indented(&visible(text), &indent);
    format!("  {name}  {}", text.trim_start())
}

/// Wraps and indents a text.
fn indented(text: &str, indent: &str) -> String {
    wrapped(text, WIDTH - indent.len()).iter().map(|line| format!("{indent}{line}\n")).collect()
}

#[cfg(test)]
mod tests;

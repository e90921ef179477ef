//! What a failure shows: what was expected, what came, the diagram, the bytes, the rule and the remedy.

use feedlab_feed::text::visible;

use super::{Color, Style, WIDTH, bytes, field};
use crate::outcome::{CaseResult, Failure};

/// The columns before a line of a diagram or of bytes.
const INDENT: &str = "    ";
/// The columns of the names.
const NAME: usize = "expected".len();

/// Returns the text below the line of a case that failed.
#[must_use]
pub fn failure_text(case: &CaseResult, failure: &Failure, style: Style) -> String {
    let Failure { expected, came, trace, .. } = failure;
    let mut text = format!("\n{}{}", named("expected", expected), named("came", came));
    if !trace.entries.is_empty() {
        text += &format!("\n{}", shifted(&trace.diagram(WIDTH - INDENT.len())));
    }
    if let Some((entry, received)) = trace.last_received() {
        let on = entry.exchange.map_or_else(String::new, |exchange| format!(" on {}", trace.name(exchange)));
        let at = entry.at_us as f64 / 1e3;
        let title = format!("last received{on}, at {at:.1} ms:", on = visible(&on));
        text += &format!("\n  {}\n{}", style.paint(Color::Dim, &title), shifted(&bytes::around(received, came)));
    }
    let source = format!("{}: {}", case.source, case.url);
    text += &format!("\n{}{}{}\n", named("rule", &case.rule), named("", &source), named("fix", &case.fix));
    text
}

fn named(name: &str, text: &str) -> String {
    field(&format!("{name:<NAME$}"), text)
}

fn shifted(lines: &str) -> String {
    lines.lines().map(|line| format!("{INDENT}{line}").trim_end().to_owned() + "\n").collect()
}

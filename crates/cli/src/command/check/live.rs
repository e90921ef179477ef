//! Prints verdicts as they come.

use std::time::Duration;

use feedlab_check::outcome::{CaseResult, Progress, Report};
use feedlab_check::report::{self, Baseline, Style};
use feedlab_feed::text::visible;
use tokio_util::sync::CancellationToken;

use crate::output;

/// The observer of a check.
pub(super) struct Live<'a> {
    is_text: bool,
    baseline: &'a Baseline,
    style: Style,
    stop: CancellationToken,
    /// Whether the last text ended with an empty line, so that the next needs none before it.
    after_blank: bool,
    /// The error that ends the command.
    error: Option<anyhow::Error>,
}

impl<'a> Live<'a> {
    /// Prints the verdicts if the format is text; for other formats, only what is waited for.
    pub(super) fn new(is_text: bool, baseline: &'a Baseline, style: Style, stop: CancellationToken) -> Self {
        Self { is_text, baseline, style, stop, after_blank: false, error: None }
    }

    /// Returns the error that ended it, if there was one.
    pub(super) fn end(self) -> anyhow::Result<()> {
        self.error.map_or(Ok(()), Err)
    }

    fn print(&mut self, text: &str) {
        if !self.is_text || self.error.is_some() {
            return;
        }
        let text = if self.after_blank { text.trim_start_matches('\n') } else { text };
        self.after_blank = text.ends_with("\n\n");
        if let Err(error) = output::data(text) {
            self.error = Some(error);
            self.stop.cancel();
        }
    }
}

impl Progress for Live<'_> {
    fn begins(&mut self, report: &Report) {
        self.print(&report::heading(report));
    }

    fn stage(&mut self, stage: u8, title: &str, question: &str, _cases: usize) {
        self.print(&report::stage_heading(stage, title, question, self.style));
    }

    fn case(&mut self, result: &CaseResult) {
        self.print(&report::case_text(result, self.baseline, self.style));
    }

    fn waiting(&mut self, what: &str, at_most: Duration) {
        output::advice(&format!("{}; this takes up to {:.0} s", visible(what), at_most.as_secs_f64().ceil()));
    }
}

//! The end of a run: the summary, the report, and the printed result.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use feedlab_experiment::record::SCHEMA;
use feedlab_experiment::results::Results;
use feedlab_experiment::summary::Summary;
use feedlab_experiment::threshold::{self, Check};
use feedlab_experiment::verdict::{Status, Verdict};
use feedlab_experiment::{hlog, statistics};
use feedlab_experiment::{precision, predict};

use super::FailOn;
use super::series::{End, Series};
use super::table;
use crate::exit::Exit;
use crate::output::{self, Format};

/// How to print the result of a run.
#[derive(Clone, Copy, Debug)]
pub(in crate::command) struct PrintOptions {
    pub(in crate::command) format: Format,
    /// Whether there are several runs, whose summaries are then printed one per line.
    pub(in crate::command) is_one_of_many: bool,
    pub(in crate::command) fail_on: FailOn,
}

/// Finishes the folder and prints the result. A run without a finished cell leaves no folder.
pub(in crate::command) fn close(series: Series<'_>, end: End, options: PrintOptions) -> anyhow::Result<Exit> {
    let (measured, planned) = (series.records.len(), series.plan.len());
    if measured == 0 {
        return nothing_kept(series, end);
    }
    let partial = series.folder.path().to_owned();
    let finished = finish(series);
    match (finished, end) {
        (Ok(result), End::Complete) => result.print(options),
        (Ok(result), End::Interrupted) => {
            let rest = result.how_to_finish();
            result.print(options)?;
            rest.iter().for_each(|rest| output::advice(rest));
            Ok(Exit::Interrupted)
        }
        (Ok(result), End::Failed(error)) => {
            let rest = result.how_to_finish();
            result.print(options)?;
            rest.iter().for_each(|rest| output::advice(rest));
            Err(error.context(format!("the run stopped after {measured} of {planned} cells")))
        }
        // If both failed, report the first error: a disk that was full for a cell is also full for the summary.
        (Err(_), End::Failed(error)) | (Err(error), _) => {
            Err(error.context(format!("cannot finish the run; its measurements are in {}", partial.display())))
        }
    }
}

fn nothing_kept(series: Series<'_>, end: End) -> anyhow::Result<Exit> {
    series.folder.discard()?;
    match end {
        End::Failed(error) => Err(error),
        End::Interrupted | End::Complete => {
            output::advice("interrupted before the first cell was done; nothing was kept");
            Ok(Exit::Interrupted)
        }
    }
}

/// The result of a run.
#[derive(Debug)]
struct RunResult {
    summary: Summary,
    misses: Vec<Check>,
    folder: PathBuf,
    /// Whether a single process can measure the rest.
    can_resume: bool,
    /// The path of the page and its headline. The figures are kept even if the page cannot be drawn.
    report: anyhow::Result<(PathBuf, String)>,
}

/// Writes the remaining files, draws the report, and gives the folder its final name.
fn finish(series: Series<'_>) -> anyhow::Result<RunResult> {
    let manifest = series.manifest();
    let (scenario, folder, precision) = (series.scenario, series.folder, series.precision);
    let mut contenders = statistics::pool(scenario, &series.records, |cell| hlog::read(&folder.hlog_path(&cell.cell)))?;
    predict::fill_measured(scenario, &series.records, &mut contenders);
    precision.iter().for_each(|outcome| outcome.put_into(&mut contenders));
    let misses = threshold::misses(scenario, &contenders);
    let (run, verdict) = (manifest.run.clone(), manifest.verdict.clone());
    let summary = Summary { schema: SCHEMA, run, verdict, contenders, precision };
    folder.write_summary(&summary)?;
    folder.write_manifest(&manifest)?;
    let headline = draw(folder.path());
    let folder = folder.finish()?;
    let report = headline.map(|headline| (folder.join("report.html"), headline));
    Ok(RunResult { summary, misses, folder, can_resume: manifest.agents.is_empty(), report })
}

pub(in crate::command) fn draw(folder: &Path) -> anyhow::Result<String> {
    let results = Results::read(folder)?;
    let report = feedlab_report::render(&results)?;
    report.write(folder)?;
    Ok(report.headline)
}

impl RunResult {
    /// Prints the result and returns the exit status.
    fn print(self, options: PrintOptions) -> anyhow::Result<Exit> {
        let exit = self.exit(options.fail_on);
        match options.format {
            Format::Text => {
                output::data(&format!("\n{}\n\n{}", table::text(&self.summary), self.closing_words()))?;
            }
            Format::Json => {
                match options.is_one_of_many {
                    true => output::json_line(&self.summary)?,
                    false => output::json_pretty(&self.summary)?,
                }
                output::advice(self.closing_words().trim_end());
            }
        }
        let kept = self.folder.display();
        let lost = format!("the figures are in {kept}, but drawing the report failed (try `feedlab report {kept}`)");
        self.report.map(|_| exit).context(lost)
    }

    /// Returns how to measure the cells that are missing.
    fn how_to_finish(&self) -> Option<String> {
        let command = format!("to measure the missing cells: feedlab run --resume {}", self.folder.display());
        self.can_resume.then_some(command)
    }

    fn exit(&self, fail_on: FailOn) -> Exit {
        match self.summary.verdict.status {
            Status::Invalid => Exit::Invalid,
            Status::Suspect if fail_on == FailOn::Suspect => Exit::Invalid,
            _ if self.misses.is_empty() => Exit::Done,
            _ => Exit::ThresholdMissed,
        }
    }

    fn closing_words(&self) -> String {
        let mut text = String::new();
        if let Ok((_, headline)) = &self.report {
            let _ = writeln!(text, "{headline}\n");
        }
        for line in precision::lines(&self.summary.precision) {
            let _ = writeln!(text, "precision: {line}");
        }
        text += &verdict(&self.summary.verdict);
        let is_invalid = self.summary.verdict.status == Status::Invalid;
        let outcome = if is_invalid { "threshold not judged" } else { "threshold missed" };
        for miss in &self.misses {
            let _ = writeln!(text, "{outcome}: {miss}");
        }
        if let Ok((page, _)) = &self.report {
            let _ = writeln!(text, "report: {}", page.display());
        }
        text
    }
}

pub(in crate::command) fn verdict(verdict: &Verdict) -> String {
    let mut text = format!("verdict: {}\n", verdict.status);
    for reason in &verdict.reasons {
        let _ = writeln!(text, "  {}: {}", reason.what, reason.advice);
    }
    text
}

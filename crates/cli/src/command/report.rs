//! `feedlab report`: redraws the page and the charts of a results folder, optionally with the predictions of a class;
//! shows two runs side by side; or prints a summary.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::ValueEnum;
use feedlab_experiment::class::{MAX_FILE_BYTES, Questions, Vote};
use feedlab_experiment::compare::CompareError;
use feedlab_experiment::results::Results;
use feedlab_report::ReportError;

use crate::exit::{Exit, bad_input};
use crate::output;
use feedlab_feed::bounded;

/// Redraw the report of a results folder, or show two runs side by side
///
/// Writes report.html and charts/*.svg from the figures in the folder, and prints the path of each page. The figures do
/// not change. For an interrupted run, whose folder ends in .partial, it shows the cells that are done.
///
/// With two folders, A and B, it writes one page about both instead, into B's folder: how the conditions differ, the charts
/// of both on the same axes, and every figure with its difference and the interval of that. Both must be runs of one
/// scenario. Three or more folders are redrawn one by one.
///
/// With --format markdown, it writes nothing and prints a summary for a pull request, of one run or of two: the answer, the
/// table, what limits it, the conditions, and the command to repeat it.
///
/// With --votes, the page also shows what a class predicted: each question that the run answers, with the votes before
/// and after the measurement next to the computed prediction and the result. If a file is invalid, nothing is written.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  feedlab report results/20261121T120030Z-quick
  feedlab report results/20261121T120030Z-how-old --votes feedlab-class.ndjson
  feedlab report results/20261121T120030Z-ticker results/20261122T093011Z-ticker
  feedlab report results/20261121T120030Z-quick --format markdown | gh pr comment 7 --body-file -

Exit status:
    0  every page was written
    1  something failed
    2  wrong usage, no results folder, runs of different scenarios, or invalid votes or questions

Next:
  feedlab compare A B    print what changed, and fail if B is worse")]
pub(crate) struct Args {
    /// Results folders: one to redraw, or two to show side by side
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,

    /// What to make: pages, or a summary on standard output
    #[arg(long, value_enum, default_value_t = Form::Html, conflicts_with = "votes")]
    format: Form,

    /// Show what a class predicted, from the file of `feedlab workshop` (one vote per line, as JSON)
    #[arg(long, value_name = "FILE")]
    votes: Option<PathBuf>,

    /// The questions that the class answered [default: the workshop's questions, docs/workshop/questions.toml]
    #[arg(long, value_name = "FILE", requires = "votes")]
    questions: Option<PathBuf>,
}

/// What is made of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// The page and the charts, into the folder.
    Html,
    /// A summary for a pull request, on standard output.
    Markdown,
}

/// Shows two folders side by side, or renders every folder; stops at the first that cannot be read.
pub(crate) fn execute(args: &Args) -> anyhow::Result<Exit> {
    match (args.runs.as_slice(), args.format) {
        ([a, b], form) if args.votes.is_none() => pair(a, b, form)?,
        (_, Form::Html) => pages(args)?,
        (runs, Form::Markdown) => {
            for run in runs {
                output::data(&feedlab_report::summary(&read(run)?)?)?;
            }
        }
    }
    Ok(Exit::Done)
}

/// Shows two runs side by side.
fn pair(a: &Path, b: &Path, form: Form) -> anyhow::Result<()> {
    let (a, b) = (read(a)?, read(b)?);
    match form {
        Form::Html => {
            let page = feedlab_report::render_pair(&a, &b).map_err(refused)?;
            output::data(&format!("{}\n", page.write()?.display()))
        }
        Form::Markdown => output::data(&feedlab_report::pair_summary(&a, &b).map_err(refused)?),
    }
}

/// Two runs that cannot be compared are bad input. Of many differences, the first say enough.
fn refused(error: ReportError) -> anyhow::Error {
    const MOST: usize = 5;
    match error {
        ReportError::Compare(CompareError::DifferentScenarios { a, b, mut differences }) => {
            let more = differences.len().saturating_sub(MOST);
            differences.truncate(MOST);
            differences.extend((more > 0).then(|| format!("and {more} more")));
            bad_input(CompareError::DifferentScenarios { a, b, differences })
        }
        ReportError::Compare(error) => bad_input(error),
        error => error.into(),
    }
}

/// Redraws every folder. Reads the class's files before it writes any page.
fn pages(args: &Args) -> anyhow::Result<()> {
    let class = args.votes.as_deref().map(|votes| class(votes, args.questions.as_deref())).transpose()?;
    for folder in &args.runs {
        let results = read(folder)?;
        let report = match &class {
            Some((questions, votes)) => feedlab_report::render_with_votes(&results, questions, votes)?,
            None => feedlab_report::render(&results)?,
        };
        output::data(&format!("{}\n", report.write(folder)?.display()))?;
    }
    Ok(())
}

/// Reads a folder, and says if its run was interrupted.
fn read(folder: &Path) -> anyhow::Result<Results> {
    let results = Results::read_partial(folder).map_err(bad_input)?;
    if !results.is_whole() {
        let (measured, planned) = (results.cells.len(), results.manifest.cells_planned);
        output::advice(&format!("{}: partial; {measured} of {planned} cells were measured", folder.display()));
    }
    Ok(results)
}

/// Returns the questions of a class and its votes.
fn class(votes: &Path, questions: Option<&Path>) -> anyhow::Result<(Questions, Vec<Vote>)> {
    let questions = match questions {
        Some(file) => Questions::parse(&text(file)?).map_err(bad_input).with_context(|| file.display().to_string())?,
        None => feedlab_workshop::chapter::questions().map_err(anyhow::Error::msg)?,
    };
    let said = text(votes)?;
    let votes = questions.votes(&said).map_err(bad_input).with_context(|| votes.display().to_string())?;
    Ok((questions, votes))
}

/// Returns a file's text, if it is not larger than a class's file can be.
fn text(file: &Path) -> anyhow::Result<String> {
    bounded::read_text(file, MAX_FILE_BYTES)
        .map_err(bad_input)
        .with_context(|| format!("cannot read {}; give an existing, readable text file of one class", file.display()))
}

//! `feedlab report`: draws the page and the charts of a results folder again, with what a class expected if it is asked to.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use feedlab_experiment::class::{MAX_FILE_BYTES, Questions, Vote};
use feedlab_experiment::results::Results;

use crate::exit::{Exit, bad_input};
use crate::output;
use feedlab_feed::bounded;

/// Draw the report of results folders again
///
/// Writes report.html and charts/*.svg from the figures in the folder and prints the path of each page. The figures
/// themselves are not touched. Of a run that was cut off, whose folder ends in .partial, it shows the cells that are done.
///
/// With --votes the page also shows what a class expected: each question that the run answers, with the votes before and
/// after beside what was predicted and what was measured. A file that cannot be understood changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  feedlab report results/20261121T120030Z-quick
  feedlab report results/20261121T120030Z-how-old --votes feedlab-class.ndjson

Exit status:
    0  every page was written
    1  something failed
    2  wrong usage, a folder that is no results folder, or a file of votes or questions that cannot be understood")]
pub(crate) struct Args {
    /// The folders
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,

    /// Show what a class expected: the file that `feedlab workshop` keeps, a vote in JSON a line
    #[arg(long, value_name = "FILE")]
    votes: Option<PathBuf>,

    /// What the class was asked [default: the workshop's questions, docs/workshop/questions.toml]
    #[arg(long, value_name = "FILE", requires = "votes")]
    questions: Option<PathBuf>,
}

/// Renders every folder; stops at the first that cannot be read. The class's files are read before any page is written.
pub(crate) fn execute(args: &Args) -> anyhow::Result<Exit> {
    let class = args.votes.as_deref().map(|votes| class(votes, args.questions.as_deref())).transpose()?;
    for folder in &args.runs {
        let results = Results::read_whatever_is_there(folder).map_err(bad_input)?;
        if !results.is_whole() {
            let (measured, planned) = (results.cells.len(), results.manifest.cells_planned);
            output::advice(&format!("{}: partial, {measured} of {planned} cells were measured", folder.display()));
        }
        let report = match &class {
            Some((questions, votes)) => feedlab_report::render_with_votes(&results, questions, votes)?,
            None => feedlab_report::render(&results)?,
        };
        output::data(&format!("{}\n", report.write(folder)?.display()))?;
    }
    Ok(Exit::Done)
}

/// What the class was asked and what it said.
fn class(votes: &Path, questions: Option<&Path>) -> anyhow::Result<(Questions, Vec<Vote>)> {
    let questions = match questions {
        Some(file) => Questions::parse(&text(file)?).map_err(bad_input).with_context(|| file.display().to_string())?,
        None => feedlab_workshop::chapter::questions().map_err(anyhow::Error::msg)?,
    };
    let said = text(votes)?;
    let votes = questions.votes(&said).map_err(bad_input).with_context(|| votes.display().to_string())?;
    Ok((questions, votes))
}

/// A file's text, as long as it is one that a class can have written.
fn text(file: &Path) -> anyhow::Result<String> {
    bounded::read_text(file, MAX_FILE_BYTES).map_err(bad_input).with_context(|| {
        format!("cannot read {}; give a file of one class, of text that is there and may be read", file.display())
    })
}

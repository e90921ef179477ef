//! `feedlab merge`: merges several runs of one scenario into one with all their repetitions, or the segments of one
//! run.

mod segments;

use std::path::PathBuf;

use anyhow::Context as _;
use feedlab_experiment::merge::{self, MergeError};
use feedlab_experiment::results::Results;
use feedlab_feed::clock;

use super::run::closing;
use crate::exit::{Exit, bad_input};
use crate::output;
use crate::segments::Folder;

/// Merge runs of one scenario into one with more repetitions, or the segments of one run, without loss
///
/// Creates a new results folder. Its cells, seconds and histograms are those of the runs, byte for byte except for the
/// number of the repetition. The figures are pooled and judged again, and the report is drawn. The runs themselves do
/// not change. Their seeds may differ: the intervals then cover different schedules, too. If the runs are of different
/// machines or versions, the verdict is suspect. For a run that was measured in segments (`feedlab run --segment`),
/// give all of them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  feedlab merge results/20261121T120030Z-ticker results/20261121T130012Z-ticker
  feedlab merge results/*-ticker --out merged
  feedlab merge results/20261121T120030Z-ticker.segment-*

Exit status:
    0  merged
    1  something failed, and no folder is left
    2  wrong usage, folders that are not results, runs of different scenarios, or a run given twice
    3  segments: a threshold was missed
    4  segments: the measurement is invalid

Next:
  open the report.html whose path it prints
  feedlab compare RUN RUN    show what changed from one merged run to another")]
pub(crate) struct Args {
    /// Two or more folders; merged runs take the name, question and thresholds of the first
    #[arg(required = true, num_args = 2.., value_name = "RUN")]
    runs: Vec<PathBuf>,

    /// Folder to create the new results folder in
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,
}

/// Merges, draws the report and prints its path.
pub(crate) fn execute(args: &Args) -> anyhow::Result<Exit> {
    let segments: Vec<_> = args.runs.iter().filter_map(|folder| Folder::open(folder)).collect();
    if segments.len() == args.runs.len() {
        return segments::merge(segments, &args.out);
    }
    if let Some(segment) = segments.first() {
        let mixed =
            anyhow::anyhow!("{} is a segment of a run, but not all of the others are", segment.path().display());
        return Err(bad_input(mixed));
    }
    let read = args.runs.iter().map(|folder| Results::read(folder)).collect::<Result<Vec<_>, _>>();
    let runs = read.map_err(bad_input)?;
    let (first, others) = runs.split_first().context("give two runs")?;
    let folder = merge::merge(first, others, &args.out, clock::wall()).map_err(classify)?;
    let drawn = closing::draw(folder.path());
    let folder = folder.finish()?;
    let headline =
        drawn.with_context(|| format!("the figures are in {}, but drawing the report failed", folder.display()))?;
    let verdict = Results::read(&folder)?.manifest.verdict;
    output::data(&format!(
        "{headline}\n\n{}report: {}\n",
        closing::verdict(&verdict),
        folder.join("report.html").display()
    ))?;
    Ok(Exit::Done)
}

/// Returns bad input for what could not be read, and a failure for what could not be written.
fn classify(error: MergeError) -> anyhow::Error {
    use feedlab_experiment::results::ResultsError::{Full, Write};
    match error {
        MergeError::Results(error @ (Full { .. } | Write { .. })) => error.into(),
        error => bad_input(error),
    }
}

//! `feedlab merge`: several runs of one scenario as one, with all their repetitions; or the segments of one run as that run.

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
/// Makes a new results folder: cells, seconds and histograms are those of the runs, byte for byte but for the number of
/// the repetition; what was pooled and judged is pooled and judged again, and the report is drawn. The runs themselves
/// are not touched. Their seeds may differ: then the intervals cover other schedules too. Runs of different machines or
/// versions are merged, and the verdict is suspect. Of a run that was measured in segments (`feedlab run --segment`) all
/// are given, and become the run that they are.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  feedlab merge results/20261121T120030Z-ticker results/20261121T130012Z-ticker
  feedlab merge results/*-ticker --out merged
  feedlab merge results/20261121T120030Z-ticker.segment-*

Exit status:
    0  merged
    1  something failed, and no folder is left
    2  wrong usage, folders that are no results, runs of different scenarios, or a run given twice
    3  segments: a threshold was missed
    4  segments: the measurement is invalid

Next:
  open the report.html that it names
  feedlab compare RUN RUN    what changed from one merged run to another")]
pub(crate) struct Args {
    /// The folders, two or more; of runs, name, question and thresholds are those of the first
    #[arg(required = true, num_args = 2.., value_name = "RUN")]
    runs: Vec<PathBuf>,

    /// Folder in which the new results folder is made
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
            anyhow::anyhow!("{} is a segment of a run, and not all of the others are", segment.path().display());
        return Err(bad_input(mixed));
    }
    let read = args.runs.iter().map(|folder| Results::read(folder)).collect::<Result<Vec<_>, _>>();
    let runs = read.map_err(bad_input)?;
    let (first, others) = runs.split_first().context("give two runs")?;
    let folder = merge::merge(first, others, &args.out, clock::wall()).map_err(whose_fault)?;
    let drawn = closing::draw(folder.path());
    let folder = folder.finish()?;
    let headline = drawn.with_context(|| format!("the figures are in {}, but not the report", folder.display()))?;
    let verdict = Results::read(&folder)?.manifest.verdict;
    output::data(&format!(
        "{headline}\n\n{}report: {}\n",
        closing::verdict(&verdict),
        folder.join("report.html").display()
    ))?;
    Ok(Exit::Done)
}

/// What was read is the user's; what could not be written is not.
fn whose_fault(error: MergeError) -> anyhow::Error {
    use feedlab_experiment::results::ResultsError::{Full, Write};
    match error {
        MergeError::Results(error @ (Full { .. } | Write { .. })) => error.into(),
        error => bad_input(error),
    }
}

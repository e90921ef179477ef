//! `feedlab report`: draws the page and the charts of a results folder again.

use std::path::PathBuf;

use feedlab_experiment::results::Results;

use crate::exit::{Exit, bad_input};
use crate::output;

/// Draw the report of results folders again
///
/// Writes report.html and charts/*.svg from the figures in the folder and prints the path of each page. The figures
/// themselves are not touched.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  feedlab report results/20261121T120030Z-quick")]
pub(crate) struct Args {
    /// The folders
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
}

/// Renders every folder; stops at the first that cannot be read.
pub(crate) fn execute(args: &Args) -> anyhow::Result<Exit> {
    for folder in &args.runs {
        let results = Results::read(folder).map_err(bad_input)?;
        let page = feedlab_report::render(&results)?.write(folder)?;
        output::data(&format!("{}\n", page.display()))?;
    }
    Ok(Exit::Done)
}

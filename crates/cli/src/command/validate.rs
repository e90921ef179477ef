//! `feedlab validate`: reads scenario files and measures nothing.

use std::path::{Path, PathBuf};

use feedlab_experiment::{Scenario, plan};

use super::run::needs::for_people;
use crate::exit::{Exit, bad_input, describe};
use crate::output;

/// Check scenario files without running them
///
/// Says of each file how many cells it has and how long a run takes, or what is wrong with it: the line, the column
/// and the remedy. The exit status is 2 if any file is wrong.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  feedlab validate scenarios/*.toml
  every key of a scenario file, with its meaning:   feedlab schema")]
pub(crate) struct Args {
    /// The files
    #[arg(required = true, value_name = "SCENARIO")]
    scenarios: Vec<PathBuf>,
}

/// Checks every file, also after a wrong one.
pub(crate) fn execute(args: &Args) -> anyhow::Result<Exit> {
    let mut exit = Exit::Done;
    for file in &args.scenarios {
        match Scenario::load(file) {
            Ok(scenario) => output::data(&ok_line(file, &scenario))?,
            Err(error) => {
                output::advice(&describe(&bad_input(error)));
                exit = Exit::BadInput;
            }
        }
    }
    Ok(exit)
}

fn ok_line(file: &Path, scenario: &Scenario) -> String {
    let cells = plan::cells(scenario).len();
    let plural = if cells == 1 { "" } else { "s" };
    let takes = for_people(plan::duration(scenario));
    format!("{}: ok, {cells} cell{plural}, about {takes}\n", file.display())
}

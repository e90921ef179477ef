//! `feedlab validate`: checks scenario files without measuring anything.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use feedlab_experiment::scenario::{ChangeError, ScenarioError};
use feedlab_experiment::{Scenario, plan};

use super::changes::{ChangeArgs, Changed};
use super::run::needs::{self, for_people};
use super::run::precise;
use crate::exit::{Exit, bad_input, describe};
use crate::output;

/// Check scenario files without running them
///
/// Prints for each file how many cells it has and how long a run takes, or what is wrong with it: the line, the column
/// and the remedy. Like `run`, it rejects a scenario that needs more descriptors than this shell allows. It warns about
/// a threshold on a percentile that will have too few samples, and about a load that the load generator cannot drive on
/// this machine (`feedlab doctor --calibrate`). The exit status is 2 if any file is wrong.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  feedlab validate scenarios/*.toml
  feedlab validate scenarios/quick.toml --set clients.count=1000 --repetitions 5
  feedlab schema    every key of a scenario file, with its meaning")]
pub(crate) struct Args {
    /// Scenario files
    #[arg(required = true, value_name = "SCENARIO")]
    scenarios: Vec<PathBuf>,

    #[command(flatten)]
    changes: ChangeArgs,
}

/// Checks every file, even after a wrong one.
pub(crate) fn execute(args: &Args) -> anyhow::Result<Exit> {
    let mut exit = Exit::Done;
    let mut good = Vec::new();
    for file in &args.scenarios {
        let error = match check(file, &args.changes) {
            Ok((line, scenario)) => {
                output::data(&line)?;
                good.push(scenario);
                continue;
            }
            Err(error) => error,
        };
        match error.downcast_ref::<ScenarioError>() {
            Some(error) => error.each().iter().for_each(|one| output::advice(&format!("error: {one}"))),
            None => output::advice(&describe(&error)),
        }
        exit = Exit::BadInput;
    }
    needs::warn_of_load(good.iter());
    Ok(exit)
}

/// Describes a run of the file and returns its scenario, or returns the error that `run` would return.
fn check(file: &Path, changes: &ChangeArgs) -> anyhow::Result<(String, Scenario)> {
    let Changed { scenario, .. } = match changes.read(file) {
        Ok(changed) => changed,
        Err(ChangeError::Scenario(error)) => return Err(error.into()),
        Err(error) => return Err(anyhow::Error::new(error).context(file.display().to_string())),
    };
    needs::check_descriptors(std::iter::once(&scenario), 1)
        .with_context(|| file.display().to_string())
        .map_err(bad_input)?;
    needs::warn_of_few_samples(&scenario);
    Ok((ok_line(file, &scenario), scenario))
}

fn ok_line(file: &Path, scenario: &Scenario) -> String {
    let cells = plan::cells(scenario).len();
    let plural = if cells == 1 { "" } else { "s" };
    let takes = for_people(plan::duration(scenario));
    let plan = match &scenario.precision {
        None => format!("{cells} cell{plural}, about {takes}"),
        Some(precision) => precise::plan_line(precision, &format!("{cells} cell{plural}"), &takes),
    };
    format!("{}: ok, {plan}{}\n", file.display(), targets(scenario))
}

/// Names the servers of others that a run starts or needs.
fn targets(scenario: &Scenario) -> String {
    let names: Vec<&str> = scenario.targets.iter().map(|target| target.name.as_str()).collect();
    match names.len() {
        0 => String::new(),
        1 => format!(", with the target {}", names[0]),
        _ => format!(", with the targets {}", names.join(", ")),
    }
}

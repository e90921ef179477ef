//! `feedlab workshop`: the chapters, the class and the live page on one address; and the coding exercises.

use crate::command::limits;
use crate::exit::Exit;

mod exercise;
mod serve;

const EXAMPLES: &str = "\
Examples:
  feedlab workshop
  feedlab workshop --class tuesday.ndjson
  feedlab workshop --listen 0.0.0.0:8080    let others of this network take part
  feedlab workshop next                     begin the next coding exercise
  feedlab workshop check                    test what you wrote

Exit status:
  0  served until it was told to stop, or the exercise passes
  1  something failed, or the exercise does not pass yet
  2  wrong usage, or a file of votes that cannot be read

Next:
  open /workshop at the address that it prints; /workshop/class is for the projector";

/// Teach and learn: chapters, predictions, measurements and the live page on one address
///
/// Each chapter asks for a prediction, measures, and shows both beside what the arithmetic says. What the class answers
/// before and after goes into a file, a line of JSON each; `feedlab report RUN --votes FILE` puts it into a run's report.
/// Nothing is asked of any other machine.
///
/// A whole class can take part: with --listen 0.0.0.0:8080 others open http://ADDRESS-OF-THIS-MACHINE:8080/workshop. Whoever
/// reaches that address can then vote and start the chapters' measurements. The lab of the live page (distance,
/// faults) stays with the browsers of this machine; for others the page says so.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_help_heading = "Exercises",
    after_help = EXAMPLES,
    after_long_help = limits::of_a_workshop(EXAMPLES)
)]
pub(crate) struct Args {
    #[command(subcommand)]
    step: Option<exercise::Step>,

    #[command(flatten)]
    serve: serve::ServeArgs,
}

/// Serves, or does a step of the exercises.
pub(crate) fn execute(args: Args) -> anyhow::Result<Exit> {
    match args.step {
        Some(step) => exercise::execute(&step),
        None => serve::execute(args.serve),
    }
}

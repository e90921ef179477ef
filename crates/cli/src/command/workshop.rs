//! `feedlab workshop`: the coding exercises.

use crate::exit::Exit;

mod exercise;

/// Learn it: the coding exercises
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    step: exercise::Step,
}

/// Does a step of the exercises.
pub(crate) fn execute(args: &Args) -> anyhow::Result<Exit> {
    exercise::execute(&args.step)
}

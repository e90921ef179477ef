//! The one binary, `feedlab`: reads the command line, runs the subcommand, and says by its exit status how it went.

mod agents;
mod build;
mod command;
mod exit;
mod input;
mod interrupt;
mod junit;
mod log;
mod output;
mod segments;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match command::CommandLine::try_parse() {
        Ok(line) => exit::report(line.command.execute()).into(),
        Err(usage) => exit::usage(&usage).into(),
    }
}

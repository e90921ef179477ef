//! The binary, `feedlab`: parses the command line, runs the subcommand, and returns its exit status.

mod agents;
mod build;
mod calibration;
mod command;
mod exit;
mod input;
mod interrupt;
mod junit;
mod log;
#[cfg(target_os = "linux")]
mod network;
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

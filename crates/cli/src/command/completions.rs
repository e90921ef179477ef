//! `feedlab completions`: what a shell needs to complete feedlab's command lines.

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

use super::CommandLine;
use crate::exit::Exit;
use crate::output;

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  feedlab completions bash > ~/.local/share/bash-completion/completions/feedlab
  feedlab completions zsh  > ~/.zfunc/_feedlab
  feedlab completions fish > ~/.config/fish/completions/feedlab.fish")]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

/// Prints the script.
pub(crate) fn execute(args: &Args) -> anyhow::Result<Exit> {
    // A command's name lives as long as the program, of which this is the last thing.
    let command: &'static Command = Box::leak(Box::new(CommandLine::command()));
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut shown(command), "feedlab", &mut script);
    output::data(&String::from_utf8(script)?)?;
    Ok(Exit::Done)
}

/// A command with what its help page shows. The flags that it hides, with which one process of feedlab starts another, are none
/// of a completion's business either; clap's generators name them.
fn shown(command: &'static Command) -> Command {
    let arguments = command.get_arguments().filter(|argument| !argument.is_hide_set()).cloned();
    let subcommands = command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()).map(shown);
    let mut shown = Command::new(command.get_name()).args(arguments).subcommands(subcommands);
    if let Some(about) = command.get_about() {
        shown = shown.about(about.clone());
    }
    match command.get_version() {
        Some(version) => shown.version(version),
        None => shown,
    }
}

//! `feedlab completions`: a script with which a shell completes feedlab's command lines.

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
    // A name in clap must be static; the process exits after this.
    let command: &'static Command = Box::leak(Box::new(CommandLine::command()));
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut shown(command), "feedlab", &mut script);
    output::data(&String::from_utf8(script)?)?;
    Ok(Exit::Done)
}

/// Returns a command without hidden flags and subcommands, which clap's generators would include. One process of
/// feedlab starts another with these; they are not for completion.
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

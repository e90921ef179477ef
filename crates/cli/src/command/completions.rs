//! `feedlab completions`: what a shell needs to complete feedlab's command lines.

use clap::CommandFactory as _;
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
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut CommandLine::command(), "feedlab", &mut script);
    output::data(&String::from_utf8(script)?)?;
    Ok(Exit::Done)
}

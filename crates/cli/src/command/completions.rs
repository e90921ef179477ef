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

/// The flags that a help page hides are none of a completion's business either; that of bash names them.
fn without_hidden(script: String) -> String {
    let command = CommandLine::command();
    let mut commands = vec![&command];
    let mut hidden = Vec::new();
    while let Some(command) = commands.pop() {
        commands.extend(command.get_subcommands());
        hidden.extend(command.get_arguments().filter(|arg| arg.is_hide_set()).filter_map(|arg| arg.get_long()));
    }
    hidden.sort_unstable();
    hidden.dedup();
    hidden.iter().fold(script, |script, flag| script.replace(&format!(" --{flag}"), ""))
}

/// Prints the script.
pub(crate) fn execute(args: &Args) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut CommandLine::command(), "feedlab", &mut script);
    output::data(&without_hidden(String::from_utf8(script)?))?;
    Ok(Exit::Done)
}

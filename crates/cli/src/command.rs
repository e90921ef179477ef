//! The command line: one file per subcommand.

mod agent;
mod changes;
mod publish;
mod run;
mod serve;
mod watch;

mod check;
mod connection;
mod inspect;
mod request;

#[cfg(target_os = "linux")]
mod emulate;
#[cfg(target_os = "linux")]
mod link;

mod broker;
mod daemon;
mod nginx;
mod proxy;

mod choose;
mod compare;
mod map;
mod merge;
mod predict;
mod report;
mod schema;
mod validate;

mod workshop;

mod completions;
mod doctor;
mod generate;
mod limits;
mod target;

use clap::{Parser, Subcommand};
use feedlab_feed::settings::flag::some_time;

use crate::build;
use crate::exit::Exit;

/// Polling, long polling, Server-Sent Events or WebSockets? One feed, four transports, honest measurements.
///
/// feedlab serves one update feed over four transports, drives simulated clients against each, and shows what each one
/// costs and when each one wins.
#[derive(Debug, Parser)]
#[command(name = "feedlab", version, long_version = build::ALL, after_help = START_HERE, arg_required_else_help = true)]
pub(crate) struct CommandLine {
    /// The subcommand.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const START_HERE: &str = "\
Start here:
  feedlab run scenarios/quick.toml     compare the four transports; under a minute
  feedlab serve                        serve a live feed: this machine's load
  feedlab watch http://127.0.0.1:8080  follow it from another terminal
  feedlab choose                       which transport, for you? answers on one screen
  feedlab check URL                    judge any server: is it right?
  feedlab inspect URL                  find out why a stream stalls on its way
  feedlab workshop                     learn and teach in a browser
  feedlab run --help                   what a run does, writes and returns";

/// The subcommands, in the order in which a new user meets them.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(run::Args),
    Serve(Box<serve::Args>),
    Watch(watch::Args),
    Publish(publish::Args),
    Check(Box<check::Args>),
    Inspect(Box<inspect::Args>),
    Agent(agent::Args),
    Proxy(proxy::Args),
    #[cfg(target_os = "linux")]
    Link(link::Args),
    Nginx(nginx::Args),
    Choose(Box<choose::Args>),
    Predict(predict::Args),
    Compare(compare::Args),
    Merge(merge::Args),
    Report(report::Args),
    Validate(validate::Args),
    Schema(schema::Args),
    Workshop(workshop::Args),
    Doctor(doctor::Args),
    Completions(completions::Args),
    #[command(hide = true)]
    Broker(broker::Args),
    #[cfg(target_os = "linux")]
    #[command(hide = true)]
    Emulate(emulate::Args),
    #[command(hide = true)]
    Generate(generate::Args),
    #[command(hide = true)]
    Target(target::Args),
}

impl Command {
    /// Runs the subcommand.
    pub(crate) fn execute(self) -> anyhow::Result<Exit> {
        match self {
            Self::Run(args) => run::execute(&args),
            Self::Serve(args) => serve::execute(*args),
            Self::Watch(args) => watch::execute(&args),
            Self::Publish(args) => publish::execute(&args),
            Self::Check(args) => check::execute(&args),
            Self::Inspect(args) => inspect::execute(*args),
            Self::Agent(args) => agent::execute(&args),
            Self::Proxy(args) => proxy::execute(&args),
            #[cfg(target_os = "linux")]
            Self::Link(args) => link::execute(&args),
            Self::Nginx(args) => nginx::execute(&args),
            Self::Choose(args) => choose::execute(&args),
            Self::Predict(args) => predict::execute(&args),
            Self::Compare(args) => compare::execute(&args),
            Self::Merge(args) => merge::execute(&args),
            Self::Report(args) => report::execute(&args),
            Self::Validate(args) => validate::execute(&args),
            Self::Schema(args) => schema::execute(&args),
            Self::Workshop(args) => workshop::execute(args),
            Self::Doctor(args) => doctor::execute(&args),
            Self::Completions(args) => completions::execute(&args),
            Self::Broker(args) => broker::execute(&args),
            #[cfg(target_os = "linux")]
            Self::Emulate(args) => emulate::execute(&args),
            Self::Generate(args) => generate::execute(&args),
            Self::Target(args) => target::execute(&args),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }
}

//! `feedlab schema`: the JSON Schemas of the scenario file and of `summary.json`.

use crate::exit::Exit;
use crate::output;

/// Print the JSON Schema of the scenario file, or of summary.json
///
/// Editors that support JSON Schema for TOML (Taplo, Even Better TOML) use it to complete and check scenario files. Programs
/// that read results can validate summary.json.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  feedlab schema > scenario.schema.json
  then start a scenario file with   #:schema scenario.schema.json
  feedlab schema summary > summary.schema.json")]
pub(crate) struct Args {
    /// Which file to describe
    #[arg(value_enum, value_name = "FILE", default_value_t)]
    file: File,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum File {
    /// The scenario file
    #[default]
    Scenario,
    /// summary.json of a results folder
    Summary,
}

/// Prints the schema.
pub(crate) fn execute(args: &Args) -> anyhow::Result<Exit> {
    let schema = match args.file {
        File::Scenario => feedlab_experiment::scenario::written::json_schema(),
        File::Summary => feedlab_experiment::summary::json_schema(),
    };
    output::json_pretty(&schema)?;
    Ok(Exit::Done)
}

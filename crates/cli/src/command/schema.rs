//! `feedlab schema`: the JSON Schema of the scenario file.

use crate::exit::Exit;
use crate::output;

/// Print the JSON Schema of the scenario file
///
/// Editors that support JSON Schema for TOML (Taplo, Even Better TOML) use it to complete and check scenario files.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  feedlab schema > scenario.schema.json
  then start a scenario file with   #:schema scenario.schema.json")]
pub(crate) struct Args {}

/// Prints the schema.
pub(crate) fn execute(_args: &Args) -> anyhow::Result<Exit> {
    output::json_pretty(&feedlab_experiment::scenario::written::json_schema())?;
    Ok(Exit::Done)
}

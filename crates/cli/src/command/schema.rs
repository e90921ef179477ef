//! `feedlab schema`: the JSON Schema of the scenario file.

use crate::exit::Exit;
use crate::output;

/// Print the JSON Schema of the scenario file
///
/// Editors that know JSON Schema for TOML (Taplo, Even Better TOML) complete and check scenario files with it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  feedlab schema > scenario.schema.json
  then begin a scenario file with   #:schema scenario.schema.json")]
pub(crate) struct Args {}

/// Prints the schema.
pub(crate) fn execute(_args: &Args) -> anyhow::Result<Exit> {
    output::json_pretty(&feedlab_experiment::scenario::written::json_schema())?;
    Ok(Exit::Done)
}

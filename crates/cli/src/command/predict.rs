//! `feedlab predict`: computes what each transport should cost, before or instead of a measurement.

use std::path::{Path, PathBuf};
use std::time::Duration;

use feedlab_experiment::Scenario;
use feedlab_experiment::predict::{self, Prediction};
use feedlab_experiment::scenario::{Contender, Network};
use serde::Serialize;

use super::changes::ChangeArgs;
use crate::exit::{Exit, bad_input};
use crate::output::{self, Format};

mod crossings;
mod fleet;
mod map;
mod scale;
mod table;

/// Predict what a scenario will measure, or estimate what many more clients would need
///
/// Ages, requests, bytes at each level, packets and connections follow from the transport's options and the feed's
/// schedule; nothing is measured. Every run stores the same prediction with its results, and its report shows both.
///
/// With --clients, the measured costs of a run (CPU per update and per request, memory and descriptors per connection)
/// are extrapolated to any number of clients: what they need, how many servers that takes, what a broker sends to the
/// servers, and how many clients reconnect to each server when one fails, when all connections are lost, or when a new
/// version is deployed. The estimate is only as good as its assumptions, which are printed.
///
/// With --map, the same feed is asked another question: which transport is the best within a budget, over two inputs of
/// your choice, and at which values that changes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  feedlab predict scenarios/ticker.toml
  feedlab predict scenarios/ticker.toml --rtt 100ms
  feedlab predict scenarios/ticker.toml --clients 1000000 --from results/20261121T120030Z-ticker
  feedlab predict scenarios/ticker.toml --clients 1e6 --cores 16 --chart cost.svg
  feedlab predict scenarios/quick.toml --format json | jq '.predictions[].predicted.metrics'

Exit status:
  0  done
  1  something failed
  2  wrong usage, a scenario that cannot be read, or no run to take the costs from

Next:
  feedlab run SCENARIO    measure it; the report shows both figures
  a [[threshold]] with expect = \"within 5% of predicted\" makes a run exit with status 3 if it is missed")]
pub(crate) struct Args {
    /// The scenario file
    #[arg(value_name = "SCENARIO")]
    scenario: PathBuf,

    /// Round-trip time between clients and server, instead of the scenario's
    #[arg(long, value_name = "TIME", value_parser = super::some_time)]
    rtt: Option<Duration>,

    /// Output format of the prediction: tables, or JSON
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    changes: ChangeArgs,

    #[command(flatten)]
    scale: scale::ScaleArgs,

    #[command(flatten)]
    map: map::MapArgs,
}

/// Predicts and prints.
pub(crate) fn execute(args: &Args) -> anyhow::Result<Exit> {
    let mut scenario = args.changes.load(&args.scenario)?.scenario;
    if let Some(rtt) = args.rtt {
        scenario.network = Some(Network { rtt, ..scenario.network.unwrap_or_default() });
    }
    let targets = without_targets(&mut scenario);
    if scenario.contenders.is_empty() {
        return Err(bad_input(anyhow::anyhow!(
            "{}: nothing is predicted for a target: what it sends is its own choice; predict a scenario with a contender of \
             feedlab's own server",
            args.scenario.display()
        )));
    }
    if args.scale.chart().is_some() && args.scale.clients().is_none() && args.map.axes().is_none() {
        return Err(bad_input(anyhow::anyhow!("--chart draws costs or a map; add --clients N, or --map X,Y")));
    }
    match (args.scale.clients(), args.map.axes()) {
        (Some(clients), _) => scale::execute(&args.scale, clients, &scenario, args.format)?,
        (None, Some(axes)) => map::execute(&args.map, axes, &scenario, args.scale.chart(), args.format)?,
        (None, None) => print(&args.scenario, &scenario, args.format)?,
    }
    if !targets.is_empty() {
        let targets = targets.join("; ");
        output::advice(&format!("nothing is predicted for {targets}: what a target sends is its own choice"));
    }
    Ok(Exit::Done)
}

/// Removes the contenders that measure somebody else's server, and returns their labels.
fn without_targets(scenario: &mut Scenario) -> Vec<String> {
    let (targets, own) = std::mem::take(&mut scenario.contenders).into_iter().partition(|one| one.target.is_some());
    scenario.contenders = own;
    let targets: Vec<Contender> = targets;
    targets.into_iter().map(|contender| contender.label).collect()
}

fn print(file: &Path, scenario: &Scenario, format: Format) -> anyhow::Result<()> {
    let predictions = predict::of(scenario);
    if predictions.is_empty() {
        return Err(bad_input(anyhow::anyhow!(
            "{}: the content of this feed cannot be known in advance; predict a scenario with another `source`",
            file.display()
        )));
    }
    match format {
        Format::Text => output::data(&table::text(scenario, &predictions)),
        Format::Json => {
            let rtt_us = scenario.network.unwrap_or_default().rtt.as_micros();
            output::json_pretty(&Json { scenario: &scenario.name, rtt_us, predictions: &predictions })
        }
    }
}

/// The output for programs.
#[derive(Serialize)]
struct Json<'a> {
    scenario: &'a str,
    rtt_us: u128,
    predictions: &'a [Prediction],
}

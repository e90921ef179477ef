//! `feedlab predict SCENARIO --map X,Y`: the map of choices around a scenario.

use std::path::Path;
use std::time::Duration;

use feedlab_experiment::Scenario;
use feedlab_experiment::choice::map::parse_axes;
use feedlab_experiment::choice::{Input, Pattern, Question};
use feedlab_experiment::scenario::{Headers, ScheduleKind, Source};

use crate::command::map;
use crate::exit::bad_input;
use crate::output::Format;

/// The flags of the map.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Map of choices")]
pub(super) struct MapArgs {
    /// Show which transport is the best over two inputs, as in rate,rtt; the inputs are rate, budget, rtt, clients,
    /// payload, sends, idle_timeout, poll_interval and deploys_a_day
    #[arg(long, value_name = "X,Y", value_parser = parse_axes, conflicts_with = "clients")]
    map: Option<(Input, Input)>,

    /// How old an update may be when it arrives, at the 99th percentile
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = crate::command::some_time, requires = "map")]
    budget: Duration,
}

impl MapArgs {
    /// Returns the axes, if there is to be a map.
    pub(super) const fn axes(&self) -> Option<(Input, Input)> {
        self.map
    }
}

/// Computes the map, prints it, and draws it.
pub(super) fn execute(
    args: &MapArgs,
    axes: (Input, Input),
    scenario: &Scenario,
    chart: Option<&Path>,
    format: Format,
) -> anyhow::Result<()> {
    map::execute(&question(scenario, args.budget).map_err(bad_input)?, axes, chart, Some(format))
}

/// Returns the question that a scenario asks: its feed, its most clients, and its distance.
fn question(scenario: &Scenario, budget: Duration) -> anyhow::Result<Question> {
    let headers = scenario.clients.headers;
    let clients = scenario.clients.count.iter().copied().max().unwrap_or(1);
    let mut question = Question {
        name: scenario.name.clone(),
        clients: u64::from(clients),
        budget,
        rtt: scenario.network.unwrap_or_default().rtt,
        browser: headers != Headers::Bare,
        headers: Some(headers),
        ..Question::default()
    };
    match &scenario.feed.source {
        Source::Synthetic { updates_per_s, schedule, burst_size, payload_bytes, .. } => {
            question.rate = *updates_per_s;
            question.payload_bytes = payload_bytes.first().copied().unwrap_or(question.payload_bytes);
            question.pattern = match schedule {
                ScheduleKind::Constant => Pattern::Steady,
                ScheduleKind::Poisson => Pattern::Random,
                ScheduleKind::Burst => Pattern::Bursts(*burst_size),
            };
        }
        Source::Clients { updates_per_s, payload_bytes } => {
            question.chat = true;
            question.sends = updates_per_s / f64::from(clients);
            question.payload_bytes = *payload_bytes;
        }
        Source::Host { .. } | Source::Replay { .. } => {
            anyhow::bail!(
                "{}: a map needs a feed whose rate can vary; use the source `synthetic` or `clients`",
                scenario.name
            )
        }
    }
    Ok(question)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_asks_the_question_of_its_feed() {
        let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
        let ask = |file: &str| {
            let scenario = Scenario::load(&scenarios.join(file)).unwrap();
            question(&scenario, Duration::from_millis(500)).map(|question| (scenario, question))
        };
        let (scenario, ticker) = ask("ticker.toml").unwrap();
        let Source::Synthetic { updates_per_s, .. } = scenario.feed.source else { panic!("{scenario:?}") };
        assert_eq!((ticker.rate, ticker.budget), (updates_per_s, Duration::from_millis(500)));
        assert_eq!(ticker.rtt, scenario.network.unwrap_or_default().rtt);
    }
}

//! One step of a search: the scenario that puts a load on the load generator, and whether it kept up.

use std::path::Path;

use feedlab_experiment::record::CellRecord;
use feedlab_experiment::verdict::{GENERATOR_SHARE, LAG_SUSPECT_US};
use feedlab_experiment::{Metric, Scenario};
use feedlab_feed::Transport;
use feedlab_feed::process::Machine;

use super::Load;

/// Clients of a step that varies the rate.
const CLIENTS: f64 = 100.0;
/// The interval of a step with short polling, ms.
const INTERVAL_MS: f64 = 100.0;
/// The share of polls that may be skipped, as for a valid cell.
const SKIPPED: f64 = 0.01;

/// Returns how many requests per second a number of clients send.
pub(super) fn polls_per_s(clients: f64) -> f64 {
    clients * 1000.0 / INTERVAL_MS
}

/// Returns a scenario with one cell and so much load, which takes under three seconds.
pub(super) fn scenario(transport: Transport, load: Load, amount: f64) -> anyhow::Result<Scenario> {
    let (clients, rate) = match (load, transport) {
        (Load::PerSecond, Transport::ShortPolling) => (amount * INTERVAL_MS / 1000.0, 10.0),
        (Load::PerSecond, _) => (CLIENTS, amount / CLIENTS),
        (Load::Clients, _) => (amount, 2.0),
    };
    let interval =
        if transport == Transport::ShortPolling { format!("interval = \"{INTERVAL_MS}ms\"") } else { String::new() };
    let ramp_ms = if clients > 1_000.0 { 800 } else { 300 };
    let text = format!(
        "schema = 1\nname = \"calibration\"\n\
         [feed]\nsource = \"synthetic\"\nupdates_per_s = {rate:.1}\npayload_bytes = 100\n\
         [clients]\ncount = {clients:.0}\nramp = \"{ramp_ms}ms\"\n\
         [measure]\nsettle = \"0s\"\nwarm_up = \"300ms\"\nduration = \"1s\"\ndrain = \"300ms\"\n\
         [[contender]]\ntransport = \"{transport}\"\n{interval}\n"
    );
    Ok(Scenario::parse(&text, Path::new("calibration.toml"))?)
}

/// Whether neither the load generator nor the publisher was late by more than a valid cell allows.
pub(super) fn is_on_time(record: &CellRecord) -> bool {
    let of = |metric| record.metrics.get(&metric).copied().unwrap_or_default();
    let cores = Machine::this().cores.unwrap_or(1) as f64;
    let polls = of(Metric::Requests) + of(Metric::RequestsSkipped);
    of(Metric::ScheduleLagP99) <= LAG_SUSPECT_US
        && of(Metric::PublishLagP99) <= LAG_SUSPECT_US
        && of(Metric::ClientCpuCores) <= GENERATOR_SHARE * cores
        && of(Metric::UpdatesMissed) == 0.0
        && of(Metric::RequestsSkipped) <= SKIPPED * polls
        && of(Metric::UpdatesReceived) > 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_a_valid_scenario_with_one_short_cell() {
        for transport in Transport::ALL {
            for load in [Load::PerSecond, Load::Clients] {
                for amount in [250.0, 4_000.0, 20_000.0] {
                    let scenario = scenario(transport, load, amount).unwrap();
                    assert_eq!(feedlab_experiment::plan::cells(&scenario).len(), 1);
                    assert!(scenario.cell_duration().as_secs_f64() < 3.0);
                }
            }
        }
    }
}

//! What a run needs, checked before its first cell: time, and descriptors, of which every connection takes one in the
//! server and one in the load generator. A run that finds out halfway has measured nothing.

use std::time::Duration;

use feedlab_experiment::Scenario;
use feedlab_experiment::predict::out_of_reach;
use feedlab_feed::process::raise_open_file_limit;

use super::testbed::needs_proxy;
use crate::calibration::{self, Found};
use crate::output;

/// Descriptors that a process opens in addition to its connections: files, the runtime's own, the control connection.
pub(in crate::command) const BESIDES: u64 = 64;

/// Raises the soft limit to the hard limit, for this process and the children that inherit it. `generators` load
/// generators share the clients.
///
/// # Errors
/// If the largest number of clients needs more descriptors.
pub(in crate::command) fn check_descriptors<'a>(
    scenarios: impl Iterator<Item = &'a Scenario>,
    generators: u32,
) -> anyhow::Result<()> {
    let needed = scenarios.map(|scenario| needed(scenario, generators)).max().unwrap_or(0);
    refuse(needed + BESIDES, raise_open_file_limit())
}

/// Warns about thresholds on percentiles that will have too few samples.
pub(in crate::command) fn warn_of_few_samples(scenario: &Scenario) {
    for short in out_of_reach(scenario) {
        output::advice(&format!("warning: {}: {short}", scenario.name));
    }
}

/// Warns once about the cells of each scenario whose load the load generator cannot drive on this machine without a delay
/// of its own. Without a calibration nothing is known.
pub(in crate::command) fn warn_of_load<'a>(scenarios: impl Iterator<Item = &'a Scenario>) {
    match calibration::read() {
        Found::Nothing => {}
        Found::Foreign(why) => {
            output::advice(&format!("note: the calibration is ignored, because {why}: feedlab doctor --calibrate"));
        }
        Found::Own(own) => scenarios.for_each(|scenario| {
            if let Some(overload) = calibration::overload(scenario, &own) {
                let disturbed = own
                    .disturbed()
                    .map_or("", |_| "; other programs were busy during that calibration, so the limit may be too low");
                output::advice(&format!("warning: {}: {overload}{disturbed}", scenario.name));
            }
        }),
    }
}

/// Returns the descriptors that each process needs: one per connection in a server and a load generator, and two in a
/// proxy.
fn needed(scenario: &Scenario, generators: u32) -> u64 {
    let clients = u64::from(scenario.clients.count.iter().max().copied().unwrap_or(0));
    let slow = u64::from(scenario.clients.slow.map_or(0, |slow| slow.count));
    let is_proxied = needs_proxy(scenario) || scenario.contenders.iter().any(|one| one.link.via.is_nginx());
    let share = u64::from(scenario.feed.servers.min(generators)).max(1);
    // Sixteen clients in a row connect to the same server.
    let most = (clients + slow).div_ceil(share) + if share > 1 { 16 } else { 0 };
    most * if is_proxied { 2 } else { 1 }
}

fn refuse(needed: u64, allowed: Option<u64>) -> anyhow::Result<()> {
    match allowed {
        Some(allowed) if allowed < needed => anyhow::bail!(
            "this run needs {needed} descriptors in each process, but this shell allows {allowed}: \
             raise the limit with `ulimit -n {needed}`, or measure fewer clients"
        ),
        _ => Ok(()),
    }
}

/// Formats a time as `8 s`, `1 min 20 s` or `2 h 5 min`, no more precisely than a plan needs.
pub(in crate::command) fn for_people(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_millis() >= 500);
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes, rest) {
        (0, 0, s) => format!("{s} s"),
        (0, m, 0) => format!("{m} min"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, 0, _) => format!("{h} h"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_reports_the_needed_descriptors_and_the_remedy() {
        assert!(refuse(2_064, None).is_ok() && refuse(2_064, Some(2_064)).is_ok());
        let error = refuse(2_064, Some(1_024)).unwrap_err().to_string();
        assert!(error.contains("needs 2064") && error.contains("allows 1024") && error.contains("ulimit -n 2064"));
    }

    #[test]
    fn times_are_formatted_for_people() {
        for (ms, text) in
            [(400, "0 s"), (8_499, "8 s"), (60_000, "1 min"), (80_000, "1 min 20 s"), (7_500_000, "2 h 5 min")]
        {
            assert_eq!(for_people(Duration::from_millis(ms)), text);
        }
    }
}

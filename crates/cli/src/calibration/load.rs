//! The load of a scenario's cells, compared with the calibration before anything is measured.

use feedlab_experiment::predict::{self, Prediction};
use feedlab_experiment::{Metric, Scenario};
use feedlab_feed::Transport;
use feedlab_report::human;

use super::{Calibration, Limit};

/// The share of a limit up to which the load generator has some time left.
const HEADROOM: f64 = 0.8;

/// Returns a warning about the cell whose load is largest for the load generator; `None` if all are well within its
/// limits. Unknown are the loads of others' servers and of feeds that cannot be predicted.
pub(crate) fn overload(scenario: &Scenario, calibration: &Calibration) -> Option<String> {
    let predictions = predict::of(scenario);
    let excesses = predictions.iter().flat_map(|prediction| excesses(scenario, prediction, calibration));
    let worst = excesses.filter(|excess| excess.share > HEADROOM).max_by(|a, b| a.share.total_cmp(&b.share))?;
    Some(worst.to_string())
}

/// One load and its limit.
struct Excess {
    cell: String,
    load: f64,
    unit: &'static str,
    share: f64,
}

impl std::fmt::Display for Excess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { cell, load, unit, share } = self;
        write!(
            f,
            "{cell}: {} {unit} are {:.0}% of what the load generator can drive on this machine without a delay of its own \
             ({}; `feedlab doctor` shows it): use fewer clients, a lower rate, or agents on other machines (--agents)",
            human::count(load.round()),
            share * 100.0,
            human::count((load / share).round()),
        )
    }
}

fn excesses(scenario: &Scenario, prediction: &Prediction, calibration: &Calibration) -> Vec<Excess> {
    let Some(capacity) = calibration.of_transport(prediction.transport) else { return Vec::new() };
    let plural = if prediction.clients == 1 { "" } else { "s" };
    let excess = |load: f64, limit: Limit, unit| {
        // Of a limit that was not reached, only loads beyond it are unknown.
        let share = load / limit.most;
        let is_known = limit.is_reached || share > 1.0;
        let cell = format!("{}, {} client{plural}", prediction.label, prediction.clients);
        is_known.then_some(Excess { cell, load, unit, share })
    };
    let (metric, unit) = match prediction.transport {
        Transport::ShortPolling => (Metric::Requests, "requests per second"),
        _ => (Metric::UpdatesExpected, "updates per second to all clients"),
    };
    let per_s = rate(scenario, prediction, metric).and_then(|rate| excess(rate, capacity.per_s, unit));
    let at_once = "clients that receive an update at the same moment";
    let clients = capacity.clients.and_then(|limit| excess(f64::from(prediction.clients), limit, at_once));
    per_s.into_iter().chain(clients).collect()
}

/// Returns a predicted count per second of the measured time.
fn rate(scenario: &Scenario, prediction: &Prediction, metric: Metric) -> Option<f64> {
    let all = *prediction.predicted.metrics.get(&metric)?;
    Some(all / f64::from(scenario.measure.repetitions) / scenario.measure.duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn scenario(clients: u32, updates_per_s: u32) -> Scenario {
        let text = format!(
            "schema = 1\nname = \"load\"\nfeed = {{ source = \"synthetic\", updates_per_s = {updates_per_s} }}\n\
             clients = {{ count = [10, {clients}] }}\nmeasure = {{ repetitions = 3 }}\n\
             contender = [{{ transport = \"short-polling\", interval = \"100ms\" }}, {{ transport = \"sse\" }}, \
             {{ transport = \"websocket\" }}]\n"
        );
        Scenario::parse(&text, Path::new("load.toml")).unwrap()
    }

    #[test]
    fn a_cell_beyond_four_fifths_of_a_limit_is_named() {
        let calibration = crate::calibration::tests::calibration();
        let of = |clients, updates_per_s| overload(&scenario(clients, updates_per_s), &calibration);
        assert_eq!(of(100, 10), None);
        assert_eq!(of(1_000, 15), None, "15,000 of 20,000");
        let warning = of(1_000, 18).unwrap();
        assert!(
            warning.starts_with("SSE, 1000 clients: 18,000 updates per second to all clients are 90% of"),
            "{warning}"
        );
        assert!(warning.contains("(20,000; ") && warning.contains("--agents"), "{warning}");
        let warning = of(1_900, 1).unwrap();
        assert!(
            warning.contains("requests per second are 95% of") || warning.contains("at the same moment are 95%"),
            "{warning}"
        );
    }

    #[test]
    fn a_limit_that_was_not_reached_limits_only_what_is_beyond_it() {
        let mut calibration = crate::calibration::tests::calibration();
        for capacity in &mut calibration.capacities {
            capacity.per_s.is_reached = false;
        }
        assert_eq!(overload(&scenario(1_000, 18), &calibration), None);
        assert!(overload(&scenario(1_000, 25), &calibration).is_some());
    }
}

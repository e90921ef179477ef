//! Ages over a link that loses packets, makes them wait for a rate, or on which a message takes several round trips: by a
//! simulation of TCP (`tcp`), because no formula describes them. Like a formula, it knows nothing of a measurement.

use super::model::{Ages, Case, FeedModel};
use super::tcp::{self, Congestion, Link, Setup};
use super::transport::{Arithmetic, Carriage};
use crate::clients::PER_CONNECTION;
use crate::scenario::{self, AgeFrom, Connections, Source};

/// The ages that are simulated at least, so that a percentile does not depend on which packets are lost.
const LEAST: usize = 40_000;
/// The runs in which they are simulated at most.
const RUNS: u64 = 60;
/// The most updates and polls of a run, over all clients.
const MOST: f64 = 200_000.0;

/// Whether the ages of a scenario with a link can be simulated.
pub(super) fn is_known(case: &Case<'_>, arithmetic: &dyn Arithmetic, feed: &FeedModel) -> bool {
    let Case { scenario, contender, .. } = *case;
    let link = contender.link;
    let disturbs = !scenario.faults.is_empty()
        || scenario.feed.stall.is_some()
        || scenario.feed.broker.is_some()
        || scenario.clients.churn.is_some()
        || scenario.clients.slow.is_some();
    let holds = contender.serving.coalesce.is_some() || contender.serving.max_connection_age.is_some();
    let is_plain = !link.via.is_nginx() && !contender.is_auto() && contender.reconnect.with_cursor;
    let is_due = contender.age_from == AgeFrom::Due && !matches!(scenario.feed.source, Source::Clients { .. });
    !disturbs
        && !holds
        && is_plain
        && is_due
        && feed.scale <= 1.0
        && work(case, arithmetic, feed).is_some_and(|work| work <= MOST)
        && links(case, 0).is_some()
}

fn links(case: &Case<'_>, run: u64) -> Option<[Link; 2]> {
    let link = case.scenario.link.as_ref()?;
    Link::both(&link.emulation, case.scenario.seed.wrapping_add(run << 20))
}

/// Returns the number of updates and polls of all clients; `None` if it is not known how updates travel.
fn work(case: &Case<'_>, arithmetic: &dyn Arithmetic, feed: &FeedModel) -> Option<f64> {
    let polls = match arithmetic.carriage(case, feed)? {
        Carriage::Polled { interval, .. } => feed.whole.to / interval,
        Carriage::Held { hold, .. } => feed.whole.to / hold,
        Carriage::Pushed { .. } => 0.0,
    };
    Some((feed.due_until(feed.whole.to).len() as f64 + polls) * case.clients)
}

/// Returns the ages, over several runs with different losses.
pub(super) fn ages(case: &Case<'_>, arithmetic: &dyn Arithmetic, feed: &FeedModel) -> Option<Ages> {
    let link = case.scenario.link.as_ref()?;
    let due = feed.due_until(feed.whole.to);
    let setup = Setup {
        carriage: arithmetic.carriage(case, feed)?,
        clients: case.clients as usize,
        shared_by: if case.contender.link.connections == Connections::Shared { PER_CONNECTION } else { 1 },
        keep_alive: arithmetic.keeps_connections(),
        due: &due,
        measured: feed.measured,
        until: feed.whole.to,
        round_trip: case.path.rtt,
        mtu: f64::from(link.emulation.mtu),
        congestion: congestion(link.congestion),
    };
    let mut all = Vec::new();
    for run in 0..RUNS {
        all.extend(tcp::ages(&setup, links(case, run)?));
        if all.len() >= LEAST {
            break;
        }
    }
    Ages::from_samples(all).ok()
}

/// Unless the scenario says which, that of most systems.
const fn congestion(asked: Option<scenario::Congestion>) -> Congestion {
    match asked {
        Some(scenario::Congestion::Bbr) => Congestion { remains: 1.0, restarts: false },
        Some(scenario::Congestion::Reno) => Congestion { remains: 0.5, restarts: true },
        Some(scenario::Congestion::Cubic) | None => Congestion { remains: 0.7, restarts: true },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::super::of;
    use crate::{Metric, Scenario};

    /// Returns the predicted median and 99th percentile of each transport, ms, for the example over a link.
    fn predicted(network: &str) -> BTreeMap<String, (f64, f64)> {
        let text = include_str!("../../../../scenarios/link.toml");
        let text = text.replace("loss = \"2%\"\n", network);
        let text = text.split("[[threshold]]").next().unwrap();
        let scenario = Scenario::parse(text, Path::new("link.toml")).unwrap();
        let pair = |metrics: &BTreeMap<Metric, f64>| {
            let ms = |metric| metrics.get(&metric).map_or(f64::NAN, |us| us / 1e3);
            (ms(Metric::AgeP50), ms(Metric::AgeP99))
        };
        of(&scenario).into_iter().map(|one| (one.transport.id().to_owned(), pair(&one.predicted.metrics))).collect()
    }

    #[test]
    fn a_loss_changes_the_slowest_updates_of_a_stream_and_the_median_of_long_polling() {
        let (none, some) = (predicted(""), predicted("loss = \"5%\"\n"));
        for stream in ["sse", "websocket"] {
            assert!((none[stream].0 - 50.0).abs() < 0.1 && (none[stream].1 - 50.0).abs() < 0.1, "{none:?}");
            assert!((some[stream].0 - 50.0).abs() < 0.1, "most updates meet no loss: {some:?}");
            assert!((300.0..500.0).contains(&some[stream].1), "a tail-loss probe and what waits for it: {some:?}");
        }
        // A long poll asks again over the same link, so losses shift its median; a short poll hides them in its interval.
        assert!(some["long-polling"].0 > 1.5 * none["long-polling"].0, "{none:?} {some:?}");
        assert!(some["short-polling"].0 < 1.1 * none["short-polling"].0, "{none:?} {some:?}");
    }

    #[test]
    fn the_prediction_says_that_it_is_a_simulation_and_what_it_leaves_out() {
        let text = include_str!("../../../../scenarios/link.toml");
        let scenario = Scenario::parse(text, Path::new("link.toml")).unwrap();
        for one in of(&scenario) {
            let said = one.predicted.assumptions.join(" ");
            assert!(said.contains("ages are simulated with a model of TCP"), "{said}");
            assert!(!one.predicted.metrics.contains_key(&Metric::Requests), "{said}");
            assert!(!one.predicted.metrics.contains_key(&Metric::AgeMax), "the largest age is chance");
        }
    }
}

//! From which rate of the feed on one contender becomes cheaper than another.

use serde::Serialize;

use super::costs::Studied;
use super::crossing::{ALIKE_MEASURED, pairs};
use super::study::Study;
use crate::Scenario;
use crate::predict::{Rates, rates};
use crate::scenario::{Contender, ScheduleKind, Source};

/// Rates that are looked at, updates a second, by their decimal logarithm.
const LOWEST: f64 = -3.0;
const HIGHEST: f64 = 3.0;
const STEPS: u32 = 48;
/// Halvings of a step: the rate is then known to a millionth of it.
const HALVINGS: u32 = 20;
/// Predicted costs that differ by less cross by chance.
const ALIKE_PREDICTED: f64 = 0.001;

/// A rate from which on another contender is cheaper.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RateCrossing {
    /// Of what: "bandwidth on the wire".
    pub cost: String,
    /// The rate of the feed, updates a second.
    pub updates_per_s: f64,
    /// The contender that is cheaper below, and the one that is cheaper above.
    pub labels: (String, String),
}

impl Study {
    /// From which rates of the feed on another contender is cheaper with so many clients, everything else being equal:
    /// of the CPU and of the wire, by rate ascending. Empty for a feed without a rate, and for bursts.
    #[must_use]
    pub fn rate_crossings(&self, clients: f64) -> Vec<RateCrossing> {
        let cpu: Cost = |studied, rates, clients| studied.cores_at(rates, clients);
        let wire: Cost = |_, rates, clients| Some(rates.wire_bytes * clients);
        let mut all = Vec::new();
        for (a, b) in pairs(self.contenders()) {
            all.extend(self.crossings_of("server CPU", cpu, ALIKE_MEASURED, (a, b), clients));
            all.extend(self.crossings_of("bandwidth on the wire", wire, ALIKE_PREDICTED, (a, b), clients));
        }
        all.sort_by(|a, b| a.updates_per_s.total_cmp(&b.updates_per_s));
        all
    }

    fn crossings_of(
        &self,
        name: &str,
        cost: Cost,
        alike: f64,
        (a, b): (&Studied, &Studied),
        clients: f64,
    ) -> Vec<RateCrossing> {
        let ratio = |log: f64| {
            let of = |studied: &Studied| cost(studied, &self.rates_at(&studied.contender, 10f64.powf(log))?, clients);
            Some((of(a)? / of(b)?).ln()).filter(|ratio| ratio.is_finite())
        };
        let differing = |log| ratio(log).filter(|ratio| ratio.abs() > alike);
        let step = |step: u32| LOWEST + (HIGHEST - LOWEST) * f64::from(step) / f64::from(STEPS);
        let known: Vec<(f64, f64)> = (0..=STEPS).map(step).filter_map(|log| Some((log, differing(log)?))).collect();
        let changes = known.windows(2).filter(|pair| pair[0].1.signum() != pair[1].1.signum());
        let crossing = |pair: &[(f64, f64)]| {
            let (mut low, mut high) = (pair[0].0, pair[1].0);
            for _ in 0..HALVINGS {
                let middle = f64::midpoint(low, high);
                let still = ratio(middle).is_some_and(|ratio| ratio.signum() == pair[0].1.signum());
                *if still { &mut low } else { &mut high } = middle;
            }
            let (cheaper, other) = if pair[0].1 < 0.0 { (a, b) } else { (b, a) };
            let labels = (cheaper.contender.label.clone(), other.contender.label.clone());
            RateCrossing { cost: name.to_owned(), updates_per_s: 10f64.powf(low), labels }
        };
        changes.map(crossing).collect()
    }

    /// A contender's traffic at another rate of the feed.
    fn rates_at(&self, contender: &Contender, rate: f64) -> Option<Rates> {
        let mut scenario: Scenario = self.scenario.clone();
        match &mut scenario.feed.source {
            Source::Synthetic { schedule: ScheduleKind::Burst, .. } => return None,
            Source::Synthetic { updates_per_s, .. } => *updates_per_s = rate,
            _ => return None,
        }
        rates(&scenario, contender, scenario.feed.source.payload_sweep().last().copied().flatten())
    }
}

/// A cost at some traffic and number of clients.
type Cost = fn(&Studied, &Rates, f64) -> Option<f64>;

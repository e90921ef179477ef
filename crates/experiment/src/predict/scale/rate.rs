//! The feed rates at which one contender becomes cheaper than another.

use serde::Serialize;

use super::costs::Studied;
use super::crossing::{ALIKE_MEASURED, pairs};
use super::study::Study;
use crate::predict::{Rates, rates};
use crate::scenario::Source;

/// The range of rates that is examined, updates per second, as decimal logarithms.
const LOWEST: f64 = -3.0;
const HIGHEST: f64 = 3.0;
const STEPS: u32 = 48;
/// The number of bisection steps: the rate is then known to a millionth of a step.
const HALVINGS: u32 = 20;
/// If predicted costs differ by less than this, a crossing is due to chance.
const ALIKE_PREDICTED: f64 = 0.001;

/// One kind of cost of all contenders, compared over the rates of a feed. That there are no crossings means something
/// only together with what was compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RateComparison {
    /// The kind of cost, such as "bandwidth on the wire".
    pub cost: String,
    /// The lowest and the highest rate that was examined, updates per second.
    pub range: (f64, f64),
    /// The number of contenders whose cost is known at these rates.
    pub contenders: usize,
    /// Where one contender becomes cheaper than another, by ascending rate.
    pub crossings: Vec<RateCrossing>,
}

/// A rate from which another contender is cheaper.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RateCrossing {
    /// The kind of cost, such as "bandwidth on the wire".
    pub cost: String,
    /// The rate of the feed, updates per second.
    pub updates_per_s: f64,
    /// The contender that is cheaper below this rate, and the one that is cheaper above.
    pub labels: (String, String),
}

impl Study {
    /// Returns from which feed rates another contender is cheaper with this many clients, everything else being equal,
    /// for CPU and bandwidth. `None` if the clients publish the updates, because the rate of such a feed cannot be
    /// varied.
    #[must_use]
    pub fn rate_comparisons(&self, clients: f64) -> Option<Vec<RateComparison>> {
        if matches!(self.scenario.feed.source, Source::Clients { .. }) {
            return None;
        }
        let rates: Vec<Sampled<'_>> = self.contenders().iter().map(|studied| self.sampled(studied)).collect();
        let cpu: Cost = |studied, rates, clients| studied.cores_at(rates, clients);
        let wire: Cost = |_, rates, clients| Some(rates.wire_bytes * clients);
        Some(vec![
            self.comparison("server CPU", (cpu, ALIKE_MEASURED), &rates, clients),
            self.comparison("bandwidth on the wire", (wire, ALIKE_PREDICTED), &rates, clients),
        ])
    }

    fn comparison(
        &self,
        cost: &str,
        cost_and_tolerance: (Cost, f64),
        all: &[Sampled<'_>],
        clients: f64,
    ) -> RateComparison {
        let of = |pair: (&Sampled<'_>, &Sampled<'_>)| self.crossings(cost_and_tolerance, pair, clients);
        let mut crossings: Vec<RateCrossing> = pairs(all)
            .flat_map(of)
            .map(|(updates_per_s, labels)| RateCrossing { cost: cost.to_owned(), updates_per_s, labels })
            .collect();
        crossings.sort_by(|a, b| a.updates_per_s.total_cmp(&b.updates_per_s));
        let is_known = |sampled: &&Sampled<'_>| {
            sampled.rates.iter().all(|(_, rates)| (cost_and_tolerance.0)(sampled.studied, rates, clients).is_some())
        };
        let contenders = all.iter().filter(|sampled| !sampled.rates.is_empty()).filter(is_known).count();
        RateComparison {
            cost: cost.to_owned(),
            range: (10f64.powf(LOWEST), 10f64.powf(HIGHEST)),
            contenders,
            crossings,
        }
    }

    /// Returns the rates at which the cheaper of two contenders changes, with the one that is cheaper below and the one
    /// above.
    fn crossings(
        &self,
        (cost, alike): (Cost, f64),
        (a, b): (&Sampled<'_>, &Sampled<'_>),
        clients: f64,
    ) -> Vec<(f64, (String, String))> {
        let ratio = |of_a: &Rates, of_b: &Rates| {
            let ratio = (cost(a.studied, of_a, clients)? / cost(b.studied, of_b, clients)?).ln();
            Some(ratio).filter(|ratio| ratio.is_finite())
        };
        let at = |log: f64| ratio(&self.rates_at(a.studied, log)?, &self.rates_at(b.studied, log)?);
        let both = a.rates.iter().zip(&b.rates).filter_map(|((log, a), (_, b))| Some((*log, ratio(a, b)?)));
        let known: Vec<(f64, f64)> = both.filter(|(_, ratio)| ratio.abs() > alike).collect();
        let changes = known.windows(2).filter(|pair| pair[0].1.signum() != pair[1].1.signum());
        let crossing = |pair: &[(f64, f64)]| {
            let (mut low, mut high) = (pair[0].0, pair[1].0);
            for _ in 0..HALVINGS {
                let middle = f64::midpoint(low, high);
                let still = at(middle).is_some_and(|ratio| ratio.signum() == pair[0].1.signum());
                *if still { &mut low } else { &mut high } = middle;
            }
            let (cheaper, other) = if pair[0].1 < 0.0 { (a, b) } else { (b, a) };
            (10f64.powf(low), (cheaper.studied.contender.label.clone(), other.studied.contender.label.clone()))
        };
        changes.map(crossing).collect()
    }

    /// Returns a contender's traffic at every rate that is examined.
    fn sampled<'a>(&self, studied: &'a Studied) -> Sampled<'a> {
        let step = |step: u32| LOWEST + (HIGHEST - LOWEST) * f64::from(step) / f64::from(STEPS);
        let rates = (0..=STEPS).map(step).filter_map(|log| Some((log, self.rates_at(studied, log)?)));
        Sampled { studied, rates: rates.collect() }
    }

    /// Returns a contender's traffic at another feed rate, given as its decimal logarithm.
    fn rates_at(&self, studied: &Studied, log: f64) -> Option<Rates> {
        Some(rates(&self.scenario, &studied.contender, &self.feed.model_at(10f64.powf(log))?))
    }
}

/// One contender's traffic at various feed rates, given as decimal logarithms.
struct Sampled<'a> {
    studied: &'a Studied,
    rates: Vec<(f64, Rates)>,
}

/// A function that returns a cost for given traffic and number of clients.
type Cost = fn(&Studied, &Rates, f64) -> Option<f64>;

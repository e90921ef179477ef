//! From which rate of the feed on one contender becomes cheaper than another.

use serde::Serialize;

use super::costs::Studied;
use super::crossing::{ALIKE_MEASURED, pairs};
use super::study::Study;
use crate::predict::{Rates, rates};
use crate::scenario::Source;

/// Rates that are looked at, updates per second, by their decimal logarithm.
const LOWEST: f64 = -3.0;
const HIGHEST: f64 = 3.0;
const STEPS: u32 = 48;
/// Halvings of a step: the rate is then known to a millionth of it.
const HALVINGS: u32 = 20;
/// Predicted costs that differ by less cross by chance.
const ALIKE_PREDICTED: f64 = 0.001;

/// One cost of every contender, compared over the rates of a feed. That nothing crosses is a finding only together with
/// what was compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RateComparison {
    /// Of what: "bandwidth on the wire".
    pub cost: String,
    /// The lowest and the highest rate that was looked at, updates per second.
    pub range: (f64, f64),
    /// Contenders whose cost is known at these rates.
    pub contenders: usize,
    /// Where one becomes cheaper than another, by rate ascending.
    pub crossings: Vec<RateCrossing>,
}

/// A rate from which on another contender is cheaper.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RateCrossing {
    /// Of what: "bandwidth on the wire".
    pub cost: String,
    /// The rate of the feed, updates per second.
    pub updates_per_s: f64,
    /// The contender that is cheaper below, and the one that is cheaper above.
    pub labels: (String, String),
}

impl Study {
    /// From which rates of the feed on another contender is cheaper with so many clients, everything else being equal: of
    /// the CPU and of the wire. `None` where it is not computed: what clients publish themselves is no feed whose rate
    /// could be another.
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

    fn comparison(&self, cost: &str, asked: (Cost, f64), all: &[Sampled<'_>], clients: f64) -> RateComparison {
        let of = |pair: (&Sampled<'_>, &Sampled<'_>)| self.crossings(asked, pair, clients);
        let mut crossings: Vec<RateCrossing> = pairs(all)
            .flat_map(of)
            .map(|(updates_per_s, labels)| RateCrossing { cost: cost.to_owned(), updates_per_s, labels })
            .collect();
        crossings.sort_by(|a, b| a.updates_per_s.total_cmp(&b.updates_per_s));
        let is_known = |sampled: &&Sampled<'_>| {
            sampled.rates.iter().all(|(_, rates)| (asked.0)(sampled.studied, rates, clients).is_some())
        };
        let contenders = all.iter().filter(|sampled| !sampled.rates.is_empty()).filter(is_known).count();
        RateComparison {
            cost: cost.to_owned(),
            range: (10f64.powf(LOWEST), 10f64.powf(HIGHEST)),
            contenders,
            crossings,
        }
    }

    /// The rates at which the cheaper of two changes, with the one that is cheaper below and the one above.
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

    /// A contender's traffic at every rate that is looked at.
    fn sampled<'a>(&self, studied: &'a Studied) -> Sampled<'a> {
        let step = |step: u32| LOWEST + (HIGHEST - LOWEST) * f64::from(step) / f64::from(STEPS);
        let rates = (0..=STEPS).map(step).filter_map(|log| Some((log, self.rates_at(studied, log)?)));
        Sampled { studied, rates: rates.collect() }
    }

    /// A contender's traffic at another rate of the feed, given by its decimal logarithm.
    fn rates_at(&self, studied: &Studied, log: f64) -> Option<Rates> {
        Some(rates(&self.scenario, &studied.contender, &self.feed.model_at(10f64.powf(log))?))
    }
}

/// One contender's traffic by the logarithm of the feed's rate.
struct Sampled<'a> {
    studied: &'a Studied,
    rates: Vec<(f64, Rates)>,
}

/// A cost at some traffic and number of clients.
type Cost = fn(&Studied, &Rates, f64) -> Option<f64>;

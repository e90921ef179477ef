//! Where one contender becomes cheaper than another: along a curve, and along the rate of the feed.

use serde::Serialize;

use super::costs::Studied;
use super::study::Study;
use super::{Crossing, Curve};
use crate::Scenario;
use crate::predict::{Rates, rates};
use crate::scenario::{Contender, ScheduleKind, Source};

/// Rates that are looked at, updates a second, by their decimal logarithm.
const LOWEST: f64 = -3.0;
const HIGHEST: f64 = 3.0;
const STEPS: u32 = 48;
/// Halvings of a step: the rate is then known to a millionth of it.
const HALVINGS: u32 = 20;
/// Two contenders whose costs differ by less cross by chance: a twentieth where they were measured, next to nothing
/// where they are predicted.
const ALIKE_MEASURED: f64 = 0.05;
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

/// The crossings of curves over the same clients, by clients ascending; between two points a cost is a power of their
/// number, which is a straight line where both are logarithmic.
pub(super) fn of(curves: &[Curve]) -> Vec<Crossing> {
    let mut all: Vec<Crossing> = pairs(curves).flat_map(|(a, b)| between(a, b)).collect();
    all.sort_by(|a, b| a.clients.total_cmp(&b.clients));
    all
}

fn pairs<T>(all: &[T]) -> impl Iterator<Item = (&T, &T)> {
    all.iter().enumerate().flat_map(|(index, a)| all[index + 1..].iter().map(move |b| (a, b)))
}

fn between(a: &Curve, b: &Curve) -> Vec<Crossing> {
    let ratio = |clients: f64| Some((cost(a, clients)? / cost(b, clients)?).ln()).filter(|ratio| ratio.is_finite());
    let mut counts: Vec<f64> = a.points.iter().chain(&b.points).map(|(clients, _)| *clients).collect();
    counts.sort_by(f64::total_cmp);
    counts.dedup();
    let all: Vec<(f64, f64)> = counts.into_iter().filter_map(|clients| Some((clients, ratio(clients)?))).collect();
    let clear: Vec<(f64, f64)> = all.iter().copied().filter(|(_, ratio)| ratio.abs() > ALIKE_MEASURED).collect();
    let crossing = |pair: &[(f64, f64)]| {
        let between = all.iter().copied().filter(|(at, _)| (pair[0].0..=pair[1].0).contains(at)).collect::<Vec<_>>();
        let ((low, before), (high, after)) = change(&between)?;
        let clients = low * (high / low).powf(before / (before - after));
        let (cheaper, other) = if before < 0.0 { (a, b) } else { (b, a) };
        let labels = (cheaper.label.clone(), other.label.clone());
        cost(a, clients).map(|cost| Crossing { clients, cost, labels })
    };
    clear.windows(2).filter(|pair| pair[0].1.signum() != pair[1].1.signum()).filter_map(crossing).collect()
}

/// The first two neighbours with different signs.
fn change(points: &[(f64, f64)]) -> Option<((f64, f64), (f64, f64))> {
    let pair = points.windows(2).find(|pair| pair[0].1.signum() != pair[1].1.signum())?;
    Some((pair[0], pair[1]))
}

/// A curve's cost between its points.
fn cost(curve: &Curve, clients: f64) -> Option<f64> {
    let after = curve.points.iter().position(|(at, _)| *at >= clients)?;
    let (high, above) = curve.points[after];
    if after == 0 || high == clients {
        return (high == clients).then_some(above);
    }
    let (low, below) = curve.points[after - 1];
    let power = (above / below).ln() / (high / low).ln();
    Some(below * (clients / low).powf(power))
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

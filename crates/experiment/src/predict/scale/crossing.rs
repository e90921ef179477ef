//! Crossings: where one contender becomes cheaper than another along a curve.

use super::{Crossing, Curve};

/// If the measured costs of two contenders differ by less than this, a crossing is due to chance.
pub(super) const ALIKE_MEASURED: f64 = 0.05;

/// Returns the crossings of curves, by ascending number of clients. Between two points, a cost is a power of the number
/// of clients: a straight line on logarithmic axes.
pub(super) fn of(curves: &[Curve]) -> Vec<Crossing> {
    let mut all: Vec<Crossing> = pairs(curves).flat_map(|(a, b)| between(a, b)).collect();
    all.sort_by(|a, b| a.clients.total_cmp(&b.clients));
    all
}

pub(super) fn pairs<T>(all: &[T]) -> impl Iterator<Item = (&T, &T)> {
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

/// Returns the first two adjacent points with different signs.
fn change(points: &[(f64, f64)]) -> Option<((f64, f64), (f64, f64))> {
    let pair = points.windows(2).find(|pair| pair[0].1.signum() != pair[1].1.signum())?;
    Some((pair[0], pair[1]))
}

/// Returns a curve's cost, interpolated between its points.
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

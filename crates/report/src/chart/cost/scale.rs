//! The units of costs: their names, their figures, and ticks at figures that people know.

use feedlab_experiment::predict::scale::Unit;

use super::super::axis::Axis;
use crate::human;

/// Ticks on one axis that can still be read.
const MOST_TICKS: usize = 9;

/// What an axis counts.
pub(super) const fn name(unit: Unit) -> &'static str {
    match unit {
        Unit::Cores => "cores that are busy all the time",
        Unit::Bytes => "bytes of memory",
        Unit::BitsPerSecond => "bits a second, both directions",
    }
}

/// A cost with its unit where the figure needs one.
pub(super) fn figure(cost: f64, unit: Unit) -> String {
    match unit {
        Unit::Cores => human::rough(cost),
        Unit::Bytes => human::size(cost),
        Unit::BitsPerSecond => human::bits(cost),
    }
}

/// A tick of the axis of clients: `500`, `10k`, `2M`.
pub(super) fn clients(count: f64) -> String {
    match count {
        count if count >= 1e6 => format!("{}M", human::count(count / 1e6)),
        count if count >= 1e3 => format!("{}k", human::count(count / 1e3)),
        count => human::count(count),
    }
}

/// Round figures of a logarithmic axis: 1, 10 and 100 of each unit that is counted in 1024, and decades of all others.
pub(super) fn ticks(axis: Axis, unit: Unit) -> Vec<f64> {
    let (Unit::Bytes, Axis::Log { low, high }) = (unit, axis) else { return axis.log_ticks(MOST_TICKS) };
    let units = (0..6).map(|power| 1024f64.powi(power));
    let all = units.flat_map(|unit| [1.0, 10.0, 100.0].map(|step| step * unit));
    all.filter(|tick| (low..=high).contains(tick)).collect()
}

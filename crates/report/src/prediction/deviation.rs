//! How far a measurement is from its prediction, and when that may be put as a percentage.

use feedlab_experiment::Metric;
use feedlab_experiment::metric::{Pooling, Unit};
use feedlab_experiment::summary::Entry;

use super::{MACHINE_TIME, predicted};
use crate::human;

/// A measurement beside its prediction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Deviation {
    /// The prediction is so small that what was measured is the machine's own time.
    MachineTime,
    /// Counts that are less than one apart: nothing can be counted more closely.
    LessThanOne,
    /// Something was measured where nothing was predicted.
    Unpredicted,
    /// The measurement less the prediction, as a share of the prediction.
    Share(f64),
}

/// Compares one figure of an entry; nothing unless it was both measured and predicted.
pub(super) fn of(entry: &Entry, metric: Metric) -> Option<Deviation> {
    let (measured, predicted) = (entry.value(metric)?, predicted(entry, metric)?);
    Some(match metric.row().unit {
        Unit::Microseconds if predicted < MACHINE_TIME => Deviation::MachineTime,
        _ if measured == predicted => Deviation::Share(0.0),
        _ if metric.row().pooling == Pooling::Sum && (measured - predicted).abs() < 1.0 => Deviation::LessThanOne,
        _ if predicted != 0.0 => Deviation::Share((measured - predicted) / predicted),
        _ => Deviation::Unpredicted,
    })
}

impl Deviation {
    /// The distance in words and figures.
    pub(super) fn text(self) -> Option<String> {
        match self {
            Self::MachineTime => Some("the machine's own time".to_owned()),
            Self::LessThanOne => Some("less than 1 apart".to_owned()),
            Self::Unpredicted => None,
            Self::Share(0.0) => Some("as measured".to_owned()),
            Self::Share(share) => Some(human::signed_percent(share)),
        }
    }

    /// The distance as a share, without its sign; nothing where there is none to tell.
    pub(super) fn distance(self) -> Option<f64> {
        match self {
            Self::MachineTime => None,
            Self::LessThanOne => Some(0.0),
            Self::Unpredicted => Some(f64::INFINITY),
            Self::Share(share) => Some(share.abs()),
        }
    }

    /// Whether the distance is greater than a tolerance.
    pub(super) fn exceeds(self, tolerance: f64) -> bool {
        self.distance().is_some_and(|distance| distance > tolerance)
    }
}

//! The deviation of a measurement from its prediction, and whether it may be given as a percentage.

use feedlab_experiment::Metric;
use feedlab_experiment::metric::{Pooling, Unit};
use feedlab_experiment::summary::Entry;

use super::{MACHINE_TIME, predicted};
use crate::human;

/// A measurement compared with its prediction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Deviation {
    /// The predicted time is so small that the measured one is the machine's own time.
    MachineTime,
    /// Counts that differ by less than one, which is as exact as a count can be.
    LessThanOne,
    /// Something was measured where zero was predicted.
    Unpredicted,
    /// The measurement minus the prediction, as a share of the prediction.
    Share(f64),
}

/// Compares one figure of an entry; `None` unless it was both measured and predicted.
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
    /// The deviation as text.
    pub(super) fn text(self) -> Option<String> {
        match self {
            Self::MachineTime => Some("the machine's own time".to_owned()),
            Self::LessThanOne => Some("differs by less than 1".to_owned()),
            Self::Unpredicted => None,
            Self::Share(0.0) => Some("exact".to_owned()),
            Self::Share(share) => Some(human::signed_percent(share)),
        }
    }

    /// The deviation as a share, without its sign; `None` for the machine's own time.
    pub(super) fn distance(self) -> Option<f64> {
        match self {
            Self::MachineTime => None,
            Self::LessThanOne => Some(0.0),
            Self::Unpredicted => Some(f64::INFINITY),
            Self::Share(share) => Some(share.abs()),
        }
    }

    /// Whether the deviation is greater than a tolerance.
    pub(super) fn exceeds(self, tolerance: f64) -> bool {
        self.distance().is_some_and(|distance| distance > tolerance)
    }
}

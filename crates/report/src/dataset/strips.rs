//! The checks that demand a distance, each with the band that it leaves and where the measured figure lies in it.

use feedlab_experiment::metric::Unit;
use feedlab_experiment::results::Results;
use feedlab_experiment::summary::Entry;
use feedlab_experiment::threshold::Check;

use crate::check;
use crate::palette::Look;
use crate::series::{Series, row_name};

/// One check that requires a distance.
#[derive(Debug)]
pub(crate) struct Strip {
    /// How it is drawn.
    pub(crate) look: Look,
    /// Whose, in a sentence; with client count and payload in a sweep.
    pub(crate) spoken: String,
    /// What is checked.
    pub(crate) metric: &'static str,
    /// The contender that is compared with, if one is.
    pub(crate) than: Option<String>,
    /// Whose, in a table.
    pub(crate) name: String,
    /// The unit of all its figures.
    pub(crate) unit: Unit,
    /// From where to where the figure had to be.
    pub(crate) band: (f64, f64),
    /// Whether the middle of the band is what is predicted.
    pub(crate) is_of_prediction: bool,
    /// What was measured.
    pub(crate) measured: Option<f64>,
    /// Its interval.
    pub(crate) interval: Option<(f64, f64)>,
    /// Whether it is in the band.
    pub(crate) met: bool,
}

impl Strip {
    /// What is checked, and beside whom: `age p50`, `age p50 beside SSE`.
    pub(crate) fn what(&self) -> String {
        match &self.than {
            Some(label) => format!("{} beside {label}", self.metric),
            None => self.metric.to_owned(),
        }
    }

    /// Where a value lies: from −1, the lower end of the band, to 1, its upper end. A band without an extent is the
    /// point 0, and everything beside it is infinitely far.
    pub(crate) fn place(&self, value: f64) -> f64 {
        let (low, high) = self.band;
        let (middle, half) = (f64::midpoint(low, high), (high - low) / 2.0);
        match value - middle {
            0.0 => 0.0,
            distance => distance / half,
        }
    }
}

/// In the order of the scenario, the failed ones first.
pub(super) fn of(results: &Results) -> Vec<Strip> {
    let entries = &results.summary.contenders;
    let checks = check::all(results).into_iter();
    let mut strips: Vec<Strip> = checks.filter_map(|(check, entry)| strip(check, entry, entries)).collect();
    strips.sort_by_key(|strip| strip.met);
    strips
}

/// Nothing if the check requires no distance, or none that can be drawn, or if the figure is an age of what was left, which is in
/// no band whatever it is.
fn strip(check: Check, entry: &Entry, entries: &[Entry]) -> Option<Strip> {
    let (series, name) = (Series::of(entry, entries), row_name(entry, entries));
    let estimate = entry.metrics.get(&check.metric);
    Some(Strip {
        band: check.band.filter(|(low, high)| check.lost.is_none() && low.is_finite() && high.is_finite())?,
        look: series.look,
        is_of_prediction: check.than.is_none(),
        spoken: if name == entry.label { series.spoken } else { name.clone() },
        metric: check.metric.row().label,
        than: check.than,
        name,
        unit: check.metric.row().unit,
        measured: check.measured,
        interval: estimate.and_then(|estimate| estimate.low.zip(estimate.high)),
        met: check.met,
    })
}

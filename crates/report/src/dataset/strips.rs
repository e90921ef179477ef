//! The checks that allow a distance from a reference, each with its band and the place of the measured figure in it.

use feedlab_experiment::metric::Unit;
use feedlab_experiment::results::Results;
use feedlab_experiment::summary::Entry;
use feedlab_experiment::threshold::Check;

use crate::check;
use crate::palette::Look;
use crate::series::{Series, row_name};

/// One check that allows a distance from a reference.
#[derive(Debug)]
pub(crate) struct Strip {
    /// How the contender is drawn.
    pub(crate) look: Look,
    /// The contender's name in a sentence; with client count and payload in a sweep.
    pub(crate) spoken: String,
    /// The label of the metric.
    pub(crate) metric: &'static str,
    /// The label of the contender that it is compared with; `None` if it is compared with the prediction.
    pub(crate) than: Option<String>,
    /// The contender's name in a table.
    pub(crate) name: String,
    /// The unit of all its figures.
    pub(crate) unit: Unit,
    /// The lower and upper end of the required band.
    pub(crate) band: (f64, f64),
    /// Whether the middle of the band is the predicted value.
    pub(crate) is_of_prediction: bool,
    /// The measured value.
    pub(crate) measured: Option<f64>,
    /// The interval of the measured value.
    pub(crate) interval: Option<(f64, f64)>,
    /// Whether the measured value is in the band.
    pub(crate) met: bool,
}

impl Strip {
    /// The check in a label: `age p50`, `age p50 vs SSE`.
    pub(crate) fn what(&self) -> String {
        match &self.than {
            Some(label) => format!("{} vs {label}", self.metric),
            None => self.metric.to_owned(),
        }
    }

    /// The check in a sentence: `age p50 of WebSocket`, `age p50 of WebSocket compared with SSE`.
    pub(crate) fn spoken_check(&self) -> String {
        let than = self.than.as_ref().map_or(String::new(), |label| format!(" compared with {label}"));
        format!("{} of {}{than}", self.metric, self.spoken)
    }

    /// The place of a value: −1 is the lower end of the band, 1 its upper end. A band of zero width is the point 0, and
    /// any other value is infinitely far away.
    pub(crate) fn place(&self, value: f64) -> f64 {
        let (low, high) = self.band;
        let (middle, half) = (f64::midpoint(low, high), (high - low) / 2.0);
        match value - middle {
            0.0 => 0.0,
            distance => distance / half,
        }
    }
}

/// Returns the strips in the order of the scenario, the failed ones first.
pub(super) fn of(results: &Results) -> Vec<Strip> {
    let entries = &results.summary.contenders;
    let checks = check::all(results).into_iter();
    let mut strips: Vec<Strip> = checks.filter_map(|(check, entry)| strip(check, entry, entries)).collect();
    strips.sort_by_key(|strip| strip.met);
    strips
}

/// Returns `None` if the check sets no distance or none that can be drawn, or if the figure is an age of a contender
/// that lost updates or clients, which cannot pass.
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

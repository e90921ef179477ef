//! One bar: the contender that it belongs to, its parts, and what is written next to it.

use super::super::canvas::Pattern;
use super::super::{COMPACT_BELOW, text};
use super::{FIGURE, MOST_FIGURES};
use crate::palette::Look;
use crate::series::Series;

/// One bar.
pub(in super::super) struct Bar {
    /// How the contender is drawn.
    pub(in super::super) look: Look,
    /// The contender's label.
    pub(in super::super) name: String,
    /// A heading above the bar, at the start of a group.
    pub(in super::super) heading: Option<String>,
    /// The parts from left to right; `None` if not measured.
    pub(in super::super) parts: Option<Vec<(Pattern, f64)>>,
    /// A value inside the bar that is marked.
    pub(in super::super) mark: Option<f64>,
    /// The predicted sum of the parts.
    pub(in super::super) predicted: Option<f64>,
    /// The interval of the sum of the parts.
    pub(in super::super) interval: Option<(f64, f64)>,
    /// The figure next to the bar.
    pub(in super::super) figure: String,
    /// The shorter figure for narrow pictures.
    pub(in super::super) short: String,
}

impl Bar {
    /// Returns a bar with one part.
    pub(in super::super) fn simple(
        series: &Series,
        heading: Option<String>,
        value: Option<f64>,
        figure: impl Fn(f64) -> String,
    ) -> Self {
        let text = value.map_or("not measured".to_owned(), figure);
        Self {
            look: series.look,
            name: series.label.clone(),
            heading,
            parts: value.map(|value| vec![(Pattern::Solid, value.max(0.0))]),
            mark: None,
            predicted: None,
            interval: None,
            figure: text.clone(),
            short: text,
        }
    }

    pub(super) fn total(&self) -> f64 {
        self.parts.iter().flatten().map(|part| part.1).sum()
    }

    /// How far the bar extends, including its interval and its prediction.
    pub(super) fn reach(&self) -> f64 {
        self.total().max(self.interval.map_or(0.0, |interval| interval.1)).max(self.predicted.unwrap_or(0.0))
    }

    /// The figure, or where it would take too much of the width, the shorter one.
    pub(super) fn figure(&self, width: f64) -> &str {
        let fits = width >= COMPACT_BELOW && text::width(&self.figure, FIGURE) <= width * MOST_FIGURES;
        if fits { &self.figure } else { &self.short }
    }
}

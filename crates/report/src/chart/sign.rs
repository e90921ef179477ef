//! The signs for the predicted and the measured value, where a chart shows both: a hollow and a solid diamond.

use super::canvas::{Canvas, DrawResult, Point};
use crate::palette::{Color, Look, Marker};

/// Half the height of a sign: large enough to be seen from the last row of a classroom.
pub(super) const RADIUS: f64 = 5.5;

const INK: Look =
    Look { color: Color::Ink, dashes: &[], marker: Marker::Diamond, hollow: false, width: 2.0, contender: 0 };

/// The dashes of predicted lines: shorter than those of any contender.
pub(super) const DASHES: [f64; 2] = [5.0, 3.5];

/// The explanation of the hollow sign in every key.
pub(super) const PREDICTED: &str = "predicted by arithmetic";

/// Draws the hollow sign of a predicted value.
pub(super) fn predicted(canvas: &mut Canvas, at: Point) -> DrawResult {
    predicted_around(canvas, at, RADIUS)
}

/// Draws the hollow sign, large enough to be seen around the marker of a measured value.
pub(super) fn predicted_around(canvas: &mut Canvas, at: Point, radius: f64) -> DrawResult {
    // A pale ring makes it visible on any bar.
    canvas.marker(at, radius + 2.0, Look { color: Color::Paper, ..INK })?;
    canvas.marker(at, radius, Look { hollow: true, ..INK })
}

/// Draws the solid sign of a measured value.
pub(super) fn measured(canvas: &mut Canvas, at: Point) -> DrawResult {
    canvas.marker(at, RADIUS, INK)
}

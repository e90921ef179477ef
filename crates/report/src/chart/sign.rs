//! The signs for what was predicted and what was measured, where a figure shows both: a hollow and a solid diamond.

use super::canvas::{Canvas, DrawResult, Point};
use crate::palette::{Color, Look, Marker};

/// Half a sign's height: large enough for the last row of a classroom.
pub(super) const RADIUS: f64 = 5.5;

const INK: Look = Look { color: Color::Ink, dashes: &[], marker: Marker::Diamond, hollow: false, width: 2.0 };

/// Dashes of what is predicted: shorter than any contender's.
pub(super) const DASHES: [f64; 2] = [5.0, 3.5];

/// What the hollow sign means, in every key.
pub(super) const PREDICTED: &str = "predicted by arithmetic";

/// Hollow: predicted.
pub(super) fn predicted(canvas: &mut Canvas, at: Point) -> DrawResult {
    predicted_around(canvas, at, RADIUS)
}

/// Hollow, so large that it is seen around a marker of what was measured.
pub(super) fn predicted_around(canvas: &mut Canvas, at: Point, radius: f64) -> DrawResult {
    // A pale ring around it: it must be seen on any bar.
    canvas.marker(at, radius + 2.0, Look { color: Color::Paper, ..INK })?;
    canvas.marker(at, radius, Look { hollow: true, ..INK })
}

/// Solid: measured.
pub(super) fn measured(canvas: &mut Canvas, at: Point) -> DrawResult {
    canvas.marker(at, RADIUS, INK)
}

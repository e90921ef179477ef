//! The signs for what was predicted and what was measured, where a figure shows both: a hollow and a solid diamond.

use super::canvas::{Canvas, Drawing, Point};
use super::palette::{Colour, Look, Marker};

/// Half a sign's height: large enough for the last row of a classroom.
pub(super) const RADIUS: f64 = 5.5;

const INK: Look = Look { colour: Colour::Ink, dashes: &[], marker: Marker::Diamond, hollow: false, width: 2.0 };

/// Dashes of what is predicted: shorter than any contender's.
pub(super) const DASHES: [f64; 2] = [5.0, 3.5];

/// Hollow: predicted.
pub(super) fn predicted(canvas: &mut Canvas, at: Point) -> Drawing {
    // A pale ring around it: it must be seen on any bar.
    canvas.marker(at, RADIUS + 2.0, Look { colour: Colour::Paper, ..INK })?;
    canvas.marker(at, RADIUS, Look { hollow: true, ..INK })
}

/// Solid: measured.
pub(super) fn measured(canvas: &mut Canvas, at: Point) -> Drawing {
    canvas.marker(at, RADIUS, INK)
}

//! The shapes of markers.

use super::Point;
use crate::palette::Marker;

/// Returns the corners of a marker, in order. A circle is a polygon with many corners.
pub(super) fn corners(marker: Marker, (x, y): Point, radius: f64) -> Vec<Point> {
    // The number of corners, the angle of the first in turns, and the distances of the corners, repeated.
    let (count, turn, distances): (i32, f64, &[f64]) = match marker {
        Marker::Circle => (16, 0.0, &[1.0]),
        Marker::Square => (4, 0.125, &[1.2]),
        Marker::Triangle => (3, -0.25, &[1.3]),
        Marker::Down => (3, 0.25, &[1.3]),
        Marker::Diamond => (4, 0.0, &[1.3]),
        Marker::Cross => return cross((x, y), radius * 1.25),
        Marker::Star => (10, -0.25, &[1.5, 0.6]),
    };
    let corner = |(index, distance): (i32, &f64)| {
        let angle = std::f64::consts::TAU * (f64::from(index) / f64::from(count) + turn);
        (x + radius * distance * angle.cos(), y + radius * distance * angle.sin())
    };
    (0..count).zip(distances.iter().cycle()).map(corner).collect()
}

/// The corners of an upright cross whose arms are `reach` long.
fn cross((x, y): Point, reach: f64) -> Vec<Point> {
    let half = reach * 0.36;
    let corners = [
        (-half, -reach),
        (half, -reach),
        (half, -half),
        (reach, -half),
        (reach, half),
        (half, half),
        (half, reach),
        (-half, reach),
        (-half, half),
        (-reach, half),
        (-reach, -half),
        (-half, -half),
    ];
    corners.map(|(dx, dy)| (x + dx, y + dy)).to_vec()
}

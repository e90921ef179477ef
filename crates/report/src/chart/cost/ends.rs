//! Names at the right ends of lines, moved apart where they would overlap.

use super::super::canvas::{Area, Canvas, DrawResult, Point, TextFormat};
use super::super::text;
use crate::palette::{Color, Look};

const SIZE: f64 = 12.0;
const LINE: f64 = 14.0;
/// The distance from the end of a line to its name.
const AWAY: f64 = 16.0;

/// The right end of a line.
pub(super) struct End<'a> {
    /// The last point of the line.
    pub(super) at: Point,
    /// How the line is drawn.
    pub(super) look: Look,
    /// The name of its contender.
    pub(super) name: &'a str,
}

/// Draws markers at the ends and names between the plot and `right`.
pub(super) fn label(canvas: &mut Canvas, ends: &mut [End], plot: Area, right: f64) -> DrawResult {
    ends.sort_by(|a, b| a.at.1.total_cmp(&b.at.1));
    let left = plot.right + AWAY;
    let names: Vec<Vec<String>> = ends.iter().map(|end| text::wrap(end.name, SIZE, right - left)).collect();
    let heights: Vec<f64> = names.iter().map(|lines| lines.len() as f64 * LINE + 3.0).collect();
    let wanted: Vec<f64> = ends.iter().map(|end| end.at.1).collect();
    for ((end, lines), middle) in ends.iter().zip(&names).zip(apart(&wanted, &heights, plot)) {
        canvas.path(&[end.at, (left - 3.0, middle)], &[], Color::Muted, 0.7)?;
        canvas.marker(end.at, 4.5, end.look)?;
        let first = middle - (lines.len() - 1) as f64 * LINE / 2.0;
        for (index, line) in lines.iter().enumerate() {
            let line = text::fit(line, SIZE, right - left);
            canvas.text(&line, (left, first + index as f64 * LINE), TextFormat::new(SIZE).bold())?;
        }
    }
    Ok(())
}

/// Returns the middles of boxes, as close as possible to the wanted ones: pushed down from the top so that no two
/// overlap, then up from the bottom so that all are inside, if there is room for all.
fn apart(wanted: &[f64], heights: &[f64], bounds: Area) -> Vec<f64> {
    let mut middles = wanted.to_vec();
    let mut free = bounds.top;
    for (middle, height) in middles.iter_mut().zip(heights) {
        *middle = middle.max(free + height / 2.0);
        free = *middle + height / 2.0;
    }
    let mut free = bounds.bottom;
    for (middle, height) in middles.iter_mut().zip(heights).rev() {
        *middle = middle.min(free - height / 2.0);
        free = *middle - height / 2.0;
    }
    middles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_moved_apart_and_stay_inside() {
        let bounds = Area { left: 0.0, top: 0.0, right: 1.0, bottom: 100.0 };
        let heights = [10.0, 10.0, 10.0];
        assert_eq!(apart(&[20.0, 50.0, 80.0], &heights, bounds), [20.0, 50.0, 80.0], "enough room");
        assert_eq!(apart(&[20.0, 21.0, 80.0], &heights, bounds), [20.0, 30.0, 80.0]);
        assert_eq!(apart(&[99.0, 99.0, 99.0], &heights, bounds), [75.0, 85.0, 95.0], "at the lower edge");
    }
}

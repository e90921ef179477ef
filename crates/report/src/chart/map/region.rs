//! How a region is filled: a tint for one transport, a hatch in the colors of all that are equal, and gray lines where
//! nothing fits.

use feedlab_experiment::choice::map::Outcome;
use feedlab_experiment::scenario::Transport;

use super::super::canvas::{Canvas, DrawResult, Point};
use crate::palette::{Color, Look};

/// The distance of the lines of a hatch, along the horizontal.
const STEP: f64 = 9.0;
const TINT: f64 = 0.26;

/// Fills closed outlines; those of holes run in the other direction.
pub(super) fn draw(canvas: &mut Canvas, outcome: Outcome, outlines: &[Vec<Point>]) -> DrawResult {
    let colors: Vec<Color> = outcome.transports().into_iter().map(color).collect();
    match *colors {
        [] => hatch(canvas, outlines, &[Color::Muted], 1.0),
        [color] => canvas.polygon(&joined(outlines), color, TINT),
        [..] => hatch(canvas, outlines, &colors, 2.4),
    }
}

fn color(transport: Transport) -> Color {
    Look::of(transport, 0).color
}

/// Returns one outline that contains all: between two, it goes there and back on the same line, which has no area.
fn joined(outlines: &[Vec<Point>]) -> Vec<Point> {
    let Some(start) = outlines.first().and_then(|outline| outline.first()) else { return Vec::new() };
    let closed =
        |outline: &Vec<Point>| outline.iter().chain(outline.first()).chain([start]).copied().collect::<Vec<_>>();
    outlines.iter().flat_map(closed).collect()
}

/// Draws lines that rise at 45°, in turn in each color.
fn hatch(canvas: &mut Canvas, outlines: &[Vec<Point>], colors: &[Color], width: f64) -> DrawResult {
    let sums = || outlines.iter().flatten().map(|(x, y)| x + y);
    let (low, high) = (sums().fold(f64::MAX, f64::min), sums().fold(f64::MIN, f64::max));
    let (first, last) = ((low / STEP).floor() as i64, (high / STEP).ceil() as i64);
    for number in first..=last {
        let color = colors[number.rem_euclid(colors.len() as i64) as usize];
        for [from, to] in within(outlines, number as f64 * STEP + 0.013) {
            canvas.line(from, to, color, width)?;
        }
    }
    Ok(())
}

/// Returns the pieces of the line x + y = `sum` that are inside outlines.
fn within(outlines: &[Vec<Point>], sum: f64) -> Vec<[Point; 2]> {
    let mut cuts: Vec<f64> = Vec::new();
    for outline in outlines {
        for (a, b) in outline.iter().zip(outline.iter().cycle().skip(1)) {
            let (from, to) = (a.0 + a.1 - sum, b.0 + b.1 - sum);
            if (from < 0.0) != (to < 0.0) {
                cuts.push(a.0 + (b.0 - a.0) * from / (from - to));
            }
        }
    }
    cuts.sort_by(f64::total_cmp);
    cuts.chunks_exact(2).map(|pair| [(pair[0], sum - pair[0]), (pair[1], sum - pair[1])]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hatch_stays_inside_and_out_of_holes() {
        let square = |low: f64, high: f64| vec![(low, low), (high, low), (high, high), (low, high)];
        let pieces = within(&[square(0.0, 30.0), square(10.0, 20.0)], 30.0);
        assert_eq!(pieces, [[(0.0, 30.0), (10.0, 20.0)], [(20.0, 10.0), (30.0, 0.0)]]);
        assert!(within(&[square(0.0, 30.0)], 61.0).is_empty());
    }
}

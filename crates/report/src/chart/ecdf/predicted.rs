//! The predicted distribution of ages: a thin dashed line beside the measured one, and the key that tells them apart.

use super::super::axis::Axis;
use super::super::canvas::{Area, Canvas, Drawing, Point, Type};
use super::super::palette::Colour;
use super::super::text;
use super::height_of;
use crate::dataset::Ecdf;

/// Dashes of what is predicted: shorter than any contender's.
const DASHES: [f64; 2] = [4.0, 3.0];

/// Whether there is any such line.
pub(super) fn is_shown(shown: &[&Ecdf]) -> bool {
    shown.iter().any(|ecdf| !ecdf.predicted.is_empty())
}

/// Tells the two kinds of lines apart.
pub(super) fn key(canvas: &mut Canvas, (x, y): Point) -> Drawing {
    const SAMPLE: f64 = 30.0;
    let measured = "measured";
    canvas.path(&[(x, y), (x + SAMPLE, y)], &[], Colour::Muted, 2.4)?;
    canvas.text(measured, (x + SAMPLE + 7.0, y), Type::new(12.0))?;
    let x = x + SAMPLE + 7.0 + text::width(measured, 12.0) + 16.0;
    canvas.path(&[(x, y), (x + SAMPLE, y)], &DASHES, Colour::Muted, 1.3)?;
    canvas.text("predicted by arithmetic", (x + SAMPLE + 7.0, y), Type::new(12.0))
}

/// Draws the lines, thin: the measured ones go on top.
pub(super) fn draw(canvas: &mut Canvas, shown: &[&Ecdf], axis: Axis, plot: Area) -> Drawing {
    for ecdf in shown {
        canvas.path(&line(&ecdf.predicted, axis, plot), &DASHES, ecdf.series.look.colour, 1.3)?;
    }
    Ok(())
}

/// The line of a predicted distribution: straight between its points on an even scale, and so bent on this one. Where it
/// would only lie on the lower edge, it is left out.
fn line(predicted: &[(f64, f64)], axis: Axis, plot: Area) -> Vec<Point> {
    const VISIBLE_SHARE: f64 = 0.005;
    const PIECES: u32 = 8;
    let mut line: Vec<Point> = Vec::new();
    for pair in predicted.windows(2) {
        let ((age, share), (next_age, next_share)) = (pair[0], pair[1]);
        for piece in 0..=PIECES {
            let part = f64::from(piece) / f64::from(PIECES);
            let (age, share) = (age + (next_age - age) * part, share + (next_share - share) * part);
            let at = (axis.place(age, plot.left, plot.right), height_of(share, plot));
            // Ages below the axis all stand at its edge: only where the line comes in from there can be told.
            if at.0 <= plot.left {
                line.clear();
            }
            let is_near = line.last().is_some_and(|last| (at.0 - last.0).hypot(at.1 - last.1) < 2.0);
            if share >= VISIBLE_SHARE && !is_near {
                line.push(at);
            }
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_comes_in_at_the_left_edge_and_bends_on_the_logarithmic_axis() {
        let plot = Area { left: 0.0, top: 0.0, right: 300.0, bottom: 100.0 };
        let axis = Axis::Log { low: 1e3, high: 1e6 };
        let uniform = line(&[(0.0, 0.0), (1e6, 1.0)], axis, plot);
        assert_eq!(uniform.last(), Some(&(300.0, 0.0)));
        let (x, y) = uniform[1];
        assert!(x > 200.0 && y > 70.0, "a quarter of the way at more than two thirds of the width: {uniform:?}");
        let stalled = line(&[(0.0, 0.0), (0.0, 0.9), (1e6, 1.0)], axis, plot);
        assert!((stalled[0].0, stalled[0].1.round()) == (0.0, 10.0), "{stalled:?}");
        assert!(stalled.iter().all(|point| point.1 < 10.1), "nothing stands along the edge");
    }
}

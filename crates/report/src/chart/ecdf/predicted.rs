//! The predicted distribution of ages: a thin dashed line next to the measured one, and the key that explains both.

use super::super::axis::Axis;
use super::super::canvas::{Area, Canvas, DrawResult, Point, TextFormat};
use super::super::{sign, text};
use super::height_of;
use crate::dataset::Ecdf;
use crate::palette::Color;

/// The shares at which a predicted line has its sign: away from the labels, which are at the median.
const SIGNS: [f64; 2] = [0.25, 0.75];

/// Whether any contender has a predicted line.
pub(super) fn is_shown(shown: &[&Ecdf]) -> bool {
    shown.iter().any(|ecdf| !ecdf.predicted.is_empty())
}

/// Draws the key of the two kinds of lines.
pub(super) fn key(canvas: &mut Canvas, (x, y): Point) -> DrawResult {
    const SAMPLE: f64 = 30.0;
    let measured = "measured";
    canvas.path(&[(x, y), (x + SAMPLE, y)], &[], Color::Muted, 2.4)?;
    canvas.text(measured, (x + SAMPLE + 7.0, y), TextFormat::new(12.0))?;
    let x = x + SAMPLE + 7.0 + text::width(measured, 12.0) + 16.0;
    canvas.path(&[(x, y), (x + SAMPLE, y)], &sign::DASHES, Color::Muted, 1.8)?;
    sign::predicted(canvas, (x + SAMPLE / 2.0, y))?;
    canvas.text(sign::PREDICTED, (x + SAMPLE + 7.0, y), TextFormat::new(12.0))
}

/// Draws the predicted lines, below the measured ones.
pub(super) fn draw(canvas: &mut Canvas, shown: &[&Ecdf], axis: Axis, plot: Area) -> DrawResult {
    for ecdf in shown {
        let look = ecdf.series.look;
        canvas.of(look, |canvas| canvas.path(&line(&ecdf.predicted, axis, plot), &sign::DASHES, look.color, 1.8))?;
    }
    Ok(())
}

/// Draws the signs on top of everything: a measured line that agrees hides the predicted one, so only the signs show
/// it.
pub(super) fn signs(canvas: &mut Canvas, shown: &[&Ecdf], axis: Axis, plot: Area) -> DrawResult {
    shown.iter().try_for_each(|ecdf| {
        let mut at = signs_of(&[*ecdf], axis, plot).into_iter();
        canvas.of(ecdf.series.look, |canvas| at.try_for_each(|at| sign::predicted(canvas, at)))
    })
}

/// Returns the places of the signs.
pub(super) fn signs_of(shown: &[&Ecdf], axis: Axis, plot: Area) -> Vec<Point> {
    let lines = shown.iter().filter(|ecdf| !ecdf.predicted.is_empty());
    let ages = lines.flat_map(|ecdf| SIGNS.map(|share| (age_at(&ecdf.predicted, share), share)));
    let ages = ages.filter_map(|(age, share)| Some((age.filter(|age| *age > 0.0)?, share)));
    ages.map(|(age, share)| (axis.place(age, plot.left, plot.right), height_of(share, plot)))
        .filter(|at| at.0 > plot.left)
        .collect()
}

/// The age at which a predicted distribution reaches a share.
fn age_at(predicted: &[(f64, f64)], share: f64) -> Option<f64> {
    let after = predicted.iter().position(|point| point.1 >= share)?;
    let (age, reached) = predicted[after];
    let (from, begun) = predicted[after.checked_sub(1)?];
    let part = if reached > begun { (share - begun) / (reached - begun) } else { 1.0 };
    Some(from + (age - from) * part)
}

/// The line of a predicted distribution. It is straight between its points on a linear scale, so it bends on this one.
/// The part that would lie on the lower edge is left out.
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
            // Ages below the axis are all drawn at its edge; only the point where the line leaves the edge is
            // meaningful.
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
    fn a_sign_is_placed_where_the_distribution_reaches_its_share() {
        assert_eq!(age_at(&[(0.0, 0.0), (1e6, 1.0)], 0.25), Some(250_000.0));
        assert_eq!(age_at(&[(0.0, 0.0), (5.0, 0.5), (5.0, 1.0)], 0.75), Some(5.0));
        assert_eq!(age_at(&[(7.0, 1.0)], 0.25), None);
        assert_eq!(age_at(&[], 0.25), None);
    }

    #[test]
    fn a_line_comes_in_at_the_left_edge_and_bends_on_the_logarithmic_axis() {
        let plot = Area { left: 0.0, top: 0.0, right: 300.0, bottom: 100.0 };
        let axis = Axis::Log { low: 1e3, high: 1e6 };
        let uniform = line(&[(0.0, 0.0), (1e6, 1.0)], axis, plot);
        assert_eq!(uniform.last(), Some(&(300.0, 0.0)));
        let (x, y) = uniform[1];
        assert!(
            x > 200.0 && y > 70.0,
            "a quarter of the height is reached at more than two thirds of the width: {uniform:?}"
        );
        let stalled = line(&[(0.0, 0.0), (0.0, 0.9), (1e6, 1.0)], axis, plot);
        assert!((stalled[0].0, stalled[0].1.round()) == (0.0, 10.0), "{stalled:?}");
        assert!(stalled.iter().all(|point| point.1 < 10.1), "nothing is drawn along the edge");
    }
}

//! The faults in a panel: a vertical dashed line for an instantaneous fault, a gray span for one that lasts, and their
//! names above, on a second line where the first is taken.

use std::ops::Range;

use super::super::axis::Axis;
use super::super::canvas::{Area, Canvas, DrawResult, TextFormat};
use super::super::text;
use crate::dataset::Mark;
use crate::palette::Color;

const SIZE: f64 = 10.5;
const LINE: f64 = 13.0;
/// More lines of names than this would leave no room for the ages.
const MOST_LINES: usize = 2;
const DASHES: &[f64] = &[3.0, 2.5];

/// A name and its place.
#[derive(Debug, PartialEq)]
struct Label<'a> {
    text: &'a str,
    left: f64,
    /// The line, counted from the plot upward.
    line: usize,
}

/// Returns the height of the names above a plot that spans `x`.
pub(super) fn height(marks: &[Mark], x: Range<f64>, seconds: Axis) -> f64 {
    labels(marks, x, seconds).iter().map(|label| (label.line + 1) as f64 * LINE).fold(0.0, f64::max)
}

/// Draws the faults, below the curves of the panel.
pub(super) fn draw(canvas: &mut Canvas, marks: &[Mark], plot: Area, seconds: Axis) -> DrawResult {
    for mark in marks {
        let left = seconds.place(mark.at, plot.left, plot.right);
        let right = seconds.place(mark.at + mark.length, plot.left, plot.right);
        if right - left >= 1.0 {
            canvas.fill(Area { left, right, ..plot }, Color::Muted, 0.2)?;
        }
        canvas.path(&[(left, plot.top - 2.0), (left, plot.bottom)], DASHES, Color::Muted, 0.8)?;
    }
    for Label { text, left, line } in labels(marks, plot.left..plot.right, seconds) {
        let y = plot.top - 2.0 - (line as f64 + 0.5) * LINE;
        canvas.text(text, (left, y), TextFormat::new(SIZE).muted())?;
    }
    Ok(())
}

/// The names, each on the lowest free line; a name without room is left out.
fn labels<'a>(marks: &'a [Mark], x: Range<f64>, seconds: Axis) -> Vec<Label<'a>> {
    let mut free = [f64::MIN; MOST_LINES];
    let label = |mark: &'a Mark| {
        let text = mark.label.as_deref()?;
        let width = text::width(text, SIZE);
        let left = (seconds.place(mark.at, x.start, x.end) - 2.0).min(x.end - width);
        let line = free.iter().position(|&free| free <= left)?;
        free[line] = left + width + 4.0;
        Some(Label { text, left, line })
    };
    marks.iter().filter_map(label).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(at: f64, label: &str) -> Mark {
        Mark { at, length: 0.0, name: "cut", label: (!label.is_empty()).then(|| label.to_owned()) }
    }

    #[test]
    fn overlapping_names_use_two_lines_and_a_third_is_left_out() {
        let seconds = Axis::Linear { high: 10.0 };
        let placed = |marks: &[Mark]| {
            labels(marks, 0.0..300.0, seconds)
                .iter()
                .map(|label| (label.text.to_owned(), label.line))
                .collect::<Vec<_>>()
        };
        let apart = [mark(1.0, "cut"), mark(2.0, ""), mark(5.0, "503")];
        assert_eq!(placed(&apart), [("cut".to_owned(), 0), ("503".to_owned(), 0)]);
        assert_eq!(height(&apart, 0.0..300.0, seconds), LINE);
        let close = [mark(1.0, "cut every 2 s"), mark(1.1, "black hole"), mark(1.2, "503")];
        assert_eq!(placed(&close), [("cut every 2 s".to_owned(), 0), ("black hole".to_owned(), 1)]);
        let late = [mark(10.0, "black hole")];
        let label = &labels(&late, 0.0..300.0, seconds)[0];
        assert!(label.left + text::width(label.text, SIZE) <= 300.0, "it ends with the plot");
        assert_eq!(height(&[], 0.0..300.0, seconds), 0.0);
    }
}

//! A legend below a line chart, where names next to the lines would cover them or each other: a sample of each line
//! with its marker, next to the whole name.

use super::COMPACT_BELOW;
use super::canvas::{self, Canvas, DrawResult, Point, TextFormat};
use super::text;
use crate::palette::Look;

const SIZE: f64 = 13.0;
const LINE: f64 = 17.0;
/// The space between two entries.
const BETWEEN: f64 = 6.0;
/// The length of a sample, the gap between it and its name, and the gap between two columns.
const SAMPLE: f64 = 40.0;
const BESIDE: f64 = 8.0;
const GUTTER: f64 = 24.0;

/// The entries of a legend with their places.
pub(super) struct Legend {
    entries: Vec<Entry>,
    /// The height of all entries.
    pub(super) height: f64,
}

struct Entry {
    look: Look,
    lines: Vec<String>,
    /// The upper left corner, relative to that of the legend.
    at: Point,
}

impl Legend {
    /// Lays out names in columns, from top to bottom and then from left to right. Names are wrapped and never cut.
    pub(super) fn new(names: &[(Look, String)], width: f64) -> Self {
        let columns = if width < COMPACT_BELOW { 1 } else { 2 };
        let pitch = (width + GUTTER) / columns as f64;
        let mut legend = Self { entries: Vec::new(), height: 0.0 };
        for (column, names) in names.chunks(names.len().div_ceil(columns).max(1)).enumerate() {
            let mut top = 0.0;
            for (look, name) in names {
                let lines = text::wrap(name, SIZE, pitch - GUTTER - SAMPLE - BESIDE);
                let height = lines.len() as f64 * LINE + BETWEEN;
                legend.entries.push(Entry { look: *look, lines, at: (column as f64 * pitch, top) });
                top += height;
            }
            legend.height = legend.height.max(top);
        }
        legend
    }

    /// Draws the legend with its upper left corner at a point.
    pub(super) fn draw(&self, canvas: &mut Canvas, (left, top): Point) -> DrawResult {
        for Entry { look, lines, at } in &self.entries {
            let (x, y) = (left + at.0, top + at.1 + LINE / 2.0);
            canvas.of(*look, |canvas| {
                canvas.path(&[(x, y), (x + SAMPLE, y)], look.dashes, look.color, look.width)?;
                canvas.marker((x + SAMPLE / 2.0, y), 4.5, *look)?;
                super::lines(canvas, lines, (x + SAMPLE + BESIDE, y), LINE, TextFormat::new(SIZE))
            })?;
        }
        Ok(())
    }
}

/// Draws the sample of a line alone, for a button next to the name.
pub(crate) fn sample(look: Look, invalid: bool) -> Result<String, canvas::DrawError> {
    const SIZE: (f64, f64) = (SAMPLE, 14.0);
    let mut svg = String::new();
    let mut canvas = Canvas::new(&mut svg, SIZE.0, SIZE.1, invalid);
    canvas.path(&[(0.0, 7.0), (SAMPLE, 7.0)], look.dashes, look.color, look.width)?;
    canvas.marker((SAMPLE / 2.0, 7.0), 4.5, look)?;
    canvas.finish()?;
    Ok(canvas::decorative(&svg, SIZE))
}

#[cfg(test)]
mod tests {
    use feedlab_experiment::scenario::Transport;

    use super::*;

    /// G2: with 60 characters a name takes more lines, and no letter is lost.
    #[test]
    fn names_are_wrapped_and_the_columns_are_filled_from_the_top() {
        let names: Vec<(Look, String)> = (0..5)
            .map(|number| (Look::of(Transport::Sse, number), format!("{number} {}", "a long label ".repeat(4).trim())))
            .collect();
        let wide = Legend::new(&names, 860.0);
        let lefts: Vec<f64> = wide.entries.iter().map(|entry| entry.at.0).collect();
        assert!(lefts[..3] == [0.0; 3] && lefts[3..] == [442.0; 2], "{lefts:?}");
        let narrow = Legend::new(&names, 350.0);
        assert!(narrow.height > 1.5 * wide.height && narrow.entries.iter().all(|entry| entry.at.0 == 0.0));
        for (entry, (_, name)) in narrow.entries.iter().zip(&names) {
            assert_eq!(&entry.lines.join(" "), name);
            assert!(text::widest(&entry.lines, SIZE) <= 350.0 - SAMPLE - BESIDE);
        }
    }
}

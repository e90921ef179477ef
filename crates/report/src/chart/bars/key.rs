//! The key above a picture with bars: a swatch of each part's pattern next to its name, on as many lines as needed.

use super::super::canvas::{Area, Canvas, DrawResult, Pattern, TextFormat};
use super::super::sign::{self, PREDICTED};
use super::super::text;
use crate::palette::Color;

const LINE: f64 = 20.0;
const SIZE: f64 = 12.0;
const SWATCH: f64 = 11.0;
/// The gaps between a swatch and its name, and after the name.
const BESIDE: f64 = 6.0;
const AFTER: f64 = 18.0;

/// A part that all bars have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Part {
    /// The name.
    pub(in super::super) name: &'static str,
    /// How the part is filled.
    pub(in super::super) pattern: Pattern,
}

/// The content of a key.
#[derive(Clone, Copy)]
pub(in super::super) struct Key<'a> {
    /// The parts of the bars.
    pub(in super::super) parts: &'a [Part],
    /// The meaning of the stroke across the bars.
    pub(in super::super) mark: Option<&'static str>,
    /// Whether the picture has signs of predicted values, so that the key also says that bars are measured.
    pub(in super::super) is_predicted: bool,
}

/// The swatch of an entry.
#[derive(Clone, Copy)]
enum Swatch {
    Part(Pattern),
    Mark,
    Predicted,
}

/// An entry of a key.
#[derive(Clone, Copy)]
struct Entry {
    name: &'static str,
    swatch: Swatch,
    /// The left edge, relative to the key.
    x: f64,
    /// The line, counted from 0.
    line: usize,
}

impl Key<'_> {
    /// The height at a width; 0 without entries.
    pub(in super::super) fn height(&self, width: f64) -> f64 {
        self.entries(width).last().map_or(0.0, |last| (last.line + 1) as f64 * LINE + 2.0)
    }

    /// Draws the key along the upper edge of `area`, in a neutral color.
    pub(in super::super) fn draw(&self, canvas: &mut Canvas, area: Area) -> DrawResult {
        for Entry { name, swatch, x, line } in self.entries(area.width()) {
            let (left, top) = (area.left + x, area.top + line as f64 * LINE + 2.0);
            let place = Area { left, top, right: left + SWATCH, bottom: top + SWATCH };
            let at = (left + SWATCH / 2.0, top + SWATCH / 2.0);
            match swatch {
                Swatch::Part(pattern) => canvas.pattern(place, pattern, Color::Muted)?,
                Swatch::Mark => mark(canvas, at.0, Area { top: top + 2.0, bottom: top + SWATCH - 2.0, ..place })?,
                Swatch::Predicted => sign::predicted(canvas, at)?,
            }
            canvas.text(name, (left + SWATCH + BESIDE, top + SWATCH / 2.0), TextFormat::new(SIZE))?;
        }
        Ok(())
    }

    /// The entries with their places.
    fn entries(&self, width: f64) -> Vec<Entry> {
        let parts = self.parts.iter().map(|part| (part.name, Swatch::Part(part.pattern)));
        // Bars with one part need an entry only if there are signs of predicted values.
        let measured =
            (self.is_predicted && self.parts.is_empty()).then_some(("measured", Swatch::Part(Pattern::Solid)));
        let mark = self.mark.map(|mark| (mark, Swatch::Mark));
        let predicted = self.is_predicted.then_some((PREDICTED, Swatch::Predicted));
        let (mut x, mut line) = (0.0, 0);
        let place = |(name, swatch)| {
            let needed = SWATCH + BESIDE + text::width(name, SIZE);
            if x > 0.0 && x + needed > width {
                (x, line) = (0.0, line + 1);
            }
            let entry = Entry { name, swatch, x, line };
            x += needed + AFTER;
            entry
        };
        measured.into_iter().chain(parts).chain(mark).chain(predicted).map(place).collect()
    }
}

/// Draws a stroke across a bar that sticks out on both sides, on a pale background so that it is visible on any
/// pattern.
pub(super) fn mark(canvas: &mut Canvas, x: f64, bar: Area) -> DrawResult {
    let (top, bottom) = (bar.top - 3.5, bar.bottom + 3.5);
    canvas.fill(Area { left: x - 2.2, top, right: x + 2.2, bottom }, Color::Paper, 0.85)?;
    canvas.line((x, top), (x, bottom), Color::Ink, 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: [Part; 2] =
        [Part { name: "payload", pattern: Pattern::Solid }, Part { name: "HTTP headers", pattern: Pattern::Slanted }];

    #[test]
    fn a_key_wraps_to_the_width() {
        let key = |parts, mark| Key { parts, mark, is_predicted: false };
        let lines =
            |width| key(&PARTS, Some("socket bytes")).entries(width).iter().map(|entry| entry.line).collect::<Vec<_>>();
        assert_eq!(lines(400.0), [0, 0, 0]);
        assert_eq!(lines(230.0), [0, 0, 1]);
        assert_eq!(lines(10.0), [0, 1, 2], "one entry per line, however narrow");
        assert!(key(&PARTS, None).height(400.0) < key(&PARTS, None).height(10.0));
        assert_eq!(key(&[], None).height(400.0), 0.0);
        let names = |parts| Key { parts, mark: None, is_predicted: true }.entries(400.0).len();
        assert_eq!((names(&PARTS[..]), names(&[])), (3, 2), "the key also says that bars are measured");
    }
}

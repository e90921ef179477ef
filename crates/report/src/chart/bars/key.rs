//! The key over a picture of bars: a swatch of each part's pattern beside its name, in as many lines as the width asks.

use super::super::canvas::{Area, Canvas, Drawing, Pattern, Type};
use super::super::palette::Colour;
use super::super::text;

const LINE: f64 = 20.0;
const SIZE: f64 = 12.0;
const SWATCH: f64 = 11.0;
/// Between a swatch and its name, and after the name.
const BESIDE: f64 = 6.0;
const AFTER: f64 = 18.0;

/// A part that bars have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Part {
    /// What it is.
    pub(in super::super) name: &'static str,
    /// How it is drawn.
    pub(in super::super) pattern: Pattern,
}

/// What stands in a key: a part, or the mark.
#[derive(Clone, Copy)]
struct Entry {
    name: &'static str,
    pattern: Option<Pattern>,
    /// Its left edge, from that of the key.
    x: f64,
    /// Its line, from 0.
    line: usize,
}

/// How high the key is at a width: nothing without parts.
pub(super) fn height(parts: &[Part], mark: Option<&'static str>, width: f64) -> f64 {
    entries(parts, mark, width).last().map_or(0.0, |last| (last.line + 1) as f64 * LINE + 2.0)
}

/// Draws it along the upper edge of `area`, in no contender's colour.
pub(super) fn draw(canvas: &mut Canvas, parts: &[Part], mark_name: Option<&'static str>, area: Area) -> Drawing {
    for Entry { name, pattern, x, line } in entries(parts, mark_name, area.width()) {
        let (left, top) = (area.left + x, area.top + line as f64 * LINE + 2.0);
        let swatch = Area { left, top, right: left + SWATCH, bottom: top + SWATCH };
        match pattern {
            Some(pattern) => canvas.pattern(swatch, pattern, Colour::Muted)?,
            None => mark(canvas, left + SWATCH / 2.0, Area { top: top + 2.0, bottom: top + SWATCH - 2.0, ..swatch })?,
        }
        canvas.text(name, (left + SWATCH + BESIDE, top + SWATCH / 2.0), Type::new(SIZE))?;
    }
    Ok(())
}

/// A stroke across a bar that sticks out on both sides, on a pale ground: it must be seen on any pattern.
pub(super) fn mark(canvas: &mut Canvas, x: f64, bar: Area) -> Drawing {
    let (top, bottom) = (bar.top - 3.5, bar.bottom + 3.5);
    canvas.fill(Area { left: x - 2.2, top, right: x + 2.2, bottom }, Colour::Paper, 0.85)?;
    canvas.line((x, top), (x, bottom), Colour::Ink, 2.0)
}

/// The entries, each where it stands.
fn entries(parts: &[Part], mark: Option<&'static str>, width: f64) -> Vec<Entry> {
    let names = parts.iter().map(|part| (part.name, Some(part.pattern))).chain(mark.map(|mark| (mark, None)));
    let (mut x, mut line) = (0.0, 0);
    let place = |(name, pattern)| {
        let needed = SWATCH + BESIDE + text::width(name, SIZE);
        if x > 0.0 && x + needed > width {
            (x, line) = (0.0, line + 1);
        }
        let entry = Entry { name, pattern, x, line };
        x += needed + AFTER;
        entry
    };
    names.map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: [Part; 2] =
        [Part { name: "payload", pattern: Pattern::Solid }, Part { name: "HTTP headers", pattern: Pattern::Slanted }];

    #[test]
    fn a_key_breaks_into_lines_where_it_must() {
        let lines = |width| entries(&PARTS, Some("socket bytes"), width).iter().map(|e| e.line).collect::<Vec<_>>();
        assert_eq!(lines(400.0), [0, 0, 0]);
        assert_eq!(lines(230.0), [0, 0, 1]);
        assert_eq!(lines(10.0), [0, 1, 2], "each in a line of its own, however narrow");
        assert!(height(&PARTS, None, 400.0) < height(&PARTS, None, 10.0));
        assert_eq!(height(&[], None, 400.0), 0.0);
    }
}

//! The key below a map: what each region is, and what crosses at each numbered line.

use feedlab_experiment::choice::map::{Map, Outcome};
use feedlab_experiment::scenario::Transport;

use super::super::canvas::{Anchor, Area, Canvas, DrawResult, Point, TextFormat};
use super::super::{COMPACT_BELOW, lines, text};
use super::{Layout, region};
use crate::palette::{Color, Look};

/// The size of a sample of a region, and its distance from its text.
const SAMPLE: (f64, f64) = (30.0, 15.0);
const BESIDE: f64 = 8.0;
/// The distance between two columns.
const GUTTER: f64 = 24.0;
/// A line that is shorter has no number on the map, CSS pixels.
const SHORTEST: f64 = 40.0;
/// The places of a number along its line, in order of preference, and its distance from others, CSS pixels.
const SHARES: [f64; 9] = [0.5, 0.36, 0.64, 0.25, 0.75, 0.15, 0.85, 0.43, 0.57];
const APART: f64 = 23.0;

/// The lines between two outcomes.
pub(super) struct Kind {
    pub(super) between: (Outcome, Outcome),
    pub(super) text: String,
}

/// Returns the kinds of lines of a map, each of which has a number.
pub(super) fn lines_of(map: &Map) -> Vec<Kind> {
    let mut all: Vec<Kind> = Vec::new();
    for boundary in &map.boundaries {
        if all.iter().all(|kind| kind.between != boundary.between) {
            let [a, b] = [boundary.between.0, boundary.between.1].map(short);
            all.push(Kind { between: boundary.between, text: format!("{a} | {b}: {}", boundary.because) });
        }
    }
    all
}

/// Returns the name of an outcome without the reason why nothing fits, which is that of the line.
fn short(outcome: Outcome) -> String {
    if outcome.transports().is_empty() { "none".to_owned() } else { outcome.to_string() }
}

/// A sample, or a number.
enum Sign {
    Region(Outcome),
    Line(usize),
}

/// The entries with their places.
pub(super) struct Key {
    entries: Vec<(Sign, Vec<String>, Point)>,
    pub(super) height: f64,
    size: f64,
}

impl Key {
    pub(super) fn new(layout: &Layout<'_>) -> Self {
        let (map, size) = (layout.map, layout.sizes.1);
        let columns = if layout.width < COMPACT_BELOW { 1u32 } else { 2 };
        let pitch = (layout.width + GUTTER) / f64::from(columns);
        let regions = map.regions.iter().map(|region| (Sign::Region(region.outcome), region.outcome.to_string()));
        let kinds = lines_of(map).into_iter().enumerate().map(|(index, kind)| (Sign::Line(index + 1), kind.text));
        let (regions, kinds): (Vec<_>, Vec<_>) = (regions.collect(), kinds.collect());
        let split = if columns == 2 { regions.len() } else { usize::MAX };
        let mut key = Self { entries: Vec::new(), height: 0.0, size };
        let (mut column, mut top) = (0, 0.0);
        for (index, (sign, name)) in regions.into_iter().chain(kinds).enumerate() {
            if index == split {
                (column, top) = (1, 0.0);
            }
            let wrapped = text::wrap(&name, size, pitch - GUTTER - SAMPLE.0 - BESIDE);
            let height = wrapped.len() as f64 * (size + 4.0) + 7.0;
            key.entries.push((sign, wrapped, (f64::from(column) * pitch, top)));
            top += height;
            key.height = key.height.max(top);
        }
        key
    }

    pub(super) fn draw(&self, canvas: &mut Canvas, (left, top): Point) -> DrawResult {
        for (sign, wrapped, at) in &self.entries {
            let (x, y) = (left + at.0, top + at.1 + (self.size + 4.0) / 2.0);
            match sign {
                Sign::Region(outcome) => sample(canvas, *outcome, (x, y))?,
                Sign::Line(number) => ring(canvas, *number, (x + SAMPLE.0 / 2.0, y))?,
            }
            lines(canvas, wrapped, (x + SAMPLE.0 + BESIDE, y), self.size + 4.0, TextFormat::new(self.size))?;
        }
        Ok(())
    }

    /// Returns the numbers of the lines and where they are on the map: apart from each other and from the star.
    pub(super) fn rings(&self, layout: &Layout<'_>, star: Option<Point>) -> Vec<(usize, Point)> {
        let kinds = lines_of(layout.map);
        let mut all: Vec<(usize, Point)> = Vec::new();
        for boundary in &layout.map.boundaries {
            let line: Vec<Point> = boundary.line.iter().map(|spot| layout.place(*spot)).collect();
            let number = kinds.iter().position(|kind| kind.between == boundary.between).map_or(0, |index| index + 1);
            let is_new = all.iter().all(|(other, _)| *other != number);
            let length = length(&line);
            if length >= SHORTEST || (is_new && length > 0.0) {
                let others: Vec<Point> = all.iter().map(|(_, at)| *at).chain(star).collect();
                let is_apart = |at: &Point| others.iter().all(|other| (at.0 - other.0).hypot(at.1 - other.1) > APART);
                let places = || SHARES.into_iter().map(|share| along(&line, share * length));
                all.extend(places().find(is_apart).or_else(|| places().next()).map(|at| (number, at)));
            }
        }
        all
    }
}

/// Draws a line's number in a ring.
pub(super) fn ring(canvas: &mut Canvas, number: usize, at: Point) -> DrawResult {
    let ring = Look { color: Color::Ink, hollow: true, ..Look::of(Transport::ShortPolling, 0) };
    canvas.marker(at, 8.5, ring)?;
    canvas.text(&number.to_string(), at, TextFormat::new(11.5).bold().at(Anchor::Middle))
}

fn sample(canvas: &mut Canvas, outcome: Outcome, (x, y): Point) -> DrawResult {
    let (right, top, bottom) = (x + SAMPLE.0, y - SAMPLE.1 / 2.0, y + SAMPLE.1 / 2.0);
    let corners = vec![(x, top), (right, top), (right, bottom), (x, bottom)];
    let mut outline = corners.clone();
    outline.push((x, top));
    region::draw(canvas, outcome, &[corners])?;
    canvas.path(&outline, &[], Color::Muted, 1.0)
}

fn length(line: &[Point]) -> f64 {
    line.windows(2).map(|pair| (pair[1].0 - pair[0].0).hypot(pair[1].1 - pair[0].1)).sum()
}

/// Returns the point at a distance from the start of a line.
fn along(line: &[Point], distance: f64) -> Point {
    let mut left = distance;
    for pair in line.windows(2) {
        let piece = length(pair);
        if left <= piece && piece > 0.0 {
            let share = left / piece;
            return (pair[0].0 + (pair[1].0 - pair[0].0) * share, pair[0].1 + (pair[1].1 - pair[0].1) * share);
        }
        left -= piece;
    }
    line.last().copied().unwrap_or_default()
}

/// Returns the area that a ring covers.
pub(super) fn covered((x, y): Point) -> Area {
    Area { left: x - 10.0, top: y - 10.0, right: x + 10.0, bottom: y + 10.0 }
}

//! The map of choices: which transport is the best over two inputs, with a line wherever the answer changes and a star
//! where the question is. A file of its own, for `feedlab predict`, `feedlab choose`, and the page of choices.
//!
//! Regions differ by their names and, where several transports are equal, by a hatch, and not by color alone.

use feedlab_experiment::choice::Input;
use feedlab_experiment::choice::map::{Map, Outcome, Spot};

use super::canvas::{self, Area, Canvas, DrawResult, Point, TextFormat};
use super::{NARROW, WIDE, lines, text};
use crate::error::ReportError;
use crate::palette::Color;
use crate::wording;

mod frame;
mod key;
mod name;
mod region;

/// The width of a map of choices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapWidth {
    /// For a screen or paper.
    Wide,
    /// For a phone.
    Narrow,
}

/// What is drawn where.
struct Layout<'a> {
    map: &'a Map,
    /// The whole width without margins.
    width: f64,
    /// The font sizes of names and of notes.
    sizes: (f64, f64),
    /// The area of the map itself.
    plot: Area,
}

const MARGIN: f64 = 16.0;
/// The height of the ticks below a map and of the name of its horizontal axis.
const FOOT: f64 = 44.0;
/// The space above a map for the name of its vertical axis.
const HEAD: f64 = 30.0;

/// Draws a map as a standalone SVG document. Its texts are also its text alternative.
///
/// # Errors
/// When the drawing surface fails.
pub fn map_chart(map: &Map, width: MapWidth) -> Result<String, ReportError> {
    draw(map, width).map_err(|error| ReportError::Chart { chart: "map".to_owned(), reason: error.to_string() })
}

fn draw(map: &Map, width: MapWidth) -> Result<String, canvas::DrawError> {
    let (width, left, height, sizes, title_size) = match width {
        MapWidth::Wide => (WIDE, 66.0, 460.0, (15.0, 13.0), 20.0),
        MapWidth::Narrow => (NARROW - 2.0 * MARGIN, 50.0, 300.0, (12.5, 12.0), 16.0),
    };
    let title = text::balance(&wording::glued(&map.title()), title_size, width);
    let caption = text::wrap(&caption(map), sizes.1, width);
    let line = sizes.1 + 5.0;
    let titles = MARGIN + title.len() as f64 * (title_size + 6.0);
    let top = titles + 6.0 + caption.len() as f64 * line + HEAD;
    let plot = Area { left: MARGIN + left, top, right: MARGIN + width - 8.0, bottom: top + height };
    let layout = Layout { map, width, sizes, plot };
    let key = key::Key::new(&layout);
    let size = (width + 2.0 * MARGIN, plot.bottom + FOOT + key.height + MARGIN);

    let mut svg = String::new();
    let mut canvas = Canvas::new(&mut svg, size.0, size.1, false);
    canvas.fill(canvas.area, Color::Paper, 1.0)?;
    let bold = TextFormat::new(title_size).bold();
    lines(&mut canvas, &title, (MARGIN, MARGIN + title_size / 2.0), title_size + 6.0, bold)?;
    let note = TextFormat::new(sizes.1).muted();
    lines(&mut canvas, &caption, (MARGIN, titles + 6.0 + line / 2.0), line, note)?;
    layout.draw(&mut canvas, &key)?;
    key.draw(&mut canvas, (MARGIN, plot.bottom + FOOT))?;
    let hovered = canvas.finish()?;
    Ok(canvas::framed((&svg, &hovered), size, "map", &map.title(), &description(map), true))
}

impl Layout<'_> {
    fn draw(&self, canvas: &mut Canvas, key: &key::Key) -> DrawResult {
        for region in &self.map.regions {
            region::draw(canvas, region.outcome, &self.outlines(&region.outlines))?;
        }
        frame::draw(canvas, self)?;
        for boundary in &self.map.boundaries {
            let line: Vec<Point> = boundary.line.iter().map(|spot| self.place(*spot)).collect();
            canvas.path(&line, &[], Color::Paper, 4.4)?;
            canvas.path(&line, &[], Color::Ink, 2.0)?;
        }
        let here = name::here(self);
        let rings = key.rings(self, here.as_ref().map(name::Here::at));
        name::draw(canvas, self, &here, &rings)?;
        for (number, at) in rings {
            key::ring(canvas, number, at)?;
        }
        here.map_or(Ok(()), |here| here.draw(canvas))
    }

    /// Returns the point of a place on the map.
    fn place(&self, (x, y): Spot) -> Point {
        let Area { left, top, right, bottom } = self.plot;
        (left + (right - left) * x, bottom - (bottom - top) * y)
    }

    fn outlines(&self, outlines: &[Vec<Spot>]) -> Vec<Vec<Point>> {
        outlines.iter().map(|outline| outline.iter().map(|spot| self.place(*spot)).collect()).collect()
    }
}

/// Returns what the map shows, and what is the best where the question is.
fn caption(map: &Map) -> String {
    let budget = match [map.x.input, map.y.input].contains(&Input::Budget) {
        true => "the budget".to_owned(),
        false => format!("a budget of {}", Input::Budget.text(map.question.budget.as_secs_f64())),
    };
    let criteria: Vec<&str> = map.question.criteria().into_iter().map(name_of).collect();
    let ranked = criteria.join(", then ");
    format!("The best within {budget} by {ranked}. {}", map.sentences().join(" "))
}

const fn name_of(criterion: feedlab_experiment::choice::Criterion) -> &'static str {
    match criterion {
        feedlab_experiment::choice::Criterion::Cpu => "CPU",
        other => other.name(),
    }
}

/// The text alternative: the sentences, how much of the map each region has, and the lines between them.
fn description(map: &Map) -> String {
    let total = map.outcomes.len() as f64;
    let share = |outcome: Outcome| map.outcomes.iter().filter(|one| **one == outcome).count() as f64 / total;
    let regions: Vec<String> = map
        .regions
        .iter()
        .map(|region| format!("{}: {:.0}% of the map", region.outcome, 100.0 * share(region.outcome)))
        .collect();
    let boundaries: Vec<String> = key::lines_of(map).into_iter().map(|line| line.text).collect();
    let [x, y] = [frame::label(map.x.input), frame::label(map.y.input)];
    format!(
        "Horizontal axis: {x}. Vertical axis: {y}. Both are logarithmic. {} {}. Lines: {}.",
        caption(map),
        regions.join("; "),
        if boundaries.is_empty() { "none".to_owned() } else { boundaries.join("; ") }
    )
}

#[cfg(test)]
mod tests;

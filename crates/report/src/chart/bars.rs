//! Horizontal bars: names at the left (on a phone: above), figures at the right, grouped by client count if need be.

use feedlab_experiment::metric::Unit;

use super::axis::Axis;
use super::canvas::{Anchor, Area, Canvas, Drawing, Type};
use super::palette::{Colour, Look};
use super::{COMPACT_BELOW, text};
use crate::dataset::{Dataset, Series};
use crate::{human, wording};

const NAME: f64 = 13.0;
const FIGURE: f64 = 13.0;
const BAR: f64 = 16.0;
const HEADING: f64 = 32.0;
const KEY: f64 = 20.0;
const SCALE: f64 = 42.0;

/// A picture of bars.
pub(super) struct Bars {
    /// From the top down.
    pub(super) rows: Vec<Row>,
    /// What the scale counts, with its unit.
    pub(super) caption: &'static str,
    /// The unit of the values.
    pub(super) unit: Unit,
    /// What the filled and the hatched part are, written over the longest bar.
    pub(super) parts: Option<[&'static str; 2]>,
}

/// One bar.
pub(super) struct Row {
    /// Whose.
    pub(super) look: Look,
    /// Its name.
    pub(super) name: String,
    /// A heading above it, where a group begins.
    pub(super) heading: Option<String>,
    /// The filled part and the hatched one after it; `None` if not measured.
    pub(super) parts: Option<[f64; 2]>,
    /// The interval of their sum.
    pub(super) interval: Option<(f64, f64)>,
    /// The figure beside it.
    pub(super) figure: String,
    /// The figure where there is little room.
    pub(super) short: String,
}

impl Row {
    /// A bar of one part.
    pub(super) fn simple(
        series: &Series,
        heading: Option<String>,
        value: Option<f64>,
        figure: impl Fn(f64) -> String,
    ) -> Self {
        let text = value.map_or("not measured".to_owned(), figure);
        Self {
            look: series.look,
            name: series.label.clone(),
            heading,
            parts: value.map(|value| [value.max(0.0), 0.0]),
            interval: None,
            figure: text.clone(),
            short: text,
        }
    }

    fn total(&self) -> f64 {
        self.parts.map_or(0.0, |[filled, hatched]| filled + hatched)
    }

    /// How far it reaches, its interval included.
    fn reach(&self) -> f64 {
        self.total().max(self.interval.map_or(0.0, |interval| interval.1))
    }
}

/// The heading of each row: the client count and payload where they change, if the bars are grouped by them.
pub(super) fn headings<'a>(data: &Dataset, series: impl Iterator<Item = &'a Series>) -> Vec<Option<String>> {
    let mut last = None;
    let headings = series.map(|series| {
        let clients = wording::counted(f64::from(series.clients), "client", "clients");
        let payload = series.payload_bytes.filter(|_| data.scope.payload_swept);
        let payload = payload.map_or(String::new(), |bytes| format!(", {} of payload", human::size(bytes as f64)));
        let heading = clients + &payload;
        (data.bars_grouped() && last.replace(heading.clone()) != Some(heading.clone())).then_some(heading)
    });
    headings.collect()
}

impl Bars {
    pub(super) fn height(&self, width: f64) -> f64 {
        let headings = self.rows.iter().filter(|row| row.heading.is_some()).count();
        let key = if self.parts.is_some() { KEY } else { 0.0 };
        self.rows.len() as f64 * self.pitch(width) + headings as f64 * HEADING + key + SCALE
    }

    pub(super) fn draw(&self, canvas: &mut Canvas, area: Area) -> Drawing {
        let plot = self.plot(area);
        let axis = Axis::linear(self.rows.iter().map(Row::reach));
        self.scale(canvas, area, plot, axis)?;
        let longest = self.longest();
        let mut top = area.top;
        for (index, row) in self.rows.iter().enumerate() {
            if let Some(heading) = &row.heading {
                canvas.text(heading, (area.left, top + HEADING * 0.6), Type::new(NAME).muted().bold())?;
                top += HEADING;
            }
            if let Some(parts) = self.parts.filter(|_| longest == Some(index)) {
                key(canvas, parts, row, (plot.left, top + KEY / 2.0))?;
                top += KEY;
            }
            self.row(canvas, row, area, Area { top, bottom: top + self.pitch(area.width()), ..plot }, axis)?;
            top += self.pitch(area.width());
        }
        Ok(())
    }

    /// Where the bars go: beside the names, and with room for the longest figure.
    fn plot(&self, area: Area) -> Area {
        let figures = widest(self.rows.iter().map(|row| row.figure(area)), FIGURE);
        let left = if self.is_stacked(area.width()) { area.left + 0.5 } else { area.left + self.names() + 34.0 };
        let right = area.right - figures.min(area.width() * 0.4) - 14.0;
        Area { left, top: area.top, right, bottom: area.bottom - SCALE }
    }

    fn names(&self) -> f64 {
        widest(self.rows.iter().map(|row| row.name.as_str()), NAME)
    }

    /// Whether names stand above their bars: beside them they would take too much of the width.
    fn is_stacked(&self, width: f64) -> bool {
        self.names() > width * 0.36 || width < COMPACT_BELOW * 0.7
    }

    /// From one row to the next.
    fn pitch(&self, width: f64) -> f64 {
        if self.is_stacked(width) { BAR + 28.0 } else { BAR + 12.0 }
    }

    fn scale(&self, canvas: &mut Canvas, area: Area, plot: Area, axis: Axis) -> Drawing {
        let count = (plot.width() / 110.0).min(4.0);
        let empty = self.rows.iter().all(|row| row.reach() == 0.0);
        for tick in axis.linear_ticks(count, self.unit).into_iter().filter(|&tick| tick == 0.0 || !empty) {
            let x = axis.place(tick, plot.left, plot.right);
            let colour = if tick == 0.0 { Colour::Muted } else { Colour::Grid };
            canvas.line((x, plot.top), (x, plot.bottom), colour, 1.0)?;
            // A nought at the edge of the picture would be cut in half.
            let anchor = if x - area.left < 12.0 { Anchor::Start } else { Anchor::Middle };
            canvas.text(&human::value(tick, self.unit), (x, plot.bottom + 13.0), Type::new(11.5).muted().at(anchor))?;
        }
        let fits = plot.left + text::width(self.caption, 12.0) <= area.right;
        let left = if fits { plot.left } else { area.left };
        canvas.text(self.caption, (left, plot.bottom + 31.0), Type::new(12.0).muted())
    }

    /// Draws a bar into `slot`, whose left and right edges are those of the scale.
    fn row(&self, canvas: &mut Canvas, row: &Row, area: Area, slot: Area, axis: Axis) -> Drawing {
        let stacked = self.is_stacked(area.width());
        let middle = slot.bottom - BAR / 2.0 - 6.0;
        let name_at = if stacked { middle - BAR - 1.0 } else { middle };
        let room = if stacked { area.width() } else { slot.left - area.left } - 30.0;
        canvas.marker((area.left + 6.0, name_at), 4.5, row.look)?;
        canvas.text(&text::fit(&row.name, NAME, room), (area.left + 18.0, name_at), Type::new(NAME))?;

        let place = |value| axis.place(value, slot.left, slot.right);
        let bar = Area { left: slot.left, top: middle - BAR / 2.0, right: slot.left, bottom: middle + BAR / 2.0 };
        if let Some([filled, hatched]) = row.parts {
            let split = place(filled);
            canvas.fill(Area { right: split, ..bar }, row.look.colour, 1.0)?;
            if hatched > 0.0 {
                canvas.hatch(Area { left: split, right: place(filled + hatched), ..bar }, row.look.colour)?;
            }
        }
        if let Some((low, high)) = row.interval {
            whisker(canvas, place(low), place(high), middle)?;
        }
        let set = if row.parts.is_some() { Type::new(FIGURE).bold() } else { Type::new(FIGURE).muted() };
        canvas.text(row.figure(area), (place(row.reach()) + 8.0, middle), set)
    }

    fn longest(&self) -> Option<usize> {
        let by_total = |a: &usize, b: &usize| self.rows[*a].total().total_cmp(&self.rows[*b].total());
        (0..self.rows.len()).rev().max_by(by_total).filter(|&index| self.rows[index].total() > 0.0)
    }
}

impl Row {
    fn figure(&self, area: Area) -> &str {
        if area.width() < COMPACT_BELOW { &self.short } else { &self.figure }
    }
}

fn widest<'a>(texts: impl Iterator<Item = &'a str>, size: f64) -> f64 {
    texts.map(|text| text::width(text, size)).fold(0.0, f64::max)
}

/// Swatches of the filled and the hatched part with their names.
fn key(canvas: &mut Canvas, parts: [&str; 2], row: &Row, (mut x, y): (f64, f64)) -> Drawing {
    for (index, part) in parts.into_iter().enumerate() {
        let swatch = Area { left: x, top: y - 1.0, right: x + 11.0, bottom: y + 10.0 };
        if index == 0 {
            canvas.fill(swatch, row.look.colour, 1.0)?;
        } else {
            canvas.hatch(swatch, row.look.colour)?;
        }
        canvas.text(part, (x + 17.0, y + 4.0), Type::new(12.0))?;
        x += text::width(part, 12.0) + 36.0;
    }
    Ok(())
}

/// An interval, as a line with two caps.
fn whisker(canvas: &mut Canvas, low: f64, high: f64, y: f64) -> Drawing {
    canvas.line((low, y), (high, y), Colour::Ink, 1.4)?;
    for x in [low, high] {
        canvas.line((x, y - 4.0), (x, y + 4.0), Colour::Ink, 1.4)?;
    }
    Ok(())
}

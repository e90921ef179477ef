//! Horizontal bars: names on the left (above the bars on a phone), figures on the right, grouped by client count if
//! needed.

use feedlab_experiment::metric::Unit;

use super::axis::Axis;
use super::canvas::{Anchor, Area, Canvas, DrawResult, Pattern, TextFormat};
use super::{COMPACT_BELOW, sign, text};
use crate::dataset::Dataset;
use crate::palette::{Color, Look};
use crate::series::Series;
use crate::{human, wording};

mod key;

pub(super) use key::{Key, Part};

const NAME: f64 = 13.0;
const FIGURE: f64 = 13.0;
const BAR: f64 = 16.0;
const HEADING: f64 = 32.0;
const SCALE: f64 = 42.0;

/// A picture with horizontal bars.
pub(super) struct Bars {
    /// The bars, from top to bottom.
    pub(super) bars: Vec<Bar>,
    /// The caption of the scale; `None` leaves out the scale, so only the figures show the values.
    pub(super) caption: Option<&'static str>,
    /// The unit of the values.
    pub(super) unit: Unit,
    /// The parts of the bars, in order; empty if bars have one part.
    pub(super) parts: Vec<Part>,
    /// The meaning of the mark on the bars, if they have one.
    pub(super) mark: Option<&'static str>,
    /// Whether the key explains the sign of predicted values, if there are any.
    pub(super) explains_predicted: bool,
    /// Whether names and headings are left out because they are in a column that several pictures share.
    pub(super) hides_names: bool,
}

/// One bar.
pub(super) struct Bar {
    /// How the contender is drawn.
    pub(super) look: Look,
    /// The contender's label.
    pub(super) name: String,
    /// A heading above the bar, at the start of a group.
    pub(super) heading: Option<String>,
    /// The parts from left to right; `None` if not measured.
    pub(super) parts: Option<Vec<(Pattern, f64)>>,
    /// A value inside the bar that is marked.
    pub(super) mark: Option<f64>,
    /// The predicted sum of the parts.
    pub(super) predicted: Option<f64>,
    /// The interval of the sum of the parts.
    pub(super) interval: Option<(f64, f64)>,
    /// The figure next to the bar.
    pub(super) figure: String,
    /// The shorter figure for narrow pictures.
    pub(super) short: String,
}

impl Bar {
    /// Returns a bar with one part.
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
            parts: value.map(|value| vec![(Pattern::Solid, value.max(0.0))]),
            mark: None,
            predicted: None,
            interval: None,
            figure: text.clone(),
            short: text,
        }
    }

    fn total(&self) -> f64 {
        self.parts.iter().flatten().map(|part| part.1).sum()
    }

    /// How far the bar extends, including its interval and its prediction.
    fn reach(&self) -> f64 {
        self.total().max(self.interval.map_or(0.0, |interval| interval.1)).max(self.predicted.unwrap_or(0.0))
    }

    fn figure(&self, area: Area) -> &str {
        if area.width() < COMPACT_BELOW { &self.short } else { &self.figure }
    }
}

/// Returns the heading of each bar: the client count and payload where they change, if the bars are grouped.
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
        let headings = self.bars.iter().filter(|bar| bar.heading.is_some()).count();
        let scale = if self.caption.is_some() { SCALE } else { 0.0 };
        self.bars.len() as f64 * self.pitch(width) + headings as f64 * HEADING + self.key_height(width) + scale
    }

    pub(super) fn draw(&self, canvas: &mut Canvas, area: Area) -> DrawResult {
        let plot = self.plot(area);
        let axis = Axis::linear(self.bars.iter().map(Bar::reach));
        self.key().draw(canvas, Area { left: plot.left, ..area })?;
        match self.caption {
            Some(caption) => self.scale(canvas, area, plot, axis, caption)?,
            None => canvas.line((plot.left, plot.top), (plot.left, plot.bottom), Color::Muted, 1.0)?,
        }
        for (bar, slot) in self.bars.iter().zip(self.slots(plot, area.width())) {
            Self::bar(canvas, bar, area, slot, axis)?;
        }
        if self.hides_names { Ok(()) } else { self.names(canvas, area, plot.left) }
    }

    /// Draws the headings, and the names at the left of `area`: above the bars or, if those start at `left`, next to
    /// them.
    fn names(&self, canvas: &mut Canvas, area: Area, left: f64) -> DrawResult {
        let stacked = self.is_stacked(area.width());
        let room = if stacked { area.width() } else { left - area.left } - 30.0;
        for (bar, slot) in self.bars.iter().zip(self.slots(self.plot(area), area.width())) {
            if let Some(heading) = &bar.heading {
                let y = slot.top - HEADING * 0.4;
                canvas.text(heading, (area.left, y), TextFormat::new(NAME).muted().bold())?;
            }
            let middle = middle(slot);
            let y = if stacked { middle - BAR - 1.0 } else { middle };
            canvas.marker((area.left + 6.0, y), 4.5, bar.look)?;
            canvas.text(&text::fit(&bar.name, NAME, room), (area.left + 18.0, y), TextFormat::new(NAME))?;
        }
        Ok(())
    }

    /// Draws only the names, for pictures without names to the right of `area` with the same upper edge.
    pub(super) fn name_column(&self, canvas: &mut Canvas, area: Area) -> DrawResult {
        self.names(canvas, area, area.right)
    }

    /// The area of each bar, below its heading.
    fn slots(&self, plot: Area, width: f64) -> Vec<Area> {
        let mut top = plot.top;
        let slot = |bar: &Bar| {
            top += if bar.heading.is_some() { HEADING } else { 0.0 };
            let slot = Area { top, bottom: top + self.pitch(width), ..plot };
            top = slot.bottom;
            slot
        };
        self.bars.iter().map(slot).collect()
    }

    /// The area of the bars: below the key, next to the names, and with room for the longest figure.
    fn plot(&self, area: Area) -> Area {
        let figures = widest(self.bars.iter().map(|bar| bar.figure(area)), FIGURE);
        let sign = if self.bars.iter().any(|bar| bar.predicted.is_some()) { sign::RADIUS + 3.0 } else { 0.0 };
        let right = area.right - figures.min(area.width() * 0.4) - 14.0 - sign;
        let bottom = if self.caption.is_some() { area.bottom - SCALE } else { area.bottom };
        let top = area.top + self.key_height(area.width());
        Area { left: area.left + self.indent(area.width()), top, right, bottom }
    }

    fn key_height(&self, width: f64) -> f64 {
        self.key().height(width - self.indent(width))
    }

    fn key(&self) -> Key<'_> {
        let is_predicted = self.explains_predicted && self.bars.iter().any(|bar| bar.predicted.is_some());
        Key { parts: &self.parts, mark: self.mark, is_predicted }
    }

    /// The distance from the left edge to the bars.
    fn indent(&self, width: f64) -> f64 {
        if self.hides_names || self.is_stacked(width) { 0.5 } else { self.names_width() + 34.0 }
    }

    /// The width of the longest name.
    pub(super) fn names_width(&self) -> f64 {
        widest(self.bars.iter().map(|bar| bar.name.as_str()), NAME)
    }

    /// Whether names are above their bars, because next to them they would take too much of the width.
    fn is_stacked(&self, width: f64) -> bool {
        !self.hides_names && (self.names_width() > width * 0.36 || width < COMPACT_BELOW * 0.7)
    }

    /// The distance from one bar to the next.
    fn pitch(&self, width: f64) -> f64 {
        if self.is_stacked(width) { BAR + 28.0 } else { BAR + 12.0 }
    }

    fn scale(&self, canvas: &mut Canvas, area: Area, plot: Area, axis: Axis, caption: &str) -> DrawResult {
        let count = (plot.width() / 110.0).min(4.0);
        let empty = self.bars.iter().all(|bar| bar.reach() == 0.0);
        for tick in axis.linear_ticks(count, self.unit).into_iter().filter(|&tick| tick == 0.0 || !empty) {
            let x = axis.place(tick, plot.left, plot.right);
            let color = if tick == 0.0 { Color::Muted } else { Color::Grid };
            canvas.line((x, plot.top), (x, plot.bottom), color, 1.0)?;
            // A centered zero at the edge of the picture would be cut in half.
            let anchor = if x - area.left < 12.0 { Anchor::Start } else { Anchor::Middle };
            canvas.text(
                &human::value(tick, self.unit),
                (x, plot.bottom + 13.0),
                TextFormat::new(11.5).muted().at(anchor),
            )?;
        }
        let fits = plot.left + text::width(caption, 12.0) <= area.right;
        let left = if fits { plot.left } else { area.left };
        canvas.text(caption, (left, plot.bottom + 31.0), TextFormat::new(12.0).muted())
    }

    /// Draws a bar into `slot`, whose left and right edges are those of the scale.
    fn bar(canvas: &mut Canvas, bar: &Bar, area: Area, slot: Area, axis: Axis) -> DrawResult {
        let middle = middle(slot);
        let place = |value| axis.place(value, slot.left, slot.right);
        let body = Area { left: slot.left, top: middle - BAR / 2.0, right: slot.left, bottom: middle + BAR / 2.0 };
        let mut start = 0.0;
        for &(pattern, value) in bar.parts.iter().flatten().filter(|part| part.1 > 0.0) {
            let part = Area { left: place(start), right: place(start + value), ..body };
            canvas.pattern(part, pattern, bar.look.color)?;
            start += value;
        }
        if let Some(mark) = bar.mark {
            key::mark(canvas, place(mark), body)?;
        }
        if let Some((low, high)) = bar.interval.filter(|(low, high)| low < high) {
            whisker(canvas, place(low), place(high), middle)?;
        }
        if let Some(predicted) = bar.predicted {
            // Keeps the sign of zero from being cut in half at the edge of a picture without names.
            sign::predicted(canvas, (place(predicted).max(area.left + sign::RADIUS + 3.0), middle))?;
        }
        let set = if bar.parts.is_some() { TextFormat::new(FIGURE).bold() } else { TextFormat::new(FIGURE).muted() };
        let away = if bar.predicted.is_some() { 8.0 + sign::RADIUS + 3.0 } else { 8.0 };
        canvas.text(bar.figure(area), (place(bar.reach()) + away, middle), set)
    }
}

/// The y coordinate at which a bar is centered.
fn middle(slot: Area) -> f64 {
    slot.bottom - BAR / 2.0 - 6.0
}

fn widest<'a>(texts: impl Iterator<Item = &'a str>, size: f64) -> f64 {
    texts.map(|text| text::width(text, size)).fold(0.0, f64::max)
}

/// Draws an interval as a line with two caps.
fn whisker(canvas: &mut Canvas, low: f64, high: f64, y: f64) -> DrawResult {
    canvas.line((low, y), (high, y), Color::Ink, 1.4)?;
    for x in [low, high] {
        canvas.line((x, y - 4.0), (x, y + 4.0), Color::Ink, 1.4)?;
    }
    Ok(())
}

//! Horizontal bars: names on the left (above the bars on a phone), figures on the right, grouped by client count if
//! needed.

use feedlab_experiment::metric::Unit;

use super::axis::Axis;
use super::canvas::{Anchor, Area, Canvas, DrawResult, Pattern, TextFormat};
use super::{COMPACT_BELOW, sign, text};
use crate::dataset::Dataset;
use crate::palette::Color;
use crate::series::Series;
use crate::{human, wording};

mod bar;
mod key;

pub(super) use bar::Bar;
pub(super) use key::{Key, Part};

const NAME: f64 = 13.0;
const FIGURE: f64 = 13.0;
const BAR: f64 = 16.0;
/// The height of a line of a name, and the space of its marker.
const LINE: f64 = 16.0;
const MARKER: f64 = 18.0;
/// The largest part of the width that names beside the bars take, and that figures take.
const MOST_NAMES: f64 = 0.36;
const MOST_FIGURES: f64 = 0.4;
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
    /// The width of a column with the names and headings that several pictures share; `None` if the picture has its own.
    pub(super) shared_names: Option<f64>,
}

/// The place of a bar.
struct Slot {
    /// The area below its heading, as wide as the scale.
    area: Area,
    /// The lines of its name.
    name: Vec<String>,
    /// The y coordinates of the middle of the first line of the name, and of the bar.
    name_y: f64,
    bar_y: f64,
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

/// The first columns of the data of every chart with bars.
pub(super) const HEAD: [&str; 3] = ["contender", "clients", "payload bytes"];

/// The cells of [`HEAD`]; the payload only if the run sweeps it.
pub(super) fn named(series: &Series) -> [String; 3] {
    let payload = series.payload_bytes.map_or(String::new(), |bytes| bytes.to_string());
    [series.label.clone(), series.clients.to_string(), payload]
}

impl Bars {
    pub(super) fn height(&self, width: f64) -> f64 {
        let scale = if self.caption.is_some() { SCALE } else { 0.0 };
        let top = Area { left: 0.0, top: 0.0, right: width, bottom: 0.0 };
        self.slots(top, width).last().map_or(0.0, |last| last.area.bottom) + self.key_height(width) + scale
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
            canvas.of(bar.look, |canvas| Self::bar(canvas, bar, area, &slot, axis))?;
        }
        if self.shared_names.is_none() {
            self.names(canvas, area)?;
        }
        for (bar, slot) in self.bars.iter().zip(self.slots(plot, area.width())) {
            canvas.hover(Area { left: area.left, right: area.right, ..slot.area }, &self.figures(bar), &[bar.look]);
        }
        Ok(())
    }

    /// Draws the headings, and the names at the left of `area`: above the bars or next to them.
    fn names(&self, canvas: &mut Canvas, area: Area) -> DrawResult {
        for (bar, slot) in self.bars.iter().zip(self.slots(self.plot(area), area.width())) {
            if let Some(heading) = &bar.heading {
                let y = slot.area.top - HEADING * 0.4;
                canvas.text(heading, (area.left, y), TextFormat::new(NAME).muted().bold())?;
            }
            canvas.of(bar.look, |canvas| {
                canvas.marker((area.left + 6.0, slot.name_y), 4.5, bar.look)?;
                super::lines(canvas, &slot.name, (area.left + MARKER, slot.name_y), LINE, TextFormat::new(NAME))
            })?;
        }
        Ok(())
    }

    /// Draws only the names, for pictures that share them, to the right of `area` with the same upper edge.
    pub(super) fn name_column(&self, canvas: &mut Canvas, area: Area) -> DrawResult {
        self.names(canvas, area)
    }

    /// All that a bar shows, for the pointer.
    fn figures(&self, bar: &Bar) -> String {
        let value = |value| human::value(value, self.unit);
        let part = |(pattern, size): &(Pattern, f64)| {
            let part = self.parts.iter().find(|part| part.pattern == *pattern)?;
            Some(format!("\n{}: {}", part.name, value(*size)))
        };
        let parts: String = bar.parts.iter().flatten().filter_map(part).collect();
        let all = if bar.parts.is_some() { value(bar.total()) } else { bar.figure.clone() };
        let interval = bar.interval.filter(|(low, high)| low < high);
        let interval =
            interval.map_or(String::new(), |(low, high)| format!("\n95 % interval: {} to {}", value(low), value(high)));
        let predicted = bar.predicted.map_or(String::new(), |predicted| format!("\npredicted: {}", value(predicted)));
        format!("{}: {all}{parts}{interval}{predicted}", bar.name)
    }

    /// The place of each bar, from the upper edge of `plot`.
    fn slots(&self, plot: Area, width: f64) -> Vec<Slot> {
        let is_above = self.is_above(width);
        let mut top = plot.top;
        let slot = |bar: &Bar| {
            top += if bar.heading.is_some() { HEADING } else { 0.0 };
            let name = text::wrap(&bar.name, NAME, self.names_room(width));
            let lines = name.len().max(1) as f64 * LINE;
            let height = if is_above { lines + BAR + 12.0 } else { (BAR + 12.0).max(lines + 8.0) };
            let area = Area { top, bottom: top + height, ..plot };
            top = area.bottom;
            let bar_y = if is_above { area.bottom - BAR / 2.0 - 6.0 } else { f64::midpoint(area.top, area.bottom) };
            let name_y = if is_above { area.top + 3.0 } else { bar_y - lines / 2.0 } + LINE / 2.0;
            Slot { area, name, name_y, bar_y }
        };
        self.bars.iter().map(slot).collect()
    }

    /// The area of the bars: below the key, next to the names, and with room for the longest figure.
    fn plot(&self, area: Area) -> Area {
        let figures = text::widest(self.bars.iter().map(|bar| bar.figure(area.width())), FIGURE);
        let sign = if self.bars.iter().any(|bar| bar.predicted.is_some()) { sign::RADIUS + 3.0 } else { 0.0 };
        let left = area.left + self.indent(area.width());
        let right = (area.right - figures - 14.0 - sign).max(left + 20.0);
        let bottom = if self.caption.is_some() { area.bottom - SCALE } else { area.bottom };
        Area { left, top: area.top + self.key_height(area.width()), right, bottom }
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
        if self.shared_names.is_some() || self.is_above(width) {
            return 0.5;
        }
        let lines = self.bars.iter().flat_map(|bar| text::wrap(&bar.name, NAME, self.names_room(width)));
        text::widest(lines, NAME) + MARKER + 16.0
    }

    /// The width to which names are wrapped.
    fn names_room(&self, width: f64) -> f64 {
        match self.shared_names {
            Some(shared) => shared - MARKER - 16.0,
            None if self.is_above(width) => width - MARKER,
            None => width * MOST_NAMES,
        }
    }

    /// The width of the longest name with its marker.
    pub(super) fn names_width(&self) -> f64 {
        text::widest(self.bars.iter().map(|bar| bar.name.as_str()), NAME) + MARKER + 16.0
    }

    /// Whether names are above their bars, because next to them they would take too much of the width.
    fn is_above(&self, width: f64) -> bool {
        self.shared_names.is_none() && width < COMPACT_BELOW * 0.7
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

    /// Draws a bar into its slot, whose left and right edges are those of the scale.
    fn bar(canvas: &mut Canvas, bar: &Bar, area: Area, slot: &Slot, axis: Axis) -> DrawResult {
        let (middle, slot) = (slot.bar_y, slot.area);
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
        canvas.text(bar.figure(area.width()), (place(bar.reach()) + away, middle), set)
    }
}

/// Draws an interval as a line with two caps.
fn whisker(canvas: &mut Canvas, low: f64, high: f64, y: f64) -> DrawResult {
    canvas.line((low, y), (high, y), Color::Ink, 1.4)?;
    for x in [low, high] {
        canvas.line((x, y - 4.0), (x, y + 4.0), Color::Ink, 1.4)?;
    }
    Ok(())
}

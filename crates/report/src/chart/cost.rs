//! Cost by number of clients, both on logarithmic axes: one panel per cost, one line per contender, and the points
//! where one contender becomes cheaper than another. A separate file, for `feedlab predict`.

use feedlab_experiment::predict::scale::{Crossing, Curve, Panel, Unit};
use feedlab_experiment::scenario::Transport;

use super::axis::Axis;
use super::canvas::{self, Anchor, Area, Canvas, DrawResult, Point, TextFormat};
use super::{lines, text};
use crate::error::ReportError;
use crate::palette::{Color, Look};
use crate::{human, wording};

mod ends;

const MARGIN: f64 = 24.0;
const WIDTH: f64 = 1120.0;
const COLUMNS: usize = 2;
const GAP: f64 = 40.0;
/// The heights of a panel's heading, its plot, its lower axis, and of a note below it.
const HEAD: f64 = 44.0;
const PLOT: f64 = 250.0;
const FOOT: f64 = 46.0;
const NOTE: f64 = 17.0;
/// The widths of the costs to the left of a plot and of the names to its right.
const LEFT: f64 = 78.0;
const RIGHT: f64 = 158.0;
/// The most crossings that are marked in one panel.
const MAX_CROSSINGS: usize = 6;
/// The most ticks on one axis.
const MOST_TICKS: usize = 9;

/// Draws the panels below `caption`, as a standalone SVG document.
///
/// # Errors
/// When the drawing surface fails.
pub fn cost_chart(panels: &[Panel], caption: &str) -> Result<String, ReportError> {
    let draw = || -> Result<String, canvas::DrawError> {
        let titles = text::balance(&wording::glued(caption), TITLE.size, WIDTH);
        let reading = MARGIN + titles.len() as f64 * 26.0 + 8.0;
        let top = reading + 32.0;
        let heights = heights(panels);
        let size = (WIDTH + 2.0 * MARGIN, top + heights.iter().map(|height| height + GAP).sum::<f64>());
        let mut svg = String::new();
        let mut canvas = Canvas::new(&mut svg, size.0, size.1, false);
        canvas.fill(canvas.area, Color::Paper, 1.0)?;
        lines(&mut canvas, &titles, (MARGIN, MARGIN + 12.0), 26.0, TITLE)?;
        canvas.text(READING, (MARGIN, reading), TextFormat::new(13.0).muted())?;
        grid(&mut canvas, panels, &heights, top)?;
        let hovered = canvas.finish()?;
        Ok(canvas::framed((&svg, &hovered), size, "cost", caption, &description(panels), true))
    };
    draw().map_err(|error| ReportError::Chart { chart: "cost".to_owned(), reason: error.to_string() })
}

const TITLE: TextFormat = TextFormat::new(20.0).bold();

const READING: &str = "How to read this: clients grow to the right and the predicted cost upward, both logarithmic, so \
                       a lower line is cheaper; look where lines cross.";

/// The height of each row of panels: that of its tallest panel.
fn heights(panels: &[Panel]) -> Vec<f64> {
    let height = |panel: &Panel| HEAD + PLOT + FOOT + notes(panel).len() as f64 * NOTE;
    panels.chunks(COLUMNS).map(|line| line.iter().map(height).fold(0.0, f64::max)).collect()
}

fn grid(canvas: &mut Canvas, panels: &[Panel], heights: &[f64], top: f64) -> DrawResult {
    let width = (WIDTH - GAP * (COLUMNS - 1) as f64) / COLUMNS as f64;
    // All panels count the same clients.
    let clients = Axis::log(panels.iter().flat_map(|panel| &panel.curves).flat_map(drawn).map(|point| point.0));
    let mut top = top;
    for (line, height) in panels.chunks(COLUMNS).zip(heights) {
        for (column, panel) in line.iter().enumerate() {
            let left = MARGIN + column as f64 * (width + GAP);
            draw_panel(canvas, panel, clients, Area { left, top, right: left + width, bottom: top + height })?;
        }
        top += height + GAP;
    }
    Ok(())
}

fn draw_panel(canvas: &mut Canvas, panel: &Panel, clients: Axis, area: Area) -> DrawResult {
    let top = area.top + HEAD;
    let plot = Area { left: area.left + LEFT, top, right: area.right - RIGHT, bottom: top + PLOT };
    let costs = Axis::log(panel.curves.iter().flat_map(drawn).map(|point| point.1));
    canvas.text(&panel.title, (area.left, area.top + 9.0), TextFormat::new(15.0).bold())?;
    canvas.text(unit_name(panel.unit), (area.left, area.top + 29.0), TextFormat::new(12.0).muted())?;
    frame(canvas, panel, clients, costs, plot)?;
    let place =
        |point: &Point| (clients.place(point.0, plot.left, plot.right), costs.place(point.1, plot.bottom, plot.top));
    let mut ends = Vec::new();
    for (curve, look) in panel.curves.iter().zip(looks(&panel.curves)) {
        let line: Vec<Point> = drawn(curve).map(|point| place(&point)).collect();
        let Some(&end) = line.last() else { continue };
        canvas.path(&line, look.dashes, look.color, look.width)?;
        ends.push(ends::End { at: end, look, name: &curve.label });
    }
    ends::label(canvas, &mut ends, plot, area.right)?;
    for (index, crossing) in crossings(panel).enumerate() {
        number(canvas, index, place(&(crossing.clients, crossing.cost)))?;
    }
    for (index, note) in notes(panel).iter().enumerate() {
        let y = plot.bottom + FOOT + 8.0 + index as f64 * NOTE;
        canvas.text(&text::fit(note, 12.0, area.width()), (area.left, y), TextFormat::new(12.0))?;
    }
    Ok(())
}

fn frame(canvas: &mut Canvas, panel: &Panel, clients: Axis, costs: Axis, plot: Area) -> DrawResult {
    let tick = TextFormat::new(11.5).muted();
    let mut free_above = f64::MAX;
    for cost in cost_ticks(costs, panel.unit) {
        let y = costs.place(cost, plot.bottom, plot.top);
        canvas.line((plot.left, y), (plot.right, y), Color::Grid, 1.0)?;
        if y < free_above {
            canvas.text(&figure(cost, panel.unit), (plot.left - 8.0, y), tick.at(Anchor::End))?;
            free_above = y - 15.0;
        }
    }
    let mut free_from = f64::MIN;
    for count in clients.log_ticks(5) {
        let (x, label) = (clients.place(count, plot.left, plot.right), count_tick(count));
        canvas.line((x, plot.top), (x, plot.bottom), Color::Grid, 1.0)?;
        let half = text::width(&label, 11.5) / 2.0;
        if x - half > free_from {
            canvas.text(&label, (x, plot.bottom + 14.0), tick.at(Anchor::Middle))?;
            free_from = x + half + 4.0;
        }
    }
    canvas.line((plot.left, plot.bottom), (plot.right, plot.bottom), Color::Muted, 1.0)?;
    let middle = ((plot.left + plot.right) / 2.0, plot.bottom + 32.0);
    canvas.text("clients", middle, TextFormat::new(12.0).muted().at(Anchor::Middle))
}

/// Draws a crossing's number in a ring.
fn number(canvas: &mut Canvas, index: usize, at: Point) -> DrawResult {
    let ring = Look { color: Color::Ink, hollow: true, ..Look::of(Transport::ShortPolling, 0) };
    canvas.marker(at, 8.5, ring)?;
    canvas.text(&(index + 1).to_string(), at, TextFormat::new(11.5).bold().at(Anchor::Middle))
}

/// The notes below a panel: one per numbered crossing, and the contenders without a line.
fn notes(panel: &Panel) -> Vec<String> {
    let crossings = crossings(panel).enumerate().map(|(index, crossing)| format!("{}: {}", index + 1, say(crossing)));
    let free: Vec<&str> =
        panel.curves.iter().filter(|curve| drawn(curve).next().is_none()).map(|curve| curve.label.as_str()).collect();
    let free = (!free.is_empty()).then(|| format!("Costs nothing: {}", free.join(" · ")));
    crossings.chain(free).collect()
}

/// `SSE is cheaper than short polling, 1 s from 3,200 clients`.
fn say(Crossing { clients, labels: (below, above), .. }: &Crossing) -> String {
    format!("{above} is cheaper than {below} from {}", wording::counted(clients.ceil(), "client", "clients"))
}

fn crossings(panel: &Panel) -> impl Iterator<Item = &Crossing> {
    let is_drawn = |crossing: &&Crossing| is_drawn(&(crossing.clients, crossing.cost));
    panel.crossings.iter().filter(is_drawn).take(MAX_CROSSINGS)
}

/// The points of a curve that logarithmic axes can show.
fn drawn(curve: &Curve) -> impl Iterator<Item = Point> {
    curve.points.iter().copied().filter(is_drawn)
}

fn is_drawn(point: &Point) -> bool {
    point.0 > 0.0 && point.1 > 0.0 && point.0.is_finite() && point.1.is_finite()
}

/// The look of each curve: that of its contender in every other chart.
fn looks(curves: &[Curve]) -> Vec<Look> {
    let variant = |index: usize| curves[..index].iter().filter(|c| c.transport == curves[index].transport).count();
    (0..curves.len()).map(|index| Look::of(curves[index].transport, variant(index))).collect()
}

/// The text alternative: what each contender costs at the right edge, and where lines cross.
fn description(panels: &[Panel]) -> String {
    let cost = |panel: &Panel, curve: &Curve| match drawn(curve).last() {
        Some((clients, cost)) => {
            let clients = wording::counted(clients, "client", "clients");
            format!("{}: {} for {clients}", curve.label, figure(cost, panel.unit))
        }
        None => format!("{}: nothing", curve.label),
    };
    let panel = |panel: &Panel| {
        let costs = panel.curves.iter().map(|curve| cost(panel, curve));
        let all: Vec<String> = costs.chain(crossings(panel).map(say)).collect();
        format!("{} ({}): {}.", panel.title, unit_name(panel.unit), all.join("; "))
    };
    format!("{READING} {}", panels.iter().map(panel).collect::<Vec<_>>().join(" "))
}

/// The name of an axis.
const fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Cores => "fully busy CPU cores",
        Unit::Bytes => "bytes of memory",
        Unit::BitsPerSecond => "bits per second, both directions",
    }
}

/// A cost with its unit where the figure needs one.
fn figure(cost: f64, unit: Unit) -> String {
    match unit {
        Unit::Cores => human::rough(cost),
        Unit::Bytes => human::size(cost),
        Unit::BitsPerSecond => human::bits(cost),
    }
}

/// A tick of the axis of clients: `500`, `10k`, `2M`.
fn count_tick(count: f64) -> String {
    match count {
        count if count >= 1e6 => format!("{}M", human::count(count / 1e6)),
        count if count >= 1e3 => format!("{}k", human::count(count / 1e3)),
        count => human::count(count),
    }
}

/// The ticks of a logarithmic axis: 1, 10 and 100 of each power of 1024 for bytes, and decades for everything else.
fn cost_ticks(axis: Axis, unit: Unit) -> Vec<f64> {
    let (Unit::Bytes, Axis::Log { low, high }) = (unit, axis) else { return axis.log_ticks(MOST_TICKS) };
    let units = (0..6).map(|power| 1024f64.powi(power));
    let all = units.flat_map(|unit| [1.0, 10.0, 100.0].map(|step| step * unit));
    all.filter(|tick| (low..=high).contains(tick)).collect()
}

#[cfg(test)]
mod tests;

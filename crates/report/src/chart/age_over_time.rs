//! Age, second by second: a panel for each contender, all on the same axes.

use feedlab_experiment::metric::Unit;

use super::axis::{Axis, time_tick};
use super::bars::Key;
use super::canvas::{Anchor, Area, Canvas, DrawResult, Point, TextFormat};
use super::{COMPACT_BELOW, Figures, NOTHING, Picture, nothing, sign, text};
use crate::dataset::{Dataset, Moment, Timeline, Timelines};
use crate::human;
use crate::palette::Color;

mod faults;
mod finding;

const PANEL: f64 = 160.0;
const HEAD: f64 = 20.0;
const FOOT: f64 = 36.0;
/// The widths of the ages on the left and of the lines' names on the right.
const LEFT: f64 = 54.0;
const RIGHT: f64 = 44.0;
/// Up to this many seconds, each second is drawn with a marker.
const POINTS_UP_TO: usize = 40;

/// The chart.
pub(super) struct AgeOverTime<'a>(pub(super) &'a Dataset);

impl Picture for AgeOverTime<'_> {
    fn id(&self) -> &str {
        "age-over-time"
    }

    fn topic(&self) -> &str {
        "Age of the updates over time"
    }

    fn finding(&self) -> String {
        self.0.scope.say(&finding::clause(&self.0.timelines))
    }

    fn reading(&self) -> String {
        let [middle, edge] = self.0.timelines.names();
        let faults = if self.0.timelines.faults.is_empty() {
            ""
        } else {
            ", especially after the vertical dashed lines and in the gray spans, which mark faults"
        };
        format!(
            "In each panel time runs to the right and age upward, so lower is fresher; look for spikes in the thick \
             line, the {middle} of each second, and in the thin line, its {edge}, because there clients fell \
             behind{faults}."
        )
    }

    fn notes(&self) -> Vec<String> {
        let repetitions: Vec<u32> = self.0.timelines.lines.iter().filter_map(|line| line.repetition).collect();
        let first = repetitions.first().filter(|_| self.0.repetitions > 1);
        let shown = first.map(|first| format!("Shown for repetition {first} of {}.", self.0.repetitions));
        let faults = &self.0.timelines.faults;
        let faults = (!faults.is_empty()).then(|| format!("Faults: {}.", faults.join("; ")));
        super::line_notes(self.0).into_iter().chain(shown).chain(faults).collect()
    }

    fn figures(&self) -> Figures {
        let [middle, edge] = self.0.timelines.names();
        let head = ["contender", "seconds with updates"].map(str::to_owned).into_iter();
        let head = head.chain(["middle", "worst"].map(|which| format!("{middle} in the {which} second")));
        let head = head.chain(["middle", "worst"].map(|which| format!("{edge} in the {which} second")));
        let rows = self.0.timelines.lines.iter().map(|line| {
            let figures = [finding::sorted(line, |m| m.middle), finding::sorted(line, |m| m.edge)];
            let figures = figures.iter().flat_map(|ages| [finding::middle(ages), ages.last().copied()]);
            let figures = figures.map(|us| us.map_or(human::ABSENT.to_owned(), human::time));
            [line.series.label.clone(), human::count(line.moments.len() as f64)].into_iter().chain(figures).collect()
        });
        Figures { head: head.collect(), rows: rows.collect() }
    }

    fn height(&self, width: f64) -> f64 {
        let lines = &self.0.timelines.lines;
        if lines.iter().all(|line| line.moments.is_empty()) {
            return NOTHING;
        }
        let grid = Grid::of(&self.0.timelines, width);
        lines.len().div_ceil(grid.columns) as f64 * grid.panel + HEAD + FOOT + self.key().height(width)
    }

    fn draw(&self, canvas: &mut Canvas, area: Area) -> DrawResult {
        let Timelines { lines, .. } = &self.0.timelines;
        let moments = || lines.iter().flat_map(|line| &line.moments);
        if moments().next().is_none() {
            return nothing(canvas, area, "no ages per second");
        }
        let caption = area.top + 8.0;
        let area = Area { top: area.top + self.key().height(area.width()), ..area };
        self.key().draw(canvas, Area { top: area.top - self.key().height(area.width()) + HEAD, ..area })?;
        let levels = lines.iter().filter_map(|line| line.predicted);
        let ages = Axis::log(moments().flat_map(|moment| [moment.middle, moment.edge]).chain(levels));
        let seconds = seconds(&self.0.timelines);
        let grid = Grid::of(&self.0.timelines, area.width());
        for (index, line) in lines.iter().enumerate() {
            let left = area.left + (index % grid.columns) as f64 * grid.width;
            let top = area.top + HEAD + (index / grid.columns) as f64 * grid.panel;
            let (right, bottom) = (left + grid.width - RIGHT, top + grid.panel - 12.0);
            let plot = Area { left: left + LEFT, top: top + 30.0 + grid.labels, right, bottom };
            frame(canvas, plot, ages, seconds, index + grid.columns >= lines.len())?;
            name(canvas, line, Area { top: top + 15.0, ..plot })?;
            faults::draw(canvas, &line.marks, plot, seconds)?;
            panel(canvas, line, plot, ages, seconds)?;
            predicted(canvas, line, plot, ages)?;
            names(canvas, &self.0.timelines, line, plot, ages)?;
        }
        let (axis, middle) = (TextFormat::new(12.0).muted(), (area.left + area.right) / 2.0);
        canvas.text("age of the updates on arrival, logarithmic", (area.left, caption), axis)?;
        canvas.text("measured time", (middle, area.bottom - 8.0), axis.at(Anchor::Middle))
    }
}

impl AgeOverTime<'_> {
    /// The key, which explains the hollow sign if there is one.
    fn key(&self) -> Key<'static> {
        let is_predicted = self.0.timelines.lines.iter().any(|line| line.predicted.is_some());
        Key { parts: &[], mark: None, is_predicted }
    }
}

/// Draws the predicted age across a panel: one level for the whole time.
fn predicted(canvas: &mut Canvas, line: &Timeline, plot: Area, ages: Axis) -> DrawResult {
    let Some(age) = line.predicted.filter(|_| !line.moments.is_empty()) else { return Ok(()) };
    let y = ages.place(age, plot.bottom, plot.top);
    canvas.path(&[(plot.left, y), (plot.right, y)], &sign::DASHES, Color::Ink, 1.4)?;
    sign::predicted(canvas, (plot.left + 1.0, y))
}

/// How the panels are laid out.
struct Grid {
    columns: usize,
    /// The width and height of a panel.
    width: f64,
    panel: f64,
    /// The part of the height that the names of faults take.
    labels: f64,
}

impl Grid {
    fn of(timelines: &Timelines, width: f64) -> Self {
        let panels = timelines.lines.len();
        let columns = if width < COMPACT_BELOW || panels == 1 { 1 } else { 2 };
        let width = width / columns as f64;
        let seconds = seconds(timelines);
        let labels = |line: &Timeline| faults::height(&line.marks, LEFT..width - RIGHT, seconds);
        let labels = timelines.lines.iter().map(labels).fold(0.0, f64::max);
        Self { columns, width, panel: PANEL + labels, labels }
    }
}

/// The time axis: up to the last second with an update or the end of the last fault, whichever is later.
fn seconds(timelines: &Timelines) -> Axis {
    let moments = timelines.lines.iter().flat_map(|line| &line.moments).map(|moment| f64::from(moment.second) + 1.0);
    let marks = timelines.lines.iter().flat_map(|line| &line.marks);
    let ends = marks.map(|mark| (mark.at + mark.length).min(timelines.measured));
    Axis::linear(moments.chain(ends))
}

fn frame(canvas: &mut Canvas, plot: Area, ages: Axis, seconds: Axis, is_lowest: bool) -> DrawResult {
    let mut free_above = f64::MAX;
    for tick in ages.log_ticks(6) {
        let y = ages.place(tick, plot.bottom, plot.top);
        canvas.line((plot.left, y), (plot.right, y), Color::Grid, 1.0)?;
        if y < free_above {
            canvas.text(&time_tick(tick), (plot.left - 8.0, y), TextFormat::new(11.5).muted().at(Anchor::End))?;
            free_above = y - 14.0;
        }
    }
    canvas.line((plot.left, plot.bottom), (plot.right, plot.bottom), Color::Muted, 1.0)?;
    for tick in seconds.linear_ticks(4.0, Unit::Count) {
        let x = seconds.place(tick, plot.left, plot.right);
        canvas.line((x, plot.bottom), (x, plot.bottom + 4.0), Color::Muted, 1.0)?;
        if is_lowest {
            let text = format!("{} s", human::count(tick));
            canvas.text(&text, (x, plot.bottom + 14.0), TextFormat::new(11.5).muted().at(Anchor::Middle))?;
        }
    }
    Ok(())
}

/// Draws the contender's name at the upper edge of an area.
fn name(canvas: &mut Canvas, line: &Timeline, area: Area) -> DrawResult {
    canvas.marker((area.left + 5.0, area.top), 4.5, line.series.look)?;
    let name = text::fit(&line.series.label, 13.0, area.width() - 20.0);
    canvas.text(&name, (area.left + 16.0, area.top), TextFormat::new(13.0).bold())
}

fn panel(canvas: &mut Canvas, line: &Timeline, plot: Area, ages: Axis, seconds: Axis) -> DrawResult {
    let look = line.series.look;
    if line.moments.is_empty() {
        return nothing(canvas, plot, "no update arrived");
    }
    let at = |moment: &Moment, age: f64| -> Point {
        let x = seconds.place(f64::from(moment.second) + 0.5, plot.left, plot.right);
        (x, ages.place(age, plot.bottom, plot.top))
    };
    for run in line.moments.chunk_by(|a, b| b.second == a.second + 1) {
        let middle: Vec<Point> = run.iter().map(|moment| at(moment, moment.middle)).collect();
        let edge: Vec<Point> = run.iter().map(|moment| at(moment, moment.edge)).collect();
        let band: Vec<Point> = middle.iter().chain(edge.iter().rev()).copied().collect();
        if run.len() > 1 {
            canvas.polygon(&band, look.color, 0.18)?;
        } else {
            // A second between two without updates has no line: its band is one stroke.
            canvas.path(&band, &[], look.color, 1.2)?;
        }
        canvas.path(&edge, &[], look.color, 1.2)?;
        canvas.path(&middle, look.dashes, look.color, look.width)?;
        if run.len() == 1 || line.moments.len() <= POINTS_UP_TO {
            middle.iter().try_for_each(|&point| canvas.marker(point, 2.4, look))?;
        }
    }
    Ok(())
}

/// Draws the names of the two lines next to the last second, separated where the lines meet.
fn names(canvas: &mut Canvas, lines: &Timelines, line: &Timeline, plot: Area, ages: Axis) -> DrawResult {
    let Some(last) = line.moments.last() else { return Ok(()) };
    let middle = ages.place(last.middle, plot.bottom, plot.top);
    let edge = ages.place(last.edge, plot.bottom, plot.top).min(middle - 12.0);
    let set = TextFormat::new(11.5).muted();
    canvas.text(if lines.has_median { "p50" } else { "mean" }, (plot.right + 6.0, middle), set)?;
    canvas.text(if lines.has_p99 { "p99" } else { "max" }, (plot.right + 6.0, edge), set)
}

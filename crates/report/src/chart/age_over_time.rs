//! Age over the measured time, second by second, or in longer bins in a long run: a panel for each contender, all on
//! the same axes.

use feedlab_experiment::metric::Unit;

use super::axis::{Axis, time_tick};
use super::bars::Key;
use super::canvas::{Anchor, Area, Canvas, DrawResult, Point, TextFormat};
use super::{COMPACT_BELOW, Figures, NOTHING, Picture, csv, nothing, sign, text};
use crate::dataset::{Dataset, Moment, Timeline, Timelines};
use crate::human;
use crate::palette::Color;

mod faults;
mod finding;

/// The height of a panel below its name, and of a line of the name.
const PANEL: f64 = 144.0;
const LINE: f64 = 16.0;
const NAME: f64 = 13.0;
const HEAD: f64 = 20.0;
const FOOT: f64 = 36.0;
/// The widths of the ages on the left and of the lines' names on the right.
const LEFT: f64 = 54.0;
const RIGHT: f64 = 44.0;
/// On a linear axis the smallest age that is drawn takes at least this share, so that no line lies on the edge.
const WITHIN: f64 = 0.1;
/// Up to this many bins, each is drawn with a marker.
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
        let (scale, bin) = (ages(&self.0.timelines).kind(), self.0.timelines.bin_name());
        let look_for = if self.0.timelines.is_few() {
            format!("a marker, the {middle} of a {bin}, or the end of its stroke, its {edge}, that is above the others")
        } else {
            format!("spikes in the thick line, the {middle} of each {bin}, and in the thin line, its {edge}")
        };
        format!(
            "In each panel time runs to the right and age upward, on a {scale} scale, so lower is fresher; look for \
             {look_for}, because there clients fell behind{faults}."
        )
    }

    fn notes(&self) -> Vec<String> {
        let repetitions: Vec<u32> = self.0.timelines.lines.iter().filter_map(|line| line.repetition).collect();
        let first = repetitions.first().filter(|_| self.0.repetitions > 1);
        let shown = first.map(|first| format!("Shown for repetition {first} of {}.", self.0.repetitions));
        let faults = &self.0.timelines.faults;
        let faults = (!faults.is_empty()).then(|| format!("Faults: {}.", faults.join("; ")));
        let bins = (self.0.timelines.bin > 1).then(|| {
            let length = self.0.timelines.bin_length();
            format!("Each point is {length} of the run; the ages of its seconds are taken together.")
        });
        let few = self.0.timelines.is_few().then(|| {
            let bin = self.0.timelines.bin_length();
            format!("Ages are recorded by the second: each point is {bin} of the run, and too few to connect.")
        });
        let bins = few.or(bins);
        super::line_notes(self.0).into_iter().chain(shown).chain(bins).chain(faults).collect()
    }

    fn figures(&self) -> Figures {
        let [middle, edge] = self.0.timelines.names();
        let (bin, length) = (self.0.timelines.bin_name(), self.0.timelines.bin);
        let bins = if length == 1 { "seconds".to_owned() } else { bin.replacen("interval", "intervals", 1) };
        let head = ["contender".to_owned(), format!("{bins} with updates")].into_iter();
        let head = head.chain(["middle", "worst"].map(|which| format!("{middle} in the {which} {bin}")));
        let head = head.chain(["middle", "worst"].map(|which| format!("{edge} in the {which} {bin}")));
        let rows = self.0.timelines.lines.iter().map(|line| {
            let figures = [finding::sorted(line, |m| m.middle), finding::sorted(line, |m| m.edge)];
            let figures = figures.iter().flat_map(|ages| [finding::middle(ages), ages.last().copied()]);
            let figures = figures.map(|us| us.map_or(human::ABSENT.to_owned(), human::time));
            [line.series.label.clone(), human::count(line.moments.len() as f64)].into_iter().chain(figures).collect()
        });
        Figures { head: head.collect(), rows: rows.collect() }
    }

    fn data(&self) -> Figures {
        let Timelines { lines, bin, .. } = &self.0.timelines;
        let names = self.0.timelines.names();
        let columns = lines.iter().flat_map(|line| names.map(|name| format!("{name} µs: {}", line.series.label)));
        let last = lines.iter().filter_map(|line| line.moments.last()).map(|moment| moment.second).max();
        let row = |second: u32| {
            let figures = lines.iter().flat_map(|line| {
                let moment = line.moments.iter().find(|moment| moment.second == second);
                [moment.map(|moment| moment.middle), moment.map(|moment| moment.edge)]
            });
            [second.to_string()].into_iter().chain(figures.map(csv::number)).collect()
        };
        let seconds = last.into_iter().flat_map(|last| (0..=last).step_by(*bin as usize));
        Figures {
            head: ["from second".to_owned()].into_iter().chain(columns).collect(),
            rows: seconds.map(row).collect(),
        }
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
        if lines.iter().all(|line| line.moments.is_empty()) {
            return nothing(canvas, area, "no ages over time");
        }
        let caption = area.top + 8.0;
        let area = Area { top: area.top + self.key().height(area.width()), ..area };
        self.key().draw(canvas, Area { top: area.top - self.key().height(area.width()) + HEAD, ..area })?;
        let ages = ages(&self.0.timelines);
        let seconds = seconds(&self.0.timelines);
        let grid = Grid::of(&self.0.timelines, area.width());
        for (index, line) in lines.iter().enumerate() {
            let left = area.left + (index % grid.columns) as f64 * grid.width;
            let top = area.top + HEAD + (index / grid.columns) as f64 * grid.panel;
            let (right, bottom) = (left + grid.width - RIGHT, top + grid.panel - 12.0);
            let plot = Area { left: left + LEFT, top: top + 14.0 + grid.names + grid.labels, right, bottom };
            frame(canvas, plot, ages, seconds, index + grid.columns >= lines.len())?;
            canvas.of(line.series.look, |canvas| {
                name(canvas, line, Area { top: top + 15.0, ..plot })?;
                faults::draw(canvas, &line.marks, plot, seconds)?;
                panel(canvas, &self.0.timelines, line, plot, ages)?;
                predicted(canvas, line, plot, ages)?;
                names(canvas, &self.0.timelines, line, plot, ages)
            })?;
            hover(canvas, &self.0.timelines, line, plot);
        }
        let (axis, middle) = (TextFormat::new(12.0).muted(), (area.left + area.right) / 2.0);
        canvas.text(&format!("age of the updates on arrival, {}", ages.kind()), (area.left, caption), axis)?;
        canvas.text("measured time", (middle, area.bottom - 8.0), axis.at(Anchor::Middle))
    }
}

/// The age axis of all panels: linear if all ages are within a decade, and logarithmic otherwise.
fn ages(timelines: &Timelines) -> Axis {
    let moments = timelines.lines.iter().flat_map(|line| &line.moments);
    let levels = timelines.lines.iter().filter_map(|line| line.predicted);
    let ages = moments.flat_map(|moment| [moment.middle, moment.edge]).chain(levels);
    let (low, high) = ages.clone().fold((f64::MAX, 0.0), |(low, high): (f64, f64), age| (low.min(age), high.max(age)));
    if low >= WITHIN * high { Axis::linear([high]) } else { Axis::log(ages) }
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
    /// The part of the height that the names of the contenders take, and those of the faults.
    names: f64,
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
        let names = |line: &Timeline| name_lines(line, width - LEFT - RIGHT).len() as f64 * LINE;
        let names = timelines.lines.iter().map(names).fold(LINE, f64::max);
        Self { columns, width, panel: PANEL + names + labels, names, labels }
    }
}

/// The time axis: up to the last second with an update or the end of the last fault, whichever is later.
fn seconds(timelines: &Timelines) -> Axis {
    let moments = timelines.lines.iter().flat_map(|line| &line.moments);
    // The last bin ends with the run.
    let end = |moment: &Moment| {
        let run = timelines.measured.ceil().max(f64::from(moment.second) + 1.0);
        f64::from(moment.second + timelines.bin).min(run)
    };
    let moments = moments.map(end);
    let marks = timelines.lines.iter().flat_map(|line| &line.marks);
    let ends = marks.map(|mark| (mark.at + mark.length).min(timelines.measured));
    Axis::linear(moments.chain(ends))
}

fn frame(canvas: &mut Canvas, plot: Area, ages: Axis, seconds: Axis, is_lowest: bool) -> DrawResult {
    let mut free_above = f64::MAX;
    for tick in ages.time_ticks(if matches!(ages, Axis::Log { .. }) { 6.0 } else { 4.0 }) {
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
    let lines = name_lines(line, area.width());
    super::lines(canvas, &lines, (area.left + 16.0, area.top), LINE, TextFormat::new(NAME).bold())
}

/// The lines of a contender's name above a panel.
fn name_lines(line: &Timeline, width: f64) -> Vec<String> {
    text::wrap(&line.series.label, NAME, width - 16.0)
}

/// The middle of a bin on the time axis.
fn middle_of(timelines: &Timelines, moment: &Moment) -> f64 {
    f64::from(moment.second) + f64::from(timelines.bin) / 2.0
}

fn panel(canvas: &mut Canvas, timelines: &Timelines, line: &Timeline, plot: Area, ages: Axis) -> DrawResult {
    let look = line.series.look;
    if line.moments.is_empty() {
        return nothing(canvas, plot, "no update arrived");
    }
    let seconds = seconds(timelines);
    let at = |moment: &Moment, age: f64| -> Point {
        let x = seconds.place(middle_of(timelines, moment), plot.left, plot.right);
        (x, ages.place(age, plot.bottom, plot.top))
    };
    if timelines.is_few() {
        return line.moments.iter().try_for_each(|moment| {
            let [middle, edge] = [moment.middle, moment.edge].map(|age| at(moment, age));
            canvas.path(&[middle, edge], &[], look.color, 1.2)?;
            canvas.path(&[(edge.0 - 3.0, edge.1), (edge.0 + 3.0, edge.1)], &[], look.color, 1.2)?;
            canvas.marker(middle, 3.4, look)
        });
    }
    for run in line.moments.chunk_by(|a, b| b.second == a.second + timelines.bin) {
        let middle: Vec<Point> = run.iter().map(|moment| at(moment, moment.middle)).collect();
        let edge: Vec<Point> = run.iter().map(|moment| at(moment, moment.edge)).collect();
        let band: Vec<Point> = middle.iter().chain(edge.iter().rev()).copied().collect();
        if run.len() > 1 {
            canvas.polygon(&band, look.color, 0.18)?;
        } else {
            // A bin between two without updates has no line: its band is one stroke.
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

/// Shows the figures of each bin under the pointer.
fn hover(canvas: &mut Canvas, timelines: &Timelines, line: &Timeline, plot: Area) {
    let seconds = seconds(timelines);
    let [middle, edge] = timelines.names();
    for moment in &line.moments {
        let [from, to] = [moment.second, moment.second + timelines.bin];
        let [left, right] = [from, to].map(|second| seconds.place(f64::from(second), plot.left, plot.right));
        let [age, oldest] = [moment.middle, moment.edge].map(human::time);
        let text = format!("{}\n{from} to {to} s: {middle} {age}, {edge} {oldest}", line.series.label);
        canvas.hover(Area { left, right, ..plot }, &text, &[line.series.look]);
    }
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

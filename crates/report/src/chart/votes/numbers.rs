//! Numeric answers: a strip of columns for each round, with lines at the predicted and the measured value.

use feedlab_experiment::class::{Round, Side};

use super::super::axis::Axis;
use super::super::canvas::{Anchor, Area, Canvas, DrawResult, TextFormat};
use super::super::{COMPACT_BELOW, nothing, sign, text};
use super::{Votes, figure, key, name};
use crate::palette::Color;
use crate::{human, wording};

/// Heights: the names of the lines, a strip's name, its columns, and the axis at the bottom.
const NAMES: f64 = 46.0;
const HEAD: f64 = 36.0;
const STRIP: f64 = 84.0;
const AXIS: f64 = 46.0;
const EDGE: f64 = 14.0;

/// Answers that differ from the median by more than this factor are drawn at the edge, so that one joke answer does not
/// squeeze all others into a line.
const REACH: f64 = 1_000.0;

/// The ratio of the largest to the smallest value from which the axis is logarithmic.
const LOGARITHMIC_FROM: f64 = 20.0;

pub(super) fn height(votes: &Votes, width: f64) -> f64 {
    key::height(votes, width) + NAMES + votes.rounds().len() as f64 * (HEAD + STRIP) + AXIS
}

pub(super) fn draw(votes: &Votes, canvas: &mut Canvas, area: Area) -> DrawResult {
    key::draw(votes, canvas, area)?;
    let top = area.top + key::height(votes, area.width());
    let Some(axis) = axis(votes) else {
        return nothing(canvas, Area { top, ..area }, "nobody has answered yet");
    };
    let plot = Area { left: area.left + EDGE, top: top + NAMES, right: area.right - EDGE, bottom: area.bottom - AXIS };
    ground(votes, canvas, plot, axis)?;
    let bins = Bins { axis, count: if area.width() < COMPACT_BELOW { 16 } else { 32 } };
    let sides = votes.rounds();
    let highest = sides.iter().flat_map(|(_, side)| bins.of(side)).max().unwrap_or(1).max(1);
    for (index, (round, side)) in sides.into_iter().enumerate() {
        let top = plot.top + index as f64 * (HEAD + STRIP);
        let strip = Area { top: top + HEAD, bottom: top + HEAD + STRIP, ..plot };
        columns(canvas, &bins.of(side), highest, strip, round)?;
        canvas.text(&title(votes, round, side), (area.left, top + 18.0), TextFormat::new(13.5).bold())?;
    }
    lines(votes, canvas, plot, axis)?;
    votes.rounds().into_iter().enumerate().try_for_each(|(index, (_, side))| {
        let top = plot.top + index as f64 * (HEAD + STRIP);
        figures(canvas, &bins.of(side), highest, Area { top: top + HEAD, bottom: top + HEAD + STRIP, ..plot })
    })
}

/// Returns a note about the answers that lie outside the axis, if there are any.
pub(super) fn beyond(votes: &Votes) -> Option<String> {
    let axis = axis(votes)?;
    let is_beyond = |number: f64| match axis {
        Axis::Log { low, high } => number < low || number > high,
        Axis::Linear { high } => number < 0.0 || number > high,
    };
    let all = votes.rounds().into_iter().flat_map(|(_, side)| &side.numbers);
    let count: u32 = all.filter(|(number, _)| is_beyond(*number)).map(|&(_, count)| count).sum();
    let answers = match count {
        1 => "1 answer lies outside the chart and is drawn at its edge.".to_owned(),
        count => format!("{} answers lie outside the chart and are drawn at its edge.", human::count(f64::from(count))),
    };
    (count > 0).then_some(answers)
}

/// Returns an axis that holds the predicted and the measured value and all answers within reach, or `None` without any.
fn axis(votes: &Votes) -> Option<Axis> {
    let known = [votes.predicted, votes.measured].into_iter().flatten();
    let sides = votes.rounds();
    let middles = sides.iter().filter_map(|(_, side)| side.median());
    let around: Vec<f64> = known.chain(middles).collect();
    around.first()?;
    let near = |number: f64| {
        let is_near = |middle: &f64| number >= middle / REACH && number <= middle * REACH;
        around.iter().any(is_near)
    };
    let numbers = sides.iter().flat_map(|(_, side)| &side.numbers).map(|&(number, _)| number);
    let shown: Vec<f64> = numbers.filter(|&number| near(number)).chain(around.iter().copied()).collect();
    let (low, high) = shown.iter().fold((f64::MAX, 0.0f64), |(low, high), &x| (low.min(x), high.max(x)));
    Some(if low > 0.0 && high / low >= LOGARITHMIC_FROM {
        Axis::log(shown)
    } else {
        // A tenth more, because a column at the very end of the axis would look as if it continued.
        Axis::linear([high * 1.1])
    })
}

/// Columns of equal width along the axis.
struct Bins {
    axis: Axis,
    count: usize,
}

impl Bins {
    fn of(&self, side: &Side) -> Vec<u32> {
        let mut bins = vec![0u32; self.count];
        for &(number, people) in &side.numbers {
            let place = self.axis.place(number, 0.0, self.count as f64) as usize;
            let place = place.min(self.count - 1);
            bins[place] = bins[place].saturating_add(people);
        }
        bins
    }
}

fn columns(canvas: &mut Canvas, bins: &[u32], highest: u32, strip: Area, round: Round) -> DrawResult {
    bars(bins, highest, strip).try_for_each(|(_, column)| key::bar(canvas, column, round))?;
    canvas.line((strip.left, strip.bottom), (strip.right, strip.bottom), Color::Muted, 1.0)
}

/// Draws the number of people above each column, on top of every line.
fn figures(canvas: &mut Canvas, bins: &[u32], highest: u32, strip: Area) -> DrawResult {
    bars(bins, highest, strip).try_for_each(|(people, column)| {
        let (x, y) = (f64::midpoint(column.left, column.right), column.top - 10.0);
        let said = human::count(f64::from(people));
        let half = text::width(&said, 12.5) / 2.0 + 1.0;
        canvas.fill(Area { left: x - half, top: y - 7.0, right: x + half, bottom: y + 7.0 }, Color::Paper, 0.85)?;
        canvas.text(&said, (x, y), TextFormat::new(12.5).bold().at(Anchor::Middle))
    })
}

/// The columns that are not empty, with the number of people in each.
fn bars(bins: &[u32], highest: u32, strip: Area) -> impl Iterator<Item = (u32, Area)> {
    let width = strip.width() / bins.len() as f64;
    // Leaves room for the figure above the highest column.
    let room = strip.bottom - strip.top - 20.0;
    let shown = bins.iter().copied().enumerate().filter(|(_, people)| *people > 0);
    shown.map(move |(index, people)| {
        let left = strip.left + index as f64 * width + 1.5;
        let top = strip.bottom - room * f64::from(people) / f64::from(highest);
        (people, Area { left, top, right: left + width - 3.0, bottom: strip.bottom })
    })
}

fn title(votes: &Votes, round: Round, side: &Side) -> String {
    let answers = wording::counted(f64::from(side.people), "answer", "answers");
    let middle = side.median().map_or(String::new(), |middle| format!(", median {}", figure(votes.question, middle)));
    format!("{}: {answers}{middle}", name(round))
}

/// Draws the ticks, and grid lines behind the columns.
fn ground(votes: &Votes, canvas: &mut Canvas, plot: Area, axis: Axis) -> DrawResult {
    let ticks = match axis {
        Axis::Log { .. } => axis.log_ticks((plot.width() / 64.0) as usize),
        Axis::Linear { .. } => {
            axis.linear_ticks((plot.width() / 110.0).min(6.0), feedlab_experiment::metric::Unit::Count)
        }
    };
    let set = TextFormat::new(12.0).muted().at(Anchor::Middle);
    let mut free_from = f64::MIN;
    for tick in ticks {
        let x = axis.place(tick, plot.left, plot.right);
        canvas.line((x, plot.top + HEAD), (x, plot.bottom), Color::Grid, 1.0)?;
        let label = human::rough(tick);
        let half = text::width(&label, 12.0) / 2.0;
        if x - half > free_from {
            canvas.text(&label, (x, plot.bottom + 14.0), set)?;
            free_from = x + half + 6.0;
        }
    }
    let unit = votes.question.unit.as_deref().unwrap_or_default();
    let how = if matches!(axis, Axis::Log { .. }) { ", logarithmic" } else { "" };
    let caption = text::fit(&format!("{unit}{how}"), 12.0, plot.width());
    let middle = f64::midpoint(plot.left, plot.right);
    canvas.text(&caption, (middle, plot.bottom + 32.0), set)
}

/// Draws the predicted and the measured value across all strips, each with its name on a separate line above.
fn lines(votes: &Votes, canvas: &mut Canvas, plot: Area, axis: Axis) -> DrawResult {
    let known = [("predicted", votes.predicted, &sign::DASHES[..]), ("measured", votes.measured, &[])];
    for (index, (what, value, dashes)) in known.into_iter().enumerate() {
        let Some(value) = value else { continue };
        let x = axis.place(value, plot.left, plot.right);
        let y = plot.top - NAMES + 12.0 + index as f64 * 22.0;
        canvas.path(&[(x, y), (x, plot.bottom)], dashes, Color::Ink, 1.8)?;
        if index == 0 {
            sign::predicted(canvas, (x, y))?;
        } else {
            sign::measured(canvas, (x, y))?;
        }
        let said = format!("{what} {}", figure(votes.question, value));
        let is_left = x + 14.0 + text::width(&said, 14.0) > plot.right;
        let (anchor, away) = if is_left { (Anchor::End, -12.0) } else { (Anchor::Start, 12.0) };
        canvas.text(&said, (x + away, y), TextFormat::new(14.0).bold().at(anchor))?;
    }
    Ok(())
}

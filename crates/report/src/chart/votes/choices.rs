//! Questions with choices: each choice with its text, and below it a bar for each round.

use feedlab_experiment::class::Choice;

use super::super::axis::Axis;
use super::super::canvas::{Anchor, Area, Canvas, DrawResult, Point, TextFormat};
use super::super::{COMPACT_BELOW, sign, text};
use super::{Votes, figure, key, name, of};
use crate::human;
use crate::palette::Color;

const SIZE: f64 = 15.0;
const LINE: f64 = 21.0;
/// The most lines of a choice's text.
const LINES: usize = 3;
const MARK: f64 = 22.0;
const BAR: f64 = 15.0;
const PITCH: f64 = 20.0;
/// The padding inside the background of a choice, and the gap between two choices.
const PADDING: f64 = 9.0;
const GAP: f64 = 6.0;
/// The width of the figures to the right of the bars, and the height of the scale below them.
const FIGURES: f64 = 116.0;
const SCALE: f64 = 40.0;

pub(super) fn height(votes: &Votes, width: f64) -> f64 {
    let answers: f64 = blocks(votes, width).iter().map(|block| block.height + GAP).sum();
    key::height(votes, width) + answers + SCALE
}

pub(super) fn draw(votes: &Votes, canvas: &mut Canvas, area: Area) -> DrawResult {
    key::draw(votes, canvas, area)?;
    let mut top = area.top + key::height(votes, area.width());
    let plot = Area { left: area.left + PADDING, right: area.right - FIGURES, ..area };
    let axis = Axis::Linear { high: 1.0 };
    let blocks = blocks(votes, area.width());
    let end = top + blocks.iter().map(|block| block.height + GAP).sum::<f64>();
    for block in &blocks {
        let slot = Area { top, bottom: top + block.height, ..area };
        if block.is_right {
            canvas.fill(slot, Color::Green, 0.16)?;
            canvas.fill(Area { right: slot.left + 3.5, ..slot }, Color::Green, 1.0)?;
        }
        block.draw(votes, canvas, slot, plot, axis)?;
        top += block.height + GAP;
    }
    scale(canvas, Area { bottom: end, ..plot }, axis)
}

/// The block of one choice.
struct Block {
    index: usize,
    lines: Vec<String>,
    is_right: bool,
    /// The predicted and the measured value, if they lie in the range of this choice.
    predicted: Option<String>,
    measured: Option<String>,
    /// Whether the predicted and the measured value need separate lines.
    is_narrow: bool,
    height: f64,
}

fn blocks(votes: &Votes, width: f64) -> Vec<Block> {
    let block = |(index, choice): (usize, &Choice)| {
        let is_right = votes.right() == Some(choice.id.as_str());
        let said = if is_right { format!("✓ right: {}", choice.text) } else { choice.text.clone() };
        let mut lines = text::wrap(&said, SIZE, width - 2.0 * PADDING);
        if lines.len() > LINES {
            let rest = lines.split_off(LINES - 1).join(" ");
            lines.push(text::fit(&rest, SIZE, width - 2.0 * PADDING));
        }
        let lies = |value: Option<f64>, what: &str| {
            let value = value.filter(|&value| choice.decides(value))?;
            Some(format!("{what} {}", figure(votes.question, value)))
        };
        let (predicted, measured) = (lies(votes.predicted, "predicted"), lies(votes.measured, "measured"));
        let is_narrow = width < COMPACT_BELOW;
        let marks = [&predicted, &measured].into_iter().flatten().count();
        let marks = if is_narrow { marks } else { marks.min(1) };
        let bars = votes.rounds().len() as f64 * PITCH;
        let height = 2.0 * PADDING + lines.len() as f64 * LINE + marks as f64 * MARK + bars;
        Block { index, lines, is_right, predicted, measured, is_narrow, height }
    };
    votes.question.choices.iter().enumerate().map(block).collect()
}

impl Block {
    fn draw(&self, votes: &Votes, canvas: &mut Canvas, slot: Area, plot: Area, axis: Axis) -> DrawResult {
        let set = if self.is_right { TextFormat::new(SIZE).bold() } else { TextFormat::new(SIZE) };
        let mut y = slot.top + PADDING + LINE / 2.0;
        for line in &self.lines {
            canvas.text(line, (plot.left, y), set)?;
            y += LINE;
        }
        y = self.marks(canvas, (plot.left, y))?;
        let top = y - LINE / 2.0 + 2.0;
        for (row, (round, side)) in votes.rounds().into_iter().enumerate() {
            let top = top + row as f64 * PITCH;
            let count = side.choices.get(self.index).copied().unwrap_or(0);
            let share = if side.people == 0 { 0.0 } else { f64::from(count) / f64::from(side.people) };
            let right = axis.place(share, plot.left, plot.right);
            if count == 0 {
                canvas.line((plot.left, top), (plot.left, top + BAR), Color::Muted, 1.5)?;
            } else {
                key::bar(canvas, Area { left: plot.left, top, right, bottom: top + BAR }, round)?;
            }
            let said = format!("{} {}", of(count, side.people), name(round));
            canvas.text(&said, (right + 9.0, top + BAR / 2.0), TextFormat::new(12.5))?;
        }
        Ok(())
    }

    /// Draws the predicted and the measured value below the choice's text and returns the y coordinate of the next
    /// line.
    fn marks(&self, canvas: &mut Canvas, (left, y): Point) -> Result<f64, super::super::canvas::DrawError> {
        let (mut x, mut y) = (left + 1.0, y);
        let mut used = false;
        let marks = [(&self.predicted, false), (&self.measured, true)];
        for (said, is_measured) in marks.into_iter().filter_map(|(said, is)| Some((said.as_ref()?, is))) {
            if used && self.is_narrow {
                (x, y) = (left + 1.0, y + MARK);
            }
            used = true;
            let at = (x + sign::RADIUS, y);
            if is_measured {
                sign::measured(canvas, at)?;
            } else {
                sign::predicted(canvas, at)?;
            }
            let set = if is_measured { TextFormat::new(14.0).bold() } else { TextFormat::new(14.0) };
            canvas.text(said, (x + 18.0, y), set)?;
            x += 18.0 + text::width(said, 14.0) + 22.0;
        }
        Ok(if used { y + MARK } else { y })
    }
}

fn scale(canvas: &mut Canvas, plot: Area, axis: Axis) -> DrawResult {
    canvas.line((plot.left, plot.bottom), (plot.right, plot.bottom), Color::Muted, 1.0)?;
    for share in [0.0, 0.5, 1.0] {
        let x = axis.place(share, plot.left, plot.right);
        canvas.line((x, plot.bottom), (x, plot.bottom + 4.0), Color::Muted, 1.0)?;
        let anchor = if share == 0.0 { Anchor::Start } else { Anchor::Middle };
        let said = human::share(share, 1.0).unwrap_or_default();
        canvas.text(&said, (x, plot.bottom + 14.0), TextFormat::new(12.0).muted().at(anchor))?;
    }
    canvas.text("share of those who answered", (plot.left, plot.bottom + 31.0), TextFormat::new(12.0).muted())
}

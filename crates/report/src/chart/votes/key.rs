//! The key that explains hollow and solid, on as many lines as the width requires.

use feedlab_experiment::class::Round;

use super::super::canvas::{Area, Canvas, DrawResult, Point, TextFormat};
use super::super::{sign, text};
use super::{Votes, name};
use crate::palette::Color;

/// The color of the votes. The rounds differ by being hollow or solid, not by color.
pub(super) const COLOR: Color = Color::Blue;

const LINE: f64 = 24.0;
const SIZE: f64 = 13.5;
const SWATCH: f64 = 14.0;
const BESIDE: f64 = 7.0;
const AFTER: f64 = 22.0;

/// An entry of the key.
#[derive(Clone, Copy)]
enum Entry {
    Votes(Round),
    Predicted,
    Measured,
}

impl Entry {
    const fn name(self) -> &'static str {
        match self {
            Self::Votes(round) => name(round),
            Self::Predicted => sign::PREDICTED,
            Self::Measured => "measured",
        }
    }
}

/// Draws a bar or a column: only the outline in the round before, filled in the round after.
pub(super) fn bar(canvas: &mut Canvas, area: Area, round: Round) -> DrawResult {
    let Area { left, top, right, bottom } = area;
    if round == Round::After {
        canvas.fill(area, COLOR, 1.0)?;
    }
    canvas.path(
        &[(left, top), (right, top), (right, bottom), (left, bottom), (left, top), (right, top)],
        &[],
        COLOR,
        2.0,
    )
}

pub(super) fn height(votes: &Votes, width: f64) -> f64 {
    places(votes, width).last().map_or(0.0, |(_, (_, y))| y + LINE + 6.0)
}

pub(super) fn draw(votes: &Votes, canvas: &mut Canvas, area: Area) -> DrawResult {
    for (entry, (x, y)) in places(votes, area.width()) {
        let (left, middle) = (area.left + x + 1.0, area.top + y + LINE / 2.0);
        let at = (left + SWATCH / 2.0, middle);
        let swatch = Area { left, top: middle - 6.0, right: left + SWATCH, bottom: middle + 6.0 };
        match entry {
            Entry::Votes(round) => bar(canvas, swatch, round)?,
            Entry::Predicted => sign::predicted(canvas, at)?,
            Entry::Measured => sign::measured(canvas, at)?,
        }
        canvas.text(entry.name(), (left + SWATCH + BESIDE, middle), TextFormat::new(SIZE))?;
    }
    Ok(())
}

/// The entries with their upper left corners.
fn places(votes: &Votes, width: f64) -> Vec<(Entry, Point)> {
    let rounds = votes.rounds().into_iter().map(|(round, _)| Entry::Votes(round));
    let predicted = votes.predicted.map(|_| Entry::Predicted);
    let measured = votes.measured.map(|_| Entry::Measured);
    let (mut x, mut y) = (0.0, 0.0);
    let place = |entry: Entry| {
        let needed = SWATCH + BESIDE + text::width(entry.name(), SIZE);
        if x > 0.0 && x + needed > width {
            (x, y) = (0.0, y + LINE);
        }
        let at = (x, y);
        x += needed + AFTER;
        (entry, at)
    };
    rounds.chain(predicted).chain(measured).map(place).collect()
}

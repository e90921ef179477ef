//! The map of choices: which transport is the best, over two inputs of a question.
//!
//! [`Map::of`] answers the question at every point of a grid, and finds the boundaries between different answers on the
//! lines of the grid by bisection, so that a boundary is where the answer changes and not where the grid has a point.
//! Called by the command line, by the page of choices and by the chart, which draws the map and computes nothing.
//!
//! In reading order: `outcome` has what is the best at a point, `axis` the scales, `grid` the points and the changes
//! between them, `trace` the boundaries and outlines, and `words` the sentences.

use feedlab_feed::Transport;
use serde::Serialize;

use super::{Answer, Criterion, Input, Nearest, Question, QuestionError, answer};

mod axis;
mod grid;
mod outcome;
mod trace;
mod words;

pub use axis::{MapAxis, parse_axes};
pub use outcome::{Best, Outcome};
pub use trace::{Boundary, Region};

use grid::Grid;

/// A place on the map: shares of the way along the horizontal and the vertical axis.
pub type Spot = (f64, f64);

/// Why there is no map.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MapError {
    /// The question has no answer, whatever the values of the two inputs.
    #[error(transparent)]
    Question(#[from] QuestionError),
    /// One input is on both axes.
    #[error("a map needs two different inputs, and both are `{key}`; replace one of them", key = .0.name())]
    SameAxis(Input),
    /// The input follows from others.
    #[error("in a chat, `{key}` follows from what clients send; use `sends` as the axis", key = .0.name())]
    NoEffect(Input),
}

/// The best transport over two inputs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Map {
    /// The question; its own values of the two inputs are those of [`here`](Self::here).
    pub question: Question,
    /// The horizontal axis.
    pub x: MapAxis,
    /// The vertical axis.
    pub y: MapAxis,
    /// The numbers of columns and of rows of the grid; it has one more point than that in each direction.
    pub size: (usize, usize),
    /// What is the best at each point, row by row from the smallest value of the vertical axis.
    pub outcomes: Vec<Outcome>,
    /// The areas of equal outcome.
    pub regions: Vec<Region>,
    /// The lines between them.
    pub boundaries: Vec<Boundary>,
    /// Where the question itself is; `None` if it has no value on one of the axes, as without an idle timeout.
    pub here: Option<Here>,
}

/// Where the question itself is on a map.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Here {
    /// The place; at the edge if a value is off the axis, as zero is.
    pub at: Spot,
    /// The two values.
    pub values: (f64, f64),
    /// What is the best.
    pub outcome: Outcome,
    /// The nearest changes along the horizontal and the vertical axis; none if nothing is the best.
    pub nearest: Vec<Nearest>,
}

impl Map {
    /// The size of a map for a chart.
    pub const SIZE: (usize, usize) = (48, 32);
    /// The size of a map that is computed while somebody waits.
    pub const QUICK: (usize, usize) = (32, 24);

    /// Computes a map of a size, which is limited to 2 to 128 columns and rows.
    ///
    /// # Errors
    /// If the question contradicts itself, whatever the values of the two inputs, or if these are no axes of it.
    pub fn of(question: &Question, x: Input, y: Input, size: (usize, usize)) -> Result<Self, MapError> {
        check(question, x, y)?;
        let size = (size.0.clamp(2, 128), size.1.clamp(2, 128));
        let (x, y) = (MapAxis::new(question, x), MapAxis::new(question, y));
        let mut map = Self {
            question: question.clone(),
            x,
            y,
            size,
            outcomes: Vec::new(),
            regions: Vec::new(),
            boundaries: Vec::new(),
            here: Here::of(question, x, y),
        };
        let grid = Grid::new(&map);
        let traced = trace::trace(&grid);
        map.boundaries = traced.boundaries.into_iter().map(|line| Boundary::new(&map, line)).collect();
        map.regions = traced.regions;
        map.outcomes = grid.outcomes;
        Ok(map)
    }

    /// Returns what is the best at a place.
    #[must_use]
    pub fn outcome(&self, at: Spot) -> Outcome {
        Outcome::of(answer(&self.question_at(at)).as_ref())
    }

    /// Returns the question at a place.
    #[must_use]
    pub fn question_at(&self, (x, y): Spot) -> Question {
        self.y.input.with(&self.x.input.with(&self.question, self.x.value(x)), self.y.value(y))
    }

    /// Returns the place of a point of the grid.
    #[must_use]
    pub fn spot(&self, (column, row): (usize, usize)) -> Spot {
        (column as f64 / self.size.0 as f64, row as f64 / self.size.1 as f64)
    }
}

/// The question must have an answer somewhere on the map; in its middle, only the distance and the bandwidth may be in
/// the way, which other places of the map may mend.
fn check(question: &Question, x: Input, y: Input) -> Result<(), MapError> {
    if x == y {
        return Err(MapError::SameAxis(x));
    }
    for input in [x, y] {
        if input == Input::Rate && question.chat {
            return Err(MapError::NoEffect(input));
        }
    }
    let (x, y) = (MapAxis::new(question, x), MapAxis::new(question, y));
    let middle = y.input.with(&x.input.with(question, x.value(0.5)), y.value(0.5));
    match answer(&middle) {
        Ok(_) | Err(QuestionError::BudgetBelowDistance { .. } | QuestionError::TooMuch { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

impl Here {
    fn of(question: &Question, x: MapAxis, y: MapAxis) -> Option<Self> {
        let answered = answer(question);
        let value =
            |axis: MapAxis| axis.input.value(question).or_else(|| followed(axis.input, answered.as_ref().ok()?));
        let values = (value(x)?, value(y)?);
        let nearest = |answer: &Answer| vec![answer.nearest(x.input), answer.nearest(y.input)];
        Some(Self {
            at: (x.share(values.0), y.share(values.1)),
            values,
            outcome: Outcome::of(answered.as_ref()),
            nearest: answered.as_ref().map(nearest).unwrap_or_default(),
        })
    }
}

/// Returns the value of an input that follows from others: the interval at which clients poll.
fn followed(input: Input, answer: &Answer) -> Option<f64> {
    use crate::scenario::Options::ShortPolling;
    let polls = &answer.candidate(Transport::ShortPolling)?.contender.options;
    match (input, polls) {
        (Input::PollInterval, ShortPolling { interval, .. }) => Some(interval.as_secs_f64()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

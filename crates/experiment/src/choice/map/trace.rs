//! Traces the boundaries and the outlines of regions through the cells of a grid, as marching squares do, with any
//! number of different outcomes.
//!
//! Around a cell, its corners and the changes between them divide the perimeter into pieces of equal outcome. If each
//! change has exactly one counterpart between the same two outcomes, a straight line connects the two; otherwise all
//! lines meet in the middle of the changes.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::grid::{Change, Grid};
use super::{Criterion, Map, Outcome, Spot, words};

mod join;
mod perimeter;

use join::{chains, loops};
use perimeter::{Run, partners, runs};

/// An area of equal outcome, which need not be connected.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Region {
    /// The outcome.
    pub outcome: Outcome,
    /// Its closed outlines: those around a part in one direction, those around a hole in it in the other.
    pub outlines: Vec<Vec<Spot>>,
}

/// A line between two regions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Boundary {
    /// What is the best on its two sides.
    pub between: (Outcome, Outcome),
    /// Its points.
    pub line: Vec<Spot>,
    /// Why the answer changes there.
    pub because: String,
    /// The criterion that decides on one of the sides; `None` if a rule or the budget does.
    pub criterion: Option<Criterion>,
}

impl Boundary {
    /// Explains a line, at a place where it has the two outcomes close by on both sides.
    pub(super) fn new(map: &Map, Line { between, line }: Line) -> Self {
        let is_between = |(a, b): &(Spot, Spot)| {
            let (a, b) = (map.outcome(*a), map.outcome(*b));
            (a.min(b), a.max(b)) == between
        };
        let pieces = [4, 2, 6, 1, 3, 5, 7].map(|eighth| line.len() * eighth / 8);
        let places = |beside: f64| pieces.into_iter().map(|piece| sides(&line, piece, beside)).find(is_between);
        let place = BESIDE.into_iter().find_map(places).unwrap_or_else(|| sides(&line, pieces[0], BESIDE[0]));
        let (because, criterion) = words::why(map, between, place);
        Self { between, line, because, criterion }
    }
}

/// The distances from a line, as shares of the map, at which its two outcomes are looked for: a region beside it may be
/// thin.
const BESIDE: [f64; 2] = [2e-3, 5e-4];

/// A line between two outcomes.
pub(super) struct Line {
    pub(super) between: (Outcome, Outcome),
    pub(super) line: Vec<Spot>,
}

/// What a grid becomes.
pub(super) struct Traced {
    pub(super) regions: Vec<Region>,
    pub(super) boundaries: Vec<Line>,
}

/// A point by its number in [`Tracer::spots`].
type Id = usize;

/// Returns the regions and boundaries of a grid.
pub(super) fn trace(grid: &Grid) -> Traced {
    let mut tracer = Tracer::new(grid);
    for row in 0..grid.size.1 {
        for column in 0..grid.size.0 {
            tracer.cell(grid, (column, row));
        }
    }
    Traced { regions: tracer.regions(), boundaries: tracer.boundaries() }
}

struct Tracer {
    spots: Vec<Spot>,
    /// The number of the first change on each line to the right of a point, and above it.
    right: Vec<Id>,
    above: Vec<Id>,
    /// The directed sides of the polygons of each outcome, without those that two polygons share.
    sides: BTreeMap<Outcome, BTreeSet<(Id, Id)>>,
    /// The pieces of lines between two outcomes.
    pieces: BTreeMap<(Outcome, Outcome), Vec<(Id, Id)>>,
}

impl Tracer {
    fn new(grid: &Grid) -> Self {
        let (columns, rows) = grid.size;
        let points = (0..=rows).flat_map(|row| (0..=columns).map(move |column| (column, row)));
        let mut spots: Vec<Spot> =
            points.map(|(column, row)| (column as f64 / columns as f64, row as f64 / rows as f64)).collect();
        let mut numbered = |changes: &[Vec<Change>]| {
            let first = |changes: &Vec<Change>| {
                let first = spots.len();
                spots.extend(changes.iter().map(|change| change.at));
                first
            };
            changes.iter().map(first).collect::<Vec<Id>>()
        };
        let (right, above) = (numbered(&grid.right), numbered(&grid.above));
        Self { spots, right, above, sides: BTreeMap::new(), pieces: BTreeMap::new() }
    }

    /// Adds a cell by its lower left corner.
    fn cell(&mut self, grid: &Grid, (column, row): (usize, usize)) {
        let [a, b, c, d] =
            [(column, row), (column + 1, row), (column + 1, row + 1), (column, row + 1)].map(|point| grid.index(point));
        let mut around: Vec<(Id, Option<Change>)> = Vec::new();
        let mut side = |corner: Id, first: Id, changes: &[Change], forward: bool| {
            around.push((corner, None));
            let numbered = changes.iter().enumerate().map(|(index, change)| (first + index, *change));
            if forward {
                around.extend(numbered.map(|(id, change)| (id, Some(change))));
            } else {
                let back = |(id, change): (Id, Change)| (id, Some(change.reversed()));
                around.extend(numbered.rev().map(back));
            }
        };
        side(a, self.right[a], &grid.right[a], true);
        side(b, self.above[b], &grid.above[b], true);
        side(c, self.right[d], &grid.right[d], false);
        side(d, self.above[a], &grid.above[a], false);
        let Some(first) = around.iter().position(|(_, change)| change.is_some()) else {
            return self.polygon(grid.outcomes[a], &[a, b, c, d]);
        };
        around.rotate_left(first);
        let runs = runs(&around);
        match partners(&runs) {
            Some(partners) => self.chords(&runs, &partners),
            None => self.fan(&runs),
        }
    }

    /// Connects each change with its counterpart.
    fn chords(&mut self, runs: &[Run], partners: &[usize]) {
        for (index, run) in runs.iter().enumerate() {
            let partner = partners[index];
            if index < partner {
                self.piece(run.outcome, run.next, (run.to, runs[partner].to));
            }
        }
        let mut is_done = vec![false; runs.len()];
        for start in 0..runs.len() {
            let (mut polygon, mut at) = (Vec::new(), start);
            while !is_done[at] {
                is_done[at] = true;
                polygon.push(runs[at].from);
                polygon.extend(&runs[at].corners);
                polygon.push(runs[at].to);
                // The counterpart ends another piece, and this polygon goes on with the piece after it.
                at = (partners[at] + 1) % runs.len();
            }
            if !polygon.is_empty() {
                self.polygon(runs[start].outcome, &polygon);
            }
        }
    }

    /// Connects all changes with their middle.
    fn fan(&mut self, runs: &[Run]) {
        let sum = runs.iter().map(|run| self.spots[run.to]).fold((0.0, 0.0), |sum, at| (sum.0 + at.0, sum.1 + at.1));
        let middle = self.spots.len();
        self.spots.push((sum.0 / runs.len() as f64, sum.1 / runs.len() as f64));
        for run in runs {
            self.piece(run.outcome, run.next, (run.to, middle));
            let mut polygon = vec![middle, run.from];
            polygon.extend(&run.corners);
            polygon.push(run.to);
            self.polygon(run.outcome, &polygon);
        }
    }

    fn piece(&mut self, a: Outcome, b: Outcome, piece: (Id, Id)) {
        self.pieces.entry((a.min(b), a.max(b))).or_default().push(piece);
    }

    /// Adds a polygon; a side that a neighbor has in the other direction is inside the region.
    fn polygon(&mut self, outcome: Outcome, points: &[Id]) {
        let sides = self.sides.entry(outcome).or_default();
        for (index, from) in points.iter().enumerate() {
            let to = points[(index + 1) % points.len()];
            if *from != to && !sides.remove(&(to, *from)) {
                sides.insert((*from, to));
            }
        }
    }

    fn regions(&self) -> Vec<Region> {
        let region = |(outcome, sides): (&Outcome, &BTreeSet<(Id, Id)>)| Region {
            outcome: *outcome,
            outlines: loops(sides).into_iter().map(|outline| self.straightened(&outline)).collect(),
        };
        self.sides.iter().map(region).collect()
    }

    /// Returns the points of a closed outline without those on the straight line between their neighbors.
    fn straightened(&self, outline: &[Id]) -> Vec<Spot> {
        let at = |index: usize| self.spots[outline[index % outline.len()]];
        let is_corner = |index: &usize| {
            let [a, b, c] = [index + outline.len() - 1, *index, index + 1].map(at);
            ((b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0)).abs() > 1e-9
        };
        (0..outline.len()).filter(is_corner).map(at).collect()
    }

    fn boundaries(&self) -> Vec<Line> {
        let mut all = Vec::new();
        for (between, pieces) in &self.pieces {
            for line in chains(pieces) {
                let line: Vec<Spot> = line.into_iter().map(|id| self.spots[id]).collect();
                all.push(Line { between: *between, line });
            }
        }
        all
    }
}

impl Change {
    const fn reversed(self) -> Self {
        Self { at: self.at, before: self.after, after: self.before }
    }
}

/// Returns two places close to the middle of a piece of a line, one on each side.
fn sides(line: &[Spot], piece: usize, beside: f64) -> (Spot, Spot) {
    let index = piece.clamp(1, line.len() - 1);
    let (a, b) = (line[index - 1], line[index]);
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length = dx.hypot(dy).max(f64::MIN_POSITIVE);
    let middle = ((a.0 + b.0) / 2.0, (a.1 + b.1) / 2.0);
    let place = |side: f64| {
        let at = (middle.0 - side * dy / length, middle.1 + side * dx / length);
        (at.0.clamp(0.0, 1.0), at.1.clamp(0.0, 1.0))
    };
    (place(beside), place(-beside))
}

//! The points of a map and the changes on the lines between neighbors.

use super::{Map, Outcome, Spot};

/// The number of bisections: a change is then known to a hundredth of the distance between two points.
const HALVINGS: u32 = 7;
/// The most changes that are looked for between two neighbors.
const MOST_CHANGES: usize = 3;
/// The number of columns and of rows of a block of cells, whose corners are asked before anything else.
const BLOCK: usize = 4;

/// A point of the grid, or a block: column and row.
type Point = (usize, usize);

const fn index(size: (usize, usize), (column, row): Point) -> usize {
    row * (size.0 + 1) + column
}

/// The outcomes at all points, and the changes on all lines between neighbors.
pub(super) struct Grid {
    pub(super) size: (usize, usize),
    pub(super) outcomes: Vec<Outcome>,
    /// The changes to the right of each point, and above it.
    pub(super) right: Vec<Vec<Change>>,
    pub(super) above: Vec<Vec<Change>>,
}

/// A change between two neighbors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Change {
    pub(super) at: Spot,
    pub(super) before: Outcome,
    pub(super) after: Outcome,
}

impl Grid {
    pub(super) fn new(map: &Map) -> Self {
        let (columns, rows) = map.size;
        let all = || (0..=rows).flat_map(|row| (0..=columns).map(move |column| (column, row)));
        let outcomes = Blocks::new(map).outcomes();
        let mut grid = Self { size: map.size, outcomes, right: Vec::new(), above: Vec::new() };
        grid.right = all().map(|(column, row)| grid.changes(map, (column, row), (column + 1, row))).collect();
        grid.above = all().map(|(column, row)| grid.changes(map, (column, row), (column, row + 1))).collect();
        grid
    }

    /// Returns the index of a point.
    pub(super) const fn index(&self, point: Point) -> usize {
        index(self.size, point)
    }

    /// Returns the changes on the way from a point to its neighbor, if it has that.
    fn changes(&self, map: &Map, from: Point, to: Point) -> Vec<Change> {
        if to.0 > self.size.0 || to.1 > self.size.1 {
            return Vec::new();
        }
        let [start, end] = [from, to].map(|point| self.outcomes[self.index(point)]);
        let (from, to) = (map.spot(from), map.spot(to));
        let spot = |share: f64| (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share);
        let mut changes = Vec::new();
        let (mut before, mut least) = (start, 0.0);
        while before != end {
            let (mut same, mut other, mut after) = (least, 1.0, end);
            for _ in 0..HALVINGS {
                let middle = (same + other) / 2.0;
                let outcome = map.outcome(spot(middle));
                if outcome == before { same = middle } else { (other, after) = (middle, outcome) }
            }
            let after = if changes.len() + 1 == MOST_CHANGES { end } else { after };
            changes.push(Change { at: spot((same + other) / 2.0), before, after });
            (before, least) = (after, other);
        }
        changes
    }
}

/// The blocks of a grid, for asking less: in a block with four equal corners nothing is asked, unless a boundary enters
/// it from a neighbor. An island that is smaller than a block and touches none of its corners is missed.
struct Blocks<'a> {
    map: &'a Map,
    known: Vec<Option<Outcome>>,
}

impl<'a> Blocks<'a> {
    fn new(map: &'a Map) -> Self {
        Self { map, known: vec![None; (map.size.0 + 1) * (map.size.1 + 1)] }
    }

    fn outcomes(mut self) -> Vec<Outcome> {
        let count = (self.map.size.0.div_ceil(BLOCK), self.map.size.1.div_ceil(BLOCK));
        let all = || (0..count.1).flat_map(|row| (0..count.0).map(move |column| (column, row)));
        let mut to_do: Vec<Point> = all().filter(|block| !self.is_uniform(self.corners(*block))).collect();
        let mut is_done = vec![false; count.0 * count.1];
        while let Some(block) = to_do.pop() {
            if std::mem::replace(&mut is_done[block.1 * count.0 + block.0], true) {
                continue;
            }
            self.is_uniform(self.points(block));
            to_do.extend(neighbors(block, count).filter(|next| !self.is_uniform(self.shared(block, *next))));
        }
        for block in all() {
            let outcome = self.ask(self.corners(block)[0]);
            for point in self.points(block) {
                self.known[index(self.map.size, point)].get_or_insert(outcome);
            }
        }
        self.known.into_iter().flatten().collect()
    }

    /// Returns the outcome at a point, which is asked once.
    fn ask(&mut self, point: Point) -> Outcome {
        let map = self.map;
        *self.known[index(map.size, point)].get_or_insert_with(|| map.outcome(map.spot(point)))
    }

    /// Whether the outcomes at some points are all equal; all of them are then known.
    fn is_uniform(&mut self, points: impl IntoIterator<Item = Point>) -> bool {
        let outcomes: Vec<Outcome> = points.into_iter().map(|point| self.ask(point)).collect();
        outcomes.windows(2).all(|pair| pair[0] == pair[1])
    }

    /// Returns the first and the last column, and the first and the last row of a block.
    fn ends(&self, (column, row): Point) -> (Point, Point) {
        let last = |block: usize, most: usize| ((block + 1) * BLOCK).min(most);
        let (columns, rows) = self.map.size;
        ((column * BLOCK, last(column, columns)), (row * BLOCK, last(row, rows)))
    }

    fn corners(&self, block: Point) -> [Point; 4] {
        let ((left, right), (low, high)) = self.ends(block);
        [(left, low), (right, low), (right, high), (left, high)]
    }

    fn points(&self, block: Point) -> Vec<Point> {
        let ((left, right), (low, high)) = self.ends(block);
        (low..=high).flat_map(|row| (left..=right).map(move |column| (column, row))).collect()
    }

    /// Returns the points that two neighboring blocks share.
    fn shared(&self, block: Point, next: Point) -> Vec<Point> {
        let others = self.points(next);
        self.points(block).into_iter().filter(|point| others.contains(point)).collect()
    }
}

fn neighbors((column, row): Point, count: (usize, usize)) -> impl Iterator<Item = Point> {
    let all = [(column.wrapping_sub(1), row), (column + 1, row), (column, row.wrapping_sub(1)), (column, row + 1)];
    all.into_iter().filter(move |one| one.0 < count.0 && one.1 < count.1)
}

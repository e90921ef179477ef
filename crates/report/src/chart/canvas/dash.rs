//! Dashes. The SVG backend draws only solid lines, so a dashed one is drawn piece by piece.

use super::Point;

/// Splits a path into the pieces to draw. `pattern` lists dash, gap, dash, gap…; an empty one draws the whole path.
pub(super) fn split(path: &[Point], pattern: &[f64]) -> Vec<Vec<Point>> {
    if pattern.iter().all(|&length| length <= 0.0) {
        return if path.len() > 1 { vec![path.to_vec()] } else { Vec::new() };
    }
    let mut pen = Pen { pattern, index: 0, left: pattern[0], pieces: Vec::new(), piece: Vec::new() };
    pen.piece.extend(path.first());
    for pair in path.windows(2) {
        pen.walk(pair[0], pair[1]);
    }
    pen.lift();
    pen.pieces
}

struct Pen<'a> {
    pattern: &'a [f64],
    /// The index into the pattern: the pen is down at even indexes, up at odd ones.
    index: usize,
    /// The distance to the next change.
    left: f64,
    pieces: Vec<Vec<Point>>,
    piece: Vec<Point>,
}

impl Pen<'_> {
    fn walk(&mut self, from: Point, to: Point) {
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        let mut done = 0.0;
        while length - done > self.left {
            done += self.left;
            let share = done / length;
            let at = (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share);
            self.change(at);
        }
        self.left -= length - done;
        if self.is_down() {
            self.piece.push(to);
        }
    }

    fn change(&mut self, at: Point) {
        if self.is_down() {
            self.piece.push(at);
            self.lift();
        }
        self.index = (self.index + 1) % self.pattern.len();
        self.left = self.pattern[self.index].max(0.1);
        if self.is_down() {
            self.piece.push(at);
        }
    }

    fn lift(&mut self) {
        let piece = std::mem::take(&mut self.piece);
        if piece.len() > 1 {
            self.pieces.push(piece);
        }
    }

    fn is_down(&self) -> bool {
        self.index.is_multiple_of(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_go_around_corners() {
        let path = [(0.0, 0.0), (5.0, 0.0), (5.0, 5.0)];
        assert_eq!(
            split(&path, &[3.0, 1.0]),
            [vec![(0.0, 0.0), (3.0, 0.0)], vec![(4.0, 0.0), (5.0, 0.0), (5.0, 2.0)], vec![(5.0, 3.0), (5.0, 5.0)],]
        );
    }

    #[test]
    fn a_solid_path_is_one_piece_and_a_point_is_none() {
        let path = [(0.0, 0.0), (5.0, 0.0)];
        assert_eq!(split(&path, &[]), [path.to_vec()]);
        assert!(split(&path[..1], &[]).is_empty() && split(&[], &[3.0, 1.0]).is_empty());
    }
}

//! Direct labels: finds a free place next to each line, instead of a separate legend.

use super::canvas::{Area, Point};

/// A possible place of a label.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Candidate {
    /// The point of the line that the label names, where the marker goes.
    pub(crate) at: Point,
    /// The area of the text.
    pub(crate) text: Area,
}

impl Candidate {
    /// The area of the text and the space up to its point: a line in between would look like the one that is named.
    fn reach(&self) -> Area {
        let (x, _) = self.at;
        Area { left: self.text.left.min(x - 2.0), right: self.text.right.max(x + 2.0), ..self.text }
    }
}

/// Half the size of a marker.
const MARKER: f64 = 5.0;

/// The places of labels.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Placement {
    /// One place per label; `None` if no candidate lies inside.
    pub(crate) places: Vec<Option<Candidate>>,
    /// How much the labels cover of the lines and of each other; 0 if nothing is covered.
    pub(crate) cost: usize,
}

/// Chooses one candidate for each label, in order. A label belongs to the line of the same index. The chosen candidate
/// lies inside `bounds`, avoids other labels, and covers as little of the `lines` as possible; among equals, the
/// earlier one wins.
pub(crate) fn choose(labels: &[Vec<Candidate>], lines: &[Vec<Point>], bounds: Area) -> Placement {
    let obstacles: Vec<Vec<Point>> = lines.iter().map(|line| sampled(line)).collect();
    let mut taken: Vec<Candidate> = Vec::new();
    let mut placement = Placement::default();
    /// The cost of a collision, which is more than any line can cost.
    const COLLISION: usize = 1_000;
    for (index, candidates) in labels.iter().enumerate() {
        let inside = candidates.iter().filter(|candidate| bounds.encloses(&candidate.text));
        let cost = |candidate: &Candidate| {
            let covered = |(line, points): (usize, &Vec<Point>)| {
                let reach = if line == index { candidate.text } else { candidate.reach() };
                points.iter().filter(|&&point| reach.holds(point)).count()
            };
            let covered: usize = obstacles.iter().enumerate().map(covered).sum();
            covered + COLLISION * taken.iter().filter(|other| collide(candidate, other)).count()
        };
        let best = inside.min_by_key(|candidate| cost(candidate)).copied();
        placement.cost += best.as_ref().map_or(COLLISION, cost);
        placement.places.push(best);
        taken.extend(best);
    }
    placement
}

fn collide(a: &Candidate, b: &Candidate) -> bool {
    let around = |(x, y): Point| Area { left: x - MARKER, top: y - MARKER, right: x + MARKER, bottom: y + MARKER };
    let (a_marker, b_marker) = (around(a.at), around(b.at));
    a.text.meets(&b.text) || a.text.meets(&b_marker) || a_marker.meets(&b.text) || a_marker.meets(&b_marker)
}

/// Returns points along a line, so close together that no text fits between two of them.
fn sampled(line: &[Point]) -> Vec<Point> {
    const STEP: f64 = 3.0;
    let mut points: Vec<Point> = line.first().copied().into_iter().collect();
    for pair in line.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let steps = ((to.0 - from.0).hypot(to.1 - from.1) / STEP).ceil().max(1.0);
        for step in 1..=steps as u32 {
            let share = f64::from(step) / steps;
            points.push((from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share));
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Area = Area { left: 0.0, top: 0.0, right: 100.0, bottom: 100.0 };

    fn next_to(at: Point) -> Candidate {
        Candidate { at, text: Area { left: at.0 + 8.0, top: at.1 - 6.0, right: at.0 + 38.0, bottom: at.1 + 6.0 } }
    }

    #[test]
    fn labels_of_the_same_line_do_not_overlap() {
        let line = vec![(20.0, 100.0), (20.0, 0.0)];
        let places: Vec<Candidate> = [50.0, 55.0, 80.0, 20.0].map(|y| next_to((20.0, y))).to_vec();
        let chosen = choose(&[places.clone(), places.clone(), places.clone()], &[line], BOUNDS);
        assert_eq!(chosen.places, [Some(places[0]), Some(places[2]), Some(places[3])]);
    }

    #[test]
    fn a_label_avoids_lines_and_stays_inside() {
        let line = vec![(40.0, 0.0), (40.0, 60.0)];
        let (covering, outside, free) = (next_to((20.0, 50.0)), next_to((80.0, 50.0)), next_to((20.0, 80.0)));
        assert_eq!(choose(&[vec![covering, outside, free]], std::slice::from_ref(&line), BOUNDS).places, [Some(free)]);
        assert_eq!(choose(&[vec![outside]], &[], BOUNDS), Placement { places: vec![None], cost: 1_000 });
        assert!((1..10).contains(&choose(&[vec![covering]], &[line], BOUNDS).cost));
    }
}

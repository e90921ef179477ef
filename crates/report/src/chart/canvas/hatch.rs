//! Hatches: slanted lines inside a rectangle, which a grey printer keeps apart from a filled one.

use super::{Area, Point};

/// Distance of the lines along the horizontal.
const STEP: f64 = 6.0;

/// The lines, from the lower left to the upper right at 45°, clipped to the rectangle.
pub(super) fn lines(area: Area) -> Vec<(Point, Point)> {
    let Area { left, top, right, bottom } = area;
    let height = area.height();
    let count = ((area.width() + height) / STEP).ceil().max(0.0) as usize;
    let mut lines = Vec::new();
    for index in 1..count {
        // The line leaves the lower edge at `foot`, which may lie outside.
        let foot = left - height + index as f64 * STEP;
        let (from, to) = (foot.max(left), (foot + height).min(right));
        if from < to {
            lines.push(((from, bottom - (from - foot)), (to, (bottom - (to - foot)).max(top))));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_inside() {
        let area = Area { left: 10.0, top: 20.0, right: 47.0, bottom: 34.0 };
        let lines = lines(area);
        assert!(lines.len() > 6);
        assert!(lines.iter().all(|&(from, to)| area.holds(from) && area.holds(to) && from != to));
    }

    #[test]
    fn a_sliver_has_none() {
        assert!(lines(Area { left: 0.0, top: 0.0, right: 0.0, bottom: 5.0 }).is_empty());
    }
}

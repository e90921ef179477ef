//! Patterns of lines inside a rectangle, which differ from a filled one without color, for example on a gray printer.
//!
//! A pattern is one long path that turns at the rectangle's edges, because thousands of separate lines would make a
//! file that is large and slow to show.

use super::{Area, Point};

/// The gap between the path and the rectangle's edges, so that the corners of a thick line do not cross them.
const INSET: f64 = 1.2;

/// Returns slanted lines from the lower left to the upper right at 45°, `step` apart along the horizontal. Empty if the
/// rectangle is too thin.
pub(super) fn slanted(area: Area, step: f64) -> Vec<Point> {
    let Area { left, top, right, bottom } = inner(area);
    let height = bottom - top;
    if right <= left || height <= 0.0 {
        return Vec::new();
    }
    let count = ((right - left + height) / step).ceil() as usize;
    let mut path: Vec<Point> = Vec::new();
    for index in 1..count {
        // The line leaves the lower edge at `foot`, which may lie outside.
        let foot = left - height + index as f64 * step;
        let (from, to) = (foot.max(left), (foot + height).min(right));
        let low = (from, bottom - (from - foot));
        let high = (to, (bottom - (to - foot)).max(top));
        let (start, end, corner) = if index % 2 == 1 { (low, high, (left, bottom)) } else { (high, low, (right, top)) };
        // Between two lines the path follows the edges, around the corner if the lines end on different edges.
        if path.last().is_some_and(|last| last.0 != start.0 && last.1 != start.1) {
            path.push(corner);
        }
        path.extend([start, end]);
    }
    path
}

/// Returns the same lines from the upper left to the lower right.
pub(super) fn falling(area: Area, step: f64) -> Vec<Point> {
    let mirrored = |(x, y): Point| (area.left + area.right - x, y);
    slanted(area, step).into_iter().map(mirrored).collect()
}

/// Returns vertical lines, `step` apart.
pub(super) fn vertical(area: Area, step: f64) -> Vec<Point> {
    let Area { left, top, right, bottom } = inner(area);
    if right <= left || bottom <= top {
        return Vec::new();
    }
    let count = ((right - left) / step).floor() as usize + 1;
    let line = |index: usize| {
        let x = left + index as f64 * step;
        if index.is_multiple_of(2) { [(x, bottom), (x, top)] } else { [(x, top), (x, bottom)] }
    };
    (0..count).flat_map(line).collect()
}

fn inner(Area { left, top, right, bottom }: Area) -> Area {
    Area { left: left + INSET, top: top + INSET, right: right - INSET, bottom: bottom - INSET }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Area = Area { left: 10.0, top: 20.0, right: 47.0, bottom: 34.0 };

    #[test]
    fn paths_stay_inside_and_are_long_enough_to_be_seen() {
        for path in [slanted(AREA, 6.0), falling(AREA, 6.0), vertical(AREA, 3.0)] {
            assert!(path.len() >= 12, "{path:?}");
            assert!(path.iter().all(|&point| AREA.holds(point)), "{path:?}");
        }
    }

    #[test]
    fn a_path_crosses_the_rectangle_on_its_own_lines_only() {
        let inner = inner(AREA);
        let on_edge = |(x, y): Point| {
            let edges = [x - inner.left, x - inner.right, y - inner.top, y - inner.bottom];
            edges.iter().any(|distance| distance.abs() < 1e-9)
        };
        for pair in slanted(AREA, 6.0).windows(2) {
            let (dx, dy) = (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1);
            let slants = (dx + dy).abs() < 1e-9;
            let along = dx.abs() < 1e-9 || dy.abs() < 1e-9;
            assert!(slants || along && on_edge(pair[0]) && on_edge(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn a_sliver_has_no_hatching() {
        let sliver = Area { left: 0.0, top: 0.0, right: 0.0, bottom: 5.0 };
        assert!(slanted(sliver, 6.0).is_empty() && falling(sliver, 6.0).is_empty() && vertical(sliver, 3.0).is_empty());
    }
}

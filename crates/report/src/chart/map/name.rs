//! The names in the regions, where they fit, and the star where the question is.

use feedlab_experiment::choice::map::Outcome;
use feedlab_experiment::scenario::Transport;

use super::super::canvas::{Anchor, Area, Canvas, DrawResult, Point, TextFormat};
use super::super::{lines, text};
use super::{Layout, key};
use crate::palette::{Color, Look, Marker};

/// The distances from the border of a region that are tried, the largest first.
const CLEAR: [f64; 4] = [50.0, 24.0, 10.0, 3.0];
const HERE: &str = "you are here";

/// The star with its text.
pub(super) struct Here {
    at: Point,
    name: Area,
    size: f64,
}

/// Returns where the star is, and its text: to the right if there is room, otherwise to the left.
pub(super) fn here(layout: &Layout<'_>) -> Option<Here> {
    let at = layout.place(layout.map.here.as_ref()?.at);
    let size = layout.sizes.1;
    let width = text::width(HERE, size) + 6.0;
    let left = if at.0 + 14.0 + width < layout.plot.right { at.0 + 14.0 } else { at.0 - 14.0 - width };
    let y = at.1.clamp(layout.plot.top + size, layout.plot.bottom - size);
    let name = Area { left, top: y - size * 0.7, right: left + width, bottom: y + size * 0.7 };
    Some(Here { at, name, size })
}

impl Here {
    /// Returns the place of the star.
    pub(super) const fn at(&self) -> Point {
        self.at
    }

    pub(super) fn draw(&self, canvas: &mut Canvas) -> DrawResult {
        let star = Look { color: Color::Paper, marker: Marker::Star, hollow: false, ..Look::of(Transport::Sse, 0) };
        canvas.marker(self.at, 13.0, star)?;
        canvas.marker(self.at, 10.0, Look { color: Color::Ink, ..star })?;
        canvas.fill(self.name, Color::Paper, 0.85)?;
        let middle = ((self.name.left + self.name.right) / 2.0, (self.name.top + self.name.bottom) / 2.0);
        canvas.text(HERE, middle, TextFormat::new(self.size).bold().at(Anchor::Middle))
    }

    fn covers(&self) -> [Area; 2] {
        let (x, y) = self.at;
        [self.name, Area { left: x - 13.0, top: y - 13.0, right: x + 13.0, bottom: y + 13.0 }]
    }
}

/// Writes the name of each region into it, on one line or on several; a region that is too small has its name in the
/// key alone.
pub(super) fn draw(
    canvas: &mut Canvas,
    layout: &Layout<'_>,
    here: &Option<Here>,
    rings: &[(usize, Point)],
) -> DrawResult {
    let mut taken: Vec<Area> = here.iter().flat_map(Here::covers).collect();
    taken.extend(rings.iter().map(|(_, at)| key::covered(*at)));
    for region in &layout.map.regions {
        let name = region.outcome.to_string();
        let parts: Vec<String> = name.split(" = ").map(str::to_owned).collect();
        let stacked = match parts.split_last() {
            Some((last, parts)) if !parts.is_empty() => {
                parts.iter().map(|part| format!("{part} =")).chain([last.clone()]).collect()
            }
            _ => text::balance(&name, layout.sizes.0, text::width(&name, layout.sizes.0) * 0.6),
        };
        for wrapped in [vec![name], stacked] {
            if let Some(area) = room(layout, region.outcome, &wrapped, &taken) {
                write(canvas, layout, area, &wrapped)?;
                taken.push(area);
                break;
            }
        }
    }
    Ok(())
}

fn write(canvas: &mut Canvas, layout: &Layout<'_>, area: Area, wrapped: &[String]) -> DrawResult {
    canvas.fill(area, Color::Paper, 0.85)?;
    let line = layout.sizes.0 + 4.0;
    let at = ((area.left + area.right) / 2.0, area.top + 2.0 + line / 2.0);
    lines(canvas, wrapped, at, line, TextFormat::new(layout.sizes.0).bold().at(Anchor::Middle))
}

/// Returns the area of a name: as far from the border of the region as possible, and there close to its middle.
fn room(layout: &Layout<'_>, outcome: Outcome, wrapped: &[String], taken: &[Area]) -> Option<Area> {
    let map = layout.map;
    let half =
        (text::widest(wrapped, layout.sizes.0) / 2.0 + 5.0, (layout.sizes.0 + 4.0) * wrapped.len() as f64 / 2.0 + 2.0);
    let points = (0..=map.size.1).flat_map(|row| (0..=map.size.0).map(move |column| (column, row)));
    let own: Vec<Point> = points
        .filter(|point| map.outcomes[point.1 * (map.size.0 + 1) + point.0] == outcome)
        .map(|point| layout.place(map.spot(point)))
        .collect();
    let others: Vec<Point> = map.boundaries.iter().flat_map(|one| &one.line).map(|spot| layout.place(*spot)).collect();
    let sum = own.iter().fold((0.0, 0.0), |sum, at| (sum.0 + at.0, sum.1 + at.1));
    let middle = (sum.0 / own.len() as f64, sum.1 / own.len() as f64);
    let far = |at: &Point| (at.0 - middle.0).hypot(at.1 - middle.1);
    let around = |(x, y): Point, more: f64| Area {
        left: x - half.0 - more,
        top: y - half.1 - more,
        right: x + half.0 + more,
        bottom: y + half.1 + more,
    };
    CLEAR.into_iter().find_map(|clear| {
        let fits = |at: &&Point| {
            let area = around(**at, clear);
            layout.plot.encloses(&around(**at, 1.0))
                && !others.iter().any(|other| area.holds(*other))
                && !taken.iter().any(|other| area.meets(other))
        };
        let best = own.iter().filter(fits).min_by(|a, b| far(a).total_cmp(&far(b)))?;
        Some(around(*best, 0.0))
    })
}

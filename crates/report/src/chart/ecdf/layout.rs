//! Where everything in the chart of ages is: the axis and its scale, the lines, and their names, which are next to the
//! lines if they cover nothing there, and otherwise in a legend.

use super::super::axis::Axis;
use super::super::canvas::{Area, Canvas, DrawResult, Point, TextFormat};
use super::super::label::{self, Candidate};
use super::super::legend::Legend;
use super::super::{COMPACT_BELOW, sign, text};
use super::{height_of, predicted};
use crate::dataset::Ecdf;
use crate::human;
use crate::palette::{Color, Look};

const LABEL: f64 = 13.0;
/// The heights of the vertical axis' name and of the key below it.
pub(super) const HEAD: f64 = 30.0;
const KEY: f64 = 16.0;
/// The height of the horizontal axis.
const FOOT: f64 = 48.0;
/// With more lines than this, a reader finds a name faster in a legend.
const MOST_DIRECT: usize = 5;
/// A line spreads over a linear axis if its middle half takes at least this share of it.
const SPREAD: f64 = 0.1;
/// The shares of updates at which lines with a legend have their markers. Those of the next line are a little higher,
/// so that lines that lie on each other do not hide each other's markers.
const MARKS: [f64; 3] = [0.2, 0.48, 0.76];
const MARK_STEP: f64 = 0.045;
const MARK_STEPS: usize = 5;

/// The layout, with the upper left corner of the picture at the origin. It depends on nothing but the width, because
/// the height of the picture has to be known before it is drawn.
pub(super) struct Layout<'a> {
    pub(super) shown: Vec<&'a Ecdf>,
    pub(super) axis: Axis,
    pub(super) plot: Area,
    pub(super) lines: Vec<Vec<Point>>,
    names: Names,
}

enum Names {
    /// A text next to each line.
    Direct(Vec<(String, Candidate)>),
    Legend(Legend),
}

/// Returns the age axis of some lines: linear if at least half of them spread over it, because equally likely ages make
/// a straight line there, and logarithmic otherwise, because most lines would lie on each other at the left edge.
pub(super) fn axis(shown: &[&Ecdf]) -> Axis {
    // The smallest predicted ages go down to zero, which a logarithmic axis cannot show.
    let predicted = shown.iter().filter_map(|ecdf| ecdf.predicted.last());
    let ages = shown.iter().flat_map(|ecdf| &ecdf.points).chain(predicted).map(|point| point.0);
    let linear = Axis::linear(ages.clone());
    let spreads = |ecdf: &&&Ecdf| ecdf.age_at(0.75) - ecdf.age_at(0.25) >= SPREAD * linear.value(1.0);
    if 2 * shown.iter().filter(spreads).count() >= shown.len() { linear } else { Axis::log(ages) }
}

impl<'a> Layout<'a> {
    /// Returns `None` if no update arrived.
    pub(super) fn of(ages: &'a [Ecdf], width: f64) -> Option<Self> {
        let shown: Vec<&Ecdf> = ages.iter().filter(|ecdf| ecdf.count > 0).collect();
        if shown.is_empty() {
            return None;
        }
        let top = if predicted::is_shown(&shown) { HEAD + KEY } else { HEAD };
        let bottom = if width < COMPACT_BELOW { 282.0 } else { 352.0 };
        let plot = Area { left: 50.0, top, right: width - 24.0, bottom };
        let axis = axis(&shown);
        let lines = shown.iter().map(|ecdf| super::steps(ecdf, axis, plot)).collect();
        let mut layout = Self { shown, axis, plot, lines, names: Names::Direct(Vec::new()) };
        layout.names = layout.direct().map_or_else(|| Names::Legend(layout.legend(width)), Names::Direct);
        Some(layout)
    }

    pub(super) fn height(&self) -> f64 {
        let legend = if let Names::Legend(legend) = &self.names { legend.height } else { 0.0 };
        self.plot.bottom + FOOT + legend
    }

    /// Returns the names next to the lines, with the medians if there is room, or `None` if a name would cover anything.
    fn direct(&self) -> Option<Vec<(String, Candidate)>> {
        if self.shown.len() > MOST_DIRECT {
            return None;
        }
        let short = self.shown.iter().map(|ecdf| ecdf.series.spoken.clone()).collect();
        let long = self.shown.iter().map(|ecdf| with_median(ecdf)).collect();
        self.placed(long).or_else(|| self.placed(short))
    }

    fn placed(&self, texts: Vec<String>) -> Option<Vec<(String, Candidate)>> {
        // Names avoid the signs as they avoid any line.
        let around = |(x, y): Point| vec![(x - sign::RADIUS, y), (x + sign::RADIUS, y)];
        let signs = predicted::signs_of(&self.shown, self.axis, self.plot).into_iter().map(around);
        let obstacles: Vec<Vec<Point>> = self.lines.iter().cloned().chain(signs).collect();
        let candidates: Vec<_> =
            self.shown.iter().zip(&texts).map(|(ecdf, text)| self.candidates(ecdf, text)).collect();
        let placement = label::choose(&candidates, &obstacles, self.plot);
        let places: Vec<Candidate> = placement.places.into_iter().collect::<Option<_>>()?;
        (placement.cost == 0).then(|| texts.into_iter().zip(places).collect())
    }

    /// Returns places to the right and to the left of the line, starting at the height of the median.
    fn candidates(&self, ecdf: &Ecdf, caption: &str) -> Vec<Candidate> {
        const HEIGHTS: [f64; 10] = [0.5, 0.58, 0.42, 0.66, 0.34, 0.74, 0.26, 0.82, 0.18, 0.9];
        let width = text::width(caption, LABEL) + 4.0;
        let beside = |height: f64| {
            let at = self.at(ecdf, height);
            [at.0 + 10.0, at.0 - 10.0 - width].map(|left| {
                let text = Area { left, top: at.1 - 9.0, right: left + width, bottom: at.1 + 9.0 };
                Candidate { at, text }
            })
        };
        HEIGHTS.into_iter().flat_map(beside).collect()
    }

    /// The legend, the freshest contender first.
    fn legend(&self, width: f64) -> Legend {
        let mut order = self.shown.clone();
        order.sort_by(|a, b| a.age_at(0.5).total_cmp(&b.age_at(0.5)));
        let names: Vec<(Look, String)> = order.iter().map(|ecdf| (ecdf.series.look, with_median(ecdf))).collect();
        Legend::new(&names, width)
    }

    /// The point of a line at a share of updates.
    fn at(&self, ecdf: &Ecdf, share: f64) -> Point {
        (self.axis.place(ecdf.age_at(share), self.plot.left, self.plot.right), height_of(share, self.plot))
    }

    /// Draws the names and the markers, with the upper left corner of the picture at a point.
    pub(super) fn names(&self, canvas: &mut Canvas, origin: Point) -> DrawResult {
        let moved = |(x, y): Point| (x + origin.0, y + origin.1);
        match &self.names {
            Names::Direct(places) => {
                for (ecdf, (text, place)) in self.shown.iter().zip(places) {
                    let area = place.text.moved(origin);
                    canvas.of(ecdf.series.look, |canvas| {
                        canvas.fill(area, Color::Paper, 0.85)?;
                        let middle = f64::midpoint(area.top, area.bottom);
                        canvas.text(text, (area.left + 2.0, middle), TextFormat::new(LABEL).bold())?;
                        canvas.marker(moved(place.at), 4.5, ecdf.series.look)
                    })?;
                }
            }
            Names::Legend(legend) => {
                for (index, ecdf) in self.shown.iter().enumerate() {
                    let raised = MARK_STEP * (index % MARK_STEPS) as f64;
                    let mark = |canvas: &mut Canvas, share| {
                        canvas.marker(moved(self.at(ecdf, share + raised)), 4.5, ecdf.series.look)
                    };
                    canvas.of(ecdf.series.look, |canvas| MARKS.iter().try_for_each(|share| mark(canvas, *share)))?;
                }
                legend.draw(canvas, moved((0.0, self.plot.bottom + FOOT)))?;
            }
        }
        Ok(())
    }
}

fn with_median(ecdf: &Ecdf) -> String {
    let median = ecdf.p50.map_or(String::new(), |p50| format!(": median {}", human::time(p50.value)));
    format!("{}{median}", ecdf.series.label)
}

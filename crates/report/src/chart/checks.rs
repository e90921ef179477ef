//! The checks that allow a distance from a reference: one strip per check, with a band of the same width on every strip
//! and the measured figure inside or outside it.

use feedlab_experiment::scenario::Transport;

use super::canvas::{Anchor, Area, Canvas, DrawResult, Pattern, Point, TextFormat};
use super::{COMPACT_BELOW, Figures, Picture, csv, sign, text};
use crate::dataset::Strip;
use crate::palette::{Color, Look};
use crate::{check, human, wording};

/// The name of the chart's file and its anchor on the page.
pub(crate) const ID: &str = "checks";

/// How far a strip extends to each side of the middle of the band, in half bands.
const REACH: f64 = 3.0;
/// The most strips that are drawn.
const MOST: usize = 24;

/// The least height of a strip, and of a line of its name.
const PITCH: f64 = 25.0;
const LINE: f64 = 16.0;
/// The height of a strip below the name above it, with the figures below it.
const STACKED: f64 = 50.0;
const HEAD: f64 = 22.0;
const KEY: f64 = 24.0;
const SIZE: f64 = 12.5;
/// The largest width of the names, and the width of the figures.
const NAMES: f64 = 320.0;
const FIGURES: f64 = 260.0;
/// The width of a marker, and that of a marker and the gap to the strip.
const MARKER: f64 = 18.0;
const BESIDE: f64 = 34.0;

/// The chart.
pub(super) struct Checks<'a> {
    pub(super) strips: &'a [Strip],
    /// Whether the measurement is invalid, so no check is judged.
    pub(super) is_invalid: bool,
}

impl Picture for Checks<'_> {
    fn id(&self) -> &str {
        ID
    }

    fn topic(&self) -> &str {
        "Measured figures and their required bands"
    }

    fn finding(&self) -> String {
        let outside: Vec<&Strip> = self.strips.iter().filter(|strip| !strip.met).collect();
        let (all, inside) = (self.strips.len(), self.strips.len() - outside.len());
        match outside.as_slice() {
            [] if all == 1 => "The measured figure lies in its required band".to_owned(),
            [] if all == 2 => "Both measured figures lie in their required bands".to_owned(),
            [] => format!("All {} measured figures lie in their required bands", human::word(all)),
            [_] if all == 1 => "The measured figure does not lie in its required band".to_owned(),
            _ if inside == 0 => "No measured figure lies in its required band".to_owned(),
            outside => {
                let whose: Vec<String> = outside.iter().map(|strip| strip.spoken_check()).collect();
                let whose =
                    if whose.len() <= 2 { format!(": all except {}", wording::list(&whose)) } else { String::new() };
                format!(
                    "{} of {} measured figures {} required {}{whose}",
                    human::count(inside as f64),
                    human::count(all as f64),
                    wording::agree(inside, "lies in its", "lie in their"),
                    wording::agree(inside, "band", "bands")
                )
            }
        }
    }

    fn reading(&self) -> String {
        "Each line is one check, with values that are too small on the left and too large on the right, and a marker \
         inside the tinted band passes; look for markers outside the band, which is drawn equally wide for every \
         check, however much it allows."
            .to_owned()
    }

    fn notes(&self) -> Vec<String> {
        let all = self.strips.len();
        let left_out = (all > MOST).then(|| {
            format!("The first {MOST} of {} checks are drawn; the table has all of them.", human::count(all as f64))
        });
        let middle =
            "The middle of each band is the predicted value, or the other contender's measured value.".to_owned();
        [middle].into_iter().chain(left_out).collect()
    }

    fn figures(&self) -> Figures {
        let head = ["check", "required", "measured", "result"].map(str::to_owned).to_vec();
        let row = |strip: &Strip| {
            vec![
                format!("{}, {}", strip.name, strip.what()),
                check::band(strip.band, strip.unit),
                measured(strip),
                self.result(strip).to_owned(),
            ]
        };
        Figures { head, rows: self.strips.iter().map(row).collect() }
    }

    fn data(&self) -> Figures {
        let head = ["contender", "metric", "band from", "band to", "measured", "result"].map(str::to_owned).to_vec();
        let row = |strip: &Strip| {
            let [low, high] = [strip.band.0, strip.band.1].map(|end| csv::number(Some(end)));
            let result = self.result(strip).to_owned();
            vec![strip.name.clone(), strip.what(), low, high, csv::number(strip.measured), result]
        };
        Figures { head, rows: self.strips.iter().map(row).collect() }
    }

    fn height(&self, width: f64) -> f64 {
        let strips = self.shown().iter().map(|strip| self.pitch(strip, width));
        strips.sum::<f64>() + self.key() + HEAD + 4.0
    }

    fn draw(&self, canvas: &mut Canvas, area: Area) -> DrawResult {
        let is_stacked = area.width() < COMPACT_BELOW;
        if self.key() > 0.0 {
            key(canvas, (area.left + 6.0, area.top + 9.0))?;
        }
        let area = Area { top: area.top + self.key(), ..area };
        let plot = match is_stacked {
            true => Area { top: area.top + HEAD, left: area.left + 4.0, right: area.right - 4.0, ..area },
            false => Area {
                top: area.top + HEAD,
                left: area.left + self.names_width(),
                right: area.right - FIGURES,
                bottom: area.bottom - 4.0,
            },
        };
        ground(canvas, plot, is_stacked)?;
        let mut top = plot.top;
        for strip in self.shown() {
            let slot = Area { top, bottom: top + self.pitch(strip, area.width()), ..plot };
            top = slot.bottom;
            canvas.of(strip.look, |canvas| match is_stacked {
                true => self.stacked(canvas, strip, slot),
                false => self.side_by_side(canvas, strip, area, slot),
            })?;
            let all = Area { left: area.left, right: area.right, ..slot };
            let band = check::band(strip.band, strip.unit);
            canvas.hover(all, &format!("{}: {}, required {band}", name(strip), measured(strip)), &[strip.look]);
        }
        Ok(())
    }
}

impl Checks<'_> {
    fn shown(&self) -> &[Strip] {
        &self.strips[..self.strips.len().min(MOST)]
    }

    /// The height of the key; 0 without predictions.
    fn key(&self) -> f64 {
        if self.shown().iter().any(|strip| strip.is_of_prediction) { KEY } else { 0.0 }
    }

    const fn result(&self, strip: &Strip) -> &'static str {
        check::Outcome::of(strip.met, self.is_invalid).text()
    }

    /// The width of the names.
    fn names_width(&self) -> f64 {
        (text::widest(self.shown().iter().map(name), SIZE) + BESIDE).min(NAMES)
    }

    /// The lines of a strip's name.
    fn name_lines(&self, strip: &Strip, width: f64) -> Vec<String> {
        let room = if width < COMPACT_BELOW { width - MARKER - 8.0 } else { self.names_width() - BESIDE };
        text::wrap(&name(strip), SIZE, room)
    }

    /// The height of a strip with its name.
    fn pitch(&self, strip: &Strip, width: f64) -> f64 {
        let lines = self.name_lines(strip, width).len() as f64 * LINE;
        if width < COMPACT_BELOW { lines + STACKED } else { PITCH.max(lines + 8.0) }
    }

    /// Draws the name, the strip and the figure next to each other.
    fn side_by_side(&self, canvas: &mut Canvas, strip: &Strip, area: Area, slot: Area) -> DrawResult {
        let y = f64::midpoint(slot.top, slot.bottom);
        let name = self.name_lines(strip, area.width());
        let first = y - (name.len() as f64 - 1.0) * LINE / 2.0;
        canvas.marker((area.left + 6.0, first), 4.5, strip.look)?;
        super::lines(canvas, &name, (area.left + MARKER, first), LINE, TextFormat::new(SIZE))?;
        mark(canvas, strip, slot, y, false)?;
        self.figure(canvas, strip, (slot.right + 16.0, y), area.right)
    }

    /// Draws the name above the strip and the figure below it.
    fn stacked(&self, canvas: &mut Canvas, strip: &Strip, slot: Area) -> DrawResult {
        let name = self.name_lines(strip, slot.width() + 8.0);
        let below = slot.top + name.len() as f64 * LINE;
        canvas.marker((slot.left + 6.0, slot.top + 8.0), 4.5, strip.look)?;
        super::lines(canvas, &name, (slot.left + MARKER, slot.top + 8.0), LINE, TextFormat::new(SIZE))?;
        mark(canvas, strip, slot, below + 9.0, true)?;
        self.figure(canvas, strip, (slot.left, below + 27.0), slot.right)
    }

    /// Draws the measured value, the band, and the result at the right edge.
    fn figure(&self, canvas: &mut Canvas, strip: &Strip, (x, y): Point, right: f64) -> DrawResult {
        let measured = measured(strip);
        canvas.text(&measured, (x, y), TextFormat::new(SIZE).bold())?;
        let set = TextFormat::new(SIZE);
        let result = if strip.met { set } else { set.bold() };
        canvas.text(self.result(strip), (right, y), result.at(Anchor::End))?;
        let left = x + text::width(&measured, SIZE) + 12.0;
        let room = right - text::width(self.result(strip), SIZE) - left;
        let band = format!("band {}", check::band(strip.band, strip.unit));
        if text::width(&band, SIZE) < room { canvas.text(&band, (left, y), set.muted()) } else { Ok(()) }
    }
}

/// Draws the band behind all strips, and the captions above it.
fn ground(canvas: &mut Canvas, plot: Area, is_stacked: bool) -> DrawResult {
    let set = TextFormat::new(11.5).muted();
    let y = plot.top - HEAD / 2.0 - 2.0;
    let [low, middle, high] = [-1.0, 0.0, 1.0].map(|value| x(plot, value));
    canvas.text("below", (plot.left, y), set)?;
    canvas.text("allowed", (middle, y), set.at(Anchor::Middle))?;
    canvas.text("above", (plot.right, y), set.at(Anchor::End))?;
    // In the stacked layout text lies over the band, so nothing is drawn behind it.
    if is_stacked {
        return Ok(());
    }
    canvas.pattern(Area { left: low, right: high, ..plot }, Pattern::Tinted, Color::Muted)?;
    canvas.path(&[(middle, plot.top), (middle, plot.bottom)], &[2.0, 3.0], Color::Muted, 1.0)
}

/// Draws the strip with the measured value on it. A value beyond the end is a marker at the end with an arrow that
/// points outward.
fn mark(canvas: &mut Canvas, strip: &Strip, slot: Area, y: f64, is_stacked: bool) -> DrawResult {
    if is_stacked {
        let band = Area { left: x(slot, -1.0), right: x(slot, 1.0), top: y - 7.0, bottom: y + 7.0 };
        canvas.pattern(band, Pattern::Tinted, Color::Muted)?;
    }
    canvas.line((slot.left, y), (slot.right, y), Color::Grid, 1.0)?;
    if strip.is_of_prediction {
        sign::predicted_around(canvas, (x(slot, 0.0), y), 8.0)?;
    }
    let Some(measured) = strip.measured else { return Ok(()) };
    if let Some((low, high)) = strip.interval.filter(|(low, high)| low < high) {
        let (low, high) = (x(slot, strip.place(low)), x(slot, strip.place(high)));
        canvas.line((low, y), (high, y), Color::Ink, 1.4)?;
        for end in [low, high] {
            canvas.line((end, y - 4.0), (end, y + 4.0), Color::Ink, 1.4)?;
        }
    }
    let place = strip.place(measured);
    let at = x(slot, place);
    if place.abs() > REACH {
        let outward = place.signum();
        let tip = at + 4.0 * outward;
        for rise in [-5.0, 5.0] {
            canvas.line((tip, y), (tip - 6.0 * outward, y + rise), Color::Ink, 1.6)?;
        }
        return canvas.marker((at - 12.0 * outward, y), 5.0, strip.look);
    }
    canvas.marker((at, y), 5.0, strip.look)
}

/// Explains the hollow and the solid marker.
fn key(canvas: &mut Canvas, (x, y): Point) -> DrawResult {
    let set = TextFormat::new(12.0);
    sign::predicted(canvas, (x, y))?;
    canvas.text(sign::PREDICTED, (x + 14.0, y), set)?;
    let x = x + 14.0 + text::width(sign::PREDICTED, 12.0) + 22.0;
    canvas.marker((x, y), 5.0, Look { color: Color::Muted, ..Look::of(Transport::ShortPolling, 0) })?;
    canvas.text("measured", (x + 12.0, y), set)
}

fn name(strip: &Strip) -> String {
    format!("{} · {}", strip.spoken, strip.what())
}

/// The x coordinate of a value given in half bands.
fn x(plot: Area, value: f64) -> f64 {
    let share = (value.clamp(-REACH, REACH) / REACH + 1.0) / 2.0;
    plot.left + plot.width() * share
}

fn measured(strip: &Strip) -> String {
    strip.measured.map_or("not measured".to_owned(), |value| human::value(value, strip.unit))
}

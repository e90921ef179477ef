//! The checks that demand a distance: a strip for each, on which the band is as wide as on every other, and the measured
//! figure lies in it or beside it.

use feedlab_experiment::scenario::Transport;

use super::canvas::{Anchor, Area, Canvas, DrawResult, Pattern, Point, TextFormat};
use super::{COMPACT_BELOW, Figures, Picture, sign, text};
use crate::dataset::Strip;
use crate::palette::{Color, Look};
use crate::{check, human, wording};

/// Name of its file and anchor.
pub(crate) const ID: &str = "checks";

/// How far a strip reaches to each side of the middle of the band, in halves of the band.
const REACH: f64 = 3.0;
/// Lines that can still be followed.
const MOST: usize = 24;

const PITCH: f64 = 25.0;
/// Where names and figures stand above and below the strip.
const STACKED_PITCH: f64 = 64.0;
const HEAD: f64 = 22.0;
const KEY: f64 = 24.0;
const SIZE: f64 = 12.5;
/// The most that names take, and what figures do.
const NAMES: f64 = 320.0;
const FIGURES: f64 = 260.0;
/// What of it is the marker, and the gap to the strip.
const BESIDE: f64 = 34.0;

/// The chart.
pub(super) struct Checks<'a> {
    pub(super) strips: &'a [Strip],
    /// Whether nothing may be judged.
    pub(super) is_invalid: bool,
}

impl Picture for Checks<'_> {
    fn id(&self) -> &str {
        ID
    }

    fn topic(&self) -> &str {
        "Measured figures and the bands that were required"
    }

    fn finding(&self) -> String {
        let outside: Vec<&Strip> = self.strips.iter().filter(|strip| !strip.met).collect();
        let (all, inside) = (self.strips.len(), self.strips.len() - outside.len());
        match outside.as_slice() {
            [] if all == 1 => "The measured figure lies in the band that was required".to_owned(),
            [] if all == 2 => "Both measured figures lie in the bands that were required".to_owned(),
            [] => format!("All {} measured figures lie in the bands that were required", human::word(all)),
            [_] if all == 1 => "The measured figure does not lie in the band that was required".to_owned(),
            _ if inside == 0 => "No measured figure lies in the band that was required".to_owned(),
            outside => {
                let whose: Vec<String> =
                    outside.iter().map(|strip| format!("{} of {}", strip.what(), strip.spoken)).collect();
                let whose =
                    if whose.len() <= 2 { format!(": all but {}", wording::list(&whose)) } else { String::new() };
                format!(
                    "{} of {} figures {} in the bands that were required{whose}",
                    human::count(inside as f64),
                    human::count(all as f64),
                    wording::agree(inside, "lies", "lie")
                )
            }
        }
    }

    fn reading(&self) -> String {
        "Each line is one check, too small to the left and too large to the right, and a mark inside the tinted band has \
         passed; look for marks outside of it, since all bands are drawn equally wide, whatever they allow."
            .to_owned()
    }

    fn notes(&self) -> Vec<String> {
        let all = self.strips.len();
        let left_out = (all > MOST)
            .then(|| format!("The first {MOST} of {} are drawn; the table has every one.", human::count(all as f64)));
        let middle = "The middle of a band is what is predicted, or what the other contender measured.".to_owned();
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

    fn height(&self, width: f64) -> f64 {
        self.shown().len() as f64 * pitch(width) + self.key() + HEAD + 4.0
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
        for (index, strip) in self.shown().iter().enumerate() {
            let top = plot.top + index as f64 * pitch(area.width());
            let slot = Area { top, bottom: top + pitch(area.width()), ..plot };
            if is_stacked {
                self.stacked(canvas, strip, slot)?;
            } else {
                self.beside(canvas, strip, area, slot)?;
            }
        }
        Ok(())
    }
}

impl Checks<'_> {
    fn shown(&self) -> &[Strip] {
        &self.strips[..self.strips.len().min(MOST)]
    }

    /// How high the key is, if there is something to tell.
    fn key(&self) -> f64 {
        if self.shown().iter().any(|strip| strip.is_of_prediction) { KEY } else { 0.0 }
    }

    const fn result(&self, strip: &Strip) -> &'static str {
        check::Outcome::of(strip.met, self.is_invalid).text()
    }

    /// How much of the width names take.
    fn names_width(&self) -> f64 {
        let widest = self.shown().iter().map(|strip| text::width(&name(strip), SIZE)).fold(0.0, f64::max);
        (widest + BESIDE).min(NAMES)
    }

    /// Name, strip and figure beside each other.
    fn beside(&self, canvas: &mut Canvas, strip: &Strip, area: Area, slot: Area) -> DrawResult {
        let y = f64::midpoint(slot.top, slot.bottom);
        let name = text::fit(&name(strip), SIZE, slot.left - area.left - BESIDE);
        canvas.marker((area.left + 6.0, y), 4.5, strip.look)?;
        canvas.text(&name, (area.left + 18.0, y), TextFormat::new(SIZE))?;
        mark(canvas, strip, slot, y)?;
        self.figure(canvas, strip, (slot.right + 16.0, y), area.right)
    }

    /// The name above the strip, and the figure below it.
    fn stacked(&self, canvas: &mut Canvas, strip: &Strip, slot: Area) -> DrawResult {
        let name = text::fit(&name(strip), SIZE, slot.width() - 20.0);
        canvas.marker((slot.left + 6.0, slot.top + 8.0), 4.5, strip.look)?;
        canvas.text(&name, (slot.left + 18.0, slot.top + 8.0), TextFormat::new(SIZE))?;
        mark(canvas, strip, slot, slot.top + 25.0)?;
        self.figure(canvas, strip, (slot.left, slot.top + 43.0), slot.right)
    }

    /// What was measured, the band, and the result at the right edge.
    fn figure(&self, canvas: &mut Canvas, strip: &Strip, (x, y): Point, right: f64) -> DrawResult {
        let measured = measured(strip);
        canvas.text(&measured, (x, y), TextFormat::new(SIZE).bold())?;
        let set = TextFormat::new(SIZE);
        let result = if strip.met { set } else { set.bold() };
        canvas.text(self.result(strip), (right, y), result.at(Anchor::End))?;
        let left = x + text::width(&measured, SIZE) + 6.0;
        let room = right - text::width(self.result(strip), SIZE) - left;
        let band = format!("of {}", check::band(strip.band, strip.unit));
        if text::width(&band, SIZE) < room { canvas.text(&band, (left, y), set.muted()) } else { Ok(()) }
    }
}

/// The band behind all strips, and what lies where.
fn ground(canvas: &mut Canvas, plot: Area, is_stacked: bool) -> DrawResult {
    let set = TextFormat::new(11.5).muted();
    let y = plot.top - HEAD / 2.0 - 2.0;
    let [low, middle, high] = [-1.0, 0.0, 1.0].map(|value| x(plot, value));
    canvas.text("below", (plot.left, y), set)?;
    canvas.text("allowed", (middle, y), set.at(Anchor::Middle))?;
    canvas.text("above", (plot.right, y), set.at(Anchor::End))?;
    // Text stands over the band where there is little room: a paler ground, and no lines through it.
    if is_stacked {
        return Ok(());
    }
    canvas.pattern(Area { left: low, right: high, ..plot }, Pattern::Tinted, Color::Muted)?;
    canvas.path(&[(middle, plot.top), (middle, plot.bottom)], &[2.0, 3.0], Color::Muted, 1.0)
}

/// The strip, and what was measured on it: beyond its end it is a mark at the end, with a stroke that points outwards.
fn mark(canvas: &mut Canvas, strip: &Strip, slot: Area, y: f64) -> DrawResult {
    if slot.bottom - slot.top > PITCH {
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
        let outwards = place.signum();
        let tip = at + 4.0 * outwards;
        for rise in [-5.0, 5.0] {
            canvas.line((tip, y), (tip - 6.0 * outwards, y + rise), Color::Ink, 1.6)?;
        }
        return canvas.marker((at - 12.0 * outwards, y), 5.0, strip.look);
    }
    canvas.marker((at, y), 5.0, strip.look)
}

/// What is hollow and what is solid.
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

/// The place of a value that is given in halves of the band.
fn x(plot: Area, value: f64) -> f64 {
    let share = (value.clamp(-REACH, REACH) / REACH + 1.0) / 2.0;
    plot.left + plot.width() * share
}

fn pitch(width: f64) -> f64 {
    if width < COMPACT_BELOW { STACKED_PITCH } else { PITCH }
}

fn measured(strip: &Strip) -> String {
    strip.measured.map_or("not measured".to_owned(), |value| human::value(value, strip.unit))
}

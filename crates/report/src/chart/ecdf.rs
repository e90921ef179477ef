//! Age, as a cumulative distribution: the share of updates that are at most a given age.

use feedlab_experiment::Metric;
use feedlab_experiment::metric::Unit;

use super::axis::{Axis, time_tick};
use super::canvas::{Anchor, Area, Canvas, DrawResult, Point, TextFormat};
use super::label::{self, Candidate};
use super::{COMPACT_BELOW, Figures, NOTHING, Picture, nothing, sign, text};
use crate::comparison::{self, Named, Shape, shape};
use crate::complete::{self, Ranked};
use crate::dataset::{Dataset, Ecdf};
use crate::palette::Color;
use crate::{human, wording};

mod predicted;

const LABEL: f64 = 13.0;
/// The heights of the vertical axis' name and of the key below it.
const HEAD: f64 = 30.0;
const KEY: f64 = 16.0;

/// The chart.
pub(super) struct AgeEcdf<'a>(pub(super) &'a Dataset);

impl Picture for AgeEcdf<'_> {
    fn id(&self) -> &str {
        "age-ecdf"
    }

    fn topic(&self) -> &str {
        "Age of the updates"
    }

    fn finding(&self) -> String {
        title(self.0)
    }

    fn reading(&self) -> String {
        "Ages grow to the right on a logarithmic scale and each line climbs to 100 %, so a line further left means \
         fresher updates; look at the height of 50 %, which is the median: half of the updates are no older."
            .to_owned()
    }

    fn notes(&self) -> Vec<String> {
        super::line_notes(self.0)
    }

    fn figures(&self) -> Figures {
        let head = ["contender", "updates received", "age p50", "p90", "p99", "max"].map(str::to_owned).to_vec();
        let rows = self.0.ages.iter().map(|ecdf| {
            let ages = [ecdf.p50, ecdf.p90, ecdf.p99, ecdf.max];
            let ages = ages.map(|age| age.map_or(human::ABSENT.to_owned(), |e| human::estimate(e, Unit::Microseconds)));
            [ecdf.series.label.clone(), human::count(ecdf.count as f64)].into_iter().chain(ages).collect()
        });
        Figures { head, rows: rows.collect() }
    }

    fn height(&self, width: f64) -> f64 {
        match width {
            _ if self.0.ages.iter().all(|ecdf| ecdf.count == 0) => NOTHING,
            width if width < COMPACT_BELOW => 330.0,
            _ => 400.0,
        }
    }

    fn draw(&self, canvas: &mut Canvas, area: Area) -> DrawResult {
        let shown: Vec<&Ecdf> = self.0.ages.iter().filter(|ecdf| ecdf.count > 0).collect();
        if shown.is_empty() {
            return nothing(canvas, area, "no update arrived");
        }
        let top = area.top + if predicted::is_shown(&shown) { HEAD + KEY } else { HEAD };
        let plot = Area { left: area.left + 50.0, top, right: area.right - 18.0, bottom: area.bottom - 48.0 };
        // The smallest predicted ages go down to zero, which a logarithmic axis cannot show.
        let predicted = shown.iter().filter_map(|ecdf| ecdf.predicted.last());
        let measured = shown.iter().flat_map(|ecdf| &ecdf.points);
        let axis = Axis::log(measured.chain(predicted).map(|point| point.0));
        frame(canvas, area, plot, axis)?;
        predicted::draw(canvas, &shown, axis, plot)?;
        let mut lines: Vec<Vec<Point>> = shown.iter().map(|ecdf| steps(ecdf, axis, plot)).collect();
        for (ecdf, line) in shown.iter().zip(&lines) {
            let look = ecdf.series.look;
            canvas.path(line, look.dashes, look.color, look.width)?;
        }
        if predicted::is_shown(&shown) {
            predicted::key(canvas, (area.left, area.top + HEAD))?;
        }
        // Labels avoid the signs as they avoid any line.
        let around = |(x, y): Point| vec![(x - sign::RADIUS, y), (x + sign::RADIUS, y)];
        lines.extend(predicted::signs_of(&shown, axis, plot).into_iter().map(around));
        labels(canvas, &shown, &lines, axis, plot)?;
        predicted::signs(canvas, &shown, axis, plot)
    }
}

/// Returns what the medians show. This is also the headline of the run.
pub(crate) fn title(data: &Dataset) -> String {
    let medians: Vec<Named> = data.ages.iter().filter_map(Ecdf::ranked).map(Ranked::named).collect();
    let losers = || data.ages.iter().filter(|ecdf| ecdf.loss.is_some());
    let known = medians.len();
    let text = match shape(medians, &data.difference_shown(Metric::AgeP50)) {
        Shape::Nothing if data.ages.iter().all(|ecdf| ecdf.count == 0) => {
            "no update arrived, so there is no age to show".to_owned()
        }
        Shape::Nothing if losers().count() == data.ages.len() => {
            return data.scope.say("no contender is ranked by age: updates or clients were lost over every transport");
        }
        Shape::Nothing => "too few updates arrived for a median age".to_owned(),
        Shape::One(one) => {
            format!("half of the updates over {} were at most {} old", one.name, human::time(one.value()))
        }
        Shape::NoDifference(values) => format!(
            "no difference shown at the median: {} are {} behind",
            comparison::everyone(&values, data.ages.len()),
            comparison::range(&values, human::time)
        ),
        Shape::OneGroup(values) => {
            format!(
                "{} are {} behind at the median",
                comparison::everyone(&values, data.ages.len()),
                comparison::range(&values, human::time)
            )
        }
        Shape::TwoGroups { low, high } => apart(&low, &high, known == data.ages.len()),
    };
    data.scope.say(
        &(text
            + &without_median(data)
            + &complete::not_ranked(losers().filter(|ecdf| ecdf.p50.is_some()).map(|ecdf| &ecdf.series))),
    )
}

fn apart(low: &[Named], high: &[Named], complete: bool) -> String {
    let others = comparison::others(low, complete);
    let most = low.last().map_or(0.0, Named::value);
    format!(
        "{} {} {} behind at the median; {others} {} {} behind",
        comparison::names(high),
        wording::agree(high.len(), "is", "are"),
        comparison::range(high, human::time),
        wording::agree(low.len(), "is", "are at most"),
        human::time(most)
    )
}

fn without_median(data: &Dataset) -> String {
    let missing: Vec<&str> =
        data.ages.iter().filter(|ecdf| ecdf.p50.is_none()).map(|ecdf| ecdf.series.spoken.as_str()).collect();
    if missing.is_empty() || missing.len() == data.ages.len() {
        return String::new();
    }
    format!(" (too few updates for a median: {})", wording::list(&missing))
}

fn frame(canvas: &mut Canvas, area: Area, plot: Area, axis: Axis) -> DrawResult {
    for percent in [0.0, 25.0, 50.0, 75.0, 100.0] {
        let y = height_of(percent / 100.0, plot);
        let color = if percent == 0.0 { Color::Muted } else { Color::Grid };
        canvas.line((plot.left, y), (plot.right, y), color, 1.0)?;
        canvas.text(&format!("{percent} %"), (plot.left - 8.0, y), TextFormat::new(12.0).muted().at(Anchor::End))?;
    }
    let mut free_from = f64::MIN;
    for tick in axis.log_ticks((plot.width() / 70.0) as usize) {
        let x = axis.place(tick, plot.left, plot.right);
        canvas.line((x, plot.top), (x, plot.bottom), Color::Grid, 1.0)?;
        let half = text::width(&time_tick(tick), 12.0) / 2.0;
        if x - half > free_from {
            canvas.text(&time_tick(tick), (x, plot.bottom + 15.0), TextFormat::new(12.0).muted().at(Anchor::Middle))?;
            free_from = x + half + 6.0;
        }
    }
    canvas.text(
        "share of updates that are at most this old",
        (area.left, area.top + 10.0),
        TextFormat::new(12.0).muted(),
    )?;
    let caption = ((plot.left + plot.right) / 2.0, plot.bottom + 36.0);
    canvas.text("age of an update on arrival", caption, TextFormat::new(12.0).muted().at(Anchor::Middle))
}

/// The line of a distribution: flat until an age, then up by its share.
fn steps(ecdf: &Ecdf, axis: Axis, plot: Area) -> Vec<Point> {
    let mut line = Vec::new();
    let mut share = 0.0;
    for &(age, next) in &ecdf.points {
        let x = axis.place(age, plot.left, plot.right);
        line.push((x, height_of(share, plot)));
        line.push((x, height_of(next, plot)));
        share = next;
    }
    line
}

fn height_of(share: f64, plot: Area) -> f64 {
    Axis::Linear { high: 1.0 }.place(share, plot.bottom, plot.top)
}

/// Draws each line's name, with its median unless the longer label covers more of the picture.
fn labels(canvas: &mut Canvas, shown: &[&Ecdf], lines: &[Vec<Point>], axis: Axis, plot: Area) -> DrawResult {
    let short: Vec<String> = shown.iter().map(|e| text::fit(&e.series.spoken, LABEL, plot.width() * 0.6)).collect();
    let long: Vec<String> = shown.iter().map(|ecdf| with_median(ecdf)).collect();
    let place = |texts: &[String]| {
        let candidates: Vec<_> = shown.iter().zip(texts).map(|(e, text)| candidates(e, text, axis, plot)).collect();
        label::choose(&candidates, lines, plot)
    };
    let (roomy, tight) = (place(&long), place(&short));
    let (texts, placement) = if roomy.cost <= tight.cost { (long, roomy) } else { (short, tight) };
    for ((ecdf, text), place) in shown.iter().zip(&texts).zip(placement.places) {
        let Some(place) = place else { continue };
        canvas.fill(place.text, Color::Paper, 0.85)?;
        canvas.text(
            text,
            (place.text.left + 2.0, (place.text.top + place.text.bottom) / 2.0),
            TextFormat::new(LABEL).bold(),
        )?;
        canvas.marker(place.at, 4.5, ecdf.series.look)?;
    }
    Ok(())
}

fn with_median(ecdf: &Ecdf) -> String {
    let median = ecdf.p50.map_or(String::new(), |p50| format!(": median {}", human::time(p50.value)));
    format!("{}{median}", ecdf.series.label)
}

/// Returns places to the right and to the left of the line, starting at the height of the median.
fn candidates(ecdf: &Ecdf, caption: &str, axis: Axis, plot: Area) -> Vec<Candidate> {
    const HEIGHTS: [f64; 10] = [0.5, 0.58, 0.42, 0.66, 0.34, 0.74, 0.26, 0.82, 0.18, 0.9];
    let width = text::width(caption, LABEL) + 4.0;
    let mut places = Vec::new();
    for height in HEIGHTS {
        let Some(&(age, _)) = ecdf.points.iter().find(|point| point.1 >= height) else { continue };
        let at = (axis.place(age, plot.left, plot.right), height_of(height, plot));
        for left in [at.0 + 10.0, at.0 - 10.0 - width] {
            let text = Area { left, top: at.1 - 9.0, right: left + width, bottom: at.1 + 9.0 };
            places.push(Candidate { at, text });
        }
    }
    places
}

//! Age, as a cumulative distribution: the share of updates that are at most a given age.

use feedlab_experiment::Metric;
use feedlab_experiment::metric::Unit;

use super::axis::{Axis, time_tick};
use super::canvas::{Anchor, Area, Canvas, DrawResult, Point, TextFormat};
use super::{Figures, NOTHING, Picture, csv, nothing, text};
use crate::comparison::{self, Named, Shape, shape};
use crate::complete::{self, Ranked};
use crate::dataset::{Dataset, Ecdf};
use crate::palette::{Color, Look};
use crate::{human, wording};

mod layout;
mod predicted;

use layout::Layout;

/// The distance between two places with values under the pointer, CSS pixels.
const HOVER: f64 = 16.0;

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
        let shown: Vec<&Ecdf> = self.0.ages.iter().filter(|ecdf| ecdf.count > 0).collect();
        let scale = match layout::axis(&shown) {
            Axis::Linear { .. } => "a linear scale, on which equally likely ages make a straight line,",
            Axis::Log { .. } => {
                "a logarithmic scale, because on a linear one most lines would lie at the left edge (so equally likely \
                 ages make a bent line),"
            }
        };
        format!(
            "Ages grow to the right on {scale} and each line climbs to 100 %, so a line further left means fresher \
             updates; look at the height of 50 %, which is the median: half of the updates are no older."
        )
    }

    fn notes(&self) -> Vec<String> {
        super::line_notes(self.0).into_iter().chain(too_short(self.0)).collect()
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

    fn data(&self) -> Figures {
        let names = self.0.ages.iter().map(|ecdf| format!("age µs: {}", ecdf.series.label));
        let head = ["share of updates at most this old".to_owned()].into_iter().chain(names).collect();
        let shares = (1..=99).map(|percent| f64::from(percent) / 100.0).chain([0.999, 1.0]);
        let row = |share: f64| {
            let ages = self.0.ages.iter().map(|ecdf| (ecdf.count > 0).then(|| ecdf.age_at(share)));
            [share.to_string()].into_iter().chain(ages.map(csv::number)).collect()
        };
        Figures { head, rows: shares.map(row).collect() }
    }

    fn height(&self, width: f64) -> f64 {
        Layout::of(&self.0.ages, width).map_or(NOTHING, |layout| layout.height())
    }

    fn draw(&self, canvas: &mut Canvas, area: Area) -> DrawResult {
        let Some(layout) = Layout::of(&self.0.ages, area.width()) else {
            return nothing(canvas, area, "no update arrived");
        };
        let origin = (area.left, area.top);
        let (shown, axis, plot) = (&layout.shown, layout.axis, layout.plot.moved(origin));
        frame(canvas, area, plot, axis)?;
        predicted::draw(canvas, shown, axis, plot)?;
        for ecdf in shown {
            let look = ecdf.series.look;
            canvas.of(look, |canvas| canvas.path(&steps(ecdf, axis, plot), look.dashes, look.color, look.width))?;
        }
        if predicted::is_shown(shown) {
            predicted::key(canvas, (area.left, area.top + layout::HEAD))?;
        }
        layout.names(canvas, origin)?;
        predicted::signs(canvas, shown, axis, plot)?;
        hover(canvas, shown, axis, plot);
        Ok(())
    }
}

/// Says why the chart of ages over time is missing, if it is.
fn too_short(data: &Dataset) -> Option<String> {
    let seconds = human::time(data.timelines.measured * 1e6);
    (!data.timelines.is_long_enough()).then(|| {
        format!("Ages are recorded by the second, so a measured time of {seconds} is too short for a chart of ages over time.")
    })
}

/// Shows under the pointer what share of each contender's updates is at most that old.
fn hover(canvas: &mut Canvas, shown: &[&Ecdf], axis: Axis, plot: Area) {
    let looks: Vec<Look> = shown.iter().map(|ecdf| ecdf.series.look).collect();
    let count = (plot.width() / HOVER).floor();
    for index in 0..count as u32 {
        let [left, middle, right] = [0.0, 0.5, 1.0].map(|part| (f64::from(index) + part) / count);
        let age = axis.value(middle);
        let share = |ecdf: &&Ecdf| {
            let share = human::share(ecdf.share_at(age), 1.0).unwrap_or_default();
            format!("\n{}: {share}", ecdf.series.label)
        };
        let text = format!("at most {} old{}", human::time(age), shown.iter().map(share).collect::<String>());
        let [left, right] = [left, right].map(|share| plot.left + plot.width() * share);
        canvas.hover(Area { left, right, ..plot }, &text, &looks);
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
    for tick in axis.time_ticks((plot.width() / 70.0).floor()) {
        let half = text::width(&time_tick(tick), 12.0) / 2.0;
        let x = axis.place(tick, plot.left, plot.right);
        canvas.line((x, plot.top), (x, plot.bottom), Color::Grid, 1.0)?;
        if x - half > free_from {
            let inside = x.min(area.right - half);
            let set = TextFormat::new(12.0).muted().at(Anchor::Middle);
            canvas.text(&time_tick(tick), (inside, plot.bottom + 15.0), set)?;
            free_from = x + half + 6.0;
        }
    }
    canvas.text(
        "share of updates that are at most this old",
        (area.left, area.top + 10.0),
        TextFormat::new(12.0).muted(),
    )?;
    let caption = ((plot.left + plot.right) / 2.0, plot.bottom + 36.0);
    let text = format!("age of an update on arrival, {}", axis.kind());
    canvas.text(&text, caption, TextFormat::new(12.0).muted().at(Anchor::Middle))
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

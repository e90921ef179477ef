//! The charts: five of them, one more if a threshold sets a distance, one more if the feed is on a broker, and one less
//! if the run is too short for a course over time. Each has a finding as its title, a text alternative, and its figures
//! as a table and as CSV; values appear under the pointer.
//!
//! Every chart is one file below that implements [`Picture`]. This file renders it three times: wide and narrow for the
//! page, and as a standalone file that includes its title, for slides.

use crate::dataset::Dataset;
use crate::error::ReportError;
use crate::palette::Color;
use crate::{human, wording};

mod age_over_time;
mod axis;
mod bars;
mod bytes;
mod canvas;
mod checks;
mod connection_cost;
mod cost;
mod csv;
mod ecdf;
mod hops;
mod label;
mod legend;
mod map;
mod requests;
mod sign;
mod text;
mod votes;

pub(crate) use bytes::finding as bytes_finding;
pub(crate) use checks::ID as CHECKS;
pub use cost::cost_chart;
pub(crate) use ecdf::title as freshness_title;
pub(crate) use legend::sample;
pub use map::{MapWidth, map_chart};
pub(crate) use requests::finding as requests_finding;
pub(crate) use votes::Votes;
pub use votes::{Place, votes_chart};

use canvas::{Area, Canvas, DrawResult, Point, TextFormat};

/// Width of a picture on a page, CSS pixels.
const WIDE: f64 = 860.0;

/// Width of a picture on a phone, CSS pixels.
const NARROW: f64 = 350.0;

/// Height of a picture that has nothing to show, CSS pixels.
const NOTHING: f64 = 90.0;

/// Below this width, CSS pixels, a picture stacks what it otherwise places side by side.
const COMPACT_BELOW: f64 = 560.0;

/// A picture that can be drawn at any width.
pub(crate) trait Picture {
    /// The name of its file and its anchor: letters, digits, hyphens and underscores.
    fn id(&self) -> &str;
    /// The topic, in a few words.
    fn topic(&self) -> &str;
    /// What the figures show, in one sentence without a full stop.
    fn finding(&self) -> String;
    /// How to read it, in one sentence: what the axes are, which direction is better, what to look for.
    fn reading(&self) -> String;
    /// Notes on what is left out, and on which part of the run is shown.
    fn notes(&self) -> Vec<String>;
    /// The same figures as a table.
    fn figures(&self) -> Figures;
    /// Everything that it draws, as plain numbers for other programs.
    fn data(&self) -> Figures {
        self.figures()
    }
    /// The height at a width, CSS pixels.
    fn height(&self, width: f64) -> f64;
    /// Draws it into `area`.
    fn draw(&self, canvas: &mut Canvas, area: Area) -> DrawResult;
}

/// A small table of text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    /// The column headers.
    pub(crate) head: Vec<String>,
    /// The rows; the first cell is usually the contender.
    pub(crate) rows: Vec<Vec<String>>,
}

/// A finished chart.
#[derive(Clone, Debug)]
pub(crate) struct Chart {
    /// The name of its file and its anchor.
    pub(crate) id: String,
    /// The title, which says what the chart shows.
    pub(crate) title: String,
    /// One sentence on how to read it.
    pub(crate) reading: String,
    /// The notes below the chart.
    pub(crate) notes: Vec<String>,
    /// The figures as a table.
    pub(crate) figures: Figures,
    /// The URL of the data as CSV.
    pub(crate) csv: String,
    /// The SVG for the page on a screen or on paper.
    pub(crate) wide: String,
    /// The SVG for the page on a phone.
    pub(crate) narrow: String,
    /// The SVG as a standalone file.
    pub(crate) standalone: String,
}

/// Draws all charts, starting with that of the checks. `source` is the line below each standalone picture that says
/// where it comes from. The charts of an `invalid` measurement are gray and have no finding.
pub(crate) fn all(data: &Dataset, source: &str, invalid: bool) -> Result<Vec<Chart>, ReportError> {
    let checks = checks::Checks { strips: &data.strips, is_invalid: invalid };
    let course = age_over_time::AgeOverTime(data);
    let course = data.timelines.is_long_enough().then_some(&course as &dyn Picture);
    let ages: &dyn Picture = &ecdf::AgeEcdf(data);
    let costs: [&dyn Picture; 3] =
        [&bytes::BytesPerUpdate(data), &requests::Requests(data), &connection_cost::ConnectionCost(data)];
    let pictures = [ages].into_iter().chain(course).chain(costs);
    let checks = (!data.strips.is_empty()).then_some(&checks as &dyn Picture);
    let hops = hops::Hops(data);
    let hops = (!data.hops.is_empty()).then_some(&hops as &dyn Picture);
    checks.into_iter().chain(pictures).chain(hops).map(|picture| chart(picture, source, invalid)).collect()
}

/// Draws the charts of two runs on the same axes. They have their topics as titles: what differs, only the comparison of
/// the figures says.
pub(crate) fn both(data: &Dataset, source: &str, invalid: bool) -> Result<Vec<Chart>, ReportError> {
    let pictures: [&dyn Picture; 6] = [
        &ecdf::AgeEcdf(data),
        &age_over_time::AgeOverTime(data),
        &bytes::BytesPerUpdate(data),
        &requests::Requests(data),
        &connection_cost::ConnectionCost(data),
        &hops::Hops(data),
    ];
    let is_shown = |id: &str| match id {
        "age-over-time" => data.timelines.is_long_enough(),
        "hops" => !data.hops.is_empty(),
        _ => true,
    };
    let shown = pictures.into_iter().filter(|picture| is_shown(picture.id()));
    shown.map(|picture| titled(picture, &format!("{}: A and B", picture.topic()), source, invalid)).collect()
}

fn chart(picture: &dyn Picture, source: &str, invalid: bool) -> Result<Chart, ReportError> {
    titled(picture, &picture.finding(), source, invalid)
}

/// Draws a chart with the given title instead of its finding.
pub(crate) fn titled(picture: &dyn Picture, title: &str, source: &str, invalid: bool) -> Result<Chart, ReportError> {
    let title = if invalid { format!("{}: invalid measurement", picture.topic()) } else { title.to_owned() };
    let frame = Frame { picture, title: &title, invalid };
    let drawn = || Ok([frame.inline(WIDE, "wide")?, frame.inline(NARROW, "narrow")?, frame.standalone(source)?]);
    let [wide, narrow, standalone] = drawn().map_err(|error: canvas::DrawError| {
        let reason = error.to_string();
        ReportError::Chart { chart: picture.id().to_owned(), reason }
    })?;
    Ok(Chart {
        id: picture.id().to_owned(),
        reading: picture.reading(),
        notes: picture.notes(),
        figures: picture.figures(),
        csv: csv::url(&picture.data()),
        title,
        wide,
        narrow,
        standalone,
    })
}

/// A picture with its title.
struct Frame<'a> {
    picture: &'a dyn Picture,
    title: &'a str,
    invalid: bool,
}

impl Frame<'_> {
    /// Draws the picture alone, because the page shows its title.
    fn inline(&self, width: f64, variant: &str) -> Result<String, canvas::DrawError> {
        let height = self.picture.height(width);
        let mut svg = String::new();
        let mut canvas = Canvas::new(&mut svg, width, height, self.invalid);
        self.picture.draw(&mut canvas, Area { left: 0.0, top: 0.0, right: width, bottom: height })?;
        let hovered = canvas.finish()?;
        let id = format!("{}-{variant}", self.picture.id());
        Ok(canvas::framed((&svg, &hovered), (width, height), &id, self.title, &description(self.picture), false))
    }

    /// Draws the picture on white, with its title above and its notes and source below.
    fn standalone(&self, source: &str) -> Result<String, canvas::DrawError> {
        const MARGIN: f64 = 24.0;
        const TITLE: TextFormat = TextFormat::new(20.0).bold();
        const NOTE: TextFormat = TextFormat::new(12.0).muted();
        const TITLE_LINE: f64 = 26.0;
        const NOTE_LINE: f64 = 17.0;
        let titles = text::balance(&wording::glued(self.title), TITLE.size, WIDE);
        let notes = self.picture.notes().into_iter().chain([source.to_owned()]);
        let notes: Vec<String> = notes.flat_map(|note| text::wrap(&wording::glued(&note), NOTE.size, WIDE)).collect();
        let top = MARGIN + titles.len() as f64 * TITLE_LINE + 14.0;
        let bottom = top + self.picture.height(WIDE);
        let (width, height) = (WIDE + 2.0 * MARGIN, bottom + notes.len() as f64 * NOTE_LINE + MARGIN);

        let mut svg = String::new();
        let mut canvas = Canvas::new(&mut svg, width, height, self.invalid);
        canvas.fill(canvas.area, Color::Paper, 1.0)?;
        lines(&mut canvas, &titles, (MARGIN, MARGIN + 12.0), TITLE_LINE, TITLE)?;
        self.picture.draw(&mut canvas, Area { left: MARGIN, top, right: MARGIN + WIDE, bottom })?;
        lines(&mut canvas, &notes, (MARGIN, bottom + 12.0), NOTE_LINE, NOTE)?;
        let hovered = canvas.finish()?;
        Ok(canvas::framed(
            (&svg, &hovered),
            (width, height),
            self.picture.id(),
            self.title,
            &description(self.picture),
            true,
        ))
    }
}

/// Draws lines of text below each other.
fn lines(canvas: &mut Canvas, lines: &[String], (x, y): Point, pitch: f64, set: TextFormat) -> DrawResult {
    lines.iter().enumerate().try_for_each(|(index, line)| canvas.text(line, (x, y + index as f64 * pitch), set))
}

/// The text alternative: how to read the picture, and its figures row by row.
fn description(picture: &dyn Picture) -> String {
    let Figures { head, rows } = picture.figures();
    let row = |row: &Vec<String>| {
        let cells: Vec<String> = head.iter().zip(row).skip(1).map(|(head, cell)| format!("{head} {cell}")).collect();
        format!(" {}: {}.", row.first().map_or("", String::as_str), cells.join(", "))
    };
    picture.reading() + &rows.iter().map(row).collect::<String>()
}

/// Writes in the middle of an area why there is nothing to draw.
fn nothing(canvas: &mut Canvas, area: Area, why: &str) -> DrawResult {
    let middle = ((area.left + area.right) / 2.0, (area.top + area.bottom) / 2.0);
    canvas.text(why, middle, TextFormat::new(15.0).muted().at(canvas::Anchor::Middle))
}

/// The notes on what a line chart leaves out.
fn line_notes(data: &Dataset) -> Vec<String> {
    let fixed = data.scope.fixed().map(|fixed| format!("Shown for {fixed}; the table has every row."));
    let left_out = (data.lines_left_out() > 0).then(|| {
        format!(
            "Shown for the first {} of {} contenders.",
            human::word(data.ages.len()),
            human::word(data.scope.contenders)
        )
    });
    fixed.into_iter().chain(left_out).chain(data.losses.iter().cloned()).collect()
}

/// The notes on what a bar chart leaves out.
fn bar_notes(data: &Dataset) -> Vec<String> {
    let fixed = data.scope.fixed().filter(|_| data.bars_scoped);
    fixed.map(|fixed| format!("Shown for {fixed}; the table has every row.")).into_iter().collect()
}

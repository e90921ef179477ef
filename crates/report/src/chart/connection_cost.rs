//! What a connection costs before the first update: memory on both sides, descriptors, time to connect.

use feedlab_experiment::Metric;

use super::bars::{self, Bars, Row};
use super::canvas::{Area, Canvas, Drawing, Type};
use super::{COMPACT_BELOW, Figures, Picture};
use crate::comparison::{Named, Shape, WORTH_TELLING, distinct, shape};
use crate::dataset::{Bar, Dataset};
use crate::{human, wording};

const TITLE: f64 = 30.0;
const GAP: f64 = 24.0;

/// The chart.
pub(super) struct ConnectionCost<'a>(pub(super) &'a Dataset);

impl Picture for ConnectionCost<'_> {
    fn id(&self) -> &'static str {
        "connection-cost"
    }

    fn topic(&self) -> &'static str {
        "Cost of a connection"
    }

    fn finding(&self) -> String {
        self.0.scope.say(&finding(self.0).unwrap_or("server memory of a connection: not measured".to_owned()))
    }

    fn reading(&self) -> String {
        "Each panel is one price of a connection and has its own scale; memory is the growth of the whole process \
         divided by its clients, so that few clients give rough figures."
            .to_owned()
    }

    fn notes(&self) -> Vec<String> {
        super::bar_notes(self.0)
    }

    fn figures(&self) -> Figures {
        let metrics = Dataset::CONNECTION_COST.map(Metric::row);
        let head =
            ["contender", "clients"].into_iter().chain(metrics.map(|row| row.label)).map(str::to_owned).collect();
        let rows = self.0.connection[0].iter().enumerate().map(|(index, bar)| {
            let cell = |(panel, row): (&Vec<Bar>, &feedlab_experiment::metric::Row)| {
                panel[index].estimate.map_or(human::ABSENT.to_owned(), |e| human::estimate(e, row.unit))
            };
            let figures = self.0.connection.iter().zip(metrics).map(cell);
            [bar.series.label.clone(), human::count(f64::from(bar.series.clients))].into_iter().chain(figures).collect()
        });
        Figures { head, rows: rows.collect() }
    }

    fn height(&self, width: f64) -> f64 {
        let columns = columns(width);
        let lines = panels(self.0).len().div_ceil(columns);
        lines as f64 * (panel_height(self.0, width) + GAP) - GAP
    }

    fn draw(&self, canvas: &mut Canvas, area: Area) -> Drawing {
        let columns = columns(area.width());
        let width = (area.width() - GAP * (columns - 1) as f64) / columns as f64;
        let height = panel_height(self.0, area.width());
        for (index, (metric, bars)) in panels(self.0).into_iter().enumerate() {
            let left = area.left + (index % columns) as f64 * (width + GAP);
            let top = area.top + (index / columns) as f64 * (height + GAP);
            canvas.text(metric.row().label, (left, top + TITLE / 2.0 - 2.0), Type::new(14.0).bold())?;
            bars.draw(canvas, Area { left, top: top + TITLE, right: left + width, bottom: top + height })?;
        }
        Ok(())
    }
}

fn columns(width: f64) -> usize {
    if width < COMPACT_BELOW { 1 } else { 2 }
}

fn panel_height(data: &Dataset, width: f64) -> f64 {
    let width = (width - GAP) / columns(width) as f64;
    panels(data).first().map_or(0.0, |(_, bars)| TITLE + bars.height(width))
}

fn panels(data: &Dataset) -> Vec<(Metric, Bars)> {
    let metrics = Dataset::CONNECTION_COST.into_iter();
    metrics.zip(&data.connection).map(|(metric, bars)| (metric, panel(data, metric, bars))).collect()
}

fn panel(data: &Dataset, metric: Metric, values: &[Bar]) -> Bars {
    let headings = bars::headings(data, values.iter().map(|bar| &bar.series));
    let unit = metric.row().unit;
    let row = |(bar, heading): (&Bar, Option<String>)| {
        let interval = bar.estimate.and_then(|estimate| estimate.low.zip(estimate.high));
        let value = bar.estimate.map(|estimate| estimate.value);
        Row { interval, ..Row::simple(&bar.series, heading, value, |value| human::value(value, unit)) }
    };
    let caption = match metric {
        Metric::ConnectP50 => "median time of a TCP connect",
        Metric::ServerFdsPerConnection => "open descriptors of the server for each client",
        Metric::ClientRssBytesPerConnection => "resident memory of the load generator for each client",
        _ => "resident memory of the server for each client",
    };
    Bars { rows: values.iter().zip(headings).map(row).collect(), caption, unit, parts: None }
}

/// What a connection costs the server in memory, as part of a sentence; nothing if it was not measured.
fn finding(data: &Dataset) -> Option<String> {
    let scoped = data.connection[0].iter().filter(|bar| data.scope.shows(&bar.series));
    let values = scoped.filter_map(|bar| Some(Named { name: bar.series.spoken.clone(), estimate: bar.estimate? }));
    match shape(values.collect()) {
        Shape::Nothing => None,
        Shape::One(one) => {
            Some(format!("a connection over {} costs the server {} of memory", one.name, human::size(one.value())))
        }
        Shape::NoDifference(values) => {
            let range = wording::range(&values, human::size);
            Some(format!("no difference shown: a connection costs the server {range} of memory"))
        }
        Shape::Near(values) => extremes(&values),
        Shape::Apart { low, high } => extremes(&[low, high].concat()),
    }
}

fn extremes(values: &[Named]) -> Option<String> {
    let (least, most) = (values.first()?, values.last()?);
    let (smallest, largest) = (human::size(least.value()), human::size(most.value()));
    if !distinct(least, most) || most.value() < least.value() * WORTH_TELLING {
        let range = wording::range(values, human::size);
        return Some(format!("a connection costs the server {range} of memory, whatever it carries"));
    }
    let (low, high) = (&least.name, &most.name);
    Some(format!("a connection costs the server {smallest} of memory over {low}, and {largest} over {high}"))
}

//! What a connection costs before the first update: memory, descriptors, the times of TCP, TLS and the request, the
//! time until its endpoint is open and until the first update, and the bytes of its handshake; one small panel per cost
//! that was measured.

use feedlab_experiment::Metric;

use super::bars::{self, Bar, Bars, Key};
use super::canvas::{Area, Canvas, DrawResult, TextFormat};
use super::{COMPACT_BELOW, Figures, NOTHING, Picture, csv, nothing, text};
use crate::comparison::{self, Named, Shape, WORTH_NAMING, distinct, shape};
use crate::dataset::{Dataset, MetricBar};
use crate::{human, wording};

const GAP: f64 = 20.0;
/// The sizes and the heights of a line of a panel's name and of what it counts.
const NAME: (f64, f64) = (13.0, 17.0);
const COUNTED: (f64, f64) = (12.0, 16.0);
/// The largest part of the width that the names of the contenders take.
const MOST_NAMES: f64 = 0.25;

/// The chart.
pub(super) struct ConnectionCost<'a>(pub(super) &'a Dataset);

impl Picture for ConnectionCost<'_> {
    fn id(&self) -> &str {
        "connection-cost"
    }

    fn topic(&self) -> &str {
        "Cost of a connection"
    }

    fn finding(&self) -> String {
        self.0.scope.say(&finding(self.0).unwrap_or("server memory per connection: not measured".to_owned()))
    }

    fn reading(&self) -> String {
        "Each panel shows one cost of a connection on its own scale, and shorter is cheaper; look for a bar that is \
         clearly longer than the others in its panel."
            .to_owned()
    }

    fn notes(&self) -> Vec<String> {
        let how = "Memory and descriptors are the slope over the ramp of a fresh server: what one more connection \
                   takes. First updates and handshakes come from join probes, which connect one at a time; the other \
                   times come from the ramp.";
        folded(self.0).into_iter().chain(super::bar_notes(self.0)).chain([how.to_owned()]).collect()
    }

    fn figures(&self) -> Figures {
        let measured: Vec<(Metric, &Vec<MetricBar>)> = measured(self.0).collect();
        let names = measured.iter().map(|(metric, _)| metric.row().label);
        let head = ["contender", "clients"].into_iter().chain(names).map(str::to_owned).collect();
        let rows = self.0.connection[0].iter().enumerate().map(|(index, bar)| {
            let cell = |(metric, panel): &(Metric, &Vec<MetricBar>)| {
                panel[index].estimate.map_or(human::ABSENT.to_owned(), |e| human::estimate(e, metric.row().unit))
            };
            let clients = human::count(f64::from(bar.series.clients));
            [bar.series.label.clone(), clients].into_iter().chain(measured.iter().map(cell)).collect()
        });
        Figures { head, rows: rows.collect() }
    }

    fn data(&self) -> Figures {
        let measured: Vec<(Metric, &Vec<MetricBar>)> = measured(self.0).collect();
        let ids = measured.iter().map(|(metric, _)| metric.id());
        let rows = self.0.connection[0].iter().enumerate().map(|(index, bar)| {
            let values = measured.iter().map(|(_, panel)| csv::number(panel[index].estimate.map(|e| e.value)));
            bars::named(&bar.series).into_iter().chain(values).collect()
        });
        Figures { head: bars::HEAD.into_iter().chain(ids).map(str::to_owned).collect(), rows: rows.collect() }
    }

    fn height(&self, width: f64) -> f64 {
        let Some(grid) = Grid::of(self.0, width) else { return NOTHING };
        let panels = shown(self.0).count();
        let key = key(self.0).height(width);
        key + panels.div_ceil(grid.columns) as f64 * (grid.height + GAP) - GAP
    }

    fn draw(&self, canvas: &mut Canvas, area: Area) -> DrawResult {
        let Some(grid) = Grid::of(self.0, area.width()) else {
            let why = if measured(self.0).next().is_some() { "the same for all" } else { "no cost was measured" };
            return nothing(canvas, area, why);
        };
        key(self.0).draw(canvas, area)?;
        let area = Area { top: area.top + key(self.0).height(area.width()), ..area };
        for (index, (metric, values)) in shown(self.0).enumerate() {
            let (line, column) = (index / grid.columns, index % grid.columns);
            let left = area.left + grid.names + column as f64 * (grid.width + GAP);
            let top = area.top + line as f64 * (grid.height + GAP);
            let [name, counted] = head(metric, grid.width);
            let below = top + name.len() as f64 * NAME.1 + COUNTED.1 / 2.0;
            super::lines(canvas, &name, (left, top + NAME.1 / 2.0), NAME.1, TextFormat::new(NAME.0).bold())?;
            super::lines(canvas, &counted, (left, below), COUNTED.1, TextFormat::new(COUNTED.0).muted())?;
            let plot = Area { left, top: top + grid.head, right: left + grid.width, bottom: top + grid.height };
            let bars = panel(self.0, metric, values, grid.shared());
            bars.draw(canvas, plot)?;
            if grid.names > 0.0 && column == 0 {
                bars.name_column(canvas, Area { left: area.left, right: left, ..plot })?;
            }
        }
        Ok(())
    }
}

/// The lines of a panel's name and of what it counts.
fn head(metric: Metric, width: f64) -> [Vec<String>; 2] {
    [text::wrap(metric.row().label, NAME.0, width), text::wrap(counted(metric), COUNTED.0, width)]
}

/// How the panels are laid out.
struct Grid {
    columns: usize,
    /// The width of the names that the panels of a line share; zero where each panel has its own.
    names: f64,
    /// The width and height of a panel, and of its head; all panels have the same bars.
    width: f64,
    height: f64,
    head: f64,
}

impl Grid {
    /// Returns the layout at a width, or `None` without panels.
    fn of(data: &Dataset, width: f64) -> Option<Self> {
        let (metric, values) = shown(data).next()?;
        let is_compact = width < COMPACT_BELOW;
        let names = panel(data, metric, values, None).names_width().min(width * MOST_NAMES);
        let (columns, names) = if is_compact { (1, 0.0) } else { (3, names) };
        let width = (width - names - GAP * (columns - 1) as f64) / columns as f64;
        let lines = |metric| {
            let [name, counted] = head(metric, width);
            name.len() as f64 * NAME.1 + counted.len() as f64 * COUNTED.1
        };
        let head = shown(data).map(|(metric, _)| lines(metric)).fold(0.0, f64::max) + 6.0;
        let grid = Self { columns, names, width, height: 0.0, head };
        let height = head + panel(data, metric, values, grid.shared()).height(width);
        Some(Self { height, ..grid })
    }

    /// The width of the names that panels share.
    fn shared(&self) -> Option<f64> {
        (self.names > 0.0).then_some(self.names)
    }
}

/// The key of all panels.
fn key(data: &Dataset) -> Key<'static> {
    let is_predicted = shown(data).any(|(_, bars)| bars.iter().any(|bar| bar.predicted.is_some()));
    Key { parts: &[], mark: None, is_predicted }
}

/// The costs that were measured.
fn measured(data: &Dataset) -> impl Iterator<Item = (Metric, &Vec<MetricBar>)> {
    let panels = Dataset::CONNECTION_COST.into_iter().zip(&data.connection);
    panels.filter(|(_, bars)| bars.iter().any(|bar| bar.estimate.is_some()))
}

/// The costs that have a panel: those in which contenders differ.
fn shown(data: &Dataset) -> impl Iterator<Item = (Metric, &Vec<MetricBar>)> {
    measured(data).filter(|(metric, bars)| same(*metric, bars).is_none())
}

/// The figure of a cost that is the same for several contenders, measured and, if it is, predicted.
fn same(metric: Metric, bars: &[MetricBar]) -> Option<String> {
    let figure = |value| human::value(value, metric.row().unit);
    let first = figure(bars.first()?.estimate?.value);
    let is_same = |bar: &MetricBar| {
        bar.estimate.is_some_and(|estimate| figure(estimate.value) == first)
            && bar.predicted.is_none_or(|predicted| figure(predicted) == first)
    };
    (bars.len() > 1 && bars.iter().all(is_same)).then_some(first)
}

/// Returns a sentence with the costs in which contenders do not differ, instead of a panel of equal bars for each.
fn folded(data: &Dataset) -> Option<String> {
    let mut labels: Vec<&str> = data.connection[0].iter().map(|bar| bar.series.label.as_str()).collect();
    labels.sort_unstable();
    labels.dedup();
    let who = match labels.len() {
        1 => "With every number of clients".to_owned(),
        2 => "Both contenders".to_owned(),
        count => format!("All {} contenders", human::word(count)),
    };
    let cost = |(metric, bars): (Metric, &Vec<MetricBar>)| {
        same(metric, bars).map(|figure| format!("{figure} ({})", metric.row().label))
    };
    let costs: Vec<String> = measured(data).filter_map(cost).collect();
    (!costs.is_empty()).then(|| format!("{who}: {}.", wording::list(&costs)))
}

fn panel(data: &Dataset, metric: Metric, values: &[MetricBar], shared_names: Option<f64>) -> Bars {
    let headings = bars::headings(data, values.iter().map(|bar| &bar.series));
    let unit = metric.row().unit;
    let bar_of = |(bar, heading): (&MetricBar, Option<String>)| {
        let interval = bar.estimate.and_then(|estimate| estimate.low.zip(estimate.high));
        let value = bar.estimate.map(|estimate| estimate.value);
        let predicted = bar.predicted;
        Bar { interval, predicted, ..Bar::simple(&bar.series, heading, value, |value| human::value(value, unit)) }
    };
    let bars = values.iter().zip(headings).map(bar_of).collect();
    Bars { bars, caption: None, unit, parts: Vec::new(), mark: None, explains_predicted: false, shared_names }
}

/// A short description of what a panel shows.
const fn counted(metric: Metric) -> &'static str {
    match metric {
        Metric::ServerRssBytesPerConnection | Metric::ClientRssBytesPerConnection => "resident memory",
        Metric::KernelBytesPerConnection => "of the server's socket",
        Metric::ServerFdsPerConnection => "open descriptors",
        Metric::ConnectP50 => "median time of a TCP connect",
        Metric::TlsP50 => "median time of a TLS handshake",
        Metric::RequestP50 => "median time of the request alone",
        Metric::OpenP50 => "median time to response headers",
        Metric::FirstUpdateP50 => "median of the join probes",
        _ => "request and response headers",
    }
}

/// Returns a clause about the server memory that a connection costs, or `None` if it was not measured.
fn finding(data: &Dataset) -> Option<String> {
    let scoped = data.connection[0].iter().filter(|bar| data.scope.shows(&bar.series));
    let values = scoped.filter_map(|bar| Some(Named::new(&bar.series, bar.estimate?)));
    match shape(values.collect(), &data.difference_shown(Dataset::CONNECTION_COST[0])) {
        Shape::Nothing => None,
        Shape::One(one) => {
            Some(format!("a connection over {} costs the server {} of memory", one.name, human::size(one.value())))
        }
        Shape::NoDifference(values) => {
            let range = comparison::range(&values, human::size);
            Some(format!("no difference shown: a connection costs the server {range} of memory"))
        }
        Shape::OneGroup(values) => extremes(data, &values),
        Shape::TwoGroups { low, high } => extremes(data, &[low, high].concat()),
    }
}

fn extremes(data: &Dataset, values: &[Named]) -> Option<String> {
    let (least, most) = (values.first()?, values.last()?);
    let (smallest, largest) = (human::size(least.value()), human::size(most.value()));
    if !distinct(least, most, &data.difference_shown(Dataset::CONNECTION_COST[0]))
        || most.value() < least.value() * WORTH_NAMING
    {
        let range = comparison::range(values, human::size);
        return Some(format!("a connection costs the server {range} of memory, {}", data.whatever()));
    }
    let (low, high) = (&least.name, &most.name);
    Some(format!("a connection costs the server {smallest} of memory over {low} and {largest} over {high}"))
}

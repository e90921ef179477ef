//! What a connection costs before the first update: memory, descriptors, the times of TCP, TLS and the request, the
//! time until its endpoint is open and until the first update, and the bytes of its handshake; one small panel per cost
//! that was measured.

use feedlab_experiment::Metric;

use super::bars::{self, Bar, Bars, Key};
use super::canvas::{Area, Canvas, DrawResult, TextFormat};
use super::{COMPACT_BELOW, Figures, NOTHING, Picture, nothing};
use crate::comparison::{self, Named, Shape, WORTH_NAMING, distinct, shape};
use crate::dataset::{Dataset, MetricBar};
use crate::human;

/// The height of a panel's name and its unit.
const TITLE: f64 = 40.0;
const GAP: f64 = 20.0;

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
        super::bar_notes(self.0).into_iter().chain([how.to_owned()]).collect()
    }

    fn figures(&self) -> Figures {
        let shown: Vec<(Metric, &Vec<MetricBar>)> = shown(self.0).collect();
        let names = shown.iter().map(|(metric, _)| metric.row().label);
        let head = ["contender", "clients"].into_iter().chain(names).map(str::to_owned).collect();
        let rows = self.0.connection[0].iter().enumerate().map(|(index, bar)| {
            let cell = |(metric, panel): &(Metric, &Vec<MetricBar>)| {
                panel[index].estimate.map_or(human::ABSENT.to_owned(), |e| human::estimate(e, metric.row().unit))
            };
            let clients = human::count(f64::from(bar.series.clients));
            [bar.series.label.clone(), clients].into_iter().chain(shown.iter().map(cell)).collect()
        });
        Figures { head, rows: rows.collect() }
    }

    fn height(&self, width: f64) -> f64 {
        let panels = shown(self.0).count();
        let Some(grid) = Grid::of(self.0, width) else { return NOTHING };
        let key = key(self.0).height(width);
        key + panels.div_ceil(grid.columns) as f64 * (grid.height + GAP) - GAP
    }

    fn draw(&self, canvas: &mut Canvas, area: Area) -> DrawResult {
        let Some(grid) = Grid::of(self.0, area.width()) else {
            return nothing(canvas, area, "no connection cost was measured");
        };
        key(self.0).draw(canvas, area)?;
        let area = Area { top: area.top + key(self.0).height(area.width()), ..area };
        for (index, (metric, values)) in shown(self.0).enumerate() {
            let (line, column) = (index / grid.columns, index % grid.columns);
            let left = area.left + grid.names + column as f64 * (grid.width + GAP);
            let top = area.top + line as f64 * (grid.height + GAP);
            canvas.text(metric.row().label, (left, top + 9.0), TextFormat::new(13.0).bold())?;
            canvas.text(counted(metric), (left, top + 26.0), TextFormat::new(12.0).muted())?;
            let plot = Area { left, top: top + TITLE, right: left + grid.width, bottom: top + grid.height };
            let bars = panel(self.0, metric, values, grid.names > 0.0);
            bars.draw(canvas, plot)?;
            if grid.names > 0.0 && column == 0 {
                bars.name_column(canvas, Area { left: area.left, right: left, ..plot })?;
            }
        }
        Ok(())
    }
}

/// How the panels are laid out.
struct Grid {
    columns: usize,
    /// The width of the names that the panels of a line share; zero where each panel has its own.
    names: f64,
    /// The width and height of a panel; all panels have the same bars.
    width: f64,
    height: f64,
}

impl Grid {
    /// Returns the layout at a width, or `None` without panels.
    fn of(data: &Dataset, width: f64) -> Option<Self> {
        let (metric, values) = shown(data).next()?;
        let is_compact = width < COMPACT_BELOW;
        let names = panel(data, metric, values, true).names_width() + 34.0;
        let (columns, names) = if is_compact { (1, 0.0) } else { (3, names.min(width * 0.25)) };
        let width = (width - names - GAP * (columns - 1) as f64) / columns as f64;
        let height = TITLE + panel(data, metric, values, !is_compact).height(width);
        Some(Self { columns, names, width, height })
    }
}

/// The key of all panels.
fn key(data: &Dataset) -> Key<'static> {
    let is_predicted = shown(data).any(|(_, bars)| bars.iter().any(|bar| bar.predicted.is_some()));
    Key { parts: &[], mark: None, is_predicted }
}

/// The panels that have a figure.
fn shown(data: &Dataset) -> impl Iterator<Item = (Metric, &Vec<MetricBar>)> {
    let panels = Dataset::CONNECTION_COST.into_iter().zip(&data.connection);
    panels.filter(|(_, bars)| bars.iter().any(|bar| bar.estimate.is_some()))
}

fn panel(data: &Dataset, metric: Metric, values: &[MetricBar], hides_names: bool) -> Bars {
    let headings = bars::headings(data, values.iter().map(|bar| &bar.series));
    let unit = metric.row().unit;
    let bar_of = |(bar, heading): (&MetricBar, Option<String>)| {
        let interval = bar.estimate.and_then(|estimate| estimate.low.zip(estimate.high));
        let value = bar.estimate.map(|estimate| estimate.value);
        let predicted = bar.predicted;
        Bar { interval, predicted, ..Bar::simple(&bar.series, heading, value, |value| human::value(value, unit)) }
    };
    let bars = values.iter().zip(headings).map(bar_of).collect();
    Bars { bars, caption: None, unit, parts: Vec::new(), mark: None, explains_predicted: false, hides_names }
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

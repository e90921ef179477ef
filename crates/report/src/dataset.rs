//! The numbers that the charts draw, extracted from the results so that they can be tested without a picture.
//!
//! Line charts show one line per contender, at the largest client count and payload of a sweep ([`Scope`]). Bar charts
//! show every row unless there are too many.

use feedlab_experiment::Metric;
use feedlab_experiment::results::{Results, ResultsError};
use feedlab_experiment::summary::{Entry, Estimate};
use feedlab_experiment::verdict::Status;

use crate::complete;
use crate::series::{Scope, Series};

mod ages;
mod bars;
mod bytes;
mod differences;
mod strips;
mod timeline;

pub(crate) use ages::Ecdf;
pub(crate) use bars::{HopsBar, MetricBar, RequestsBar};
pub(crate) use bytes::{ByteKind, BytesBar, Level};
pub(crate) use differences::{Differences, Pair};
pub(crate) use strips::Strip;
pub(crate) use timeline::{Mark, Moment, Timeline, Timelines};

/// The most lines in one chart: more than seven servers over two transports.
const MAX_LINES: usize = 16;

/// The most bars in one chart; with more rows, bar charts show only those in scope.
const MAX_BARS: usize = 12;

/// The figures of all charts.
#[derive(Debug)]
pub(crate) struct Dataset {
    /// The point of a sweep that the line charts show.
    pub(crate) scope: Scope,
    /// The distribution of ages of each contender in scope.
    pub(crate) ages: Vec<Ecdf>,
    /// The ages per second of each contender in scope.
    pub(crate) timelines: Timelines,
    /// The hops of the mean age; empty without a broker.
    pub(crate) hops: Vec<HopsBar>,
    /// The bytes per update.
    pub(crate) bytes: Vec<BytesBar>,
    /// The level at which bytes are compared.
    pub(crate) bytes_level: Level,
    /// The requests per client and minute.
    pub(crate) requests: Vec<RequestsBar>,
    /// The cost of a connection: one panel per metric of [`Dataset::CONNECTION_COST`].
    pub(crate) connection: Vec<Vec<MetricBar>>,
    /// The differences between contenders.
    pub(crate) differences: Differences,
    /// The notes below charts of ages about contenders that lost updates or clients.
    pub(crate) losses: Vec<String>,
    /// The checks that allow a distance from a reference, the failed ones first.
    pub(crate) strips: Vec<Strip>,
    /// The contenders whose servers are not feedlab's, as sentences name them.
    pub(crate) of_targets: Vec<String>,
    /// The planned number of repetitions.
    pub(crate) repetitions: u32,
    /// Whether the bar charts also show only rows in scope.
    pub(crate) bars_scoped: bool,
}

impl Dataset {
    /// The panels of the chart of connection costs. The first is the one in its title.
    pub(crate) const CONNECTION_COST: [Metric; 10] = [
        Metric::ServerRssBytesPerConnection,
        Metric::KernelBytesPerConnection,
        Metric::ClientRssBytesPerConnection,
        Metric::ServerFdsPerConnection,
        Metric::ConnectP50,
        Metric::TlsP50,
        Metric::RequestP50,
        Metric::OpenP50,
        Metric::FirstUpdateP50,
        Metric::HandshakeBytes,
    ];

    /// The other metrics in the charts.
    const DRAWN: [Metric; 16] = [
        Metric::HopToBroker,
        Metric::HopToServer,
        Metric::HopToClient,
        Metric::AgeP50,
        Metric::AgeP90,
        Metric::AgeP99,
        Metric::AgeMax,
        Metric::Requests,
        Metric::RequestsEmpty,
        Metric::PayloadBytesPerUpdate,
        Metric::FramingBytesPerUpdate,
        Metric::HeaderBytesPerUpdate,
        Metric::KeepaliveBytesPerUpdate,
        Metric::SocketBytesPerUpdate,
        Metric::WireBytesPerUpdate,
        Metric::PacketsPerUpdate,
    ];

    /// Whether a metric is in one of the charts or its figures, for the glossary.
    pub(crate) fn shows(metric: Metric) -> bool {
        Self::DRAWN.contains(&metric) || Self::CONNECTION_COST.contains(&metric)
    }

    /// Extracts the figures of a run.
    pub(crate) fn new(results: &Results) -> Result<Self, ResultsError> {
        let entries = &results.summary.contenders;
        let scope = Scope::of(entries);
        let mut all: Vec<SummaryRow> = entries.iter().map(|entry| SummaryRow::new(entry, entries)).collect();
        // Contenders at one client count are side by side, because they are compared with each other.
        all.sort_by_key(|row| (row.entry.clients, row.entry.payload_bytes));
        let scoped: Vec<SummaryRow> = all.iter().filter(|row| scope.holds(row.entry)).cloned().collect();
        let lines = &scoped[..scoped.len().min(MAX_LINES)];
        let bars_scoped = all.len() > MAX_BARS;
        let bars = if bars_scoped { &scoped } else { &all };
        let read = lines.iter().map(|row| Ecdf::read(row, results)).collect::<Result<Vec<_>, _>>()?;
        let (ages, samples): (Vec<_>, Vec<_>) = read.into_iter().unzip();
        let bytes: Vec<BytesBar> = bars.iter().map(BytesBar::new).collect();
        let bytes_level = bytes::level(&bytes);
        let titled = [Metric::AgeP50, bytes_level.metric(), Self::CONNECTION_COST[0]];
        Ok(Self {
            ages,
            timelines: Timelines::new(lines, results)?,
            losses: lines.iter().filter_map(|row| complete::note(row.entry, results)).collect(),
            hops: bars.iter().filter_map(HopsBar::of).collect(),
            bytes,
            bytes_level,
            requests: bars.iter().map(|row| RequestsBar::new(row, results)).collect(),
            connection: Self::CONNECTION_COST
                .map(|metric| bars.iter().map(|row| MetricBar::new(row, metric)).collect())
                .into(),
            // An invalid run shows no differences.
            differences: match results.summary.verdict.status {
                Status::Invalid => Differences::default(),
                Status::Valid | Status::Suspect => Differences::new(lines, &samples, &titled, results.manifest.seed),
            },
            scope: Scope { contenders: scoped.len(), ..scope },
            strips: strips::of(results),
            of_targets: of_targets(entries),
            repetitions: results.manifest.scenario.measure.repetitions,
            bars_scoped,
        })
    }

    /// Returns the lookup of whether two contenders differ in a metric.
    pub(crate) fn difference_shown(&self, metric: Metric) -> impl Fn(&str, &str) -> Option<bool> {
        move |a, b| self.differences.is_shown(metric, a, b)
    }

    /// Returns what an equal figure does not depend on: with several servers, it is also the server.
    pub(crate) const fn whatever(&self) -> &'static str {
        if self.of_targets.is_empty() { "whatever the transport" } else { "whatever the transport and the server" }
    }

    /// Whether the bars have more than one client count or payload and so need headings.
    pub(crate) fn bars_grouped(&self) -> bool {
        !self.bars_scoped && (self.scope.clients_swept || self.scope.payload_swept)
    }

    /// The number of contenders that the line charts leave out.
    pub(crate) fn lines_left_out(&self) -> usize {
        self.scope.contenders - self.ages.len()
    }
}

fn of_targets(entries: &[Entry]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for entry in entries.iter().filter(|entry| entry.target.is_some()) {
        let name = Series::of(entry, entries).spoken;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// An entry of the summary with its names and its look.
#[derive(Clone, Debug)]
pub(crate) struct SummaryRow<'a> {
    entry: &'a Entry,
    series: Series,
}

impl<'a> SummaryRow<'a> {
    fn new(entry: &'a Entry, entries: &[Entry]) -> Self {
        Self { entry, series: Series::of(entry, entries) }
    }

    fn estimate(&self, metric: Metric) -> Option<Estimate> {
        self.entry.metrics.get(&metric).copied()
    }

    /// The prediction of a metric, if it is finite and not negative.
    fn predicted(&self, metric: Metric) -> Option<f64> {
        let predicted = self.entry.predicted.as_ref()?.metrics.get(&metric).copied();
        predicted.filter(|value| value.is_finite() && *value >= 0.0)
    }
}

//! What the charts draw, as plain numbers: taken out of the results here, so that it can be tested without a picture.
//!
//! Line charts show one line a contender, at the largest client count and payload of a sweep ([`Scope`]); bar charts
//! show every row as long as the eye can still find one.

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

/// Lines in one picture that can still be told apart.
const MAX_LINES: usize = 8;

/// Bars in one picture that can still be compared.
const MAX_BARS: usize = 12;

/// The figures of every chart.
#[derive(Debug)]
pub(crate) struct Dataset {
    /// What the line charts show.
    pub(crate) scope: Scope,
    /// Distribution of ages, one for each contender in scope.
    pub(crate) ages: Vec<Ecdf>,
    /// Ages by second, for each contender in scope.
    pub(crate) timelines: Timelines,
    /// Where ages come from; empty where no feed lives on a broker.
    pub(crate) hops: Vec<HopsBar>,
    /// Bytes of an update.
    pub(crate) bytes: Vec<BytesBar>,
    /// Where they are compared.
    pub(crate) bytes_level: Level,
    /// Requests of a client in a minute.
    pub(crate) requests: Vec<RequestsBar>,
    /// What a connection costs: a panel for each metric that [`Dataset::CONNECTION_COST`] names.
    pub(crate) connection: Vec<Vec<MetricBar>>,
    /// Who differs from whom.
    pub(crate) differences: Differences,
    /// What must be said beside ages: who lost what.
    pub(crate) losses: Vec<String>,
    /// The checks that demand a distance, the failed ones first.
    pub(crate) strips: Vec<Strip>,
    /// How often each cell was measured, as planned.
    pub(crate) repetitions: u32,
    /// Whether the bar charts, too, show only what is in scope.
    pub(crate) bars_scoped: bool,
}

impl Dataset {
    /// The panels of the connection's cost. The first is what its title speaks of.
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

    /// Whether a metric is in one of the charts or its figures, for a glossary.
    pub(crate) fn shows(metric: Metric) -> bool {
        Self::DRAWN.contains(&metric) || Self::CONNECTION_COST.contains(&metric)
    }

    /// Takes the figures out of a run.
    pub(crate) fn new(results: &Results) -> Result<Self, ResultsError> {
        let entries = &results.summary.contenders;
        let scope = Scope::of(entries);
        let mut all: Vec<SummaryRow> = entries.iter().map(|entry| SummaryRow::new(entry, entries)).collect();
        // Side by side stands what is compared: the contenders at one client count, not one contender at all of them.
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
            timelines: Timelines::new(lines, results),
            losses: lines.iter().filter_map(|row| complete::note(row.entry, results)).collect(),
            hops: bars.iter().filter_map(HopsBar::of).collect(),
            bytes,
            bytes_level,
            requests: bars.iter().map(|row| RequestsBar::new(row, results)).collect(),
            connection: Self::CONNECTION_COST
                .map(|metric| bars.iter().map(|row| MetricBar::new(row, metric)).collect())
                .into(),
            // What is invalid has no differences to tell.
            differences: match results.summary.verdict.status {
                Status::Invalid => Differences::default(),
                Status::Valid | Status::Suspect => Differences::new(lines, &samples, &titled, results.manifest.seed),
            },
            scope: Scope { contenders: scoped.len(), ..scope },
            strips: strips::of(results),
            repetitions: results.manifest.scenario.measure.repetitions,
            bars_scoped,
        })
    }

    /// What is known of the differences between contenders in a metric.
    pub(crate) fn difference_shown(&self, metric: Metric) -> impl Fn(&str, &str) -> Option<bool> {
        move |a, b| self.differences.is_shown(metric, a, b)
    }

    /// Whether the bars belong to more than one client count or payload, and need headings.
    pub(crate) fn bars_grouped(&self) -> bool {
        !self.bars_scoped && (self.scope.clients_swept || self.scope.payload_swept)
    }

    /// How many contenders the line charts leave out.
    pub(crate) fn lines_left_out(&self) -> usize {
        self.scope.contenders - self.ages.len()
    }
}

/// An entry of the summary with its place in the pictures.
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

    /// What the arithmetic of the transport says.
    fn predicted(&self, metric: Metric) -> Option<f64> {
        let predicted = self.entry.predicted.as_ref()?.metrics.get(&metric).copied();
        predicted.filter(|value| value.is_finite() && *value >= 0.0)
    }
}

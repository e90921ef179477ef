//! All predictions for one contender except ages, and the reasons why some figures are missing.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Case, FeedModel, FigureKind, NotPredicted, Traffic};
use super::transport::{Arithmetic, ladder};
use super::{churn, failure, idle, open_time, publishing, reach};
use crate::Metric;
use crate::clients::{PER_CONNECTION, PER_THREAD};
use crate::metric::Pooling;
use crate::scenario::Connections;

/// The predicted figures, and why others are missing.
#[derive(Clone, Debug)]
pub(super) struct Figures {
    pub(super) metrics: BTreeMap<Metric, f64>,
    pub(super) reasons: BTreeSet<NotPredicted>,
}

impl Figures {
    /// Returns the figures of all repetitions, pooled like measured ones. `None` if the feed cannot be predicted.
    pub(super) fn of(case: &Case<'_>, arithmetic: &dyn Arithmetic, feeds: &[FeedModel]) -> Option<Self> {
        let repetitions = f64::from(case.scenario.measure.repetitions);
        let each: Vec<_> = feeds.iter().map(|feed| Self::repetition(case, arithmetic, feed)).collect();
        let Self { metrics, reasons } = each.first()?;
        let pool = |metric: Metric| {
            let values: Vec<f64> = each.iter().filter_map(|figures| figures.metrics.get(&metric)).copied().collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            if metric.row().pooling == Pooling::Sum { mean * repetitions } else { mean }
        };
        Some(Self {
            metrics: metrics.keys().map(|metric| (*metric, pool(*metric))).collect(),
            reasons: reasons.clone(),
        })
    }

    fn repetition(case: &Case<'_>, arithmetic: &dyn Arithmetic, feed: &FeedModel) -> Self {
        let reasons = reach::reasons(case, arithmetic, feed);
        let mut figures = Self { metrics: BTreeMap::new(), reasons };
        if figures.reasons.contains(&NotPredicted::Publishing) {
            let published = publishing::metrics(case, arithmetic, feed, |figure| figures.knows(figure));
            figures.metrics.extend(published);
        } else {
            figures.put(Metric::UpdatesPublished, Ok(feed.updates));
            figures.put(Metric::UpdatesExpected, Ok(feed.updates * case.clients));
        }
        if figures.knows(FigureKind::Requests) {
            figures.add_requests(case, arithmetic, feed);
        }
        if figures.knows(FigureKind::Connections) {
            figures.put(Metric::ConnectionsOpened, connections(case, arithmetic, feed));
        }
        if figures.knows(FigureKind::Bytes) {
            figures.add_bytes(case, arithmetic, feed);
        }
        if figures.knows(FigureKind::OpenTimes) {
            figures.metrics.extend(open_time::metrics(case, arithmetic));
        }
        // Omitted if only the machine itself takes time.
        if let Some(time) = ladder::first_update(case).filter(|time| *time > 0.0) {
            figures.put(Metric::FirstUpdateP50, Ok(time * 1e6));
        }
        for (metric, value) in failure::metrics(case, arithmetic, feed) {
            figures.put(metric, value);
        }
        let breaks = figures.reasons.contains(&NotPredicted::Faults);
        churn::add(&mut figures.metrics, case, arithmetic, feed, breaks);
        figures
    }

    /// Whether nothing prevents the prediction of a kind of figure.
    pub(super) fn knows(&self, figure: FigureKind) -> bool {
        !self.reasons.iter().any(|reason| reason.hides(figure))
    }

    /// Adds a figure, or the reason why it is missing.
    pub(super) fn put(&mut self, metric: Metric, value: Result<f64, NotPredicted>) {
        match value {
            Ok(value) => drop(self.metrics.insert(metric, value)),
            Err(reason) => drop(self.reasons.insert(reason)),
        }
    }

    /// Adds the requests, and the updates that they lose (E06).
    fn add_requests(&mut self, case: &Case<'_>, arithmetic: &dyn Arithmetic, feed: &FeedModel) {
        let clients = case.clients;
        let Some(why) = arithmetic.may_lose(case, feed) else {
            let traffic = traffic(case, arithmetic, feed);
            self.put(Metric::Requests, Ok(traffic.requests * clients));
            self.put(Metric::RequestsEmpty, Ok(traffic.empty * clients));
            return self.put(Metric::RequestsSkipped, Ok(traffic.skipped * clients));
        };
        let given = arithmetic.lossy_traffic(case, feed, why);
        let lost = given.map(|(_, updates)| (feed.updates - updates).max(0.0) * clients);
        self.put(Metric::UpdatesMissed, lost);
        self.put(Metric::UpdatesReportedLost, lost.map(|lost| if why == NotPredicted::NoHistory { lost } else { 0.0 }));
        if let Ok((Some(requests), _)) = given {
            self.put(Metric::Requests, Ok(requests * clients));
        }
    }

    fn add_bytes(&mut self, case: &Case<'_>, arithmetic: &dyn Arithmetic, feed: &FeedModel) {
        let (clients, headers) = (case.clients, case.scenario.clients.headers);
        let traffic = traffic(case, arithmetic, feed);
        let bytes = arithmetic.bytes(headers, &feed.sizes, &traffic);
        let wire = arithmetic.wire(&case.path, &traffic, &bytes);
        self.put(Metric::SocketBytesUp, Ok(bytes.up * clients));
        self.put(Metric::SocketBytesDown, Ok(bytes.down * clients));
        self.put(Metric::HandshakeBytes, Ok(arithmetic.handshake(headers, &feed.sizes)));
        if let Some(idle) = idle::bytes_per_min(case, arithmetic) {
            self.put(Metric::IdleBytesPerClientMin, Ok(idle));
        }
        if traffic.updates > 0.0 {
            let sockets = [
                (Metric::PayloadBytesPerUpdate, bytes.payload),
                (Metric::HeaderBytesPerUpdate, bytes.headers),
                (Metric::FramingBytesPerUpdate, bytes.framing),
                (Metric::KeepaliveBytesPerUpdate, bytes.keepalive),
                (Metric::SocketBytesPerUpdate, bytes.up + bytes.down),
            ];
            let wire = [(Metric::WireBytesPerUpdate, wire.bytes), (Metric::PacketsPerUpdate, wire.packets)];
            let wire = wire.into_iter().filter(|_| self.knows(FigureKind::Wire)).collect::<Vec<_>>();
            for (metric, amount) in sockets.into_iter().chain(wire) {
                self.put(metric, Ok(amount / traffic.updates));
            }
        }
    }
}

/// Returns one client's traffic in the measured time.
fn traffic(case: &Case<'_>, arithmetic: &dyn Arithmetic, feed: &FeedModel) -> Traffic {
    let traffic = arithmetic.traffic(case, feed, feed.measured);
    let keepalives = arithmetic.pings(case, feed.measured).unwrap_or(traffic.keepalives);
    Traffic { keepalives, ..traffic }.times(feed.scale)
}

/// Returns the number of connections of all clients over the whole cell. Threads share no connections, so with more
/// clients than one thread drives, the number depends on the machine.
fn connections(case: &Case<'_>, arithmetic: &dyn Arithmetic, feed: &FeedModel) -> Result<f64, NotPredicted> {
    match case.contender.link.connections {
        Connections::Shared if case.clients > PER_THREAD as f64 => Err(NotPredicted::Threads),
        Connections::Shared => Ok((case.clients / PER_CONNECTION as f64).ceil()),
        Connections::PerClient => match arithmetic.may_lose(case, feed) {
            Some(reason) => Err(reason),
            None => {
                let changes = churn::changes(case, arithmetic, feed);
                Ok((idle::connections(case, arithmetic, feed) + changes) * case.clients)
            }
        },
    }
}

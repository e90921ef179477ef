//! Everything that is predicted of one contender but ages, and the reasons for which other figures are not among them.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Case, Course, Figure, Traffic, Unknown};
use super::transport::{Arithmetic, ladder};
use super::{churn, failure, opening, publishing, quiet, reach};
use crate::Metric;
use crate::clients::{PER_CONNECTION, PER_THREAD};
use crate::metric::Pooling;
use crate::scenario::Connections;

/// Figures, and what of the others is not known.
#[derive(Clone, Debug)]
pub(super) struct Figures {
    pub(super) metrics: BTreeMap<Metric, f64>,
    pub(super) unknown: BTreeSet<Unknown>,
}

impl Figures {
    /// All repetitions, pooled as those that are measured are. `None` where nobody can know what will be published.
    pub(super) fn of(case: &Case<'_>, arithmetic: &dyn Arithmetic, courses: &[Course]) -> Option<Self> {
        let repetitions = f64::from(case.scenario.measure.repetitions);
        let each: Vec<_> = courses.iter().map(|course| Self::repetition(case, arithmetic, course)).collect();
        let Self { metrics, unknown } = each.first()?;
        let pool = |metric: Metric| {
            let values: Vec<f64> = each.iter().filter_map(|figures| figures.metrics.get(&metric)).copied().collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            if metric.row().pooling == Pooling::Sum { mean * repetitions } else { mean }
        };
        Some(Self {
            metrics: metrics.keys().map(|metric| (*metric, pool(*metric))).collect(),
            unknown: unknown.clone(),
        })
    }

    fn repetition(case: &Case<'_>, arithmetic: &dyn Arithmetic, course: &Course) -> Self {
        let unknown = reach::unknown(case, arithmetic, course);
        let mut figures = Self { metrics: BTreeMap::new(), unknown };
        if figures.unknown.contains(&Unknown::Publishing) {
            let published = publishing::metrics(case, arithmetic, course, |figure| figures.knows(figure));
            figures.metrics.extend(published);
        } else {
            figures.put(Metric::UpdatesPublished, Ok(course.updates));
            figures.put(Metric::UpdatesExpected, Ok(course.updates * case.clients));
        }
        if figures.knows(Figure::Requests) {
            figures.add_requests(case, arithmetic, course);
        }
        if figures.knows(Figure::Connections) {
            figures.put(Metric::ConnectionsOpened, connections(case, arithmetic, course));
        }
        if figures.knows(Figure::Bytes) {
            figures.add_bytes(case, arithmetic, course);
        }
        if figures.knows(Figure::Openings) {
            figures.metrics.extend(opening::metrics(case, arithmetic));
        }
        // Nothing where only the machine takes any time.
        if let Some(time) = ladder::first_update(case).filter(|time| *time > 0.0) {
            figures.put(Metric::FirstUpdateP50, Ok(time * 1e6));
        }
        for (metric, value) in failure::metrics(case, arithmetic, course) {
            figures.put(metric, value);
        }
        let breaks = figures.unknown.contains(&Unknown::Breaks);
        churn::add(&mut figures.metrics, case, arithmetic, course, breaks);
        figures
    }

    /// Whether nothing hides a kind of figure.
    pub(super) fn knows(&self, figure: Figure) -> bool {
        !self.unknown.iter().any(|unknown| unknown.hides(figure))
    }

    /// Adds a figure, or the reason why there is none.
    pub(super) fn put(&mut self, metric: Metric, value: Result<f64, Unknown>) {
        match value {
            Ok(value) => drop(self.metrics.insert(metric, value)),
            Err(unknown) => drop(self.unknown.insert(unknown)),
        }
    }

    /// Requests, and what they do not bring (E06).
    fn add_requests(&mut self, case: &Case<'_>, arithmetic: &dyn Arithmetic, course: &Course) {
        let clients = case.clients;
        let Some(why) = arithmetic.forgets(case, course) else {
            let traffic = traffic(case, arithmetic, course);
            self.put(Metric::Requests, Ok(traffic.requests * clients));
            self.put(Metric::RequestsEmpty, Ok(traffic.empty * clients));
            return self.put(Metric::RequestsSkipped, Ok(traffic.skipped * clients));
        };
        let given = arithmetic.given(case, course, why);
        let lost = given.map(|(_, updates)| (course.updates - updates).max(0.0) * clients);
        self.put(Metric::UpdatesMissed, lost);
        self.put(Metric::UpdatesToldLost, lost.map(|lost| if why == Unknown::NoHistory { lost } else { 0.0 }));
        if let Ok((Some(requests), _)) = given {
            self.put(Metric::Requests, Ok(requests * clients));
        }
    }

    fn add_bytes(&mut self, case: &Case<'_>, arithmetic: &dyn Arithmetic, course: &Course) {
        let (clients, headers) = (case.clients, case.scenario.clients.headers);
        let traffic = traffic(case, arithmetic, course);
        let bytes = arithmetic.bytes(headers, &course.sizes, &traffic);
        let wire = arithmetic.wire(&case.way, &traffic, &bytes);
        self.put(Metric::SocketBytesUp, Ok(bytes.up * clients));
        self.put(Metric::SocketBytesDown, Ok(bytes.down * clients));
        self.put(Metric::HandshakeBytes, Ok(arithmetic.handshake(headers, &course.sizes)));
        if let Some(idle) = quiet::bytes_per_min(case, arithmetic) {
            self.put(Metric::IdleBytesPerClientMin, Ok(idle));
        }
        if traffic.updates > 0.0 {
            for (metric, amount) in [
                (Metric::PayloadBytesPerUpdate, bytes.payload),
                (Metric::HeaderBytesPerUpdate, bytes.headers),
                (Metric::FramingBytesPerUpdate, bytes.framing),
                (Metric::KeepaliveBytesPerUpdate, bytes.keepalive),
                (Metric::SocketBytesPerUpdate, bytes.up + bytes.down),
                (Metric::WireBytesPerUpdate, wire.bytes),
                (Metric::PacketsPerUpdate, wire.packets),
            ] {
                self.put(metric, Ok(amount / traffic.updates));
            }
        }
    }
}

/// One client's traffic in the measured time.
fn traffic(case: &Case<'_>, arithmetic: &dyn Arithmetic, course: &Course) -> Traffic {
    let traffic = arithmetic.traffic(case, course, course.measured);
    let keepalives = arithmetic.pings(case, course.measured).unwrap_or(traffic.keepalives);
    Traffic { keepalives, ..traffic }.times(course.scale)
}

/// Connections of all clients over the whole cell. Threads share none, so that with more clients than one thread drives it
/// depends on the machine.
fn connections(case: &Case<'_>, arithmetic: &dyn Arithmetic, course: &Course) -> Result<f64, Unknown> {
    match case.contender.link.connections {
        Connections::Shared if case.clients > PER_THREAD as f64 => Err(Unknown::Threads),
        Connections::Shared => Ok((case.clients / PER_CONNECTION as f64).ceil()),
        Connections::PerClient => match arithmetic.forgets(case, course) {
            Some(unknown) => Err(unknown),
            None => {
                let changes = churn::changes(case, arithmetic, course);
                Ok((quiet::connections(case, arithmetic, course) + changes) * case.clients)
            }
        },
    }
}

//! Everything that is predicted but ages: counts, bytes, packets, and what a connection and a failure cost.

use std::collections::BTreeMap;

use super::course::Course;
use super::known::{self, Known};
use super::memory::{self, Memory};
use super::requests::Traffic;
use super::way::Way;
use super::{bytes, failure, ladder, opening, packets, publishing, quiet, requests};
use crate::metric::Pooling;
use crate::scenario::{Contender, Options};
use crate::{Metric, Scenario};

type Metrics = BTreeMap<Metric, f64>;

/// One contender with so many clients.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) contender: &'a Contender,
    pub(super) clients: f64,
    pub(super) way: &'a Way,
}

impl Case<'_> {
    /// All repetitions, pooled as those that are measured are. `None` where nobody can know what will be published.
    pub(super) fn pooled(&self, courses: &[Course]) -> Option<Metrics> {
        let repetitions = f64::from(self.scenario.measure.repetitions);
        let each: Vec<_> = courses.iter().map(|course| self.repetition(course)).collect();
        let mut pooled = Metrics::new();
        for metric in each.first()?.keys() {
            let values: Vec<f64> = each.iter().filter_map(|metrics| metrics.get(metric)).copied().collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            pooled.insert(*metric, if metric.row().pooling == Pooling::Sum { mean * repetitions } else { mean });
        }
        Some(pooled)
    }

    fn repetition(&self, course: &Course) -> Metrics {
        let Self { scenario, contender, clients, way } = *self;
        let known = Known::of(scenario, contender, course, way);
        let mut metrics = Metrics::new();
        if known.publishing {
            metrics.extend(publishing::metrics(self, course, &known));
        } else {
            metrics.insert(Metric::UpdatesPublished, course.updates);
            metrics.insert(Metric::UpdatesExpected, course.updates * clients);
        }
        if known.steady && !known.publishing {
            metrics.extend(self.asked(course, &known));
        }
        if known.bytes {
            metrics.extend(self.moved(course));
        }
        metrics.extend(opening::metrics(contender, way).into_iter().filter(|_| known.steady));
        metrics.extend(ladder::metrics(scenario, contender, way));
        metrics.extend(failure::metrics(scenario, contender, clients, course, way));
        metrics
    }

    fn traffic(&self, course: &Course) -> Traffic {
        let Self { scenario, contender, way, .. } = *self;
        let mut traffic = requests::traffic(contender, course, course.measured, way).times(course.scale);
        if matches!(contender.options, Options::WebSocket { .. }) {
            traffic.keepalives = quiet::pings(scenario, &contender.options, course.measured) * course.scale;
        }
        traffic
    }

    /// Requests, and what they do not bring.
    fn asked(&self, course: &Course, known: &Known) -> Metrics {
        let Self { contender, clients, .. } = *self;
        let asked = |traffic: &Traffic| {
            [
                (Metric::Requests, traffic.requests * clients),
                (Metric::RequestsEmpty, traffic.empty * clients),
                (Metric::RequestsSkipped, traffic.skipped * clients),
            ]
        };
        let mut metrics = match known.memory {
            Memory::Whole => Metrics::from(asked(&self.traffic(course))),
            memory => self.forgotten(memory, course),
        };
        let connections = match known::shared(contender, clients) {
            _ if !known.connections => None,
            Some(shared) => Some(shared).filter(|shared| shared.is_finite()),
            None if known.memory == Memory::Whole => Some(self.connections(course) * clients),
            None => None,
        };
        metrics.extend(connections.map(|connections| (Metric::ConnectionsOpened, connections)));
        metrics
    }

    fn connections(&self, course: &Course) -> f64 {
        let Self { scenario, contender, way, .. } = *self;
        let answered = requests::traffic(contender, course, course.whole, way).requests;
        quiet::connections(scenario, &contender.options, answered, way)
    }

    /// What pollers lose that are not given what they missed (E06).
    fn forgotten(&self, memory: Memory, course: &Course) -> Metrics {
        let Self { contender, clients, way, .. } = *self;
        let gap = way.gap(&contender.options);
        let (requests, got) = match contender.options {
            // Nothing is ever there when it asks.
            Options::ShortPolling { .. } if memory == Memory::NoHistory => (None, Some(0.0)),
            Options::LongPolling { hold, .. } => {
                let traffic = memory::long_polling(memory, hold.as_secs_f64(), gap, &course.arrivals);
                let per_s = course.measured.length() * course.scale;
                (traffic.map(|traffic| traffic.requests * per_s), traffic.map(|traffic| traffic.updates * per_s))
            }
            _ => (None, None),
        };
        let lost = got.map(|got| (course.updates - got).max(0.0) * clients);
        let told = lost.map(|lost| if memory == Memory::NoHistory { lost } else { 0.0 });
        let found = [
            (Metric::Requests, requests.map(|requests| requests * clients)),
            (Metric::UpdatesMissed, lost),
            (Metric::UpdatesToldLost, told),
        ];
        found.into_iter().filter_map(|(metric, value)| Some((metric, value?))).collect()
    }

    /// Bytes and packets.
    fn moved(&self, course: &Course) -> Metrics {
        let Self { scenario, contender, clients, way } = *self;
        let headers = scenario.clients.headers;
        let traffic = self.traffic(course);
        let bytes = bytes::bytes(contender, headers, &course.sizes, &traffic);
        let wire = packets::wire(contender, &traffic, &bytes, way);
        let mut metrics = Metrics::from([
            (Metric::SocketBytesUp, bytes.up * clients),
            (Metric::SocketBytesDown, bytes.down * clients),
            (Metric::HandshakeBytes, bytes::handshake(contender, headers, &course.sizes)),
        ]);
        if traffic.updates > 0.0 {
            metrics.extend(
                [
                    (Metric::PayloadBytesPerUpdate, bytes.payload),
                    (Metric::HeaderBytesPerUpdate, bytes.headers),
                    (Metric::FramingBytesPerUpdate, bytes.framing),
                    (Metric::KeepaliveBytesPerUpdate, bytes.keepalive),
                    (Metric::SocketBytesPerUpdate, bytes.up + bytes.down),
                    (Metric::WireBytesPerUpdate, wire.bytes),
                    (Metric::PacketsPerUpdate, wire.packets),
                ]
                .map(|(metric, amount)| (metric, amount / traffic.updates)),
            );
        }
        let idle = quiet::idle_bytes_per_min(scenario, contender, way);
        metrics.extend(idle.map(|bytes| (Metric::IdleBytesPerClientMin, bytes)));
        metrics
    }
}

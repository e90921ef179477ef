//! The study: what each contender costs with any number of clients.

use feedlab_feed::Transport;
use serde::Serialize;

use super::costs::Studied;
use super::reference::{Reference, cpu_metric};
use super::{Curve, Panel, Unit, broker, crossing};
use crate::predict::{LongRun, Rates, rates};
use crate::scenario::{Contender, Link};
use crate::{Metric, Scenario};

/// Why costs cannot be extrapolated.
#[derive(Debug, thiserror::Error)]
pub enum ScaleError {
    /// The feed cannot be predicted.
    #[error("the feed of {name} cannot be predicted; use a scenario with another `source`")]
    NoFeed {
        /// The scenario's name.
        name: String,
    },
    /// Every contender measures a target.
    #[error(
        "every contender of {name} measures a target, and only feedlab's own server can be extrapolated; use a scenario \
         with a contender without `target`"
    )]
    OnlyTargets {
        /// The scenario's name.
        name: String,
    },
    /// The run has no costs of a contender.
    #[error(
        "{run} did not measure {metric} of {label} or of another contender over {transport}; run the scenario first: \
         feedlab run SCENARIO"
    )]
    NotMeasured {
        /// The reference run.
        run: String,
        /// The missing metric.
        metric: Metric,
        /// The contender's label.
        label: String,
        /// Its transport.
        transport: Transport,
    },
}

/// Predicted traffic and measured costs of every contender of a scenario that uses feedlab's own server.
#[derive(Clone, Debug)]
pub struct Study {
    contenders: Vec<Studied>,
    pub(super) scenario: Scenario,
    pub(super) feed: LongRun,
    payload_bytes: f64,
    reference: String,
    machine: String,
}

/// The resource limits of a server.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Limits {
    /// The number of cores that may be busy.
    pub cores: f64,
    /// The memory for connections, bytes.
    pub memory_bytes: f64,
    /// Bits per second, both directions.
    pub bits_per_s: f64,
    /// Packets per second, both directions.
    pub packets_per_s: f64,
    /// The number of open descriptors.
    pub descriptors: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cores: 4.0 * 0.6,
            memory_bytes: 16.0 * f64::from(1 << 30),
            bits_per_s: 1e9,
            packets_per_s: 300_000.0,
            descriptors: 1e6,
        }
    }
}

/// A resource that may be exhausted on a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// Processor time.
    Cpu,
    /// Memory.
    Memory,
    /// Bandwidth.
    Bandwidth,
    /// Packets per second.
    Packets,
    /// Descriptors.
    Descriptors,
}

/// What a number of clients of one contender needs, for all servers together. Figures that were not measured are
/// absent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Need {
    /// The contender's label.
    pub label: String,
    /// Its transport.
    pub transport: Transport,
    /// The number of clients.
    pub clients: f64,
    /// Updates delivered per second.
    pub updates_per_s: f64,
    /// Requests answered per second.
    pub requests_per_s: f64,
    /// The number of busy cores.
    pub cores: Option<f64>,
    /// Memory of the connections, bytes: of the process and of the kernel.
    pub memory_bytes: Option<f64>,
    /// Bits per second on the wire, both directions.
    pub bits_per_s: f64,
    /// Packets per second, both directions.
    pub packets_per_s: f64,
    /// The number of open descriptors.
    pub descriptors: Option<f64>,
    /// The number of servers required under the given limits.
    pub servers: f64,
    /// The resource that is exhausted first.
    pub bound_by: Resource,
}

impl Study {
    /// Combines the measured costs of a run with the predicted traffic of a scenario.
    ///
    /// # Errors
    /// If the traffic cannot be predicted, the run did not measure a contender's CPU, or every contender has a target.
    pub fn new(scenario: &Scenario, reference: &Reference) -> Result<Self, ScaleError> {
        let payload = scenario.feed.source.payload_sweep().last().copied().flatten();
        let no_feed = || ScaleError::NoFeed { name: scenario.name.clone() };
        let feed = LongRun::of(scenario, payload).ok_or_else(no_feed)?;
        let model = feed.model().ok_or_else(no_feed)?;
        let studied = |contender: &Contender| {
            let rates = rates(scenario, contender, &model);
            Studied::new(contender, rates, reference, payload).ok_or_else(|| ScaleError::NotMeasured {
                run: reference.run.clone(),
                metric: cpu_metric(contender),
                label: contender.label.clone(),
                transport: contender.transport(),
            })
        };
        let own = scenario.contenders.iter().filter(|contender| contender.target.is_none());
        let contenders: Vec<Studied> = own.map(studied).collect::<Result<_, _>>()?;
        if contenders.is_empty() {
            return Err(ScaleError::OnlyTargets { name: scenario.name.clone() });
        }
        Ok(Self {
            contenders,
            scenario: scenario.clone(),
            feed,
            payload_bytes: model.sizes.payload,
            reference: reference.run.clone(),
            machine: reference.machine_in_words(),
        })
    }

    /// Returns what this many clients need, one entry per contender.
    #[must_use]
    pub fn needs(&self, clients: f64, limits: &Limits) -> Vec<Need> {
        self.contenders.iter().map(|studied| studied.need(clients, limits)).collect()
    }

    /// Returns the charts of cost against the number of clients, from one client to `most`.
    #[must_use]
    pub fn panels(&self, most: f64) -> Vec<Panel> {
        let panel = |title: &str, unit: Unit, cost: fn(&Studied, f64) -> Option<f64>| {
            let curves = self.curves(most, cost);
            Panel { title: title.to_owned(), unit, crossings: crossing::of(&curves), curves }
        };
        vec![
            panel("server CPU", Unit::Cores, Studied::cores),
            panel("memory of the connections", Unit::Bytes, Studied::memory),
            panel("bandwidth on the wire", Unit::BitsPerSecond, |studied, clients| Some(studied.bits(clients))),
        ]
    }

    fn curves(&self, most: f64, cost: fn(&Studied, f64) -> Option<f64>) -> Vec<Curve> {
        let curve = |studied: &Studied| {
            let points: Option<Vec<_>> = studied.counts(most).map(|n| Some((n, cost(studied, n)?))).collect();
            let Contender { label, .. } = &studied.contender;
            Some(Curve { label: label.clone(), transport: studied.contender.transport(), points: points? })
        };
        self.contenders.iter().filter_map(curve).collect()
    }

    /// Returns the mean payload of an update, bytes.
    pub(super) const fn payload_bytes(&self) -> f64 {
        self.payload_bytes
    }

    /// Returns the feed's own rate in the long run, updates per second.
    #[must_use]
    pub const fn updates_per_s(&self) -> f64 {
        self.feed.rate()
    }

    pub(super) fn contenders(&self) -> &[Studied] {
        &self.contenders
    }

    /// Returns the assumptions, one sentence each.
    #[must_use]
    pub fn assumptions(&self) -> Vec<String> {
        let counts: Vec<String> = self.counts().iter().map(u64::to_string).collect();
        let mut all = vec![
            format!(
                "Costs were measured in {} on {}, with {} clients. Between these counts they are interpolated; beyond \
                 them each additional client costs as much as the last ones did: a straight line, which no machine \
                 follows indefinitely.",
                self.reference,
                self.machine,
                counts.join(" and ")
            ),
            "A poll costs the measured CPU time of a request, however many updates its answer contains; a stream \
             costs the CPU time of each update, and nothing while it is idle."
                .to_owned(),
            "CPU time is that of the server process on loopback, where the kernel charges part of the receiver's work \
             to the sender; interrupts of a network card and the kernel's work for them are not included."
                .to_owned(),
            "Bandwidth and packets are predicted for both directions, as on loopback: without Ethernet frames (38 B \
             per packet), and anything larger than 1,448 B takes more packets on Ethernet."
                .to_owned(),
            "Every client receives every update, and clients are distributed evenly over the servers.".to_owned(),
            format!(
                "With more than one server, each receives the feed once from a NATS broker: payloads of {:.0} B, plus \
                 {:.0} B per message for NATS, feedlab's headers, TCP and IP. The broker's own resources are not \
                 counted.",
                self.payload_bytes(),
                broker::message_overhead_bytes()
            ),
            "Connections end at the servers, so a server that fails takes its connections with it; with a proxy that \
             terminates connections, polling clients would not reconnect. Clients reconnect to available servers on \
             the first attempt, evenly spread over their jitter or polling interval."
                .to_owned(),
        ];
        if self.contenders.iter().any(|studied| studied.contender.link != Link::default()) {
            all.push("Bandwidth and packets are those of unencrypted HTTP/1.1, whatever a contender uses.".to_owned());
        }
        if !self.contenders.iter().all(Studied::knows_connects) {
            all.push("The cost of a new connection was not measured and is not included in the CPU.".to_owned());
        } else {
            all.push(
                "A new connection costs as much CPU time as the join probes, which connected one at a time, including \
                 the request and the first response."
                    .to_owned(),
            );
        }
        if !self.contenders.iter().all(Studied::knows_kernel_memory) {
            all.push(
                "The kernel's memory for the sockets was not measured and is not included in the memory.".to_owned(),
            );
        }
        all
    }

    /// Returns the client counts that were measured.
    fn counts(&self) -> Vec<u64> {
        let mut all: Vec<u64> = self.contenders.iter().flat_map(Studied::measured_counts).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

impl Studied {
    fn need(&self, clients: f64, limits: &Limits) -> Need {
        let Rates { updates, requests, packets, .. } = self.rates;
        let (cores, memory_bytes) = (self.cores(clients), self.memory(clients));
        let descriptors = self.descriptors(clients);
        let (bits_per_s, packets_per_s) = (self.bits(clients), packets * clients);
        let shares = [
            (Resource::Cpu, cores.map(|cores| cores / limits.cores)),
            (Resource::Memory, memory_bytes.map(|bytes| bytes / limits.memory_bytes)),
            (Resource::Bandwidth, Some(bits_per_s / limits.bits_per_s)),
            (Resource::Packets, Some(packets_per_s / limits.packets_per_s)),
            (Resource::Descriptors, descriptors.map(|descriptors| descriptors / limits.descriptors)),
        ];
        let known = shares.into_iter().filter_map(|(resource, share)| Some((resource, share?)));
        let (bound_by, share) = known.fold((Resource::Cpu, 0.0), |most, one| if one.1 > most.1 { one } else { most });
        Need {
            label: self.contender.label.clone(),
            transport: self.contender.transport(),
            clients,
            updates_per_s: updates * clients,
            requests_per_s: requests * clients,
            cores,
            memory_bytes,
            bits_per_s,
            packets_per_s,
            descriptors,
            servers: share.ceil().max(1.0),
            bound_by,
        }
    }
}

#[cfg(test)]
mod tests;

//! One contender's measured costs, and what they come to with any number of clients.

use super::reference::{Reference, cpu_metric};
use crate::Metric;
use crate::predict::Rates;
use crate::scenario::Contender;
use crate::summary::Entry;

/// One contender.
#[derive(Clone, Debug)]
pub(super) struct Studied {
    pub(super) contender: Contender,
    pub(super) rates: Rates,
    /// Measured, clients ascending, at least one.
    costs: Vec<Costs>,
}

/// What was measured with so many clients; each is a cost of one connection, or of one request or update.
#[derive(Clone, Copy, Debug)]
struct Costs {
    clients: f64,
    cpu_us: Option<f64>,
    connect_us: Option<f64>,
    rss_bytes: Option<f64>,
    kernel_bytes: Option<f64>,
    descriptors: Option<f64>,
}

/// The entries of a contender in a run; of several payloads those of the nearest.
fn costs(reference: &Reference, contender: &Contender, payload: Option<usize>) -> Vec<Costs> {
    let entries: Vec<&Entry> = reference.entries(contender).collect();
    let far = |entry: &&Entry| entry.payload_bytes.zip(payload).map_or(0, |(a, b)| a.abs_diff(b));
    let nearest = entries.iter().map(far).min();
    let near = entries.into_iter().filter(|entry| Some(far(entry)) == nearest);
    let mut costs: Vec<Costs> = near.map(|entry| Costs::of(entry, contender)).collect();
    costs.sort_by(|a, b| a.clients.total_cmp(&b.clients));
    costs.dedup_by_key(|costs| costs.clients as u64);
    costs
}

impl Costs {
    /// A slope that noise has turned below zero counts as zero.
    fn of(entry: &Entry, contender: &Contender) -> Self {
        let value = |metric| entry.metrics.get(&metric).map(|estimate| estimate.value.max(0.0));
        Self {
            clients: entry.clients.into(),
            cpu_us: value(cpu_metric(contender)),
            connect_us: value(Metric::ServerCpuPerConnection),
            rss_bytes: value(Metric::ServerRssBytesPerConnection),
            kernel_bytes: value(Metric::KernelBytesPerConnection),
            descriptors: value(Metric::ServerFdsPerConnection).map(whole),
        }
    }
}

/// A slope of descriptors is a whole number, but for those that come and go while it is measured.
fn whole(slope: f64) -> f64 {
    /// So far off may it be.
    const NOISE: f64 = 0.01;
    let near = slope.round();
    if near >= 1.0 && (slope - near).abs() <= NOISE { near } else { slope }
}

impl Studied {
    /// `None` where the run did not measure the contender's CPU.
    pub(super) fn new(
        contender: &Contender,
        rates: Rates,
        reference: &Reference,
        payload: Option<usize>,
    ) -> Option<Self> {
        let costs = costs(reference, contender, payload);
        let known = costs.iter().any(|costs| costs.cpu_us.is_some());
        known.then(|| Self { contender: contender.clone(), rates, costs })
    }

    /// Client counts that were measured.
    pub(super) fn measured_counts(&self) -> impl Iterator<Item = u64> {
        self.costs.iter().map(|costs| costs.clients as u64)
    }

    pub(super) fn knows_kernel_memory(&self) -> bool {
        self.costs.iter().any(|costs| costs.kernel_bytes.is_some())
    }

    /// Open descriptors.
    pub(super) fn descriptors(&self, clients: f64) -> Option<f64> {
        Some(self.at(clients, |costs| costs.descriptors)? * clients)
    }

    /// CPU time of opening a connection to a server that has so many clients, µs.
    pub(super) fn connect_us(&self, clients: f64) -> Option<f64> {
        self.at(clients, |costs| costs.connect_us)
    }

    pub(super) fn knows_connects(&self) -> bool {
        self.costs.iter().any(|costs| costs.connect_us.is_some())
    }

    /// A cost at a number of clients: linear between the logarithms of those that were measured, constant outside.
    fn at(&self, clients: f64, cost: impl Fn(&Costs) -> Option<f64>) -> Option<f64> {
        let known: Vec<(f64, f64)> =
            self.costs.iter().filter_map(|costs| Some((costs.clients, cost(costs)?))).collect();
        let after = known.iter().position(|(measured, _)| *measured >= clients);
        match after {
            None => known.last().map(|(_, cost)| *cost),
            Some(0) => Some(known[0].1),
            Some(index) => {
                let ((low, a), (high, b)) = (known[index - 1], known[index]);
                Some(a + (b - a) * (clients / low).ln() / (high / low).ln())
            }
        }
    }

    /// Busy cores.
    pub(super) fn cores(&self, clients: f64) -> Option<f64> {
        self.cores_at(&self.rates, clients)
    }

    /// Busy cores with other rates than the scenario's.
    pub(super) fn cores_at(&self, rates: &Rates, clients: f64) -> Option<f64> {
        let pushes = self.contender.transport().is_push();
        let events = if pushes { rates.updates } else { rates.requests };
        Some(self.at(clients, |costs| costs.cpu_us)? * 1e-6 * events * clients)
    }

    /// Memory of the connections, bytes: the process's and the kernel's.
    pub(super) fn memory(&self, clients: f64) -> Option<f64> {
        let kernel = self.at(clients, |costs| costs.kernel_bytes).unwrap_or(0.0);
        Some((self.at(clients, |costs| costs.rss_bytes)? + kernel) * clients)
    }

    /// Bits a second on the wire.
    pub(super) fn bits(&self, clients: f64) -> f64 {
        8.0 * self.rates.wire_bytes * clients
    }

    /// Numbers of clients for a curve: six a decade, and those that were measured.
    pub(super) fn counts(&self, most: f64) -> impl Iterator<Item = f64> {
        let steps = (most.max(1.0).log10() * 6.0).floor() as i32;
        let mut counts: Vec<f64> = (0..=steps).map(|step| 10f64.powf(f64::from(step) / 6.0)).collect();
        counts.extend(self.costs.iter().map(|costs| costs.clients));
        counts.push(most);
        counts.retain(|count| *count <= most.max(1.0));
        counts.sort_by(f64::total_cmp);
        counts.dedup_by(|a, b| (*a / *b - 1.0).abs() < 1e-9);
        counts.into_iter()
    }
}
